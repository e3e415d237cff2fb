/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Checks on addresses in Services and endpoints, in the words of Kubernetes. */

#include <stdbool.h>

#include <jansson.h>

#include "object/field_errors.h"

/* Whether `text` is an address, and of which family. */
bool address_is_ipv4(const char *text);
bool address_is_ipv6(const char *text);

/* Refuses what is no address of the family. */
void address_check_family(const json_t *address, bool ipv6, const char *path,
			  struct field_errors *errors);

/* Refuses addresses that no endpoint can have: unspecified, loopback, link-local. */
void address_check_reachable(const json_t *address, const char *path, struct field_errors *errors);

/* Refuses what is no domain name of at least two labels; a dot at the end is fine. */
void address_check_fqdn(const json_t *address, const char *path, struct field_errors *errors);
