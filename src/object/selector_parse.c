/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text form of label selectors, by recursive descent with one token of look-ahead. The grammar
 * and the words of its errors are those of k8s.io/apimachinery/pkg/labels:
 *
 *     selector    = [ requirement *( "," requirement ) ]
 *     requirement = KEY | "!" KEY | KEY ("=" | "==" | "!=" | ">" | "<") [ VALUE ]
 *                 | KEY ("in" | "notin") "(" [ VALUE ] *( "," [ VALUE ] ) ")"
 *
 * "in" and "notin" are words only where an operator stands; elsewhere they are keys and values.
 */

#include <string.h>

#include "base/limits.h"
#include "object/selector_intern.h"

enum token {
	TOKEN_END,
	TOKEN_WORD, /* key, value, "in", "notin" */
	TOKEN_SYMBOL,
};

struct parser {
	struct str rest; /* behind `text` */
	enum token token; /* the token ahead */
	struct str text; /* of the token ahead */
	struct buffer *message;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_symbol(char c)
{
	return c != '\0' && strchr("=!(),><", c) != NULL;
}

/* Moves on by one token. */
static void next(struct parser *parser)
{
	struct str rest = parser->rest;
	size_t n = 0;

	while (rest.n > 0 && is_space(rest.p[0])) {
		rest = str_skip(rest, 1);
	}
	if (rest.n == 0) {
		parser->token = TOKEN_END;
	} else if (is_symbol(rest.p[0])) {
		parser->token = TOKEN_SYMBOL;
		n = str_starts(rest, STR("==")) || str_starts(rest, STR("!=")) ? 2 : 1;
	} else {
		parser->token = TOKEN_WORD;
		while (n < rest.n && !is_symbol(rest.p[n]) && !is_space(rest.p[n])) {
			n++;
		}
	}
	parser->text = (struct str){ .p = rest.p, .n = n };
	parser->rest = str_skip(rest, n);
}

static bool ahead(const struct parser *parser, const char *symbol)
{
	return parser->token == TOKEN_SYMBOL && str_is(parser->text, symbol);
}

/* "found 'x', expected: …" */
static bool unexpected(struct parser *parser, const char *expected)
{
	buffer_printf(parser->message, "found '%.*s', expected: %s", STR_ARG(parser->text),
		      expected);
	return false;
}

static bool read_operator(struct parser *parser, enum selector_operator *ret)
{
	static const struct {
		const char *text;
		enum selector_operator relation;
	} operators[] = {
		{ "in", SELECTOR_IN },         { "notin", SELECTOR_NOT_IN },
		{ "=", SELECTOR_EQUALS },      { "==", SELECTOR_DOUBLE_EQUALS },
		{ "!=", SELECTOR_NOT_EQUALS }, { ">", SELECTOR_GREATER },
		{ "<", SELECTOR_LESS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (str_is(parser->text, operators[i].text)) {
			*ret = operators[i].relation;
			next(parser);
			return true;
		}
	}
	return unexpected(parser, "in, notin, =, ==, !=, gt, lt");
}

/* "(a,b)", where a value may be empty; "()" is the set of the empty value. */
static bool read_set(struct parser *parser, struct requirement *requirement)
{
	if (!ahead(parser, "(")) {
		return unexpected(parser, "'('");
	}
	do {
		next(parser);
		if (parser->token == TOKEN_WORD) {
			requirement_add_value(requirement, parser->text);
			next(parser);
		} else if (ahead(parser, ",") || ahead(parser, ")")) {
			requirement_add_value(requirement, STR(""));
		} else {
			return unexpected(parser, "',', ')' or identifier");
		}
	} while (ahead(parser, ","));
	if (!ahead(parser, ")")) {
		return unexpected(parser, "',' or ')'");
	}
	next(parser);
	return true;
}

static bool read_value(struct parser *parser, struct requirement *requirement)
{
	if (parser->token == TOKEN_END || ahead(parser, ",")) {
		requirement_add_value(requirement, STR(""));
		return true;
	}
	if (parser->token != TOKEN_WORD) {
		return unexpected(parser, "identifier");
	}
	requirement_add_value(requirement, parser->text);
	next(parser);
	return true;
}

static bool read_requirement(struct parser *parser, struct selector *selector)
{
	enum selector_operator relation = SELECTOR_EXISTS;

	if (ahead(parser, "!")) {
		relation = SELECTOR_NOT_EXISTS;
		next(parser);
	}
	if (parser->token != TOKEN_WORD) {
		return unexpected(parser, "identifier");
	}
	struct requirement *requirement = selector_add(selector, relation, parser->text);
	if (!selector_check_key(requirement->key, "<nil>", parser->message)) {
		return false;
	}
	next(parser);
	if (relation == SELECTOR_NOT_EXISTS || parser->token == TOKEN_END || ahead(parser, ",")) {
		return true;
	}
	if (!read_operator(parser, &requirement->relation)) {
		return false;
	}
	bool in_set =
		requirement->relation == SELECTOR_IN || requirement->relation == SELECTOR_NOT_IN;
	if (!(in_set ? read_set : read_value)(parser, requirement)) {
		return false;
	}
	return requirement_finish(requirement, parser->message);
}

static bool read_selector(struct parser *parser, struct selector *selector)
{
	_cleanup_buffer_ struct buffer why = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct buffer *message = parser->message;

	while (parser->token != TOKEN_END) {
		if (parser->token != TOKEN_WORD && !ahead(parser, "!")) {
			return unexpected(parser, selector->n > 0
							  ? "identifier after ','"
							  : "!, identifier, or 'end of string'");
		}
		parser->message = &why;
		if (!read_requirement(parser, selector)) {
			buffer_printf(message, "unable to parse requirement: %s",
				      buffer_text(&why));
			return false;
		}
		parser->message = message;
		if (parser->token == TOKEN_END) {
			return true;
		}
		if (!ahead(parser, ",")) {
			return unexpected(parser, "',' or 'end of string'");
		}
		next(parser);
		if (parser->token == TOKEN_END) {
			return unexpected(parser, "identifier after ','");
		}
	}
	return true;
}

int selector_parse(struct str text, struct buffer *message, struct selector **ret)
{
	_cleanup_selector_ struct selector *selector = selector_new();
	struct parser parser = { .rest = text, .message = message };

	if (text.n > LIMIT_SELECTOR) {
		buffer_printf(message, "the selector is longer than %d bytes", LIMIT_SELECTOR);
		return SELECTOR_INVALID;
	}
	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL) {
		buffer_append_text(message, "the selector has a NUL byte");
		return SELECTOR_INVALID;
	}
	next(&parser);
	if (!read_selector(&parser, selector)) {
		return SELECTOR_INVALID;
	}
	selector_finish(selector);
	*ret = take(selector);
	return 0;
}
