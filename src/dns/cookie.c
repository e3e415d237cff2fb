/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server cookie is a version, three zero octets, the time it was made, and the keyed hash of all
 * that with the client's cookie and address. Its time says which secret it was made with, so
 * nothing is kept for a client.
 */
#include "dns/cookie.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "dns/wire.h"

enum { VERSION = 1, HEAD = 8, ADDRESS_MAX = 16 };

static void make_key(const struct cookies *cookies, uint32_t period, uint8_t ret[SIPHASH_KEY])
{
	uint8_t seed[5];

	set_u32(seed, period);
	for (uint8_t i = 0; i < 2; i++) {
		uint64_t half;

		seed[4] = i;
		half = htole64(siphash24(cookies->root, seed, sizeof(seed)));
		memcpy(ret + 8 * i, &half, sizeof(half));
	}
}

static void make_keys(struct cookies *cookies)
{
	cookies->period = cookies->now / COOKIE_PERIOD_S;
	make_key(cookies, cookies->period, cookies->keys[0]);
	make_key(cookies, cookies->period - 1, cookies->keys[1]);
}

void cookies_init(struct cookies *cookies, const uint8_t root[SIPHASH_KEY], uint32_t now)
{
	memcpy(cookies->root, root, SIPHASH_KEY);
	cookies->now = now;
	make_keys(cookies);
}

void cookies_set_time(struct cookies *cookies, uint32_t now)
{
	cookies->now = now;
	if (now / COOKIE_PERIOD_S != cookies->period) {
		make_keys(cookies);
	}
}

uint64_t cookie_hash(const uint8_t key[SIPHASH_KEY], const uint8_t client[COOKIE_CLIENT],
		     const uint8_t server[HEAD], const uint8_t *address, size_t address_n)
{
	uint8_t text[COOKIE_CLIENT + HEAD + ADDRESS_MAX];

	assert(address_n <= ADDRESS_MAX);
	memcpy(text, client, COOKIE_CLIENT);
	memcpy(text + COOKIE_CLIENT, server, HEAD);
	memcpy(text + COOKIE_CLIENT + HEAD, address, address_n);
	return siphash24(key, text, COOKIE_CLIENT + HEAD + address_n);
}

/* Compares in constant time: how much of a guess is right must not show. */
static bool hash_is(const uint8_t *bytes, uint64_t hash)
{
	uint64_t given;

	memcpy(&given, bytes, sizeof(given));
	return (given ^ htole64(hash)) == 0;
}

static bool is_ours(const struct cookies *cookies, const uint8_t *client, const uint8_t *server,
		    const uint8_t *address, size_t address_n, uint32_t *ret_age)
{
	uint32_t made = get_u32(server + 4);
	uint32_t age = cookies->now - made;
	uint32_t back = cookies->period - made / COOKIE_PERIOD_S;

	/* RFC 1982: what seems very old is a little ahead. */
	if (server[0] != VERSION || (age > COOKIE_VALID_S && -age > COOKIE_AHEAD_S) || back > 1 ||
	    !hash_is(server + HEAD,
		     cookie_hash(cookies->keys[back], client, server, address, address_n))) {
		return false;
	}
	*ret_age = age;
	return true;
}

enum cookie_state cookie_check(const struct cookies *cookies, const uint8_t *option, size_t n,
			       const uint8_t *address, size_t address_n,
			       uint8_t ret_server[COOKIE_SERVER])
{
	const uint8_t *server = option + COOKIE_CLIENT;
	enum cookie_state state = n == COOKIE_CLIENT ? COOKIE_NEW : COOKIE_BAD;
	uint32_t age = 0;
	uint64_t hash;

	if (n == COOKIE_CLIENT + COOKIE_SERVER &&
	    is_ours(cookies, option, server, address, address_n, &age)) {
		state = COOKIE_GOOD;
		if (age < COOKIE_RENEW_S) {
			memcpy(ret_server, server, COOKIE_SERVER);
			return state;
		}
	}
	memset(ret_server, 0, 4);
	ret_server[0] = VERSION;
	set_u32(ret_server + 4, cookies->now);
	hash = htole64(cookie_hash(cookies->keys[0], option, ret_server, address, address_n));
	memcpy(ret_server + HEAD, &hash, sizeof(hash));
	return state;
}
