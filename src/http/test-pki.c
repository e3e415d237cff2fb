/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

static char directory[] = "/tmp/test-pki-XXXXXX";

static const char *const names[] = { "localhost", "kubernetes.default.svc", NULL };
static const char *const addresses[] = { "127.0.0.1", "::1", NULL };
static const struct pki_request server_request = {
	.common_name = "headlessd",
	.dns_names = names,
	.addresses = addresses,
	.server = 1,
	.days = 365,
};

static void the_ca_is_made_once_and_kept_secret(void **state)
{
	struct pki_pair first = { 0 };
	struct pki_pair second = { 0 };
	char path[64];
	struct stat info;

	assert_int_equal(pki_ca(directory, "ca", "headlessd-ca", &first), 0);
	assert_int_equal(pki_ca(directory, "ca", "headlessd-ca", &second), 0);
	assert_string_equal(first.certificate, second.certificate);
	snprintf(path, sizeof(path), "%s/ca.key", directory);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	pki_pair_deinit(&first);
	pki_pair_deinit(&second);
}

static void a_certificate_is_reused_until_it_no_longer_fits(void **state)
{
	static const char *const more[] = { "127.0.0.1", "127.0.0.2", NULL };
	struct pki_request wider = server_request;
	struct pki_request brief = server_request;
	struct pki_pair ca = { 0 };
	struct pki_pair one = { 0 };
	struct pki_pair two = { 0 };

	wider.addresses = more;
	brief.days = 10;
	assert_int_equal(pki_ca(directory, "ca", "headlessd-ca", &ca), 0);
	assert_int_equal(pki_kept(&ca, directory, "server", &server_request, &one), 0);
	assert_int_equal(pki_kept(&ca, directory, "server", &server_request, &two), 0);
	assert_string_equal(one.certificate, two.certificate);
	pki_pair_deinit(&two);
	assert_int_equal(pki_kept(&ca, directory, "server", &wider, &two), 0);
	assert_string_not_equal(one.certificate, two.certificate);
	pki_pair_deinit(&one);
	pki_pair_deinit(&two);
	assert_int_equal(pki_kept(&ca, directory, "brief", &brief, &one), 0);
	assert_int_equal(pki_kept(&ca, directory, "brief", &brief, &two), 0);
	assert_string_not_equal(one.certificate, two.certificate);
	pki_pair_deinit(&one);
	pki_pair_deinit(&two);
	pki_pair_deinit(&ca);
}

static void a_damaged_ca_is_refused(void **state)
{
	struct pki_pair pair = { 0 };
	char path[64];

	assert_int_equal(pki_ca(directory, "bad", "headlessd-ca", &pair), 0);
	pki_pair_deinit(&pair);
	snprintf(path, sizeof(path), "%s/bad.crt", directory);
	assert_int_equal(file_write(path, STR("not a certificate"), 0644), 0);
	assert_true(pki_ca(directory, "bad", "headlessd-ca", &pair) < 0);
	assert_null(pair.key);
}

static void signatures_are_checked(void **state)
{
	unsigned char signature[PKI_SIGNATURE];
	struct pki_pair ca = { 0 };

	assert_int_equal(pki_ca(directory, "ca", "headlessd-ca", &ca), 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(pki_sign(ca.key, "token", 5, signature), 0);
		assert_int_equal(pki_verify(ca.key, "token", 5, signature), 0);
	}
	assert_int_equal(pki_verify(ca.key, "tokem", 5, signature), PKI_BAD_SIGNATURE);
	signature[10] ^= 1;
	assert_int_equal(pki_verify(ca.key, "token", 5, signature), PKI_BAD_SIGNATURE);
	pki_pair_deinit(&ca);
}

static int set_up(void **state)
{
	log_set_level(LOG_ERROR);
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const files[] = { "ca", "bad", "server", "brief" };
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s.crt", directory, files[i]);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%s.key", directory, files[i]);
		unlink(path);
	}
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ca_is_made_once_and_kept_secret),
		cmocka_unit_test(a_certificate_is_reused_until_it_no_longer_fits),
		cmocka_unit_test(a_damaged_ca_is_refused),
		cmocka_unit_test(signatures_are_checked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
