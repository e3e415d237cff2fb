/* SPDX-License-Identifier: Apache-2.0 */
#include "object/quantity.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/mem.h"

/*
 * A quantity is sign × mantissa × 10^scale plus the family of its suffix, in 128 bits: 36 digits
 * and room for two more, or 68 bits times 2^60, the largest binary suffix. What does not fit behind
 * the point is rounded up. Every canonical form is within these limits, so it reads as itself.
 */

typedef unsigned __int128 wide;

enum {
	DIGITS_MAX = 36,
	BINARY_MANTISSA_BITS = 68,
	EXPONENT_MAX = 99,
	NANO = -9,
};

enum family {
	FAMILY_DECIMAL, /* 12M */
	FAMILY_BINARY, /* 12Mi */
	FAMILY_EXPONENT, /* 12e6 */
};

struct quantity {
	wide mantissa;
	int scale;
	enum family family;
	bool is_negative;
};

static const struct suffix {
	struct str text;
	enum family family;
	int exponent; /* of 10 or of 2 */
} suffixes[] = {
	{ STR("n"), FAMILY_DECIMAL, -9 }, { STR("u"), FAMILY_DECIMAL, -6 },
	{ STR("m"), FAMILY_DECIMAL, -3 }, { STR(""), FAMILY_DECIMAL, 0 },
	{ STR("k"), FAMILY_DECIMAL, 3 },  { STR("M"), FAMILY_DECIMAL, 6 },
	{ STR("G"), FAMILY_DECIMAL, 9 },  { STR("T"), FAMILY_DECIMAL, 12 },
	{ STR("P"), FAMILY_DECIMAL, 15 }, { STR("E"), FAMILY_DECIMAL, 18 },
	{ STR("Ki"), FAMILY_BINARY, 10 }, { STR("Mi"), FAMILY_BINARY, 20 },
	{ STR("Gi"), FAMILY_BINARY, 30 }, { STR("Ti"), FAMILY_BINARY, 40 },
	{ STR("Pi"), FAMILY_BINARY, 50 }, { STR("Ei"), FAMILY_BINARY, 60 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Digits and at most one point; leaves `rest` at the suffix. False without a digit or with too
 * many.
 */
static bool read_number(struct str *rest, struct quantity *quantity)
{
	size_t n_digits = 0; /* significant ones, taken into the mantissa */
	bool seen_digit = false;
	bool seen_point = false;
	bool seen_rest = false; /* of what no longer fits */

	for (; rest->n > 0; *rest = str_skip(*rest, 1)) {
		char c = rest->p[0];

		if (c == '.' && !seen_point) {
			seen_point = true;
			continue;
		}
		if (!is_digit(c)) {
			break;
		}
		seen_digit = true;
		if (n_digits == DIGITS_MAX) {
			if (!seen_point) {
				return false;
			}
			seen_rest = seen_rest || c != '0';
			continue;
		}
		quantity->mantissa = quantity->mantissa * 10 + (wide)(c - '0');
		quantity->scale -= seen_point ? 1 : 0;
		n_digits += quantity->mantissa != 0 ? 1 : 0;
	}
	quantity->mantissa += seen_rest ? 1 : 0;
	return seen_digit;
}

/* "e6", "E-3"; false when `text` is none. */
static bool read_exponent(struct str text, int *ret)
{
	bool is_negative;
	uint64_t value;

	if (text.n < 2 || (text.p[0] != 'e' && text.p[0] != 'E')) {
		return false;
	}
	text = str_skip(text, 1);
	is_negative = text.p[0] == '-';
	if (is_negative || text.p[0] == '+') {
		text = str_skip(text, 1);
	}
	if (!str_to_u64(text, EXPONENT_MAX, &value)) {
		return false;
	}
	*ret = is_negative ? -(int)value : (int)value;
	return true;
}

/* mantissa × 2^exponent; beyond 2^63 it does not matter how far, settle_binary() caps it. */
static void shift(struct quantity *quantity, int exponent)
{
	bool seen_rest = false;

	/* One bit less, for the carry of rounding up. */
	for (; quantity->mantissa >> (BINARY_MANTISSA_BITS - 1) != 0 && quantity->scale < 0;
	     quantity->scale++) {
		seen_rest = seen_rest || quantity->mantissa % 10 != 0;
		quantity->mantissa /= 10;
	}
	quantity->mantissa += seen_rest ? 1 : 0;
	if (quantity->mantissa >> BINARY_MANTISSA_BITS == 0) {
		quantity->mantissa <<= exponent;
	}
}

static bool read_suffix(struct str text, struct quantity *quantity)
{
	int exponent;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (!str_eq(text, suffixes[i].text)) {
			continue;
		}
		quantity->family = suffixes[i].family;
		if (quantity->family == FAMILY_BINARY) {
			shift(quantity, suffixes[i].exponent);
		} else {
			quantity->scale += suffixes[i].exponent;
		}
		return true;
	}
	if (!read_exponent(text, &exponent)) {
		return false;
	}
	quantity->family = FAMILY_EXPONENT;
	quantity->scale += exponent;
	return true;
}

/* Who asks for something gets something: nothing is rounded down to zero. */
static void round_up_to_nano(struct quantity *quantity)
{
	bool seen_rest = false;

	for (; quantity->scale < NANO; quantity->scale++) {
		seen_rest = seen_rest || quantity->mantissa % 10 != 0;
		quantity->mantissa /= 10;
	}
	quantity->mantissa += seen_rest ? 1 : 0;
}

static wide power_of_ten(int n)
{
	wide power = 1;

	while (n-- > 0) {
		power *= 10;
	}
	return power;
}

/* Binary amounts end at 2^63-1; those below 1024 and fractions are shown as decimals. */
static void settle_binary(struct quantity *quantity)
{
	wide unit = power_of_ten(-quantity->scale);

	if (quantity->mantissa > (wide)INT64_MAX * unit) {
		quantity->mantissa = (wide)INT64_MAX * unit;
	}
	if (quantity->mantissa < 1024 * unit || quantity->mantissa % unit != 0) {
		quantity->family = FAMILY_DECIMAL;
		return;
	}
	quantity->mantissa /= unit;
	quantity->scale = 0;
}

static void append_mantissa(wide value, struct buffer *out)
{
	char digits[40];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + (int)(value % 10));
		value /= 10;
	} while (value != 0);
	buffer_append(out, digits + n, sizeof(digits) - n);
}

static void append_suffix(enum family family, int exponent, struct buffer *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (suffixes[i].family == family && suffixes[i].exponent == exponent) {
			buffer_append_str(out, suffixes[i].text);
		}
	}
}

static void append_binary(struct quantity *quantity, struct buffer *out)
{
	int exponent = 0;

	while (quantity->mantissa % 1024 == 0) {
		quantity->mantissa /= 1024;
		exponent += 10;
	}
	append_mantissa(quantity->mantissa, out);
	append_suffix(FAMILY_BINARY, exponent, out);
}

/* Zeros go into the exponent, which then is made a multiple of three. */
static void settle_decimal(struct quantity *quantity)
{
	enum { EXA = 18 };

	while (quantity->mantissa % 10 == 0) {
		quantity->mantissa /= 10;
		quantity->scale++;
	}
	while (quantity->scale % 3 != 0 ||
	       (quantity->family == FAMILY_DECIMAL && quantity->scale > EXA)) {
		quantity->mantissa *= 10;
		quantity->scale--;
	}
}

static void append_decimal(const struct quantity *quantity, struct buffer *out)
{
	append_mantissa(quantity->mantissa, out);
	if (quantity->family == FAMILY_DECIMAL) {
		append_suffix(FAMILY_DECIMAL, quantity->scale, out);
	} else if (quantity->scale != 0) {
		buffer_printf(out, "e%d", quantity->scale);
	}
}

/* Reads `text` down to the nano; the binary family is not settled yet. */
static bool read_quantity(struct str text, struct quantity *ret)
{
	struct quantity quantity = { .mantissa = 0 };

	if (text.n > 0 && (text.p[0] == '-' || text.p[0] == '+')) {
		quantity.is_negative = text.p[0] == '-';
		text = str_skip(text, 1);
	}
	if (!read_number(&text, &quantity) || !read_suffix(text, &quantity)) {
		return false;
	}
	round_up_to_nano(&quantity);
	*ret = quantity;
	return true;
}

bool quantity_canonical(struct str text, struct buffer *out)
{
	struct quantity quantity;

	if (!read_quantity(text, &quantity)) {
		return false;
	}
	if (quantity.mantissa == 0) {
		buffer_append_char(out, '0');
		return true;
	}
	if (quantity.family == FAMILY_BINARY) {
		settle_binary(&quantity);
	}
	if (quantity.family != FAMILY_BINARY) {
		settle_decimal(&quantity);
	}
	if (quantity.mantissa >= power_of_ten(DIGITS_MAX)) {
		return false;
	}
	if (quantity.is_negative) {
		buffer_append_char(out, '-');
	}
	if (quantity.family == FAMILY_BINARY) {
		append_binary(&quantity, out);
	} else {
		append_decimal(&quantity, out);
	}
	return true;
}

/* Makes the mantissas comparable; what would leave the 128 bits is larger than anything else. */
static int compare_amounts(struct quantity a, struct quantity b)
{
	const wide limit = ~(wide)0 / 10;

	while (a.scale > b.scale) {
		if (a.mantissa > limit) {
			return 1;
		}
		a.mantissa *= 10;
		a.scale--;
	}
	while (b.scale > a.scale) {
		if (b.mantissa > limit) {
			return -1;
		}
		b.mantissa *= 10;
		b.scale--;
	}
	return a.mantissa < b.mantissa ? -1 : a.mantissa > b.mantissa;
}

int quantity_compare(struct str a, struct str b)
{
	struct quantity x = { .mantissa = 0 };
	struct quantity y = { .mantissa = 0 };

	read_quantity(a, &x);
	read_quantity(b, &y);
	if (x.mantissa == 0 || y.mantissa == 0 || x.is_negative != y.is_negative) {
		int sign_x = x.mantissa == 0 ? 0 : x.is_negative ? -1 : 1;
		int sign_y = y.mantissa == 0 ? 0 : y.is_negative ? -1 : 1;

		return sign_x - sign_y;
	}
	return x.is_negative ? compare_amounts(y, x) : compare_amounts(x, y);
}

/* ---- as a number ---- */

enum { QUANTITY_TEXT = 64 };

/* Thousandths that one of a suffix stands for; 0 when it is none. */
static double suffix_milli(const char *suffix)
{
	static const char decimal[] = "num kMGTPE";
	static const char binary[] = "KMGTPE";
	double milli = 1000;

	if (suffix[0] == 'e' || (suffix[0] == 'E' && suffix[1] != '\0' && suffix[1] != 'i')) {
		for (long n = strtol(suffix + 1, NULL, 10); n > 0; n--) {
			milli *= 10;
		}
		return milli;
	}
	if (suffix[0] != '\0' && suffix[1] == 'i') {
		for (const char *at = binary; *at != '\0'; at++) {
			milli *= 1024;
			if (*at == suffix[0]) {
				return milli;
			}
		}
		return 0;
	}
	const char *at = strchr(decimal, suffix[0] != '\0' ? suffix[0] : ' ');

	milli = 1e-6;
	for (const char *c = decimal; at != NULL && c < at; c++) {
		milli *= 1000;
	}
	return at != NULL ? milli : 0;
}

int64_t quantity_text_milli(const char *quantity)
{
	struct buffer canonical _cleanup_buffer_ = BUFFER_INIT(QUANTITY_TEXT);
	char *suffix = NULL;

	if (!quantity_canonical(str_from(quantity), &canonical)) {
		return 0;
	}
	long long number = strtoll(buffer_text(&canonical), &suffix, 10);
	double milli = (double)number * suffix_milli(suffix);

	return milli >= (double)INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)(milli + 0.5);
}

int64_t quantity_milli(const json_t *quantity)
{
	if (json_is_integer(quantity)) {
		json_int_t n = json_integer_value(quantity);

		return n > INT64_MAX / 4000 ? INT64_MAX / 4 : n * 1000;
	}
	return json_is_string(quantity) ? quantity_text_milli(json_string_value(quantity)) : 0;
}
