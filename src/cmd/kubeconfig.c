/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kubeconfig.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd/settings.h"
#include "http/pki.h"

enum { KUBECONFIG_MAX = 256 * 1024 };

static void append_pem(struct buffer *out, const char *key, const char *pem)
{
	buffer_printf(out, "    %s: ", key);
	base64_encode(str_from(pem), out);
	buffer_append_char(out, '\n');
}

/* A start on a full disk must not fail for a file that would come out the same. */
static bool is_there_already(const char *path, struct str text)
{
	_cleanup_free_ char *present = NULL;
	struct stat info;
	size_t n;

	return stat(path, &info) == 0 && (info.st_mode & 0777) == 0600 &&
	       file_read(path, KUBECONFIG_MAX, &present, &n) == 0 &&
	       str_eq((struct str){ .p = present, .n = n }, text);
}

int kubeconfig_write(const char *path, const char *server, const char *ca,
		     const struct pki_pair *admin)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(KUBECONFIG_MAX);

	buffer_append_text(&text, "apiVersion: v1\nkind: Config\nclusters:\n- name: headlessd\n"
				  "  cluster:\n");
	buffer_printf(&text, "    server: %s\n", server);
	append_pem(&text, "certificate-authority-data", ca);
	buffer_append_text(&text, "users:\n- name: admin\n  user:\n");
	append_pem(&text, "client-certificate-data", admin->certificate);
	append_pem(&text, "client-key-data", admin->key);
	buffer_append_text(&text,
			   "contexts:\n- name: headlessd\n  context:\n    cluster: headlessd\n"
			   "    user: admin\ncurrent-context: headlessd\n");
	if (is_there_already(path, buffer_str(&text))) {
		return 0;
	}
	return error_trace(file_write(path, buffer_str(&text), 0600));
}

char *kubeconfig_choose(const char *given)
{
	char *own;

	if (given != NULL || getenv("KUBECONFIG") != NULL) {
		return mem_strdup(given);
	}
	own = mem_printf("%s/admin.kubeconfig", settings_data_dir());
	return access(own, R_OK) == 0 ? own : mem_free(own);
}
