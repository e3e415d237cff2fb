/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A gRPC client over a unix socket: libcurl (HTTP/2 with prior knowledge) and protobuf-c. Unary
 * calls and server streams, with deadlines; errors are outcomes, never a crash. A server that comes
 * back is found by the next call. At most LIMIT_GRPC_CALLS are under way, others wait for them.
 * Everything runs on the loop's thread.
 */

#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

struct grpc;
struct grpc_stream;
struct loop;

/* Status codes of gRPC that callers decide by; others are passed through as they came. */
enum grpc_code {
	GRPC_OK = 0,
	GRPC_UNKNOWN = 2,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5,
	GRPC_ALREADY_EXISTS = 6,
	GRPC_RESOURCE_EXHAUSTED = 8, /* also: a message is larger than LIMIT_GRPC_MESSAGE */
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13, /* also: an answer that could not be read */
	GRPC_UNAVAILABLE = 14, /* also: nobody listens at the socket */
};

struct grpc_outcome {
	enum grpc_code code;
	const char *message; /* "" with GRPC_OK; borrowed for the call */
};

struct grpc_method {
	const char *path; /* "/runtime.v1.RuntimeService/Version" */
	const ProtobufCMessageDescriptor *answer;
};

/* `answer` is NULL unless the outcome is GRPC_OK; borrowed for the call. */
typedef void (*grpc_done_fn)(void *userdata, const struct grpc_outcome *outcome,
			     const ProtobufCMessage *answer);

/* `socket_path` is copied. Nothing is connected before the first call. Returns 0 or -errno. */
int grpc_new(struct loop *loop, const char *socket_path, struct grpc **ret);

/* Every call from now on says so: a header of HTTP/2 (`name` in lower case). Copied. */
void grpc_set_metadata(struct grpc *grpc, const char *name, const char *value);

/*
 * Ends it: calls under way are done with GRPC_UNAVAILABLE first; streams end before
 * (grpc_stream_end). NULL is fine; returns NULL.
 */
struct grpc *grpc_free(struct grpc *grpc);

/*
 * One request, one answer. `request` is packed at once and stays the caller's. `done` is called
 * exactly once, never before this returns. `timeout` in ns; 0: none.
 */
void grpc_call(struct grpc *grpc, const struct grpc_method *method, const ProtobufCMessage *request,
	       uint64_t timeout, grpc_done_fn done, void *userdata);

struct grpc_stream_ops {
	/* The server has begun to answer; many do so only with their first message. */
	void (*opened)(void *userdata);
	void (*message)(void *userdata, const ProtobufCMessage *message); /* borrowed */
	/* The end, once; the stream is gone afterwards. */
	void (*ended)(void *userdata, const struct grpc_outcome *outcome);
};

/* One request, many answers. Calls come later, never before this returns. */
struct grpc_stream *grpc_stream_start(struct grpc *grpc, const struct grpc_method *method,
				      const ProtobufCMessage *request,
				      const struct grpc_stream_ops *ops, void *userdata);

/* Gives it up; nothing is called any more. NULL is fine; returns NULL. */
struct grpc_stream *grpc_stream_end(struct grpc_stream *stream);
