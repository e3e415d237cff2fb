/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pki.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "http/pki_intern.h"

enum {
	CA_DAYS = 3650,
	RENEW_DAYS = 30,
	DAY = 24 * 3600,
	BACKDATE = 3600, /* clocks of other machines may be late */
	SERIAL_SIZE = 16,
	PEM_MAX = 64 * 1024,
	SCALAR = PKI_SIGNATURE / 2,
};

int pki_failed(const char *what, int code)
{
	log_error("pki", "%s: %s", what, gnutls_strerror(code));
	return error_origin(-EBADMSG);
}

void pki_pair_deinit(struct pki_pair *pair)
{
	if (pair->key != NULL) {
		explicit_bzero(pair->key, strlen(pair->key));
	}
	pair->key = mem_free(pair->key);
	pair->certificate = mem_free(pair->certificate);
}

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ .data = (unsigned char *)text, .size = (unsigned)strlen(text) };
}

int pki_new_key(gnutls_x509_privkey_t *ret)
{
	int code = gnutls_x509_privkey_init(ret);

	if (code == 0) {
		code = gnutls_x509_privkey_generate(
			*ret, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	}
	return code != 0 ? pki_failed("cannot make a key", code) : 0;
}

int pki_import_key(const char *pem, gnutls_x509_privkey_t *ret)
{
	gnutls_datum_t text = datum(pem);
	int code = gnutls_x509_privkey_init(ret);

	if (code == 0) {
		code = gnutls_x509_privkey_import(*ret, &text, GNUTLS_X509_FMT_PEM);
	}
	return code != 0 ? pki_failed("cannot read a key", code) : 0;
}

int pki_import_crt(const char *pem, gnutls_x509_crt_t *ret)
{
	gnutls_datum_t text = datum(pem);
	int code = gnutls_x509_crt_init(ret);

	if (code == 0) {
		code = gnutls_x509_crt_import(*ret, &text, GNUTLS_X509_FMT_PEM);
	}
	return code != 0 ? pki_failed("cannot read a certificate", code) : 0;
}

char *pki_text(gnutls_datum_t *exported)
{
	char *text =
		str_dup((struct str){ .p = (const char *)exported->data, .n = exported->size });

	gnutls_free(exported->data);
	return text;
}

static int export_pair(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, struct pki_pair *ret)
{
	gnutls_datum_t certificate = { 0 };
	gnutls_datum_t secret = { 0 };
	int code = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &certificate);

	if (code == 0) {
		code = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
							 GNUTLS_PKCS_PLAIN, &secret);
	}
	if (code != 0) {
		gnutls_free(certificate.data);
		return pki_failed("cannot export a key pair", code);
	}
	*ret = (struct pki_pair){ .certificate = pki_text(&certificate), .key = pki_text(&secret) };
	return 0;
}

int pki_set_serial_and_time(gnutls_x509_crt_t crt, int64_t seconds)
{
	unsigned char serial[SERIAL_SIZE];
	time_t now = time(NULL);
	int code;

	random_bytes(serial, sizeof(serial));
	serial[0] &= 0x7f; /* RFC 5280: positive */
	code = gnutls_x509_crt_set_version(crt, 3);
	code |= gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	code |= gnutls_x509_crt_set_activation_time(crt, now - BACKDATE);
	return code | gnutls_x509_crt_set_expiration_time(crt, now + (time_t)seconds);
}

/* What every certificate has: version, serial, subject, validity, key identifier. */
static int fill_certificate(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
			    const char *common_name, const char *organization, int days)
{
	unsigned char id[64];
	size_t id_size = sizeof(id);
	int code = pki_set_serial_and_time(crt, (int64_t)days * DAY);

	code |= gnutls_x509_crt_set_key(crt, key);
	code |= gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
					      (unsigned)strlen(common_name));
	if (organization != NULL) {
		code |= gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0,
						      organization, (unsigned)strlen(organization));
	}
	code |= gnutls_x509_crt_get_key_id(crt, 0, id, &id_size);
	code |= gnutls_x509_crt_set_subject_key_id(crt, id, id_size);
	return code != 0 ? pki_failed("cannot fill a certificate", GNUTLS_E_INVALID_REQUEST) : 0;
}

static int new_ca(const char *common_name, struct pki_pair *ret)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	_cleanup_key_ gnutls_x509_privkey_t key = NULL;
	int code;
	int result = pki_new_key(&key);

	if (result < 0) {
		return error_trace(result);
	}
	gnutls_x509_crt_init(&crt);
	result = fill_certificate(crt, key, common_name, NULL, CA_DAYS);
	if (result < 0) {
		return error_trace(result);
	}
	code = gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
	code |= gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN |
							   GNUTLS_KEY_DIGITAL_SIGNATURE);
	code |= gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	if (code != 0) {
		return pki_failed("cannot sign the CA", code);
	}
	return error_trace(export_pair(crt, key, ret));
}

static int save(const char *directory, const char *name, const struct pki_pair *pair)
{
	_cleanup_free_ char *key_path = mem_printf("%s/%s.key", directory, name);
	_cleanup_free_ char *crt_path = mem_printf("%s/%s.crt", directory, name);
	int result = file_write(key_path, str_from(pair->key), 0600);

	if (result == 0) {
		result = file_write(crt_path, str_from(pair->certificate), 0644);
	}
	if (result < 0) {
		log_error("pki", "cannot write %s: %s", crt_path, strerror(-result));
		return error_origin(result);
	}
	return 0;
}

/* Returns 0, or a negative errno; -ENOENT when either half is missing. */
static int load(const char *directory, const char *name, struct pki_pair *ret)
{
	_cleanup_free_ char *key_path = mem_printf("%s/%s.key", directory, name);
	_cleanup_free_ char *crt_path = mem_printf("%s/%s.crt", directory, name);
	struct pki_pair pair = { 0 };
	int result = file_read(key_path, PEM_MAX, &pair.key, NULL);

	if (result == 0) {
		result = file_read(crt_path, PEM_MAX, &pair.certificate, NULL);
	}
	if (result < 0) {
		pki_pair_deinit(&pair);
		return result;
	}
	*ret = pair;
	return 0;
}

int pki_ca(const char *directory, const char *name, const char *common_name, struct pki_pair *ret)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	_cleanup_key_ gnutls_x509_privkey_t key = NULL;
	struct pki_pair pair = { 0 };
	int result = load(directory, name, &pair);

	if (result == -ENOENT) {
		result = new_ca(common_name, &pair);
		if (result == 0) {
			result = save(directory, name, &pair);
		}
	} else if (result == 0) {
		result = pki_import_crt(pair.certificate, &crt);
		if (result == 0) {
			result = pki_import_key(pair.key, &key);
		}
	}
	if (result < 0) {
		log_error("pki",
			  "the CA in %s/%s.{crt,key} cannot be used; restore both files, or "
			  "remove both to have a new CA made",
			  directory, name);
		pki_pair_deinit(&pair);
		return error_trace(result);
	}
	*ret = pair;
	return 0;
}

int pki_set_address(gnutls_x509_crt_t crt, const char *text)
{
	unsigned char bytes[16];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, bytes) != 1) {
		return GNUTLS_E_INVALID_REQUEST;
	}
	return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, bytes,
						    family == AF_INET6 ? 16 : 4,
						    GNUTLS_FSAN_APPEND);
}

static int set_purpose(gnutls_x509_crt_t crt, const struct pki_request *request)
{
	int code = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);

	code |= gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	code |= gnutls_x509_crt_set_key_purpose_oid(
		crt, request->server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0);
	for (size_t i = 0; request->dns_names != NULL && request->dns_names[i] != NULL; i++) {
		code |= gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_DNSNAME, request->dns_names[i],
			(unsigned)strlen(request->dns_names[i]), GNUTLS_FSAN_APPEND);
	}
	for (size_t i = 0; request->addresses != NULL && request->addresses[i] != NULL; i++) {
		code |= pki_set_address(crt, request->addresses[i]);
	}
	return code != 0 ? pki_failed("cannot describe a certificate", GNUTLS_E_INVALID_REQUEST)
			 : 0;
}

int pki_set_authority(gnutls_x509_crt_t crt, gnutls_x509_crt_t ca)
{
	unsigned char id[64];
	size_t size = sizeof(id);

	if (gnutls_x509_crt_get_subject_key_id(ca, id, &size, NULL) == 0) {
		return gnutls_x509_crt_set_authority_key_id(crt, id, size);
	}
	return 0;
}

int pki_issue(const struct pki_pair *ca, const struct pki_request *request, struct pki_pair *ret)
{
	_cleanup_crt_ gnutls_x509_crt_t ca_crt = NULL;
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	_cleanup_key_ gnutls_x509_privkey_t ca_key = NULL;
	_cleanup_key_ gnutls_x509_privkey_t key = NULL;
	int code;
	int result = pki_import_crt(ca->certificate, &ca_crt);

	if (result < 0 || (result = pki_import_key(ca->key, &ca_key)) < 0 ||
	    (result = pki_new_key(&key)) < 0) {
		return error_trace(result);
	}
	gnutls_x509_crt_init(&crt);
	if ((result = fill_certificate(crt, key, request->common_name, request->organization,
				       request->days)) < 0 ||
	    (result = set_purpose(crt, request)) < 0) {
		return error_trace(result);
	}
	code = pki_set_authority(crt, ca_crt);
	code |= gnutls_x509_crt_sign2(crt, ca_crt, ca_key, GNUTLS_DIG_SHA256, 0);
	if (code != 0) {
		return pki_failed("cannot sign a certificate", code);
	}
	return error_trace(export_pair(crt, key, ret));
}

static bool has_subject(gnutls_x509_crt_t crt, const char *oid, const char *wanted)
{
	char text[256] = "";
	size_t size = sizeof(text);

	if (gnutls_x509_crt_get_dn_by_oid(crt, oid, 0, 0, text, &size) != 0) {
		return wanted == NULL;
	}
	return wanted != NULL && strcmp(text, wanted) == 0;
}

static bool names_all(gnutls_x509_crt_t crt, const char *const *names)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
		if (!gnutls_x509_crt_check_hostname(crt, names[i])) {
			return false;
		}
	}
	return true;
}

static bool still_fits(const struct pki_pair *pair, const struct pki_pair *ca,
		       const struct pki_request *request)
{
	_cleanup_crt_ gnutls_x509_crt_t ca_crt = NULL;
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	unsigned status = 0;

	if (pki_import_crt(ca->certificate, &ca_crt) < 0 ||
	    pki_import_crt(pair->certificate, &crt) < 0) {
		return false;
	}
	return gnutls_x509_crt_verify(crt, &ca_crt, 1, 0, &status) == 0 && status == 0 &&
	       gnutls_x509_crt_get_expiration_time(crt) > time(NULL) + RENEW_DAYS * DAY &&
	       has_subject(crt, GNUTLS_OID_X520_COMMON_NAME, request->common_name) &&
	       has_subject(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, request->organization) &&
	       names_all(crt, request->dns_names) && names_all(crt, request->addresses);
}

int pki_kept(const struct pki_pair *ca, const char *directory, const char *name,
	     const struct pki_request *request, struct pki_pair *ret)
{
	struct pki_pair pair = { 0 };
	int result = load(directory, name, &pair);

	if (result == 0 && still_fits(&pair, ca, request)) {
		*ret = pair;
		return 0;
	}
	pki_pair_deinit(&pair);
	result = pki_issue(ca, request, &pair);
	if (result == 0) {
		result = save(directory, name, &pair);
	}
	if (result < 0) {
		pki_pair_deinit(&pair);
		return error_trace(result);
	}
	*ret = pair;
	return 0;
}

/* ---- tokens ---- */

/* A DER integer may be shorter, or a zero longer, than 32 bytes. */
static bool to_scalar(const gnutls_datum_t *integer, unsigned char *ret_scalar)
{
	size_t n = integer->size;
	const unsigned char *bytes = integer->data;

	while (n > SCALAR && *bytes == 0) {
		bytes++;
		n--;
	}
	if (n > SCALAR) {
		return false;
	}
	memset(ret_scalar, 0, SCALAR - n);
	memcpy(ret_scalar + SCALAR - n, bytes, n);
	return true;
}

int pki_sign(const char *key, const void *bytes, size_t n, unsigned char ret_sig[PKI_SIGNATURE])
{
	_cleanup_key_ gnutls_x509_privkey_t x509_key = NULL;
	gnutls_datum_t data = { .data = (unsigned char *)bytes, .size = (unsigned)n };
	gnutls_datum_t der = { 0 };
	gnutls_datum_t r = { 0 };
	gnutls_datum_t s = { 0 };
	gnutls_privkey_t signer;
	int result = pki_import_key(key, &x509_key);
	int code;
	bool fits;

	if (result < 0) {
		return error_trace(result);
	}
	gnutls_privkey_init(&signer);
	code = gnutls_privkey_import_x509(signer, x509_key, 0);
	if (code == 0) {
		code = gnutls_privkey_sign_data2(signer, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der);
	}
	if (code == 0) {
		code = gnutls_decode_rs_value(&der, &r, &s);
	}
	fits = code == 0 && to_scalar(&r, ret_sig) && to_scalar(&s, ret_sig + SCALAR);
	gnutls_free(der.data);
	gnutls_free(r.data);
	gnutls_free(s.data);
	gnutls_privkey_deinit(signer);
	return fits ? 0 : pki_failed("cannot sign", code);
}

int pki_verify(const char *key, const void *bytes, size_t n, const unsigned char sig[PKI_SIGNATURE])
{
	_cleanup_key_ gnutls_x509_privkey_t x509_key = NULL;
	gnutls_datum_t data = { .data = (unsigned char *)bytes, .size = (unsigned)n };
	gnutls_datum_t r = { .data = (unsigned char *)sig, .size = SCALAR };
	gnutls_datum_t s = { .data = (unsigned char *)sig + SCALAR, .size = SCALAR };
	gnutls_datum_t der = { 0 };
	gnutls_privkey_t signer;
	gnutls_pubkey_t public_key;
	int result = pki_import_key(key, &x509_key);
	int code;

	if (result < 0) {
		return error_trace(result);
	}
	gnutls_privkey_init(&signer);
	gnutls_pubkey_init(&public_key);
	code = gnutls_privkey_import_x509(signer, x509_key, 0);
	if (code == 0) {
		code = gnutls_pubkey_import_privkey(public_key, signer, 0, 0);
	}
	if (code == 0) {
		code = gnutls_encode_rs_value(&der, &r, &s);
	}
	if (code == 0) {
		code = gnutls_pubkey_verify_data2(public_key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data,
						  &der);
	}
	gnutls_free(der.data);
	gnutls_pubkey_deinit(public_key);
	gnutls_privkey_deinit(signer);
	return code >= 0 ? 0 : PKI_BAD_SIGNATURE;
}
