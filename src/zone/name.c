/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name is copied once, folded on the way, and from then on compared as bytes. Length octets are
 * at most 63, so folding may run over them: no letter is below 65.
 */
#include "zone/name.h"

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Eight bytes at a time: 'A'–'Z' get bit 5. */
static uint64_t fold_word(uint64_t word)
{
	uint64_t low = word & EACH_BYTE(0x7f);
	uint64_t from_a = low + EACH_BYTE(0x80 - 'A');
	uint64_t behind_z = low + EACH_BYTE(0x7f - 'Z');

	return word | (((from_a ^ behind_z) & ~word & EACH_BYTE(0x80)) >> 2);
}

static void fold(const uint8_t *bytes, size_t n, uint8_t *out)
{
	uint64_t word;
	size_t i = 0;

	for (; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		word = fold_word(word);
		memcpy(out + i, &word, sizeof(word));
	}
	for (; i < n; i++) {
		out[i] = bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i];
	}
}

int name_read(const uint8_t *bytes, size_t n, struct name *ret)
{
	size_t at = 0;
	size_t labels = 0;

	for (;;) {
		if (at >= n) {
			return NAME_BAD;
		}
		size_t length = bytes[at];

		ret->label[labels] = (uint8_t)at;
		if (length == 0) {
			break;
		}
		/* The root's octet must still fit behind the label. */
		if (length > LIMIT_DNS_LABEL || labels == LIMIT_DNS_LABELS ||
		    at + 1 + length + 1 > LIMIT_DNS_NAME) {
			return NAME_BAD;
		}
		labels++;
		at += 1 + length;
	}
	ret->n_labels = (uint8_t)labels;
	ret->n = (uint8_t)(at + 1);
	fold(bytes, ret->n, ret->wire);
	return 0;
}

size_t name_labels_write(struct str text, uint8_t *out, size_t size)
{
	size_t n = 0;

	if (str_is(text, "") || str_is(text, ".")) {
		return 0;
	}
	if (text.p[text.n - 1] == '.') {
		text.n--;
	}
	while (text.p != NULL) {
		struct str label = str_cut(&text, '.');

		if (label.n == 0 || label.n > LIMIT_DNS_LABEL || n + 1 + label.n > size) {
			return 0;
		}
		out[n] = (uint8_t)label.n;
		fold((const uint8_t *)label.p, label.n, out + n + 1);
		n += 1 + label.n;
	}
	return n;
}

int name_parse(struct str text, struct name *ret)
{
	uint8_t wire[LIMIT_DNS_NAME];
	size_t n = name_labels_write(text, wire, sizeof(wire) - 1);

	if (n == 0 && !str_is(text, "") && !str_is(text, ".")) {
		return NAME_BAD;
	}
	wire[n] = 0;
	return name_read(wire, n + 1, ret);
}

bool name_eq(const struct name *a, const struct name *b)
{
	return a->n == b->n && memcmp(a->wire, b->wire, a->n) == 0;
}

bool name_is_below(const struct name *name, const struct name *origin, size_t *ret_below)
{
	size_t below = (size_t)name->n_labels - origin->n_labels;

	if (name->n_labels < origin->n_labels || name->n - name->label[below] != origin->n ||
	    memcmp(name->wire + name->label[below], origin->wire, origin->n) != 0) {
		return false;
	}
	*ret_below = below;
	return true;
}

void name_text(const struct name *name, char ret_text[NAME_TEXT])
{
	size_t n = 0;

	for (size_t i = 0; i < name->n_labels; i++) {
		struct str label = name_label(name, i);

		for (size_t k = 0; k < label.n; k++) {
			char c = label.p[k];

			ret_text[n++] = c > ' ' && c <= '~' ? c : '?';
		}
		ret_text[n++] = '.';
	}
	if (n == 0) {
		ret_text[n++] = '.';
	}
	ret_text[n] = '\0';
}
