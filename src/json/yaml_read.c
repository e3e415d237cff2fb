/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml composes a document of nodes; they are unfolded into a tree with two bounds: the depth,
 * and the number of nodes visited, so that aliases of aliases end early. An anchor that contains
 * itself runs into the depth.
 */
#include "json/yaml_read.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/limits.h"
#include "json/json.h"

struct unfolding {
	yaml_document_t *document;
	struct buffer *message;
	size_t visited;
};

static int unfold(struct unfolding *unfolding, yaml_node_t *node, unsigned depth, json_t **ret);

static struct str text_of(const yaml_node_t *node)
{
	return (struct str){ .p = (const char *)node->data.scalar.value,
			     .n = node->data.scalar.length };
}

static int fail(struct unfolding *unfolding, const yaml_node_t *node, int outcome, const char *what)
{
	buffer_printf(unfolding->message, "yaml: line %zu: %s", node->start_mark.line + 1, what);
	return outcome;
}

static bool is_one_of(struct str text, const char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (str_is(text, words[i])) {
			return true;
		}
	}
	return false;
}

static bool is_integer(struct str text, json_int_t *ret)
{
	char digits[24];
	char *end;
	size_t start = text.n != 0 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0;

	if (text.n == start || text.n >= sizeof(digits)) {
		return false;
	}
	memcpy(digits, text.p, text.n);
	digits[text.n] = '\0';
	int base = 10;
	if (strncmp(digits + start, "0x", 2) == 0) {
		base = 16;
	} else if (digits[start] == '0' && text.n > start + 1) {
		base = 8;
		if (digits[start + 1] == 'o') {
			memmove(digits + start + 1, digits + start + 2, text.n - start - 1);
		}
	}
	errno = 0;
	*ret = strtoll(digits, &end, base);
	return *end == '\0' && errno == 0;
}

static bool is_real(struct str text, double *ret)
{
	char digits[64];
	char *end;

	/* strtod would also take "inf", "nan" and hexadecimals. */
	if (text.n == 0 || text.n >= sizeof(digits) || strspn(text.p, "+-.0123456789eE") < text.n ||
	    strpbrk(text.p, "0123456789") == NULL) {
		return false;
	}
	memcpy(digits, text.p, text.n);
	digits[text.n] = '\0';
	*ret = strtod(digits, &end);
	return *end == '\0' && isfinite(*ret);
}

/* A plain scalar, by what it looks like. */
static json_t *guess(struct str text)
{
	static const char *const nothing[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const yes[] = { "true", "True", "TRUE", "yes", "Yes",
					   "YES",  "on",   "On",   "ON",  NULL };
	static const char *const no[] = { "false", "False", "FALSE", "no",  "No",
					  "NO",    "off",   "Off",   "OFF", NULL };
	json_int_t integer;
	double real;

	if (is_one_of(text, nothing)) {
		return json_null();
	}
	if (is_one_of(text, yes)) {
		return json_true();
	}
	if (is_one_of(text, no)) {
		return json_false();
	}
	if (is_integer(text, &integer)) {
		return json_integer(integer);
	}
	if (is_real(text, &real)) {
		return json_real(real);
	}
	return json_stringn(text.p, text.n);
}

static int unfold_scalar(struct unfolding *unfolding, yaml_node_t *node, json_t **ret)
{
	struct str text = text_of(node);
	const char *tag = (const char *)node->tag;

	/* The composer gives "str" to plain scalars without a tag, too. */
	bool is_text = tag == NULL || strcmp(tag, YAML_STR_TAG) == 0;
	if (is_text && node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
		*ret = json_stringn(text.p, text.n);
	} else if (is_text || strcmp(tag, YAML_NULL_TAG) == 0 || strcmp(tag, YAML_BOOL_TAG) == 0 ||
		   strcmp(tag, YAML_INT_TAG) == 0 || strcmp(tag, YAML_FLOAT_TAG) == 0) {
		*ret = guess(text);
	} else {
		return fail(unfolding, node, YAML_UNSUPPORTED, "a tag that is not supported");
	}
	if (*ret == NULL) {
		return fail(unfolding, node, YAML_SYNTAX, "text that is not UTF-8");
	}
	return 0;
}

static int unfold_sequence(struct unfolding *unfolding, yaml_node_t *node, unsigned depth,
			   json_t **ret)
{
	_cleanup_json_ json_t *array = json_array();

	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		json_t *element;
		int r = unfold(unfolding, yaml_document_get_node(unfolding->document, *item),
			       depth + 1, &element);
		if (r != 0) {
			return r;
		}
		json_array_append_new(array, element);
	}
	*ret = json_incref(array);
	return 0;
}

static int unfold_mapping(struct unfolding *unfolding, yaml_node_t *node, unsigned depth,
			  json_t **ret)
{
	_cleanup_json_ json_t *object = json_object();

	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(unfolding->document, pair->key);
		json_t *value;
		if (key->type != YAML_SCALAR_NODE) {
			return fail(unfolding, key, YAML_UNSUPPORTED, "a key that is not text");
		}
		struct str name = text_of(key);
		if (json_object_getn(object, name.p, name.n) != NULL) {
			return fail(unfolding, key, YAML_SYNTAX,
				    "a key that is already set in this map");
		}
		int r = unfold(unfolding, yaml_document_get_node(unfolding->document, pair->value),
			       depth + 1, &value);
		if (r != 0) {
			return r;
		}
		if (json_object_setn_new(object, name.p, name.n, value) != 0) {
			return fail(unfolding, key, YAML_SYNTAX, "a key that is not UTF-8");
		}
	}
	*ret = json_incref(object);
	return 0;
}

static int unfold(struct unfolding *unfolding, yaml_node_t *node, unsigned depth, json_t **ret)
{
	if (depth > LIMIT_JSON_DEPTH) {
		return fail(unfolding, node, YAML_LIMIT, "nested too deeply");
	}
	if (++unfolding->visited > LIMIT_YAML_NODES) {
		return fail(unfolding, node, YAML_LIMIT, "too many values");
	}
	switch (node->type) {
	case YAML_SCALAR_NODE:
		return unfold_scalar(unfolding, node, ret);
	case YAML_SEQUENCE_NODE:
		return unfold_sequence(unfolding, node, depth, ret);
	case YAML_MAPPING_NODE:
		return unfold_mapping(unfolding, node, depth, ret);
	case YAML_NO_NODE:
		break;
	}
	*ret = json_null();
	return 0;
}

static void describe_problem(const yaml_parser_t *parser, struct buffer *message)
{
	buffer_printf(message, "yaml: line %zu: %s", parser->problem_mark.line + 1,
		      parser->problem != NULL ? parser->problem : "not YAML");
}

/*
 * The next document: 0 with *ret (NULL at the end of the stream), or an outcome.
 */
static int next_document(yaml_parser_t *parser, struct buffer *message, bool *ret_more,
			 json_t **ret)
{
	yaml_document_t document;

	if (!yaml_parser_load(parser, &document)) {
		describe_problem(parser, message);
		return YAML_SYNTAX;
	}
	yaml_node_t *root = yaml_document_get_root_node(&document);
	struct unfolding unfolding = { .document = &document, .message = message };
	int r = 0;
	*ret_more = root != NULL;
	if (root != NULL) {
		r = unfold(&unfolding, root, 0, ret);
	}
	yaml_document_delete(&document);
	return r;
}

static int first_document(void *userdata, const json_t *tree)
{
	json_t **ret = userdata;

	if (*ret == NULL) {
		*ret = json_incref((json_t *)tree);
	}
	return 0;
}

int yaml_read_all(struct str text, struct buffer *message,
		  int (*document)(void *userdata, const json_t *tree), void *userdata)
{
	yaml_parser_t parser;
	bool more = true;
	int r = 0;

	if (!yaml_parser_initialize(&parser)) {
		abort();
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	while (r == 0 && more) {
		_cleanup_json_ json_t *tree = NULL;
		r = next_document(&parser, message, &more, &tree);
		if (r == 0 && tree != NULL && !json_is_null(tree)) {
			r = document(userdata, tree);
		}
	}
	yaml_parser_delete(&parser);
	return r;
}

int yaml_read(struct str text, struct buffer *message, json_t **ret)
{
	json_t *tree = NULL;

	int r = yaml_read_all(text, message, first_document, &tree);
	if (r != 0) {
		json_decref(tree);
		return r;
	}
	*ret = tree != NULL ? tree : json_null();
	return 0;
}
