/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Keys and certificates (GnuTLS, ECDSA P-256). A CA is made at the first start and kept; what it
 * signs is made anew when it is missing, expires within 30 days, or no longer fits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PEM texts, owned. */
struct pki_pair {
	char *certificate;
	char *key;
};

void pki_pair_deinit(struct pki_pair *pair);

/*
 * Reads DIR/NAME.crt and DIR/NAME.key, or makes a self-signed CA of ten years and writes them (key
 * 0600, made aside and renamed). Returns 0 or a negative errno; a damaged file is -EBADMSG with a
 * log line.
 */
int pki_ca(const char *directory, const char *name, const char *common_name, struct pki_pair *ret);

/* What a certificate is for. */
struct pki_request {
	const char *common_name;
	const char *organization; /* NULL: none */
	const char *const *dns_names; /* NULL-terminated, or NULL */
	const char *const *addresses; /* NULL-terminated texts, or NULL */
	int server; /* 1: TLS server, 0: TLS client */
	int days;
};

/* A new key and its certificate, signed by `ca`. Returns 0 or a negative errno. */
int pki_issue(const struct pki_pair *ca, const struct pki_request *request, struct pki_pair *ret);

/*
 * Like pki_issue(), but kept in DIR/NAME.crt and DIR/NAME.key and reused while it is valid for
 * another 30 days, signed by `ca`, and made for the same request.
 */
int pki_kept(const struct pki_pair *ca, const char *directory, const char *name,
	     const struct pki_request *request, struct pki_pair *ret);

/*
 * ---- certificates that others ask for ----
 *
 * A key of one's own and a request for its certificate, both PEM (heap); `server` and `days` of
 * `request` do not matter. Returns 0 or a negative errno.
 */
int pki_csr_new(const struct pki_request *request, char **ret_csr, char **ret_key);

/* What a request asks for; up to the first NULL each. */
enum { PKI_SUBJECT_NAMES = 16 };
struct pki_subject {
	char *common_name;
	char *organizations[PKI_SUBJECT_NAMES + 1];
	char *dns_names[PKI_SUBJECT_NAMES + 1];
	char *addresses[PKI_SUBJECT_NAMES + 1];
};
void pki_subject_deinit(struct pki_subject *subject);

/* PKI_BAD_REQUEST: no request, not signed by its own key, without a name, or with other things. */
enum { PKI_BAD_REQUEST = 2 };
int pki_csr_read(const char *pem, struct pki_subject *ret);

/*
 * Signs it for the names that pki_csr_read() tells, as a server or as a client. Returns 0, a
 * negative errno, or PKI_BAD_REQUEST.
 */
int pki_csr_sign(const struct pki_pair *ca, const char *pem, bool server, int64_t seconds,
		 char **ret_certificate);

/* When the first certificate of a PEM text is good, Unix seconds; 0 or PKI_BAD_REQUEST. */
int pki_validity(const char *certificate, int64_t *ret_from, int64_t *ret_until);

/*
 * ES256 signatures for tokens (RFC 7515): signs `n` bytes with the PEM key into 64 bytes r||s, and
 * checks one. Returns 0 or a negative errno; pki_verify() gives PKI_BAD_SIGNATURE.
 */
enum { PKI_SIGNATURE = 64, PKI_BAD_SIGNATURE = 1 };
int pki_sign(const char *key, const void *bytes, size_t n, unsigned char ret_sig[PKI_SIGNATURE]);
int pki_verify(const char *key, const void *bytes, size_t n,
	       const unsigned char sig[PKI_SIGNATURE]);
