/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

bool listen_parse(const char *text, struct listen_address *ret)
{
	const char *colon = strrchr(text, ':');
	struct listen_address parsed = { .host = "" };
	struct str host;
	uint64_t port;
	unsigned char bytes[16];

	if (colon == NULL || !str_to_u64(str_from(colon + 1), UINT16_MAX, &port)) {
		return false;
	}
	host = (struct str){ .p = text, .n = (size_t)(colon - text) };
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = (struct str){ .p = host.p + 1, .n = host.n - 2 };
	} else if (memchr(host.p, ':', host.n) != NULL) {
		return false; /* an IPv6 address needs its brackets */
	}
	if (host.n == 0) {
		host = STR("0.0.0.0");
	}
	if (host.n >= sizeof(parsed.host)) {
		return false;
	}
	memcpy(parsed.host, host.p, host.n);
	parsed.port = (uint16_t)port;
	if (inet_pton(AF_INET, parsed.host, bytes) != 1 &&
	    inet_pton(AF_INET6, parsed.host, bytes) != 1) {
		return false;
	}
	*ret = parsed;
	return true;
}

void listen_format(const struct listen_address *address, char *ret_text, size_t size)
{
	bool brackets = strchr(address->host, ':') != NULL;

	snprintf(ret_text, size, brackets ? "[%s]:%u" : "%s:%u", address->host, address->port);
}

static const struct option *find(const struct option *options, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is(name, options[i].name)) {
			return &options[i];
		}
	}
	return NULL;
}

static bool refuse(const struct option *option, const char *value, const char *expected)
{
	fprintf(stderr, "headlessd: --%s %s: expected %s\n", option->name, value, expected);
	return false;
}

static bool set_number(const struct option *option, const char *value, int64_t *ret)
{
	char expected[64];
	uint64_t number;

	snprintf(expected, sizeof(expected), "a number from %" PRId64 " to %" PRId64, option->min,
		 option->max);
	if (!str_to_u64(str_from(value), (uint64_t)option->max, &number) ||
	    (int64_t)number < option->min) {
		return refuse(option, value, expected);
	}
	*ret = (int64_t)number;
	return true;
}

static bool set_text(const struct option *option, const char *value, const char **ret)
{
	struct str rest = str_from(option->one_of);

	while (rest.p != NULL) {
		if (str_is(str_cut(&rest, '|'), value)) {
			*ret = value;
			return true;
		}
	}
	if (option->one_of != NULL) {
		return refuse(option, value, option->one_of);
	}
	*ret = value;
	return true;
}

static bool set_listen(const struct option *option, const char *value, struct listen_address *ret)
{
	return listen_parse(value, ret) ||
	       refuse(option, value, "ADDRESS:PORT, such as 127.0.0.1:6443 or [::1]:53");
}

static bool set_value(const struct option *option, const char *value, void *place)
{
	struct option_list *list = place;
	struct option_listens *listens = place;

	switch (option->type) {
	case OPTION_TEXT:
		return set_text(option, value, place);
	case OPTION_NUMBER:
		return set_number(option, value, place);
	case OPTION_LISTEN:
		return set_listen(option, value, place);
	case OPTION_LIST:
		if (list->n == OPTION_LIST_MAX) {
			return refuse(option, value, "at most 32 of them");
		}
		list->items[list->n++] = value;
		return true;
	case OPTION_LISTENS:
		if (listens->n == OPTION_LIST_MAX) {
			return refuse(option, value, "at most 32 of them");
		}
		return set_listen(option, value, &listens->items[listens->n++]);
	case OPTION_SWITCH:
		break;
	}
	return false;
}

/* The value of an option at argv[*index], moving on to it; `value` is what stood behind "=". */
static bool take_value(const struct option *option, struct str value, int argc, char **argv,
		       int *index, char *settings)
{
	if (option->type == OPTION_SWITCH) {
		if (value.p != NULL) {
			fprintf(stderr, "headlessd: --%s takes no value\n", option->name);
			return false;
		}
		*(bool *)(void *)(settings + option->offset) = true;
		return true;
	}
	if (value.p == NULL) {
		if (++*index == argc) {
			fprintf(stderr, "headlessd: --%s needs a value: %s\n", option->name,
				option->value);
			return false;
		}
		value.p = argv[*index];
	}
	return set_value(option, value.p, settings + option->offset);
}

/* One option at argv[*index]; moves on past its value. */
static bool parse_one(const struct option *options, size_t n, int argc, char **argv, int *index,
		      char *settings)
{
	struct str value = str_from(argv[*index] + 2);
	struct str name = str_cut(&value, '=');
	const struct option *option = find(options, n, name);

	if (option == NULL) {
		fprintf(stderr, "headlessd: unknown option --%.*s; --help lists them\n",
			STR_ARG(name));
		return false;
	}
	return take_value(option, value, argc, argv, index, settings);
}

/* "-n prod", "-nprod" or "-n=prod". */
static bool parse_letter(const struct option *options, size_t n, int argc, char **argv, int *index,
			 char *settings)
{
	char letter = argv[*index][1];
	struct str value = str_from(argv[*index] + 2);

	for (size_t i = 0; i < n; i++) {
		if (options[i].letter == letter) {
			value = value.n == 0        ? STR_NONE
				: value.p[0] == '=' ? str_skip(value, 1)
						    : value;
			return take_value(&options[i], value, argc, argv, index, settings);
		}
	}
	fprintf(stderr, "headlessd: unknown option -%c; --help lists them\n", letter);
	return false;
}

bool options_parse(const struct option *options, size_t n, int argc, char **argv, int first,
		   void *settings, struct option_list *words)
{
	bool only_words = false;

	for (int i = first; i < argc; i++) {
		const char *word = argv[i];

		if (!only_words && strcmp(word, "--") == 0) {
			only_words = true;
		} else if (!only_words && word[0] == '-' && word[1] != '\0') {
			if (!(word[1] == '-' ? parse_one : parse_letter)(options, n, argc, argv, &i,
									 settings)) {
				return false;
			}
		} else if (words != NULL && words->n < OPTION_LIST_MAX) {
			words->items[words->n++] = word;
		} else {
			fprintf(stderr,
				"headlessd: unexpected argument \"%s\"; --help shows the usage\n",
				word);
			return false;
		}
	}
	return true;
}

void options_help(const struct option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char head[64];

		char letter[] = { '-', options[i].letter, ',', ' ', '\0' };

		snprintf(head, sizeof(head), "%s--%s%s%s", options[i].letter != 0 ? letter : "",
			 options[i].name, options[i].value != NULL ? " " : "",
			 options[i].value != NULL ? options[i].value : "");
		printf("  %-34s %s\n", head, options[i].help);
	}
}
