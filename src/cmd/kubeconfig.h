/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The admin's kubeconfig: server, CA and client certificate in one file that kubectl takes. */

struct pki_pair;

/*
 * Writes `path` (mode 0600, in one stroke). `server` is "https://127.0.0.1:6443", `ca` the CA's
 * certificate as PEM. Returns 0 or a negative errno.
 */
int kubeconfig_write(const char *path, const char *server, const char *ca,
		     const struct pki_pair *admin);

/*
 * The file for a subcommand that asks the API: `given` (--kubeconfig), $KUBECONFIG, what
 * `standalone` wrote in its usual place. NULL: client/kubeconfig.h knows more. Owned by the caller.
 */
char *kubeconfig_choose(const char *given);
