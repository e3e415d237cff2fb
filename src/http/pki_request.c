/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests for certificates (PKCS#10): made by who has the key, read and signed by who has the CA.
 * A signature copies nothing blindly: subject and names are read, and whoever decides has seen
 * them; extensions of the request beyond names are left out.
 */
#include "http/pki.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"
#include "http/pki_intern.h"

static void csr_free(gnutls_x509_crq_t *csr)
{
	if (*csr != NULL) {
		gnutls_x509_crq_deinit(*csr);
	}
}

#define _cleanup_csr_ __attribute__((cleanup(csr_free)))

void pki_subject_deinit(struct pki_subject *subject)
{
	for (size_t i = 0; i < PKI_SUBJECT_NAMES; i++) {
		mem_free(subject->organizations[i]);
		mem_free(subject->dns_names[i]);
		mem_free(subject->addresses[i]);
	}
	mem_free(subject->common_name);
	*subject = (struct pki_subject){ 0 };
}

/* ---- making ---- */

static int set_name(gnutls_x509_crq_t csr, const char *text, bool address)
{
	unsigned char bytes[16];
	bool v6 = strchr(text, ':') != NULL;

	if (!address) {
		return gnutls_x509_crq_set_subject_alt_name(csr, GNUTLS_SAN_DNSNAME, text,
							    (unsigned)strlen(text),
							    GNUTLS_FSAN_APPEND);
	}
	if (inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes) != 1) {
		return GNUTLS_E_INVALID_REQUEST;
	}
	return gnutls_x509_crq_set_subject_alt_name(csr, GNUTLS_SAN_IPADDRESS, bytes, v6 ? 16 : 4,
						    GNUTLS_FSAN_APPEND);
}

static int fill(gnutls_x509_crq_t csr, const struct pki_request *request, gnutls_x509_privkey_t key)
{
	int code = gnutls_x509_crq_set_version(csr, 1);

	code |= gnutls_x509_crq_set_dn_by_oid(csr, GNUTLS_OID_X520_COMMON_NAME, 0,
					      request->common_name,
					      (unsigned)strlen(request->common_name));
	if (request->organization != NULL) {
		code |= gnutls_x509_crq_set_dn_by_oid(csr, GNUTLS_OID_X520_ORGANIZATION_NAME, 0,
						      request->organization,
						      (unsigned)strlen(request->organization));
	}
	for (size_t i = 0; request->dns_names != NULL && request->dns_names[i] != NULL; i++) {
		code |= set_name(csr, request->dns_names[i], /* address= */ false);
	}
	for (size_t i = 0; request->addresses != NULL && request->addresses[i] != NULL; i++) {
		code |= set_name(csr, request->addresses[i], /* address= */ true);
	}
	code |= gnutls_x509_crq_set_key(csr, key);
	return code | gnutls_x509_crq_sign2(csr, key, GNUTLS_DIG_SHA256, 0);
}

int pki_csr_new(const struct pki_request *request, char **ret_csr, char **ret_key)
{
	_cleanup_key_ gnutls_x509_privkey_t key = NULL;
	_cleanup_csr_ gnutls_x509_crq_t csr = NULL;
	gnutls_datum_t csr_text = { 0 };
	gnutls_datum_t key_text = { 0 };
	int result = pki_new_key(&key);
	int code;

	if (result < 0) {
		return error_trace(result);
	}
	gnutls_x509_crq_init(&csr);
	code = fill(csr, request, key);
	if (code == 0) {
		code = gnutls_x509_crq_export2(csr, GNUTLS_X509_FMT_PEM, &csr_text);
	}
	if (code == 0) {
		code = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
							 GNUTLS_PKCS_PLAIN, &key_text);
	}
	if (code != 0) {
		gnutls_free(csr_text.data);
		return pki_failed("cannot make a request for a certificate", code);
	}
	*ret_csr = pki_text(&csr_text);
	*ret_key = pki_text(&key_text);
	return 0;
}

/* ---- reading ---- */

static int import(const char *pem, gnutls_x509_crq_t *ret)
{
	gnutls_datum_t text = { .data = (unsigned char *)pem, .size = (unsigned)strlen(pem) };

	gnutls_x509_crq_init(ret);
	return gnutls_x509_crq_import(*ret, &text, GNUTLS_X509_FMT_PEM) == 0 &&
			       gnutls_x509_crq_verify(*ret, 0) == 0
		       ? 0
		       : PKI_BAD_REQUEST;
}

static char *subject_part(gnutls_x509_crq_t csr, const char *oid, unsigned i)
{
	char text[256];
	size_t size = sizeof(text);

	return gnutls_x509_crq_get_dn_by_oid(csr, oid, i, 0, text, &size) == 0 ? mem_strdup(text)
									       : NULL;
}

static int read_names(gnutls_x509_crq_t csr, struct pki_subject *subject)
{
	size_t n_dns = 0;
	size_t n_addresses = 0;

	for (unsigned i = 0;; i++) {
		char name[256];
		char text[INET6_ADDRSTRLEN];
		size_t size = sizeof(name) - 1;
		unsigned type = 0;
		int code = gnutls_x509_crq_get_subject_alt_name(csr, i, name, &size, &type, NULL);

		if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
			return 0;
		}
		if (code < 0 || n_dns == PKI_SUBJECT_NAMES || n_addresses == PKI_SUBJECT_NAMES) {
			return PKI_BAD_REQUEST;
		}
		if (type == GNUTLS_SAN_DNSNAME && memchr(name, '\0', size) == NULL) {
			name[size] = '\0';
			subject->dns_names[n_dns++] = mem_strdup(name);
		} else if (type == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
			inet_ntop(size == 4 ? AF_INET : AF_INET6, name, text, sizeof(text));
			subject->addresses[n_addresses++] = mem_strdup(text);
		} else {
			return PKI_BAD_REQUEST;
		}
	}
}

static int read_subject(gnutls_x509_crq_t csr, struct pki_subject *ret)
{
	struct pki_subject subject = { .common_name =
					       subject_part(csr, GNUTLS_OID_X520_COMMON_NAME, 0) };

	for (unsigned i = 0; i < PKI_SUBJECT_NAMES; i++) {
		subject.organizations[i] = subject_part(csr, GNUTLS_OID_X520_ORGANIZATION_NAME, i);
	}
	if (subject.common_name == NULL || read_names(csr, &subject) != 0) {
		pki_subject_deinit(&subject);
		return PKI_BAD_REQUEST;
	}
	*ret = subject;
	return 0;
}

int pki_csr_read(const char *pem, struct pki_subject *ret)
{
	_cleanup_csr_ gnutls_x509_crq_t csr = NULL;
	int result = import(pem, &csr);

	return result == 0 ? read_subject(csr, ret) : result;
}

/* ---- signing ---- */

/* set_crq() copies key and subject, and nothing else. */
static int copy_names(gnutls_x509_crt_t crt, const struct pki_subject *subject)
{
	int code = 0;

	for (size_t i = 0; i < PKI_SUBJECT_NAMES && subject->dns_names[i] != NULL; i++) {
		code |= gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_DNSNAME, subject->dns_names[i],
			(unsigned)strlen(subject->dns_names[i]), GNUTLS_FSAN_APPEND);
	}
	for (size_t i = 0; i < PKI_SUBJECT_NAMES && subject->addresses[i] != NULL; i++) {
		code |= pki_set_address(crt, subject->addresses[i]);
	}
	return code;
}

static int describe(gnutls_x509_crt_t crt, gnutls_x509_crq_t csr, gnutls_x509_crt_t ca, bool server,
		    int64_t seconds)
{
	unsigned char id[64];
	size_t id_size = sizeof(id);
	int code = gnutls_x509_crt_set_crq(crt, csr);

	code |= pki_set_serial_and_time(crt, seconds);
	code |= gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	code |= gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	code |= gnutls_x509_crt_set_key_purpose_oid(
		crt, server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0);
	code |= gnutls_x509_crt_get_key_id(crt, 0, id, &id_size);
	code |= gnutls_x509_crt_set_subject_key_id(crt, id, id_size);
	return code | pki_set_authority(crt, ca);
}

int pki_csr_sign(const struct pki_pair *ca, const char *pem, bool server, int64_t seconds,
		 char **ret_certificate)
{
	_cleanup_csr_ gnutls_x509_crq_t csr = NULL;
	_cleanup_crt_ gnutls_x509_crt_t ca_crt = NULL;
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	_cleanup_key_ gnutls_x509_privkey_t ca_key = NULL;
	struct pki_subject subject;
	gnutls_datum_t text = { 0 };
	int code;
	int result = import(pem, &csr);

	if (result != 0 || (result = read_subject(csr, &subject)) != 0) {
		return result;
	}
	if ((result = pki_import_crt(ca->certificate, &ca_crt)) < 0 ||
	    (result = pki_import_key(ca->key, &ca_key)) < 0) {
		pki_subject_deinit(&subject);
		return error_trace(result);
	}
	gnutls_x509_crt_init(&crt);
	code = describe(crt, csr, ca_crt, server, seconds);
	code |= copy_names(crt, &subject);
	pki_subject_deinit(&subject);
	if (code == 0) {
		code = gnutls_x509_crt_sign2(crt, ca_crt, ca_key, GNUTLS_DIG_SHA256, 0);
	}
	if (code == 0) {
		code = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text);
	}
	if (code != 0) {
		return pki_failed("cannot sign a request", code);
	}
	*ret_certificate = pki_text(&text);
	return 0;
}

int pki_validity(const char *certificate, int64_t *ret_from, int64_t *ret_until)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;

	if (pki_import_crt(certificate, &crt) < 0) {
		return PKI_BAD_REQUEST;
	}
	*ret_from = gnutls_x509_crt_get_activation_time(crt);
	*ret_until = gnutls_x509_crt_get_expiration_time(crt);
	return 0;
}
