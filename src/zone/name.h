/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Domain names in wire format (RFC 1035 section 3.1): labels with their length in front, ended by
 * the root's empty label. Pure; any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/str.h"

/*
 * Record types (RFC 1035, 3596, 2782, 6891, 8482) that this program treats in a way of their own.
 */
enum rr_type {
	RR_A = 1,
	RR_NS = 2,
	RR_CNAME = 5,
	RR_SOA = 6,
	RR_PTR = 12,
	RR_HINFO = 13,
	RR_TXT = 16,
	RR_AAAA = 28,
	RR_SRV = 33,
	RR_DNAME = 39,
	RR_OPT = 41,
	RR_IXFR = 251,
	RR_AXFR = 252,
	RR_ANY = 255,
};

/* A name with its labels found. Bytes behind what the counts cover are undefined. */
struct name {
	uint8_t n; /* bytes of wire, the root's 0 included: 1–255 */
	uint8_t n_labels; /* the root not counted: 0–127 */
	uint8_t label[LIMIT_DNS_LABELS + 1]; /* where each begins; label[n_labels] is the root */
	uint8_t wire[LIMIT_DNS_NAME + 1]; /* ASCII letters in lower case (RFC 4343) */
};

enum { NAME_BAD = 1 };

/*
 * Reads an uncompressed name at the beginning of `bytes` and folds its letters. Returns 0, or
 * NAME_BAD when it is cut short, too long, has too many labels, or a length octet above 63 (a
 * compression pointer too: in a question it could only point backwards, into the header).
 */
int name_read(const uint8_t *bytes, size_t n, struct name *ret);

/*
 * Reads text such as "a.b.c" (a final dot may stand or not; no escapes). Returns 0, or NAME_BAD for
 * an empty label, a label above 63 or a name above 255 octets. "" and "." are the root.
 */
int name_parse(struct str text, struct name *ret);

/* Label `i` with its length octet in front: 1 + length bytes. */
static inline struct str name_label_wire(const struct name *name, size_t i)
{
	const uint8_t *at = name->wire + name->label[i];

	return (struct str){ .p = (const char *)at, .n = 1U + *at };
}

/* Label `i` without its length octet. */
static inline struct str name_label(const struct name *name, size_t i)
{
	const uint8_t *at = name->wire + name->label[i];

	return (struct str){ .p = (const char *)at + 1, .n = *at };
}

/* Labels `first` … `first + count - 1` in wire format, without the root. */
static inline struct str name_labels(const struct name *name, size_t first, size_t count)
{
	return (struct str){ .p = (const char *)name->wire + name->label[first],
			     .n = (size_t)name->label[first + count] - name->label[first] };
}

bool name_eq(const struct name *a, const struct name *b);

/*
 * Whether `name` is `origin` or below it. On true *ret_below is the number of labels left of the
 * origin.
 */
bool name_is_below(const struct name *name, const struct name *origin, size_t *ret_below);

/* The name as text with a final dot, NUL-terminated; bytes outside printable ASCII become '?'. */
enum { NAME_TEXT = LIMIT_DNS_NAME + 2 };
void name_text(const struct name *name, char ret_text[NAME_TEXT]);

/*
 * Appends text to wire labels: a dotted text at `out` with room for `size`; 0 when it does not fit
 * or is bad.
 */
size_t name_labels_write(struct str text, uint8_t *out, size_t size);
