/* SPDX-License-Identifier: Apache-2.0 */
/* "METHOD TARGET\nCONTENT-TYPE\nACCEPT\nBODY" to the API: one answer, whatever comes. */

#include <assert.h>

#include "api/api.h"
#include "base/mem.h"
#include "fuzz.h"
#include "http/loopback.h"
#include "store/store.h"
#include "watch/hub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store *store;
	static struct hub *hub;
	static struct api *api;
	struct api_config config = { .clock = &clock_system, .service_cidrs = { "10.96.0.0/24" } };
	struct str body = { .p = (const char *)data, .n = size };
	char message[256];

	if (api == NULL) {
		assert(store_memory_new(&store) == 0);
		assert(hub_new(store, &api_hub_ops, NULL, &hub) == 0);
		config.store = store;
		config.hub = hub;
		assert(api_new(&config, message, sizeof(message), &api) == 0);
		assert(api_bootstrap(api, "127.0.0.1", 6443) == 0);
	}
	_cleanup_free_ char *method = str_dup(str_cut(&body, ' '));
	_cleanup_free_ char *target = str_dup(str_cut(&body, '\n'));
	_cleanup_free_ char *type = str_dup(str_cut(&body, '\n'));
	_cleanup_free_ char *accept = str_dup(str_cut(&body, '\n'));
	const struct http_pair headers[] = { { "content-type", type }, { "accept", accept } };
	if (target[0] == '/') {
		struct http_loopback *one =
			http_loopback_send(api_handle, api, method, target, headers, 2, body,
					   "fuzz", "system:masters");
		store_drain(store);
		assert(http_loopback_status(one) != 0);
		http_loopback_body(one);
		http_loopback_free(one);
	}
	return 0;
}
