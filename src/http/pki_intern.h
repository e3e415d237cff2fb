/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by pki.c (keys, CA, what we issue by ourselves) and pki_request.c (what others ask for).
 */

#include <stdint.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "http/pki.h"

static inline void pki_crt_free(gnutls_x509_crt_t *crt)
{
	if (*crt != NULL) {
		gnutls_x509_crt_deinit(*crt);
	}
}

static inline void pki_key_free(gnutls_x509_privkey_t *key)
{
	if (*key != NULL) {
		gnutls_x509_privkey_deinit(*key);
	}
}

#define _cleanup_crt_ __attribute__((cleanup(pki_crt_free)))
#define _cleanup_key_ __attribute__((cleanup(pki_key_free)))

/* Logs; GnuTLS reports in numbers of its own, for callers all of them are "the PKI failed". */
int pki_failed(const char *what, int code);

int pki_new_key(gnutls_x509_privkey_t *ret);
int pki_import_key(const char *pem, gnutls_x509_privkey_t *ret);
int pki_import_crt(const char *pem, gnutls_x509_crt_t *ret);

/* Heap text of what GnuTLS exported, which is freed. */
char *pki_text(gnutls_datum_t *exported);

/* All three return a code of GnuTLS. */
int pki_set_serial_and_time(gnutls_x509_crt_t crt, int64_t seconds);
int pki_set_address(gnutls_x509_crt_t crt, const char *text);
int pki_set_authority(gnutls_x509_crt_t crt, gnutls_x509_crt_t ca);
