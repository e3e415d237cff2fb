/* SPDX-License-Identifier: Apache-2.0 */
#include "object/formats.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "object/field_errors.h"
#include "json/json.h"

/*
 * Every format is a small scanner written by hand; the regular expression that clients see in the
 * explanation is the contract that the scanner fulfils. Explanations are those of
 * k8s.io/apimachinery, because scripts and tests compare them.
 */

enum {
	LABEL_MAX = 63,
	SUBDOMAIN_MAX = 253,
	PORT_NAME_MAX = 15,
};

#define LABEL_PATTERN "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define SUBDOMAIN_PATTERN LABEL_PATTERN "(\\." LABEL_PATTERN ")*"
#define LABEL_1035_PATTERN "[a-z]([-a-z0-9]*[a-z0-9])?"
#define NAME_PATTERN "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define REGEX(pattern) "regex used for validation is '" pattern "')"

/* The two blanks in "',  or '" are what clients see: examples are joined by "', " and " or ". */
#define LABEL_WORDS                                                                                \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "   \
	"and must start and end with an alphanumeric character (e.g. 'my-name',  or "              \
	"'123-abc', " REGEX(LABEL_PATTERN)
#define SUBDOMAIN_WORDS                                                                            \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "  \
	"or '.', and must start and end with an alphanumeric character (e.g. "                     \
	"'example.com', " REGEX(SUBDOMAIN_PATTERN)
#define LABEL_1035_WORDS                                                                           \
	"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "  \
	"an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "    \
	"'abc-123', " REGEX(LABEL_1035_PATTERN)
#define NAME_WORDS                                                                                 \
	"must consist of alphanumeric characters, '-', '_' or '.', and must start and end with "   \
	"an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', " REGEX(          \
		NAME_PATTERN)
#define LABEL_VALUE_WORDS                                                                          \
	"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' "   \
	"or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "      \
	"'my_value',  or '12345', " REGEX("(" NAME_PATTERN ")?")
#define CONFIG_KEY_WORDS                                                                           \
	"a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "       \
	"'key.name',  or 'KEY_NAME',  or 'key-name', " REGEX("[-._a-zA-Z0-9]+")
#define ENV_NAME_WORDS                                                                             \
	"a valid environment variable name must consist only of printable ASCII characters other " \
	"than '='"
#define PERCENT_WORDS                                                                              \
	"a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  "  \
	"or '93%', " REGEX("[0-9]+%")

void format_problems_deinit(struct format_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		mem_free(problems->items[i]);
	}
	problems->n = 0;
}

static void __attribute__((format(printf, 2, 3)))
add(struct format_problems *problems, const char *format, ...)
{
	struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	va_list arguments;

	if (problems->n == FORMAT_PROBLEMS) {
		return;
	}
	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	problems->items[problems->n++] = buffer_take(&text, NULL);
}

static void add_text(struct format_problems *problems, const char *prefix, const char *text)
{
	add(problems, "%s%s", prefix, text);
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool is_label(struct str s)
{
	if (s.n == 0 || s.p[0] == '-' || s.p[s.n - 1] == '-') {
		return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (!is_lower(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '-') {
			return false;
		}
	}
	return true;
}

static bool is_subdomain(struct str s)
{
	do {
		if (!is_label(str_cut(&s, '.'))) {
			return false;
		}
	} while (s.p != NULL);
	return true;
}

/* The name part of a label key; also a label value that is not empty. */
static bool is_name(struct str s)
{
	if (s.n == 0 || !is_alphanumeric(s.p[0]) || !is_alphanumeric(s.p[s.n - 1])) {
		return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alphanumeric(s.p[i]) && strchr("-_.", s.p[i]) == NULL) {
			return false;
		}
	}
	return true;
}

static void check_length(struct str s, size_t max, const char *prefix,
			 struct format_problems *problems)
{
	if (s.n > max) {
		add(problems, "%smust be no more than %zu bytes", prefix, max);
	}
}

static void check_dns_label(struct str s, struct format_problems *problems)
{
	check_length(s, LABEL_MAX, "", problems);
	if (is_label(s)) {
		return;
	}
	if (is_subdomain(s)) {
		add(problems, "must not contain dots");
	} else {
		add_text(problems, "", LABEL_WORDS);
	}
}

static void check_dns_label_1035(struct str s, struct format_problems *problems)
{
	check_length(s, LABEL_MAX, "", problems);
	if (!is_label(s) || !is_lower(s.p[0])) {
		add_text(problems, "", LABEL_1035_WORDS);
	}
}

static void check_subdomain(struct str s, const char *prefix, struct format_problems *problems)
{
	check_length(s, SUBDOMAIN_MAX, prefix, problems);
	if (!is_subdomain(s)) {
		add_text(problems, prefix, SUBDOMAIN_WORDS);
	}
}

static void check_dns_subdomain(struct str s, struct format_problems *problems)
{
	check_subdomain(s, "", problems);
}

static void check_qualified_name(struct str s, struct format_problems *problems)
{
	struct str name = s;
	struct str prefix = str_cut(&name, '/');

	if (name.p == NULL) {
		name = s;
	} else if (memchr(name.p, '/', name.n) != NULL) {
		add(problems,
		    "a valid label key %s with an optional DNS subdomain prefix and '/' "
		    "(e.g. 'example.com/MyName')",
		    NAME_WORDS);
		return;
	} else if (prefix.n == 0) {
		add(problems, "prefix part must be non-empty");
	} else {
		check_subdomain(prefix, "prefix part ", problems);
	}
	if (name.n == 0) {
		add(problems, "name part must be non-empty");
	}
	check_length(name, LABEL_MAX, "name part ", problems);
	if (!is_name(name)) {
		add_text(problems, "name part ", NAME_WORDS);
	}
}

static void check_label_value(struct str s, struct format_problems *problems)
{
	check_length(s, LABEL_MAX, "", problems);
	if (s.n != 0 && !is_name(s)) {
		add_text(problems, "", LABEL_VALUE_WORDS);
	}
}

/* A service name of RFC 6335 section 5.1, lower case only. */
static void check_port_name(struct str s, struct format_problems *problems)
{
	bool has_letter = false;
	bool is_charset = s.n > 0;

	for (size_t i = 0; i < s.n; i++) {
		has_letter = has_letter || is_lower(s.p[i]);
		is_charset = is_charset && (is_lower(s.p[i]) || is_digit(s.p[i]) || s.p[i] == '-');
	}
	if (s.n > PORT_NAME_MAX) {
		add(problems, "must be no more than %d characters", PORT_NAME_MAX);
	}
	if (!is_charset) {
		add(problems, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens "
			      "(-)");
	}
	if (!has_letter) {
		add(problems, "must contain at least one letter (a-z)");
	}
	if (s.n > 0 && memmem(s.p, s.n, "--", 2) != NULL) {
		add(problems, "must not contain consecutive hyphens");
	}
	if (s.n > 0 && (s.p[0] == '-' || s.p[s.n - 1] == '-')) {
		add(problems, "must not begin or end with a hyphen");
	}
}

static void check_config_key(struct str s, struct format_problems *problems)
{
	bool good = s.n > 0;

	for (size_t i = 0; i < s.n; i++) {
		good = good && (is_alphanumeric(s.p[i]) || strchr("-_.", s.p[i]) != NULL);
	}
	if (s.n > SUBDOMAIN_MAX) {
		add(problems, "must be no more than %d characters", SUBDOMAIN_MAX);
	}
	if (!good) {
		add_text(problems, "", CONFIG_KEY_WORDS);
	}
	/* Keys become file names in volumes. */
	if (str_is(s, ".") || str_is(s, "..")) {
		add(problems, "must not be '%.*s'", STR_ARG(s));
	} else if (str_starts(s, STR(".."))) {
		add(problems, "must not start with '..'");
	}
}

static void check_env_name(struct str s, struct format_problems *problems)
{
	if (s.n == 0) {
		add(problems, "environment variable name must be non-empty");
	}
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '=') {
			add_text(problems, "", ENV_NAME_WORDS);
			return;
		}
	}
}

/* inet_pton accepts neither leading zeros nor abbreviated addresses, which is what we want. */
static bool is_ip(struct str s, bool *ret_is_ipv4)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (s.n == 0 || s.n >= sizeof(text)) {
		return false;
	}
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, &address) == 1) {
		*ret_is_ipv4 = true;
		return true;
	}
	if (inet_pton(AF_INET6, text, &address) == 1) {
		*ret_is_ipv4 = false;
		return true;
	}
	return false;
}

/* ::ffff:192.0.2.1 names an IPv4 address in two ways; Kubernetes refuses it in new objects. */
static bool is_mapped_ip(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (s.n >= sizeof(text)) {
		return false;
	}
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1 && IN6_IS_ADDR_V4MAPPED(&address);
}

static void check_ip(struct str s, struct format_problems *problems)
{
	bool is_ipv4;

	if (!is_ip(s, &is_ipv4)) {
		add(problems, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
	} else if (is_mapped_ip(s)) {
		add(problems, "must not be an IPv4-mapped IPv6 address");
	}
}

static void check_cidr(struct str s, struct format_problems *problems)
{
	struct str bits = s;
	struct str address = str_cut(&bits, '/');
	bool is_ipv4;
	uint64_t n;

	if (!is_ip(address, &is_ipv4) || !str_to_u64(bits, is_ipv4 ? 32 : 128, &n)) {
		add(problems, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
	} else if (is_mapped_ip(address)) {
		add(problems, "must not have an IPv4-mapped IPv6 address");
	}
}

static void check_path(struct str s, struct format_problems *problems)
{
	if (s.n == 0 || s.p[0] != '/') {
		add(problems, "must be an absolute path");
	}
}

static void check_percent(struct str s, struct format_problems *problems)
{
	bool good = s.n >= 2 && s.p[s.n - 1] == '%';

	for (size_t i = 0; i + 1 < s.n; i++) {
		good = good && is_digit(s.p[i]);
	}
	if (!good) {
		add_text(problems, "", PERCENT_WORDS);
	}
}

static void (*const text_checks[])(struct str s, struct format_problems *problems) = {
	[FORMAT_DNS_LABEL] = check_dns_label,
	[FORMAT_DNS_LABEL_1035] = check_dns_label_1035,
	[FORMAT_DNS_SUBDOMAIN] = check_dns_subdomain,
	[FORMAT_QUALIFIED_NAME] = check_qualified_name,
	[FORMAT_LABEL_VALUE] = check_label_value,
	[FORMAT_PORT_NAME] = check_port_name,
	[FORMAT_CONFIG_KEY] = check_config_key,
	[FORMAT_ENV_NAME] = check_env_name,
	[FORMAT_IP] = check_ip,
	[FORMAT_CIDR] = check_cidr,
	[FORMAT_PORT_OR_NAME] = check_port_name,
	[FORMAT_PATH] = check_path,
	[FORMAT_PERCENT_OR_INT] = check_percent,
};

bool format_check_text(enum field_format format, const char *text, struct format_problems *problems)
{
	size_t before = problems->n;

	if (format < ARRAY_SIZE(text_checks) && text_checks[format] != NULL) {
		text_checks[format](str_from(text), problems);
	}
	return problems->n == before;
}

bool format_check_integer(enum field_format format, int64_t value, struct format_problems *problems)
{
	switch (format) {
	case FORMAT_PORT:
	case FORMAT_PORT_OR_NAME:
		if (value < 1 || value > 65535) {
			add(problems, "must be between 1 and 65535, inclusive");
			return false;
		}
		return true;
	case FORMAT_NON_NEGATIVE:
	case FORMAT_PERCENT_OR_INT:
		if (value < 0) {
			add(problems, "must be greater than or equal to 0");
			return false;
		}
		return true;
	default:
		return true;
	}
}

bool format_is(enum field_format format, const char *text)
{
	_cleanup_problems_ struct format_problems problems = { .n = 0 };

	return format_check_text(format, text, &problems);
}

void format_check(enum field_format format, const json_t *value, const char *path,
		  struct field_errors *errors)
{
	_cleanup_problems_ struct format_problems problems = { .n = 0 };

	if (json_is_string(value)) {
		format_check_text(format, json_string_value(value), &problems);
	} else if (json_is_integer(value)) {
		format_check_integer(format, json_integer_value(value), &problems);
	}
	for (size_t i = 0; i < problems.n; i++) {
		field_errors_add(errors, FIELD_ERROR_INVALID, path, value, problems.items[i]);
	}
}

static void check_key(const char *key, const char *shown, const char *path,
		      struct field_errors *errors)
{
	_cleanup_problems_ struct format_problems problems = { .n = 0 };

	format_check_text(FORMAT_QUALIFIED_NAME, key, &problems);
	for (size_t i = 0; i < problems.n; i++) {
		_cleanup_json_ json_t *value = json_string(shown);

		field_errors_add(errors, FIELD_ERROR_INVALID, path, value, problems.items[i]);
	}
}

void format_check_labels(const json_t *labels, const char *path, struct field_errors *errors)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)labels, key, value) {
		check_key(key, key, path, errors);
		format_check(FORMAT_LABEL_VALUE, value, path, errors);
	}
}

void format_check_annotations(const json_t *annotations, const char *path,
			      struct field_errors *errors)
{
	size_t total = 0;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)annotations, key, value) {
		_cleanup_free_ char *lower = mem_strdup(key);

		for (char *c = lower; *c != '\0'; c++) {
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
		}
		check_key(lower, key, path, errors);
		total += strlen(key) + json_string_length(value);
	}
	if (total > LIMIT_ANNOTATIONS) {
		_cleanup_free_ char *detail =
			mem_printf("may not be more than %d bytes", LIMIT_ANNOTATIONS);

		field_errors_add(errors, FIELD_ERROR_TOO_LONG, path, NULL, detail);
	}
}
