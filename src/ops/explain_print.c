/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation for people and for programs. */
#include <string.h>

#include <jansson.h>

#include "ops/explain.h"
#include "json/json.h"

static const struct mark {
	const char *word;
	const char *sign;
	const char *colour;
} marks[] = {
	[EXPLAIN_OK] = { "ok", "ok", "\033[32m" },
	[EXPLAIN_BROKEN] = { "broken", "!!", "\033[1;31m" },
	[EXPLAIN_INFO] = { "info", "--", "\033[36m" },
};

enum { TITLE_WIDTH = 11, TEXT_RECORDS = 16 };

static void print_step(const struct explain_step *step, bool colour, struct buffer *out)
{
	const struct mark *mark = &marks[step->state];

	buffer_printf(out, "%s%s%s %-*s %s\n", colour ? mark->colour : "", mark->sign,
		      colour ? "\033[0m" : "", TITLE_WIDTH, step->title, step->text);
	if (step->advice != NULL) {
		buffer_printf(out, "   %-*s -> %s\n", TITLE_WIDTH, "", step->advice);
	}
	if (step->command != NULL) {
		buffer_printf(out, "   %-*s    %s\n", TITLE_WIDTH, "", step->command);
	}
}

static void print_verdict(const struct explanation *explanation, struct buffer *out)
{
	const char *name = explanation->name;

	if (explanation->resolves) {
		buffer_printf(out, "%s resolves.\n", name);
	} else if (strcmp(explanation->answer, "NONE") == 0) {
		buffer_printf(out, "%s has no name in DNS (%s).\n", name, explanation->cause);
	} else if (strcmp(explanation->answer, "OUTSIDE") == 0) {
		buffer_printf(out, "%s is no name of this cluster.\n", name);
	} else if (explanation->negative_ttl == 0) {
		buffer_printf(out, "%s does not resolve: %s (%s), not to be cached.\n", name,
			      explanation->answer, explanation->cause);
	} else {
		buffer_printf(out, "%s does not resolve: %s (%s), cached for up to %u s.\n", name,
			      explanation->answer, explanation->cause, explanation->negative_ttl);
	}
}

void explanation_text(const struct explanation *explanation, bool colour, struct buffer *out)
{
	size_t shown =
		explanation->n_records < TEXT_RECORDS ? explanation->n_records : TEXT_RECORDS;
	size_t more = explanation->n_records - shown + explanation->n_more_records;

	for (size_t i = 0; i < explanation->n_steps; i++) {
		print_step(&explanation->steps[i], colour, out);
	}
	for (size_t i = 0; i < explanation->n_closest; i++) {
		buffer_printf(out, "%s   %s\n", i == 0 ? "\nThese would answer:\n" : "",
			      explanation->closest[i]);
	}
	buffer_append_char(out, '\n');
	for (size_t i = 0; i < shown; i++) {
		const struct explain_record *record = &explanation->records[i];

		buffer_printf(out, "%s %u IN %s %s\n", record->owner, record->ttl, record->type,
			      record->data);
	}
	if (more != 0) {
		buffer_printf(out, "and %zu more\n", more);
	}
	print_verdict(explanation, out);
}

static json_t *text_or_null(const char *text)
{
	return text != NULL ? json_string_nocheck(text) : json_null();
}

static json_t *steps_tree(const struct explanation *explanation)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < explanation->n_steps; i++) {
		const struct explain_step *step = &explanation->steps[i];

		json_array_append_new(steps,
				      json_pack("{ss ss ss so so}", "title", step->title, "state",
						marks[step->state].word, "text", step->text,
						"advice", text_or_null(step->advice), "command",
						text_or_null(step->command)));
	}
	return steps;
}

static json_t *records_tree(const struct explanation *explanation)
{
	json_t *records = json_array();

	for (size_t i = 0; i < explanation->n_records; i++) {
		const struct explain_record *record = &explanation->records[i];

		json_array_append_new(records, json_pack("{ss sI ss ss}", "name", record->owner,
							 "ttl", (json_int_t)record->ttl, "type",
							 record->type, "data", record->data));
	}
	return records;
}

void explanation_json(const struct explanation *explanation, struct buffer *out)
{
	json_t *closest = json_array();
	_cleanup_json_ json_t *tree = NULL;

	for (size_t i = 0; i < explanation->n_closest; i++) {
		json_array_append_new(closest, json_string_nocheck(explanation->closest[i]));
	}
	tree = json_pack("{ss ss sb ss ss sI so so sI so}", "question", explanation->question,
			 "name", explanation->name, "resolves", explanation->resolves, "answer",
			 explanation->answer, "cause", explanation->cause, "negativeTTL",
			 (json_int_t)explanation->negative_ttl, "steps", steps_tree(explanation),
			 "records", records_tree(explanation), "moreRecords",
			 (json_int_t)explanation->n_more_records, "closest", closest);
	json_write(tree, out);
	buffer_append_char(out, '\n');
}
