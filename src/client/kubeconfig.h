/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A kubeconfig: where an API server is and how to prove who one is. One context of one file, with
 * the files it names; or the service account that Kubernetes puts into a pod. Blocks for small
 * files.
 */

#include "base/str.h"

/*
 * Something PEM: its text, or the file it lies in (read again for each connection, so that what is
 * renewed there counts). Both NULL: none.
 */
struct kubeconfig_pem {
	char *text;
	char *file;
};

/* Everything owned. */
struct kubeconfig {
	char *path; /* the file it came from; "in-cluster" */
	char *server; /* "https://127.0.0.1:6443", perhaps with a path, no slash at its end */
	char *server_name; /* the name the certificate must have, when not the URL's; NULL */
	char *proxy; /* URL; NULL: what the environment says */
	char *space; /* the context's namespace; NULL: it names none */
	struct kubeconfig_pem ca; /* none: the CAs of this machine */
	struct kubeconfig_pem certificate; /* with `key`, or none of both */
	struct kubeconfig_pem key;
	char *token; /* NULL: none */
	char *token_file; /* wins over `token`; read again while it is used */
};

/*
 * Reads `path`, context `context` (NULL: current-context). `path` NULL: the first that there is of
 * $KUBECONFIG, the service account of the pod that this process runs in (KUBERNETES_SERVICE_HOST is
 * set), $HOME/.kube/config. Files it names are looked at, so a missing one is found here. Returns
 * 0; or KUBECONFIG_BAD with one line in `ret_message` that names file and field.
 */
enum { KUBECONFIG_BAD = 1, KUBECONFIG_MESSAGE = 512 };
int kubeconfig_read(const char *path, const char *context, struct kubeconfig *ret,
		    char ret_message[KUBECONFIG_MESSAGE]);

/* The same from text; files it names are relative to the directory of `path`. */
int kubeconfig_parse(struct str text, const char *path, const char *context, struct kubeconfig *ret,
		     char ret_message[KUBECONFIG_MESSAGE]);

void kubeconfig_deinit(struct kubeconfig *config);
#define _cleanup_kubeconfig_ __attribute__((cleanup(kubeconfig_deinit)))
