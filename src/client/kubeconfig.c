/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading stops at the first thing that is wrong: every function returns false after complain() has
 * written the one line. What is not understood (exec plugins, auth providers, basic authentication,
 * unverified TLS) is refused by name instead of failing later as "unauthorized".
 */
#include "client/kubeconfig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/yaml_read.h"

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

struct reading {
	const char *path;
	char *message;
	struct kubeconfig *config;
};

__attribute__((format(printf, 2, 3))) static bool complain(const struct reading *reading,
							   const char *format, ...)
{
	va_list arguments;
	int n = snprintf(reading->message, KUBECONFIG_MESSAGE, "kubeconfig %s: ", reading->path);

	if (n > 0 && n < KUBECONFIG_MESSAGE) {
		va_start(arguments, format);
		vsnprintf(reading->message + n, (size_t)(KUBECONFIG_MESSAGE - n), format,
			  arguments);
		va_end(arguments);
	}
	return false;
}

static void pem_deinit(struct kubeconfig_pem *pem)
{
	pem->text = mem_free(pem->text);
	pem->file = mem_free(pem->file);
}

void kubeconfig_deinit(struct kubeconfig *config)
{
	config->path = mem_free(config->path);
	config->server = mem_free(config->server);
	config->server_name = mem_free(config->server_name);
	config->proxy = mem_free(config->proxy);
	config->space = mem_free(config->space);
	config->token = mem_free(config->token);
	config->token_file = mem_free(config->token_file);
	pem_deinit(&config->ca);
	pem_deinit(&config->certificate);
	pem_deinit(&config->key);
}

/* ---- files ---- */

/* A path in a kubeconfig is relative to where the kubeconfig lies. */
static char *beside(const char *path, const char *file)
{
	const char *slash = strrchr(path, '/');

	if (file[0] == '/' || slash == NULL) {
		return mem_strdup(file);
	}
	return mem_printf("%.*s/%s", (int)(slash - path), path, file);
}

static bool check_pem(const struct reading *reading, const char *field, const char *text)
{
	if (strstr(text, "-----BEGIN ") == NULL) {
		return complain(reading, "%s holds no PEM (\"-----BEGIN …\")", field);
	}
	return true;
}

static bool check_file(const struct reading *reading, const char *field, const char *file,
		       bool is_pem)
{
	_cleanup_free_ char *text = NULL;
	int result = file_read(file, LIMIT_KUBECONFIG, &text, NULL);

	if (result < 0) {
		return complain(reading, "%s: cannot read %s: %s", field, file, strerror(-result));
	}
	return !is_pem || check_pem(reading, field, text);
}

/* ---- fields ---- */

/* A string member into *ret (NULL when absent or empty). */
static bool read_text(const struct reading *reading, const json_t *in, const char *where,
		      const char *field, const char **ret)
{
	const json_t *value = json_object_get(in, field);

	if (value != NULL && !json_is_null(value) && !json_is_string(value)) {
		return complain(reading, "%s.%s is no text", where, field);
	}
	*ret = json_string_value(value);
	if (*ret != NULL && (*ret)[0] == '\0') {
		*ret = NULL;
	}
	return true;
}

/* FIELD-data (base64) or FIELD (a file). The data wins, as with kubectl. */
static bool read_pem(const struct reading *reading, const json_t *in, const char *where,
		     const char *field, struct kubeconfig_pem *ret)
{
	_cleanup_buffer_ struct buffer bytes = BUFFER_INIT(LIMIT_KUBECONFIG);
	char data_field[64];
	char place[256];
	const char *data;
	const char *file;

	snprintf(data_field, sizeof(data_field), "%s-data", field);
	if (!read_text(reading, in, where, data_field, &data) ||
	    !read_text(reading, in, where, field, &file)) {
		return false;
	}
	if (data != NULL) {
		snprintf(place, sizeof(place), "%s.%s", where, data_field);
		if (!base64_decode(str_from(data), &bytes)) {
			return complain(reading, "%s is no base64", place);
		}
		ret->text = buffer_take(&bytes, NULL);
		return check_pem(reading, place, ret->text);
	}
	if (file != NULL) {
		snprintf(place, sizeof(place), "%s.%s", where, field);
		ret->file = beside(reading->path, file);
		return check_file(reading, place, ret->file, /* is_pem= */ true);
	}
	return true;
}

static bool is_present(const json_t *in, const char *field)
{
	const json_t *value = json_object_get(in, field);

	return value != NULL && !json_is_null(value) && !json_is_false(value) &&
	       !(json_is_string(value) && json_string_length(value) == 0);
}

static bool read_server(const struct reading *reading, const json_t *cluster, const char *where)
{
	const char *server;
	const char *name;
	const char *proxy;

	if (!read_text(reading, cluster, where, "server", &server) ||
	    !read_text(reading, cluster, where, "tls-server-name", &name) ||
	    !read_text(reading, cluster, where, "proxy-url", &proxy)) {
		return false;
	}
	if (server == NULL) {
		return complain(reading, "%s.server is missing", where);
	}
	if (!str_starts(str_from(server), STR("https://")) || server[8] == '\0' ||
	    strpbrk(server, "?#@ \t\r\n") != NULL) {
		return complain(reading, "%s.server \"%s\" is no https:// URL", where, server);
	}
	reading->config->server = mem_strdup(server);
	for (size_t n = strlen(server); reading->config->server[n - 1] == '/'; n--) {
		reading->config->server[n - 1] = '\0';
	}
	reading->config->server_name = mem_strdup(name);
	reading->config->proxy = mem_strdup(proxy);
	return true;
}

static bool read_cluster(const struct reading *reading, const json_t *cluster, const char *where)
{
	if (!json_is_object(cluster)) {
		return complain(reading, "%s is missing", where);
	}
	if (is_present(cluster, "insecure-skip-tls-verify")) {
		return complain(reading,
				"%s.insecure-skip-tls-verify: servers are always verified here; "
				"give certificate-authority instead",
				where);
	}
	return read_server(reading, cluster, where) &&
	       read_pem(reading, cluster, where, "certificate-authority", &reading->config->ca);
}

static bool read_token(const struct reading *reading, const json_t *user, const char *where)
{
	char place[256];
	const char *token;
	const char *file;

	if (!read_text(reading, user, where, "token", &token) ||
	    !read_text(reading, user, where, "tokenFile", &file)) {
		return false;
	}
	if (token != NULL && strpbrk(token, "\r\n") != NULL) {
		return complain(reading, "%s.token holds a line break", where);
	}
	reading->config->token = mem_strdup(token);
	if (file == NULL) {
		return true;
	}
	snprintf(place, sizeof(place), "%s.tokenFile", where);
	reading->config->token_file = beside(reading->path, file);
	return check_file(reading, place, reading->config->token_file, /* is_pem= */ false);
}

static bool has_pem(const struct kubeconfig_pem *pem)
{
	return pem->text != NULL || pem->file != NULL;
}

static bool read_user(const struct reading *reading, const json_t *user, const char *where)
{
	static const char *const refused[] = { "exec", "auth-provider", "username", "password",
					       "as" };
	struct kubeconfig *config = reading->config;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (is_present(user, refused[i])) {
			return complain(reading,
					"%s.%s is not supported; use a client certificate, token "
					"or tokenFile",
					where, refused[i]);
		}
	}
	if (!read_pem(reading, user, where, "client-certificate", &config->certificate) ||
	    !read_pem(reading, user, where, "client-key", &config->key) ||
	    !read_token(reading, user, where)) {
		return false;
	}
	if (has_pem(&config->certificate) != has_pem(&config->key)) {
		return complain(reading, "%s has only one of client-certificate and client-key",
				where);
	}
	return true;
}

/* ---- the parts of the file ---- */

/*
 * The entry called `name` of list `list`: its member `member`, with its place for messages. False
 * when there is no such entry.
 */
static bool find_entry(const struct reading *reading, const json_t *root, const char *list,
		       const char *name, const char *member, const json_t **ret, char *ret_where,
		       size_t size)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(root, list), i, entry) {
		if (strcmp(json_string_at(entry, "name"), name) == 0) {
			snprintf(ret_where, size, "%s[%zu].%s", list, i, member);
			*ret = json_object_get(entry, member);
			return true;
		}
	}
	return complain(reading, "%s has no entry called \"%s\"", list, name);
}

static bool read_tree(const struct reading *reading, const json_t *root, const char *context_name)
{
	char where[192];
	const json_t *context;
	const json_t *cluster;
	const json_t *user;
	const char *name = context_name;
	const char *space;

	if (!json_is_object(root)) {
		return complain(reading, "it is no kubeconfig: no mapping at the top");
	}
	if (name == NULL && !read_text(reading, root, "kubeconfig", "current-context", &name)) {
		return false;
	}
	if (name == NULL) {
		return complain(reading, "current-context is not set");
	}
	if (!find_entry(reading, root, "contexts", name, "context", &context, where,
			sizeof(where))) {
		return false;
	}
	const char *cluster_name = json_string_at(context, "cluster");
	const char *user_name = json_string_at(context, "user");
	if (cluster_name[0] == '\0') {
		return complain(reading, "%s.cluster is missing", where);
	}
	if (!read_text(reading, context, where, "namespace", &space)) {
		return false;
	}
	reading->config->space = mem_strdup(space);
	if (!find_entry(reading, root, "clusters", cluster_name, "cluster", &cluster, where,
			sizeof(where)) ||
	    !read_cluster(reading, cluster, where)) {
		return false;
	}
	/* A context without a user is somebody without credentials. */
	if (user_name[0] == '\0') {
		return true;
	}
	return find_entry(reading, root, "users", user_name, "user", &user, where, sizeof(where)) &&
	       read_user(reading, user, where);
}

int kubeconfig_parse(struct str text, const char *path, const char *context, struct kubeconfig *ret,
		     char ret_message[KUBECONFIG_MESSAGE])
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(KUBECONFIG_MESSAGE);
	_cleanup_json_ json_t *root = NULL;
	struct kubeconfig config = { .path = mem_strdup(path) };
	const struct reading reading = { .path = path, .message = ret_message, .config = &config };
	bool fine;

	if (yaml_read(text, &message, &root) != 0) {
		fine = complain(&reading, "%s", buffer_text(&message));
	} else {
		fine = read_tree(&reading, root, context);
	}
	if (!fine) {
		kubeconfig_deinit(&config);
		return KUBECONFIG_BAD;
	}
	*ret = config;
	return 0;
}

/* ---- where it comes from ---- */

/* Inside a pod: what Kubernetes mounts and sets there. */
static int read_in_cluster(const char *host, struct kubeconfig *ret,
			   char ret_message[KUBECONFIG_MESSAGE])
{
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	struct kubeconfig config = {
		.path = mem_strdup("in-cluster"),
		.server =
			mem_printf(strchr(host, ':') != NULL ? "https://[%s]:%s" : "https://%s:%s",
				   host, port != NULL && port[0] != '\0' ? port : "443"),
		.ca = { .file = mem_strdup(ACCOUNT "ca.crt") },
		.token_file = mem_strdup(ACCOUNT "token"),
	};
	const struct reading reading = {
		.path = "in-cluster (KUBERNETES_SERVICE_HOST is set)",
		.message = ret_message,
		.config = &config,
	};

	if (!check_file(&reading, "ca.crt", config.ca.file, /* is_pem= */ true) ||
	    !check_file(&reading, "token", config.token_file, /* is_pem= */ false)) {
		kubeconfig_deinit(&config);
		return KUBECONFIG_BAD;
	}
	*ret = config;
	return 0;
}

static int read_file(const char *path, const char *context, struct kubeconfig *ret,
		     char ret_message[KUBECONFIG_MESSAGE])
{
	_cleanup_free_ char *text = NULL;
	struct str all = STR_NONE;
	int result = file_read(path, LIMIT_KUBECONFIG, &text, &all.n);

	if (result < 0) {
		snprintf(ret_message, KUBECONFIG_MESSAGE, "cannot read kubeconfig %s: %s", path,
			 strerror(-result));
		return KUBECONFIG_BAD;
	}
	all.p = text;
	return kubeconfig_parse(all, path, context, ret, ret_message);
}

int kubeconfig_read(const char *path, const char *context, struct kubeconfig *ret,
		    char ret_message[KUBECONFIG_MESSAGE])
{
	const char *variable = getenv("KUBECONFIG");
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *home = getenv("HOME");
	_cleanup_free_ char *own = NULL;

	if (path != NULL) {
		return read_file(path, context, ret, ret_message);
	}
	if (variable != NULL && variable[0] != '\0') {
		if (strchr(variable, ':') != NULL) {
			snprintf(ret_message, KUBECONFIG_MESSAGE,
				 "KUBECONFIG=%s: several files are not merged here; name one",
				 variable);
			return KUBECONFIG_BAD;
		}
		return read_file(variable, context, ret, ret_message);
	}
	if (host != NULL && host[0] != '\0') {
		return read_in_cluster(host, ret, ret_message);
	}
	own = mem_printf("%s/.kube/config", home != NULL ? home : "");
	return read_file(own, context, ret, ret_message);
}
