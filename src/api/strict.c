/* SPDX-License-Identifier: Apache-2.0 */
#include "api/strict.h"

#include "api/status.h"
#include "base/limits.h"
#include "json/json.h"

/* Of what a client sent, so much is worth quoting back. */
enum { QUOTED_PATCH = 2048 };

static void describe(const struct strict_report *report, struct buffer *out)
{
	buffer_append_text(out, "strict decoding error: ");
	for (size_t i = 0; i < report->n; i++) {
		buffer_printf(out, "%s%s", i != 0 ? ", " : "", report->items[i]);
	}
	if (report->dropped != 0) {
		buffer_printf(out, ", and %zu more", report->dropped);
	}
}

json_t *strict_refusal(enum field_validation validation, const struct strict_report *report,
		       const struct kind *kind)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	if (validation != VALIDATION_STRICT || report->n == 0) {
		return NULL;
	}
	describe(report, &text);
	return status_new(OUTCOME_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s",
			  kind->kind, kind->version, kind->kind, buffer_text(&text));
}

json_t *strict_refusal_patch(enum field_validation validation, const struct strict_report *report,
			     const json_t *patch)
{
	_cleanup_buffer_ struct buffer why = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_buffer_ struct buffer quoted = BUFFER_INIT(LIMIT_BODY);
	static const struct kind nameless = { .group = "", .kind = "", .plural = "" };

	if (validation != VALIDATION_STRICT || report->n == 0) {
		return NULL;
	}
	describe(report, &why);
	json_write(patch, &quoted);
	_cleanup_json_ json_t *value =
		json_stringn_nocheck(quoted.p, quoted.n < QUOTED_PATCH ? quoted.n : 0);
	return status_invalid_field(&nameless, STR_NONE, FIELD_ERROR_INVALID, "patch", value,
				    buffer_text(&why));
}

/* A quoted-string (RFC 9110 section 5.6.4) holds neither control characters nor bare quotes. */
static void append_quoted(struct buffer *out, const char *text)
{
	buffer_append_text(out, "299 - \"");
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\') {
			buffer_append_char(out, '\\');
		}
		buffer_append_char(out, (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c);
	}
	buffer_append_char(out, '"');
}

void strict_warning(enum field_validation validation, const struct strict_report *report,
		    struct buffer *out)
{
	if (validation != VALIDATION_WARN) {
		return;
	}
	for (size_t i = 0; i < report->n; i++) {
		buffer_append_text(out, out->n != 0 ? ", " : "");
		append_quoted(out, report->items[i]);
	}
}
