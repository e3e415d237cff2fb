/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The variables of Services, in both forms: NAME_SERVICE_HOST and _PORT, and those that Docker's
 * links had (NAME_PORT_80_TCP and the parts of it). Services without an address of their own have
 * none.
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "node/pod_config_intern.h"
#include "object/kinds.h"
#include "json/json.h"

struct service_variables {
	char prefix[256]; /* the Service's name as variables have it */
	const char *ip;
	void (*add)(void *userdata, const char *name, const char *value);
	void *userdata;
};

/* "web-0" -> "WEB_0" */
static void upper(const char *name, char *ret, size_t size)
{
	size_t i = 0;

	for (; name[i] != '\0' && i + 1 < size; i++) {
		ret[i] = name[i] == '-' || name[i] == '.' ? '_'
							  : (char)toupper((unsigned char)name[i]);
	}
	ret[i] = '\0';
}

static void add(const struct service_variables *variables, const char *suffix, const char *value)
{
	char *name _cleanup_free_ = mem_printf("%s_%s", variables->prefix, suffix);

	variables->add(variables->userdata, name, value);
}

static void add_link(const struct service_variables *variables, const json_t *port, bool first)
{
	const char *protocol = json_string_at(port, "protocol");
	bool six = strchr(variables->ip, ':') != NULL;
	char number[24];
	char low[16];
	char high[16];

	snprintf(number, sizeof(number), "%d", (int)json_int_at(port, "port", 0));
	upper(protocol[0] != '\0' ? protocol : "TCP", high, sizeof(high));
	for (size_t i = 0; i < sizeof(low); i++) {
		low[i] = (char)tolower((unsigned char)high[i]);
	}
	char *url _cleanup_free_ = mem_printf("%s://%s%s%s:%s", low, six ? "[" : "", variables->ip,
					      six ? "]" : "", number);
	char *name _cleanup_free_ = mem_printf("PORT_%s_%s", number, high);
	const char *const parts[][2] = {
		{ "", url }, { "_PROTO", low }, { "_PORT", number }, { "_ADDR", variables->ip }
	};

	if (first) {
		add(variables, "PORT", url);
	}
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char *whole _cleanup_free_ = mem_printf("%s%s", name, parts[i][0]);

		add(variables, whole, parts[i][1]);
	}
}

static void add_service(struct service_variables *variables, const json_t *ports)
{
	const json_t *port;
	size_t i;

	add(variables, "SERVICE_HOST", variables->ip);
	json_array_foreach (ports, i, port) {
		char *number _cleanup_free_ = mem_printf("%d", (int)json_int_at(port, "port", 0));
		const char *port_name = json_string_at(port, "name");

		if (i == 0) {
			add(variables, "SERVICE_PORT", number);
		}
		if (port_name[0] != '\0') {
			char text[64];

			upper(port_name, text, sizeof(text));
			char *name _cleanup_free_ = mem_printf("SERVICE_PORT_%s", text);
			add(variables, name, number);
		}
	}
	json_array_foreach (ports, i, port) {
		add_link(variables, port, i == 0);
	}
}

/* Its own address: none when headless, without selector of addresses, or another name. */
static const char *service_ip(struct object *service)
{
	const char *ip = json_string_at(object_tree(service), "spec.clusterIP");
	const char *type = json_string_at(object_tree(service), "spec.type");

	return strcmp(ip, "None") == 0 || strcmp(type, "ExternalName") == 0 ? "" : ip;
}

static bool is_master(struct object *service)
{
	return str_is(service->space, "default") && str_is(service->name, "kubernetes");
}

static void put_service(struct object *service, struct service_variables *variables)
{
	variables->ip = service_ip(service);
	if (variables->ip[0] == '\0') {
		return;
	}
	char *name _cleanup_free_ = str_dup(service->name);

	upper(name, variables->prefix, sizeof(variables->prefix));
	add_service(variables, json_at(object_tree(service), "spec.ports"));
}

void pod_services(const struct pod_inputs *inputs, bool links,
		  void (*add_variable)(void *userdata, const char *name, const char *value),
		  void *userdata)
{
	struct service_variables variables = { .add = add_variable, .userdata = userdata };
	struct object *master =
		cache_get(inputs->cache, &kind_service, STR("default"), STR("kubernetes"));

	if (master != NULL && service_ip(master)[0] != '\0') {
		put_service(master, &variables);
	} else if (inputs->node->api_host != NULL) {
		json_t *ports _cleanup_json_ = json_pack("[{s:s, s:i, s:s}]", "name", "https",
							 "port", 443, "protocol", "TCP");

		variables.ip = inputs->node->api_host;
		upper("kubernetes", variables.prefix, sizeof(variables.prefix));
		add_service(&variables, ports);
	}
	if (!links) {
		return;
	}
	cache_for_each (service, inputs->cache, &kind_service, inputs->pod->space) {
		if (!is_master(service)) {
			put_service(service, &variables);
		}
	}
}
