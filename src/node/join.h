/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How a machine becomes a node of a cluster: with a bootstrap token it asks for the certificate of
 * a node (CertificateSigningRequest, signer kubernetes.io/kube-apiserver-client-kubelet), keeps it,
 * and renews it in time with itself. Loop's thread; small files are written in between.
 *
 *   DATA/node.pem          key and certificate in one file, 0600, replaced in one stroke
 *   DATA/node.kubeconfig   names it, so clients that read it go on with what is renewed
 *
 * With DATA/node.kubeconfig a node asks for what its own server shows, too (signer
 * kubernetes.io/kubelet-serving): that is signed for the names of its Node, so it must be
 * registered.
 *
 *   DATA/kubelet.pem       the same of its server
 */

#include <stdbool.h>

struct join;
struct kubeconfig;
struct loop;

struct join_config {
	struct loop *loop;
	const struct kubeconfig *cluster; /* server, CA, bootstrap token; copied as needed */
	const char *data_dir; /* is there, 0700 */
	const char *node_name;
	/* Addresses of a server, ends with NULL: its certificate is what is asked for; NULL: a
	 * client's */
	const char *const *serving;
	/*
	 * There is a certificate; `path` is the kubeconfig that uses it, or of a server's the file
	 * that it and its key are in (borrowed). Told once; never before join_new() returns.
	 */
	void (*joined)(void *userdata, const char *path);
	/*
	 * Somebody has denied the request, or the token is no good (any more): nothing more will be
	 * tried. One line for people. A lost server is no such thing: that is waited for.
	 */
	void (*failed)(void *userdata, const char *message);
	void *userdata;
};

/* Whether a kubeconfig is one to join with: it has a bootstrap token and no certificate. */
bool join_is_wanted(const struct kubeconfig *cluster);

/* Begins; what an earlier run got is used while it is good. Returns 0 or a negative errno. */
int join_new(const struct join_config *config, struct join **ret);

/* A request under way is left to expire. NULL is fine; returns NULL. */
struct join *join_free(struct join *join);
