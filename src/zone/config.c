/* SPDX-License-Identifier: Apache-2.0 */
/* What a zone was told to be: checked once, never changed afterwards. */
#include <stdarg.h>
#include <stdio.h>

#include "zone/zone_intern.h"

__attribute__((format(printf, 2, 3))) static int bad_config(char message[ZONE_MESSAGE],
							    const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, ZONE_MESSAGE, format, arguments);
	va_end(arguments);
	return ZONE_BAD_CONFIG;
}

/* "in-addr.arpa", "ip6.arpa." or a network. */
static int add_reverse_zone(struct zone *zone, const char *text, char message[ZONE_MESSAGE])
{
	struct reverse_zone *reverse = &zone->reverse_zones[zone->n_reverse];
	struct name name;
	struct reverse_name read;

	if (zone->n_reverse == ZONE_REVERSE_MAX) {
		return bad_config(message, "too many reverse zones: \"%s\" is one more than fits",
				  text);
	}
	if (network_parse(str_from(text), &reverse->network)) {
		unsigned bits = reverse->network.bits;

		reverse->labels = (uint8_t)(2 + (reverse->network.address.n == 4 ? (bits + 7) / 8
										 : (bits + 3) / 4));
	} else if (name_parse(str_from(text), &name) == 0 && reverse_name_read(&name, &read) &&
		   read.rest == 0) {
		reverse->network.address = read.address;
		reverse->network.bits = (uint8_t)(read.nibbles * 4);
		reverse->labels = name.n_labels;
	} else {
		return bad_config(message,
				  "\"%s\" is no reverse zone: use a network like 10.96.0.0/16, "
				  "in-addr.arpa or ip6.arpa",
				  text);
	}
	zone->n_reverse++;
	return 0;
}

static const char *const ttl_words[ZONE_TTLS] = {
	[ZONE_TTL_SERVICE] = "Services",       [ZONE_TTL_HEADLESS] = "headless Services",
	[ZONE_TTL_ENDPOINT] = "endpoints",     [ZONE_TTL_POD] = "pods",
	[ZONE_TTL_EXTERNAL] = "ExternalNames", [ZONE_TTL_POINTER] = "addresses",
	[ZONE_TTL_NEGATIVE] = "absent names",
};

static int set_ttls(struct zone *zone, const struct zone_config *config, char message[ZONE_MESSAGE])
{
	if (config->ttl > ZONE_TTL_MAX) {
		return bad_config(message, "a TTL of %u is not between 0 and %u seconds",
				  config->ttl, ZONE_TTL_MAX);
	}
	zone->ttl = config->ttl;
	for (size_t i = 0; i < ZONE_TTLS; i++) {
		const struct zone_ttl *ttl = &config->ttls[i];

		if (ttl->set && ttl->seconds > ZONE_TTL_MAX) {
			return bad_config(message,
					  "a TTL of %u for %s is not between 0 and %u seconds",
					  ttl->seconds, ttl_words[i], ZONE_TTL_MAX);
		}
		zone->ttls[i] = ttl->set ? ttl->seconds : config->ttl;
	}
	return 0;
}

static int set_namespaces(struct zone *zone, const struct zone_config *config,
			  char message[ZONE_MESSAGE])
{
	if (config->n_namespaces > ZONE_NAMESPACES_MAX) {
		return bad_config(message, "more than %d namespaces are listed",
				  ZONE_NAMESPACES_MAX);
	}
	for (size_t i = 0; i < config->n_namespaces; i++) {
		struct str name = str_from(config->namespaces[i]);

		if (name.n == 0 || name.n > LIMIT_DNS_LABEL || memchr(name.p, '.', name.n)) {
			return bad_config(message, "\"%s\" is no name of a namespace",
					  config->namespaces[i]);
		}
		(void)map_put(&zone->namespaces, name, zone);
	}
	return 0;
}

bool zone_shows(const struct zone *zone, struct str space)
{
	return zone->namespaces.n == 0 || map_get(&zone->namespaces, space) != NULL;
}

static int set_domain(const char *text, struct realm *realm, char message[ZONE_MESSAGE])
{
	if (name_parse(str_from(text), &realm->domain) != 0 || realm->domain.n_labels == 0) {
		return bad_config(message, "\"%s\" is no domain name", text);
	}
	return 0;
}

static int set_domains(struct zone *zone, const struct zone_config *config,
		       char message[ZONE_MESSAGE])
{
	int result = set_domain(config->domain, &zone->cluster, message);

	if (result != 0 || config->clusterset_domain == NULL) {
		return result;
	}
	zone->imports.imports = true;
	if ((result = set_domain(config->clusterset_domain, &zone->imports, message)) != 0) {
		return result;
	}
	if (name_eq(&zone->imports.domain, &zone->cluster.domain)) {
		return bad_config(message, "\"%s\" cannot be the cluster's and the cluster set's",
				  config->domain);
	}
	return 0;
}

int zone_configure(struct zone *zone, const struct zone_config *config, char message[ZONE_MESSAGE])
{
	int result;

	map_init(&zone->namespaces, ZONE_NAMESPACES_MAX);
	if ((result = set_domains(zone, config, message)) != 0) {
		return result;
	}
	if (config->zonal && config->no_endpoints) {
		return bad_config(message,
				  "names of topology zones (zonal) need the endpoints that "
				  "noendpoints leaves out");
	}
	if ((result = set_ttls(zone, config, message)) != 0 ||
	    (result = set_namespaces(zone, config, message)) != 0) {
		return result;
	}
	for (size_t i = 0; i < config->n_reverse; i++) {
		result = add_reverse_zone(zone, config->reverse[i], message);
		if (result != 0) {
			return result;
		}
	}
	zone->fallthrough = config->fallthrough;
	zone->no_endpoints = config->no_endpoints;
	zone->pods_mode = config->pods;
	zone->reverse_fallthrough = config->reverse_fallthrough;
	zone->ignore_empty_service = config->ignore_empty_service;
	zone->endpoint_pod_names = config->endpoint_pod_names;
	zone->zonal = config->zonal;
	zone->clock = config->clock != NULL ? config->clock : &clock_system;
	return 0;
}
