/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One token is looked at ahead. A token knows the line it begins on, and a line of words ends where
 * the next token stands on another one, or is a brace: only the bare tokens "{" and "}" are braces.
 */
#include "ops/corefile_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"

enum token { TOKEN_END, TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE };

struct reader {
	const char *name;
	struct str rest;
	struct arena *arena;
	char *message;
	size_t line; /* where `rest` begins */
	size_t words;
	/* The token ahead. */
	enum token token;
	struct buffer text;
	size_t token_line;
	size_t token_end; /* the line it ends on */
};

static int complain(const struct reader *reader, size_t line, const char *what)
{
	snprintf(reader->message, COREFILE_MESSAGE, "%s:%zu: %s", reader->name, line, what);
	return COREFILE_SYNTAX;
}

/* ---- tokens ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char step(struct reader *reader)
{
	char c = reader->rest.p[0];

	reader->line += c == '\n' ? 1 : 0;
	reader->rest = str_skip(reader->rest, 1);
	return c;
}

static void skip_space(struct reader *reader)
{
	bool comment = false;

	while (reader->rest.n != 0) {
		char c = reader->rest.p[0];

		if (c == '#') {
			comment = true;
		} else if (c == '\n') {
			comment = false;
		} else if (!comment && !is_space(c)) {
			return;
		}
		step(reader);
	}
}

static int read_quoted(struct reader *reader)
{
	step(reader);
	while (reader->rest.n != 0) {
		char c = step(reader);

		if (c == '"') {
			return 0;
		}
		if (c == '\\' && reader->rest.n != 0 && reader->rest.p[0] == '"') {
			c = step(reader);
		}
		buffer_append_char(&reader->text, c);
	}
	return complain(reader, reader->token_line, "a quote (\") that is not closed");
}

/* The bytes of a reference at the start of `text`: {$NAME} or {%NAME%}; 0 for none. */
static size_t reference(struct str text, struct str *ret_name)
{
	const char *end;
	size_t tail;

	if (text.n < 4 || text.p[0] != '{' || (text.p[1] != '$' && text.p[1] != '%')) {
		return 0;
	}
	end = memchr(text.p, '}', text.n);
	tail = text.p[1] == '%' ? 1 : 0;
	if (end == NULL || (size_t)(end - text.p) < 3 + tail || (tail == 1 && end[-1] != '%')) {
		return 0;
	}
	*ret_name = (struct str){ .p = text.p + 2, .n = (size_t)(end - text.p) - 2 - tail };
	return (size_t)(end - text.p) + 1;
}

static void read_word(struct reader *reader)
{
	char variable[128];
	struct str name;

	while (reader->rest.n != 0 && !is_space(reader->rest.p[0])) {
		size_t n = reference(reader->rest, &name);

		if (n != 0 && name.n < sizeof(variable) && memchr(name.p, '\n', name.n) == NULL) {
			snprintf(variable, sizeof(variable), "%.*s", STR_ARG(name));
			buffer_append_str(&reader->text, str_from(getenv(variable)));
			reader->rest = str_skip(reader->rest, n);
		} else {
			buffer_append_char(&reader->text, step(reader));
		}
	}
}

static int next_token(struct reader *reader)
{
	int result = 0;

	skip_space(reader);
	buffer_clear(&reader->text);
	reader->token_line = reader->line;
	reader->token = TOKEN_END;
	if (reader->rest.n == 0) {
		return 0;
	}
	reader->token = TOKEN_WORD;
	if (reader->rest.p[0] == '"') {
		result = read_quoted(reader);
	} else {
		read_word(reader);
		if (str_is(buffer_str(&reader->text), "{")) {
			reader->token = TOKEN_OPEN;
		} else if (str_is(buffer_str(&reader->text), "}")) {
			reader->token = TOKEN_CLOSE;
		}
	}
	reader->token_end = reader->line;
	if (result == 0 && (reader->text.overflowed || ++reader->words > LIMIT_COREFILE_WORDS)) {
		return complain(reader, reader->token_line, "too much of it");
	}
	if (result == 0 && memchr(buffer_text(&reader->text), '\0', reader->text.n) != NULL) {
		return complain(reader, reader->token_line, "a NUL byte");
	}
	return result;
}

/* ---- lines ---- */

/* The words up to the end of the line or a brace. A comma at the end goes on in the next line. */
static int read_words(struct reader *reader, struct corefile_line *line)
{
	const char *words[LIMIT_COREFILE_LINE];
	size_t end = reader->token_line;
	bool goes_on = false;
	int result;

	while (reader->token == TOKEN_WORD && (goes_on || reader->token_line == end)) {
		struct str word = arena_str(reader->arena, buffer_str(&reader->text));

		if (line->n == LIMIT_COREFILE_LINE) {
			return complain(reader, line->number, "too many words in a line");
		}
		words[line->n++] = word.p;
		goes_on = word.n != 0 && word.p[word.n - 1] == ',';
		end = reader->token_end;
		result = next_token(reader);
		if (result != 0) {
			return result;
		}
	}
	line->words = arena_alloc(reader->arena, line->n * sizeof(*words));
	memcpy(line->words, words, line->n * sizeof(*words));
	if (reader->token == TOKEN_OPEN && reader->token_line != end) {
		return complain(reader, reader->token_line,
				"a { on a line of its own: it belongs behind what it opens");
	}
	return 0;
}

static int read_lines(struct reader *reader, unsigned depth, size_t opened,
		      struct corefile_line **ret)
{
	struct corefile_line **place = ret;
	int result;

	*ret = NULL;
	while (reader->token == TOKEN_WORD) {
		struct corefile_line *line = arena_alloc(reader->arena, sizeof(*line));

		line->number = reader->token_line;
		*place = line;
		place = &line->next;
		if ((result = read_words(reader, line)) != 0) {
			return result;
		}
		if (reader->token != TOKEN_OPEN) {
			continue;
		}
		if (depth == LIMIT_COREFILE_DEPTH) {
			return complain(reader, line->number, "blocks nested too deeply");
		}
		line->has_block = true;
		if ((result = next_token(reader)) != 0 ||
		    (result = read_lines(reader, depth + 1, line->number, &line->block)) != 0 ||
		    (result = next_token(reader)) != 0) {
			return result;
		}
	}
	if (reader->token == TOKEN_OPEN) {
		return complain(reader, reader->token_line, "a { without a name before it");
	}
	if (depth == 0 && reader->token == TOKEN_CLOSE) {
		return complain(reader, reader->token_line, "a } that closes nothing");
	}
	if (depth != 0 && reader->token == TOKEN_END) {
		return complain(reader, opened, "a { that is not closed");
	}
	return 0;
}

int corefile_read(const char *name, struct str text, struct arena *arena,
		  struct corefile_line **ret, char ret_message[COREFILE_MESSAGE])
{
	struct reader reader = {
		.name = name,
		.rest = text,
		.arena = arena,
		.message = ret_message,
		.line = 1,
	};
	struct corefile_line *lines = NULL;
	int result;

	if (text.n > LIMIT_COREFILE) {
		return complain(&reader, 1, "the file is too large");
	}
	buffer_init(&reader.text, LIMIT_COREFILE_WORD);
	result = next_token(&reader);
	if (result == 0) {
		result = read_lines(&reader, 0, 0, &lines);
	}
	buffer_deinit(&reader.text);
	if (result == 0) {
		*ret = lines;
	}
	return result;
}
