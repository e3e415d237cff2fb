/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario [-c SEED[-SEED]] FILE…: plays scenarios: text, a command a line, as kubectl and dig
 * would be used. tests/scenario/ README.md has the language. Beside `advance` and `idle`, time
 * passes by a quarter of a second after each command: enough for what happens at once, and for
 * nothing else.
 *
 * With -c everything but the store crashes once in most commands, at a moment drawn from the seed;
 * what was under way is asked again. Nothing that a scenario expects may be different.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "dns/test-rig.h"
#include "world.h"
#include "zone/address.h"
#include "zone/name.h"
#include "json/json.h"
#include "json/yaml_read.h"

enum {
	LINE_MOST = 65536,
	WORDS_MOST = 64,
	SETTLE = 65,
	FILE_MOST = 1 << 20,
	LIST_MOST = 2000,
	CRASH_WITHIN = 40
};

/* After each command; beside what takes no time, requests that met a conflict are tried again. */
#define AT_ONCE (250 * NS_PER_MS)

struct run {
	struct world *world;
	const char *file;
	unsigned line;
	struct str rest; /* lines to come */
	char space[64];
	struct map variables;
	unsigned failures;
	bool crashing; /* -c */
	unsigned seed;
	struct random_state random;
	/* Of `expect-error` before a command; 0: none. */
	int expected_code;
	char *expected_text;
};

/* A command's line, taken apart. */
struct words {
	char *word[WORDS_MOST];
	size_t n;
	const char *expected; /* behind "->"; NULL: none */
};

static void complain(struct run *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void complain(struct run *run, const char *format, ...)
{
	va_list arguments;

	run->failures++;
	fprintf(stderr, "%s:%u: ", run->file, run->line);
	if (run->crashing) {
		fprintf(stderr, "(-c %u, crash %u) ", run->seed, run->world->crashes);
	}
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

/* ---- what is there ---- */

/* The array's element that "[0]" or "[type=Ready]" names; "[*]" is the caller's. */
static json_t *element(const json_t *array, struct str index)
{
	struct str value = index;
	struct str key = str_cut(&value, '=');
	uint64_t number;
	json_t *it;
	size_t i;

	if (str_to_u64(index, 100000, &number)) {
		return json_array_get(array, number);
	}
	json_array_foreach ((json_t *)array, i, it) {
		if (value.p != NULL && str_is(value, json_string_value(json_get(it, key)))) {
			return it;
		}
	}
	return NULL;
}

static void write_value(const json_t *value, struct buffer *out)
{
	if (json_is_string(value)) {
		buffer_append_text(out, json_string_value(value));
	} else {
		char *text _cleanup_free_ =
			json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);

		buffer_append_text(out, text != NULL ? text : "");
	}
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void query(const json_t *value, struct str path, struct buffer *out);

/* "[*]": every element's value, sorted, with commas. */
static void query_all(const json_t *array, struct str rest, struct buffer *out)
{
	size_t n = json_array_size(array);
	char **texts = mem_alloc_array(n + 1, sizeof(*texts));

	for (size_t i = 0; i < n; i++) {
		_cleanup_buffer_ struct buffer one = BUFFER_INIT(LINE_MOST);

		query(json_array_get(array, i), rest, &one);
		texts[i] = mem_strdup(buffer_text(&one));
	}
	qsort(texts, n, sizeof(*texts), compare_texts);
	for (size_t i = 0; i < n; i++) {
		buffer_printf(out, "%s%s", i == 0 ? "" : ", ", texts[i]);
		mem_free(texts[i]);
	}
	mem_free(texts);
}

/* What stands at "spec.ports[0].port", "items[*].metadata.name"; a key with dots in ['…']. */
static void query(const json_t *value, struct str path, struct buffer *out)
{
	while (path.n != 0 && value != NULL) {
		struct str step = { .p = path.p };

		if (path.p[0] == '[') {
			str_cut(&path, '[');
			step = str_cut(&path, ']');
			if (str_is(step, "*")) {
				query_all(value, path, out);
				return;
			}
			if (step.n > 2 && step.p[0] == '\'') {
				step = (struct str){ .p = step.p + 1, .n = step.n - 2 };
				value = json_get(value, step);
			} else {
				value = element(value, step);
			}
			continue;
		}
		path = path.p[0] == '.' ? str_skip(path, 1) : path;
		step.p = path.p;
		while (step.n < path.n && path.p[step.n] != '.' && path.p[step.n] != '[') {
			step.n++;
		}
		path = str_skip(path, step.n);
		value = json_get(value, step);
	}
	if (value != NULL) {
		write_value(value, out);
	}
}

static const char *space_of(const struct run *run)
{
	return run->space;
}

/* The path of the API for "svc/x" in the run's namespace, "ns/y" in none. */
static bool path_of(struct run *run, const char *resource, char path[WORLD_PATH])
{
	if (resource[0] == '/') {
		snprintf(path, WORLD_PATH, "%s", resource);
		return true;
	}
	if (world_path(resource, space_of(run), path)) {
		return true;
	}
	complain(run, "no such resource: %s", resource);
	return false;
}

static void fetch(struct run *run, const char *resource, const char *at, struct buffer *out)
{
	_cleanup_json_ json_t *object = NULL;
	char path[WORLD_PATH];

	if (!path_of(run, resource, path)) {
		return;
	}
	object = world_get(run->world, path);
	if (object == NULL) {
		buffer_append_text(out, "absent");
	} else {
		query(object, str_from(at), out);
	}
}

/* ---- lines ---- */

/*
 * "@web-0" is that pod's address as the API has it now, "@web-0:6" its second, "$x" what `let x`
 * remembered.
 */
static void expand(struct run *run, struct str text, struct buffer *out)
{
	while (text.n != 0) {
		char sign = text.p[0];
		size_t n = 1;

		while (n < text.n && (isalnum((unsigned char)text.p[n]) != 0 || text.p[n] == '-')) {
			n++;
		}
		char *name _cleanup_free_ = str_dup((struct str){ .p = text.p + 1, .n = n - 1 });

		if (sign == '$' && n > 1) {
			const char *value = map_get(&run->variables, str_from(name));

			buffer_append_text(out, value != NULL ? value : "?");
			if (value == NULL) {
				complain(run, "nobody said what $%s is", name);
			}
		} else if (sign == '@' && n > 1) {
			bool second = n + 1 < text.n && text.p[n] == ':' && text.p[n + 1] == '6';
			char *resource _cleanup_free_ = mem_printf("pods/%s", name);

			n += second ? 2 : 0;
			fetch(run, resource, second ? "status.podIPs[1].ip" : "status.podIP", out);
		} else {
			buffer_append_char(out, sign);
			n = 1;
		}
		text = str_skip(text, n);
	}
}

static struct str next_line(struct run *run)
{
	run->line++;
	return str_cut(&run->rest, '\n');
}

/* The lines up to one that is just `end`. */
static void here_document(struct run *run, const char *end, struct buffer *out)
{
	while (run->rest.p != NULL) {
		struct str line = next_line(run);

		if (str_is(line, end)) {
			return;
		}
		expand(run, line, out);
		buffer_append_char(out, '\n');
	}
	complain(run, "no %s", end);
}

/* Splits at spaces; what stands in {…} or "…" is one word. Texts live in `line`. */
static void split(char *line, struct words *words)
{
	char *arrow = strstr(line, " ->");

	*words = (struct words){ .n = 0 };
	if (arrow != NULL) {
		*arrow = '\0';
		words->expected = arrow + 3 + strspn(arrow + 3, " ");
	}
	while (words->n < WORDS_MOST) {
		unsigned depth = 0;
		bool quoted = false;

		line += strspn(line, " \t");
		if (*line == '\0') {
			return;
		}
		words->word[words->n++] = line;
		for (; *line != '\0' && (depth != 0 || quoted || *line != ' '); line++) {
			depth += *line == '{' ? 1 : 0;
			depth -= *line == '}' && depth != 0 ? 1 : 0;
			quoted = *line == '"' && depth == 0 ? !quoted : quoted;
		}
		if (*line == '\0') {
			return;
		}
		*line++ = '\0';
	}
}

/* ---- answers ---- */

/* "NOERROR b, a" with its list sorted: addresses are expected in the order of pods. */
static void sort_list(struct str text, struct buffer *out)
{
	const char *space = memchr(text.p, ' ', text.n);
	char *copy _cleanup_free_ = str_dup(text);
	char *items[LIST_MOST];
	char *rest = copy;
	size_t n = 0;

	if (space != NULL && memchr(text.p, ',', text.n) > (void *)space) {
		buffer_append(out, text.p, (size_t)(space - text.p) + 1);
		rest = copy + (space - text.p) + 1;
	}
	while (rest != NULL && n < LIST_MOST) {
		char *comma = strstr(rest, ", ");

		items[n++] = rest;
		rest = comma != NULL ? comma + 2 : NULL;
		if (comma != NULL) {
			*comma = '\0';
		}
	}
	qsort(items, n, sizeof(*items), compare_texts);
	for (size_t i = 0; i < n; i++) {
		buffer_printf(out, "%s%s", i == 0 ? "" : ", ", items[i]);
	}
}

static void check(struct run *run, const char *what, const char *got, const struct words *words)
{
	_cleanup_buffer_ struct buffer is = BUFFER_INIT(FILE_MOST);
	_cleanup_buffer_ struct buffer wanted = BUFFER_INIT(FILE_MOST);

	if (words->expected == NULL) {
		complain(run, "%s: expects nothing; it is: %s", what, got);
		return;
	}
	sort_list(str_from(got), &is);
	sort_list(str_from(words->expected), &wanted);
	if (!str_eq(buffer_str(&is), buffer_str(&wanted))) {
		complain(run, "%s\n    is       %s\n    and not  %s", what, buffer_text(&is),
			 buffer_text(&wanted));
	}
}

/* The code is what was expected: success, or what `expect-error` says. */
static void check_code(struct run *run, const char *what, int code, const json_t *status)
{
	const char *message = json_string_at(status, "message");

	if (run->expected_code == 0) {
		if (code / 100 != 2) {
			complain(run, "%s: %d %s", what, code, message);
		}
		return;
	}
	if (code != run->expected_code || strstr(message, run->expected_text) == NULL) {
		complain(run, "%s: %d %s\n    and not %d %s", what, code, message,
			 run->expected_code, run->expected_text);
	}
	run->expected_code = 0;
	run->expected_text = mem_free(run->expected_text);
}

static void send(struct run *run, const char *what, const char *method, const char *target,
		 const char *type, const json_t *body)
{
	_cleanup_json_ json_t *answer = NULL;
	unsigned crashes = run->world->crashes;
	int code = world_ask(run->world, method, target, type, body, &answer);

	if (code == 500 && run->world->crashes != crashes) {
		json_decref(answer);
		code = world_ask(run->world, method, target, type, body, &answer);
	}
	check_code(run, what, code, answer);
}

/* YAML is a superset of JSON, so {a: 1} does, too. */
static json_t *read_body(struct run *run, const char *text)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	json_t *tree = NULL;

	if (yaml_read(str_from(text), &message, &tree) != 0) {
		complain(run, "%s: %s", text, buffer_text(&message));
	}
	return tree;
}

/* ---- commands ---- */

static void do_apply(struct run *run, const struct words *words)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(FILE_MOST);
	_cleanup_json_ json_t *status = NULL;
	int code;

	if (words->n > 1 && strncmp(words->word[1], "<<", 2) == 0) {
		here_document(run, words->word[1] + 2, &text);
	} else if (words->n > 1) {
		char *bytes _cleanup_free_ = NULL;
		char *path _cleanup_free_ =
			mem_printf("%s/%s", getenv("EXAMPLES") != NULL ? getenv("EXAMPLES") : ".",
				   words->word[1]);
		size_t n;

		if (file_read(path, FILE_MOST, &bytes, &n) < 0) {
			complain(run, "cannot read %s", path);
			return;
		}
		buffer_append(&text, bytes, n);
	}
	unsigned crashes = run->world->crashes;

	code = world_apply(run->world, buffer_str(&text), space_of(run), &status);
	if (code == 500 && run->world->crashes != crashes) {
		json_decref(status);
		code = world_apply(run->world, buffer_str(&text), space_of(run), &status);
	}
	check_code(run, "apply", code, status);
}

/* delete RESOURCE [grace=N] [cascade=orphan|foreground|background] */
static void do_delete(struct run *run, const struct words *words)
{
	static const char *const policies[][2] = {
		{ "orphan", "Orphan" },
		{ "foreground", "Foreground" },
		{ "background", "Background" },
	};
	_cleanup_json_ json_t *options = json_object();
	char path[WORLD_PATH];

	for (size_t i = 2; i < words->n; i++) {
		const char *word = words->word[i];

		if (strncmp(word, "grace=", 6) == 0) {
			json_object_set_new(options, "gracePeriodSeconds",
					    json_integer(atoi(word + 6)));
		}
		for (size_t j = 0; j < ARRAY_SIZE(policies); j++) {
			if (strncmp(word, "cascade=", 8) == 0 &&
			    strcmp(word + 8, policies[j][0]) == 0) {
				json_object_set_new(options, "propagationPolicy",
						    json_string(policies[j][1]));
			}
		}
	}
	if (path_of(run, words->word[1], path)) {
		send(run, words->word[1], "DELETE", path, NULL, options);
	}
}

static void do_scale(struct run *run, const struct words *words)
{
	_cleanup_json_ json_t *body =
		json_pack("{s{si}}", "spec", "replicas", atoi(words->word[2]));
	char *resource _cleanup_free_ = mem_printf("%s/scale", words->word[1]);
	char path[WORLD_PATH];

	if (path_of(run, resource, path)) {
		send(run, resource, "PATCH", path, "application/merge-patch+json", body);
	}
}

/* patch RESOURCE {…} [merge|json] */
static void do_patch(struct run *run, const struct words *words)
{
	const char *type = "application/strategic-merge-patch+json";
	_cleanup_json_ json_t *body = read_body(run, words->word[2]);
	char path[WORLD_PATH];

	if (words->n > 3) {
		type = strcmp(words->word[3], "json") == 0 ? "application/json-patch+json"
							   : "application/merge-patch+json";
	}
	if (body != NULL && path_of(run, words->word[1], path)) {
		send(run, words->word[1], "PATCH", path, type, body);
	}
}

/* ready POD True|False: what `kubectl patch --subresource=status` does. */
static void do_ready(struct run *run, const struct words *words)
{
	_cleanup_json_ json_t *body = json_pack("{s{s[{ssss}]}}", "status", "conditions", "type",
						"Ready", "status", words->word[2]);
	char *resource _cleanup_free_ = mem_printf("pods/%s/status", words->word[1]);
	char path[WORLD_PATH];

	if (path_of(run, resource, path)) {
		send(run, resource, "PATCH", path, "application/strategic-merge-patch+json", body);
	}
}

/* label RESOURCE key=value key- */
static void do_label(struct run *run, const struct words *words)
{
	_cleanup_json_ json_t *labels = json_object();
	_cleanup_json_ json_t *body = NULL;
	char path[WORLD_PATH];

	for (size_t i = 2; i < words->n; i++) {
		struct str value = str_from(words->word[i]);
		struct str key = str_cut(&value, '=');
		bool gone = value.p == NULL && str_ends(key, STR("-"));

		json_object_setn_new(labels, key.p, gone ? key.n - 1 : key.n,
				     gone ? json_null() : json_stringn(value.p, value.n));
	}
	body = json_pack("{s{sO}}", "metadata", "labels", labels);
	if (path_of(run, words->word[1], path)) {
		send(run, words->word[1], "PATCH", path, "application/merge-patch+json", body);
	}
}

/* get RESOURCE [PATH] -> VALUE; "absent" when it is not there. */
static void do_get(struct run *run, const struct words *words)
{
	_cleanup_buffer_ struct buffer out = BUFFER_INIT(FILE_MOST);

	fetch(run, words->word[1], words->n > 2 ? words->word[2] : "metadata.name", &out);
	check(run, words->word[1], buffer_text(&out), words);
}

/* let NAME get RESOURCE PATH */
static void do_let(struct run *run, const struct words *words)
{
	_cleanup_buffer_ struct buffer out = BUFFER_INIT(FILE_MOST);

	fetch(run, words->word[3], words->n > 4 ? words->word[4] : "metadata.name", &out);
	mem_free(map_put(&run->variables, str_from(words->word[1]), mem_strdup(buffer_text(&out))));
}

/* list RESOURCE [SELECTOR] -> names, sorted */
static void do_list(struct run *run, const struct words *words)
{
	_cleanup_buffer_ struct buffer out = BUFFER_INIT(FILE_MOST);
	_cleanup_json_ json_t *list = NULL;
	char path[WORLD_PATH];

	if (!path_of(run, words->word[1], path)) {
		return;
	}
	char *target _cleanup_free_ =
		mem_printf("%s%s%s", path, words->n > 2 ? "?labelSelector=" : "",
			   words->n > 2 ? words->word[2] : "");

	list = world_get(run->world, target);
	query(list, STR("items[*].metadata.name"), &out);
	check(run, words->word[1], out.n != 0 ? buffer_text(&out) : "none", words);
}

/* Names below the namespace's domain without it: what the search path adds. */
static void shorten(const struct run *run, const char *text, struct buffer *out)
{
	char *suffix _cleanup_free_ = mem_printf(".%s.svc.cluster.local.", run->space);
	size_t n = strlen(suffix);

	for (const char *found; (found = strstr(text, suffix)) != NULL; text = found + n) {
		buffer_append(out, text, (size_t)(found - text));
	}
	buffer_append_text(out, text);
}

static void reverse_name(struct run *run, const char *text, struct buffer *out)
{
	struct ip address;

	if (!ip_parse(str_from(text), &address)) {
		complain(run, "%s is no address", text);
		return;
	}
	for (int i = address.n - 1; i >= 0; i--) {
		if (address.n == 4) {
			buffer_printf(out, "%u.", address.bytes[i]);
		} else {
			buffer_printf(out, "%x.%x.", address.bytes[i] & 15, address.bytes[i] >> 4);
		}
	}
	buffer_append_text(out, address.n == 4 ? "in-addr.arpa" : "ip6.arpa");
}

/*
 * dig [+udp] [+whole] NAME TYPE -> ANSWER, dig -x ADDRESS -> ANSWER. A name without a final dot is
 * looked for in the namespace's domain, as a pod's resolver would.
 */
static void do_dig(struct run *run, const struct words *words)
{
	_cleanup_buffer_ struct buffer name = BUFFER_INIT(LINE_MOST);
	_cleanup_buffer_ struct buffer out = BUFFER_INIT(FILE_MOST);
	struct rig *rig = run->world->rig;
	uint16_t type = RR_PTR;
	size_t i = 1;

	rig->tcp = true;
	if (i < words->n && strcmp(words->word[i], "+udp") == 0) {
		rig->tcp = false;
		i++;
	}
	if (i + 1 >= words->n) {
		complain(run, "dig NAME TYPE");
		return;
	}
	if (strcmp(words->word[i], "-x") == 0) {
		reverse_name(run, words->word[i + 1], &name);
	} else {
		struct str text = str_from(words->word[i]);

		buffer_append_str(&name, text);
		if (str_ends(text, STR("."))) {
			name.n--;
		} else {
			buffer_printf(&name, ".%s.svc.cluster.local", run->space);
		}
		type = world_type(words->word[i + 1]);
	}
	shorten(run, world_dig(run->world, buffer_text(&name), type), &out);
	check(run, buffer_text(&name), buffer_text(&out), words);
	rig->tcp = true;
}

static void do_advance(struct run *run, const struct words *words)
{
	char *end;
	unsigned long n = strtoul(words->word[1], &end, 10);
	uint64_t unit = strcmp(end, "ms") == 0  ? NS_PER_MS
			: strcmp(end, "m") == 0 ? 60 * NS_PER_S
			: strcmp(end, "h") == 0 ? 3600 * NS_PER_S
						: NS_PER_S;

	world_advance(run->world, n * unit);
}

static void do_idle(struct run *run, const struct words *words)
{
	if (!world_settle(run->world, SETTLE)) {
		complain(run, "it does not come to rest");
	}
}

static void do_crash(struct run *run, const struct words *words)
{
	world_crash(run->world, 0);
}

/* expect-error CODE "text" */
static void do_expect_error(struct run *run, const struct words *words)
{
	char *text = words->n > 2 ? words->word[2] : "\"\"";
	size_t n = strlen(text);

	run->expected_code = atoi(words->word[1]);
	run->expected_text = str_dup((struct str){ .p = text + 1, .n = n > 1 ? n - 2 : 0 });
}

static void do_namespace(struct run *run, const struct words *words)
{
	snprintf(run->space, sizeof(run->space), "%s", words->word[1]);
}

static const struct command {
	const char *name;
	size_t words; /* at least */
	void (*run)(struct run *run, const struct words *words);
} commands[] = {
	{ "advance", 2, do_advance }, { "apply", 2, do_apply },
	{ "crash", 1, do_crash },     { "delete", 2, do_delete },
	{ "dig", 3, do_dig },         { "expect-error", 2, do_expect_error },
	{ "get", 2, do_get },         { "idle", 1, do_idle },
	{ "label", 3, do_label },     { "let", 4, do_let },
	{ "list", 2, do_list },       { "namespace", 2, do_namespace },
	{ "patch", 3, do_patch },     { "ready", 3, do_ready },
	{ "scale", 3, do_scale },
};

static void run_line(struct run *run, struct str text)
{
	_cleanup_buffer_ struct buffer line = BUFFER_INIT(LINE_MOST);
	struct words words;

	expand(run, text, &line);
	char *copy _cleanup_free_ = mem_strdup(buffer_text(&line));

	split(copy, &words);
	if (words.n == 0) {
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, words.word[0]) == 0) {
			if (words.n < commands[i].words) {
				complain(run, "%s needs more than that", words.word[0]);
				return;
			}
			if (run->crashing) {
				run->world->crash_in = random_below(&run->random, CRASH_WITHIN);
			}
			commands[i].run(run, &words);
			world_advance(run->world, AT_ONCE);
			return;
		}
	}
	complain(run, "no such command: %s", words.word[0]);
}

/* `seed` 0: without crashes. */
static unsigned run_file(const char *path, uint64_t seed)
{
	char *text _cleanup_free_ = NULL;
	struct run run = {
		.file = path, .space = "default", .crashing = seed != 0, .seed = (unsigned)seed
	};
	/* The first line may say "# dual stack". */
	struct world_config config = { .seed = 1 };
	size_t n;

	if (file_read(path, FILE_MOST, &text, &n) < 0) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	if (strncmp(text, "# dual stack\n", 13) == 0) {
		config.pod_cidr = "10.244.0.0/16,fd00:10:244::/56";
		config.service_cidrs[0] = "10.96.0.0/16";
		config.service_cidrs[1] = "fd00:10:96::/112";
	}
	map_init(&run.variables, 1000);
	run.world = world_new(&config);
	random_state_seed(&run.random, seed);
	if (run.crashing) {
		run.world->step = 1;
	}
	run.rest = (struct str){ .p = text, .n = n };
	while (run.rest.n != 0) {
		struct str line = str_trim(next_line(&run));

		if (line.n != 0 && line.p[0] != '#') {
			run_line(&run, line);
		}
	}
	if (run.expected_code != 0) {
		complain(&run, "expect-error, and nothing was asked");
	}
	run.world = world_free(run.world);
	map_deinit(&run.variables, free);
	mem_free(run.expected_text);
	return run.failures;
}

int main(int argc, char **argv)
{
	unsigned failures = 0;
	uint64_t seed = 0;
	uint64_t last = 0;
	int file = 1;

	log_set_level(LOG_ERROR);
	if (argc > 3 && strcmp(argv[1], "-c") == 0) {
		char *end;

		seed = strtoull(argv[2], &end, 10);
		last = *end == '-' ? strtoull(end + 1, NULL, 10) : seed;
		file = 3;
	}
	if (file >= argc) {
		fprintf(stderr, "usage: scenario [-c SEED[-SEED]] FILE…\n");
		return 2;
	}
	for (; seed <= last; seed++) {
		for (int i = file; i < argc; i++) {
			failures += run_file(argv[i], seed);
		}
	}
	return failures == 0 ? 0 : 1;
}
