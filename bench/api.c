/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays requests against the API and says how long they took, as one JSON object:
 *
 *   bench-api FOLDER URL send FILE CLIENTS   each line METHOD, path and JSON body, tabs between;
 *                                            each client sends its next when the last was answered
 *   bench-api FOLDER URL get PATH TIMES      one after the other, body and all
 *
 * FOLDER holds the credentials (https.h). Any status but 200 and 201 ends the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/thread.h"
#include "https.h"
#include "times.h"

enum { CLIENTS_MAX = 1024, FILE_MAX = 1024 * 1024 * 1024, TIMES_MAX = 100000 };

struct line {
	const char *method;
	const char *path;
	struct str body;
};

/* One client: takes every `step`-th line, writes the time of each where the line has its place. */
struct client {
	const struct https_login *login;
	const struct line *lines;
	uint64_t *times;
	size_t first, step, n;
	struct https *https;
	struct thread *thread;
};

static void check_status(int status, const char *method, const char *path, const char *body)
{
	if (status != 200 && status != 201) {
		fprintf(stderr, "bench-api: %s %s: %d %s\n", method, path, status, body);
		exit(1);
	}
}

static uint64_t request(struct https *https, const struct line *line, struct buffer *body)
{
	uint64_t start = times_now();
	int status;

	buffer_clear(body);
	https_send(https, line->method, line->path, "application/json", line->body);
	status = https_read_head(https);
	https_read_body(https, body);
	check_status(status, line->method, line->path, buffer_text(body));
	return times_now() - start;
}

static void play(void *argument)
{
	struct client *client = argument;
	_cleanup_buffer_ struct buffer body = BUFFER_INIT(HTTPS_BODY_MAX);

	for (size_t i = client->first; i < client->n; i += client->step) {
		client->times[i] = request(client->https, &client->lines[i], &body);
	}
}

/* Cuts `text` into lines; returns how many. */
static size_t read_lines(char *text, size_t n, struct line **ret)
{
	struct line *lines;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		count += text[i] == '\n';
	}
	lines = mem_alloc_array(count, sizeof(*lines));
	for (size_t i = 0; i < count; i++) {
		char *end = strchr(text, '\n');
		char *path = memchr(text, '\t', (size_t)(end - text));
		char *body = path != NULL ? memchr(path + 1, '\t', (size_t)(end - path - 1)) : NULL;

		if (body == NULL) {
			fprintf(stderr, "bench-api: line %zu is no request\n", i + 1);
			exit(2);
		}
		*path++ = *body++ = '\0';
		lines[i] = (struct line){
			.method = text,
			.path = path,
			.body = { .p = body, .n = (size_t)(end - body) },
		};
		text = end + 1;
	}
	*ret = lines;
	return count;
}

static void play_all(const struct https_login *login, const struct line *lines, size_t n,
		     size_t n_clients)
{
	struct client *clients = mem_alloc_array(n_clients, sizeof(*clients));
	uint64_t *times = mem_alloc_array(n, sizeof(*times));
	uint64_t start;

	for (size_t i = 0; i < n_clients; i++) {
		clients[i] = (struct client){
			.login = login,
			.lines = lines,
			.times = times,
			.first = i,
			.step = n_clients,
			.n = n,
			.https = https_connect(login),
		};
	}
	start = times_now();
	for (size_t i = 0; i < n_clients; i++) {
		if (thread_start("client", play, &clients[i], &clients[i].thread) != 0) {
			fprintf(stderr, "bench-api: no thread for client %zu\n", i);
			exit(1);
		}
	}
	for (size_t i = 0; i < n_clients; i++) {
		thread_join(clients[i].thread);
	}
	printf("{\"requests\":%zu,\"seconds\":%.4f", n, (double)(times_now() - start) / 1e9);
	times_print("us", times, n);
	printf("}\n");
}

static void get(const struct https_login *login, const char *path, size_t n)
{
	struct line line = { .method = "GET", .path = path };
	uint64_t *times = mem_alloc_array(n, sizeof(*times));
	_cleanup_buffer_ struct buffer body = BUFFER_INIT(HTTPS_BODY_MAX);
	struct https *https = https_connect(login);

	for (size_t i = 0; i < n; i++) {
		times[i] = request(https, &line, &body);
	}
	printf("{\"requests\":%zu,\"bytes\":%zu", n, body.n);
	times_print("us", times, n);
	printf("}\n");
}

int main(int argc, char **argv)
{
	const struct https_login *login;
	struct line *lines;
	uint64_t number;
	char *text;
	size_t n;

	if (argc != 6 || !str_to_u64(str_from(argv[5]), TIMES_MAX, &number) || number == 0) {
		fprintf(stderr, "usage: bench-api FOLDER URL send FILE CLIENTS | get PATH TIMES\n");
		return 2;
	}
	login = https_login(argv[1], argv[2]);
	if (strcmp(argv[3], "get") == 0) {
		get(login, argv[4], (size_t)number);
		return 0;
	}
	if (number > CLIENTS_MAX || file_read(argv[4], FILE_MAX, &text, &n) < 0) {
		fprintf(stderr, "bench-api: cannot read %s, or too many clients\n", argv[4]);
		return 2;
	}
	n = read_lines(text, n, &lines);
	if (n == 0) {
		fprintf(stderr, "bench-api: %s holds no request\n", argv[4]);
		return 2;
	}
	play_all(login, lines, n, (size_t)number);
	return 0;
}
