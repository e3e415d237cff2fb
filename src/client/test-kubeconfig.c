/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"
#include "client/kubeconfig.h"

/* "-----BEGIN X-----" */
#define PEM64 "LS0tLS1CRUdJTiBYLS0tLS0="

static const char *const good =
	"apiVersion: v1\nkind: Config\ncurrent-context: b\n"
	"clusters:\n"
	"- name: one\n  cluster: {server: 'https://192.0.2.1:6443/'}\n"
	"- name: two\n  cluster:\n    server: https://api.example/k8s\n"
	"    certificate-authority-data: " PEM64 "\n    tls-server-name: other.example\n"
	"contexts:\n"
	"- name: a\n  context: {cluster: one}\n"
	"- name: b\n  context: {cluster: two, user: ada, namespace: x}\n"
	"users:\n"
	"- name: ada\n  user:\n    client-certificate-data: " PEM64 "\n"
	"    client-key-data: " PEM64 "\n    token: t0ken\n";

static void the_current_context_is_read(void **state)
{
	_cleanup_kubeconfig_ struct kubeconfig config = { 0 };
	char message[KUBECONFIG_MESSAGE] = "";

	assert_int_equal(kubeconfig_parse(str_from(good), "/x/config", NULL, &config, message), 0);
	assert_string_equal(config.server, "https://api.example/k8s");
	assert_string_equal(config.server_name, "other.example");
	assert_string_equal(config.ca.text, "-----BEGIN X-----");
	assert_string_equal(config.certificate.text, "-----BEGIN X-----");
	assert_string_equal(config.key.text, "-----BEGIN X-----");
	assert_string_equal(config.token, "t0ken");
	assert_string_equal(config.space, "x");
	assert_null(config.token_file);
}

static void another_context_may_be_named(void **state)
{
	_cleanup_kubeconfig_ struct kubeconfig config = { 0 };
	char message[KUBECONFIG_MESSAGE] = "";

	assert_int_equal(kubeconfig_parse(str_from(good), "/x/config", "a", &config, message), 0);
	assert_string_equal(config.server, "https://192.0.2.1:6443");
	assert_null(config.ca.text);
	assert_null(config.token);
	assert_null(config.space);
}

static void expect_complaint(const char *text, const char *complaint)
{
	_cleanup_kubeconfig_ struct kubeconfig config = { 0 };
	_cleanup_free_ char *whole = mem_printf("kubeconfig /x/config: %s", complaint);
	char message[KUBECONFIG_MESSAGE] = "";

	assert_int_equal(kubeconfig_parse(str_from(text), "/x/config", NULL, &config, message),
			 KUBECONFIG_BAD);
	assert_string_equal(message, whole);
	assert_null(config.server);
}

#define HEAD "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
#define CLUSTER "clusters: [{name: k, cluster: {server: 'https://h'}}]\n"

static void what_is_wrong_is_named_with_its_field(void **state)
{
	expect_complaint("[]", "it is no kubeconfig: no mapping at the top");
	expect_complaint("a: b", "current-context is not set");
	expect_complaint("current-context: c", "contexts has no entry called \"c\"");
	expect_complaint("current-context: 7", "kubeconfig.current-context is no text");
	expect_complaint(HEAD, "clusters has no entry called \"k\"");
	expect_complaint(HEAD "clusters: [{name: k}]", "clusters[0].cluster is missing");
	expect_complaint(HEAD "clusters: [{name: k, cluster: {}}]",
			 "clusters[0].cluster.server is missing");
	expect_complaint(HEAD "clusters: [{name: k, cluster: {server: 'http://h'}}]",
			 "clusters[0].cluster.server \"http://h\" is no https:// URL");
	expect_complaint(HEAD "clusters: [{name: k, cluster: {server: 'https://h', "
			      "insecure-skip-tls-verify: true}}]",
			 "clusters[0].cluster.insecure-skip-tls-verify: servers are always "
			 "verified here; give certificate-authority instead");
	expect_complaint(HEAD "clusters: [{name: k, cluster: {server: 'https://h', "
			      "certificate-authority-data: '%%'}}]",
			 "clusters[0].cluster.certificate-authority-data is no base64");
	expect_complaint(HEAD "clusters: [{name: k, cluster: {server: 'https://h', "
			      "certificate-authority-data: YWJj}}]",
			 "clusters[0].cluster.certificate-authority-data holds no PEM "
			 "(\"-----BEGIN …\")");
	expect_complaint(HEAD "clusters: [{name: k, cluster: {server: 'https://h', "
			      "certificate-authority: gone.crt}}]",
			 "clusters[0].cluster.certificate-authority: cannot read /x/gone.crt: No "
			 "such file or directory");
	expect_complaint(HEAD CLUSTER, "users has no entry called \"u\"");
	expect_complaint(HEAD CLUSTER "users: [{name: u, user: {exec: {command: x}}}]",
			 "users[0].user.exec is not supported; use a client certificate, token "
			 "or tokenFile");
	expect_complaint(HEAD CLUSTER "users: [{name: u, user: {client-key-data: " PEM64 "}}]",
			 "users[0].user has only one of client-certificate and client-key");
	expect_complaint(HEAD CLUSTER "users: [{name: u, user: {tokenFile: /no/token}}]",
			 "users[0].user.tokenFile: cannot read /no/token: No such file or "
			 "directory");
}

static void yaml_that_is_none_is_refused_with_its_line(void **state)
{
	_cleanup_kubeconfig_ struct kubeconfig config = { 0 };
	char message[KUBECONFIG_MESSAGE] = "";

	assert_int_equal(kubeconfig_parse(STR("a: [\n"), "/x/config", NULL, &config, message),
			 KUBECONFIG_BAD);
	assert_non_null(strstr(message, "kubeconfig /x/config: "));
	assert_non_null(strstr(message, "line"));
}

static void files_lie_beside_the_kubeconfig(void **state)
{
	_cleanup_kubeconfig_ struct kubeconfig config = { 0 };
	char directory[] = "/tmp/test-kubeconfig-XXXXXX";
	char message[KUBECONFIG_MESSAGE] = "";

	assert_non_null(mkdtemp(directory));
	_cleanup_free_ char *path = mem_printf("%s/config", directory);
	_cleanup_free_ char *ca = mem_printf("%s/ca.crt", directory);
	_cleanup_free_ char *token = mem_printf("%s/token", directory);
	assert_int_equal(file_write(ca, STR("-----BEGIN X-----"), 0600), 0);
	assert_int_equal(file_write(token, STR("abc"), 0600), 0);
	assert_int_equal(file_write(path,
				    STR(HEAD "clusters: [{name: k, cluster: {server: 'https://h', "
					     "certificate-authority: ca.crt}}]\n"
					     "users: [{name: u, user: {tokenFile: token}}]"),
				    0600),
			 0);
	assert_int_equal(kubeconfig_read(path, NULL, &config, message), 0);
	assert_string_equal(config.ca.file, ca);
	assert_string_equal(config.token_file, token);
	(void)unlink(ca);
	(void)unlink(token);
	(void)unlink(path);
	(void)rmdir(directory);
}

static void a_pod_without_its_service_account_is_told(void **state)
{
	_cleanup_kubeconfig_ struct kubeconfig config = { 0 };
	char message[KUBECONFIG_MESSAGE] = "";

	(void)unsetenv("KUBECONFIG");
	(void)setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1", 1);
	assert_int_equal(kubeconfig_read(NULL, NULL, &config, message), KUBECONFIG_BAD);
	assert_non_null(strstr(message, "in-cluster"));
	assert_non_null(strstr(message, "ca.crt"));
	(void)unsetenv("KUBERNETES_SERVICE_HOST");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_current_context_is_read),
		cmocka_unit_test(another_context_may_be_named),
		cmocka_unit_test(what_is_wrong_is_named_with_its_field),
		cmocka_unit_test(yaml_that_is_none_is_refused_with_its_line),
		cmocka_unit_test(files_lie_beside_the_kubeconfig),
		cmocka_unit_test(a_pod_without_its_service_account_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
