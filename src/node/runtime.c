/* SPDX-License-Identifier: Apache-2.0 */
#include "node/runtime.h"

#include <stddef.h>

void runtime_call(struct runtime *runtime, enum runtime_method method,
		  const ProtobufCMessage *request, uint64_t timeout, grpc_done_fn done,
		  void *userdata)
{
	runtime->ops->call(runtime, method, request, timeout, done, userdata);
}

void runtime_listen(struct runtime *runtime, const struct runtime_sink *sink, void *userdata)
{
	runtime->ops->listen(runtime, sink, userdata);
}

struct runtime *runtime_free(struct runtime *runtime)
{
	if (runtime != NULL) {
		runtime->ops->free(runtime);
	}
	return NULL;
}
