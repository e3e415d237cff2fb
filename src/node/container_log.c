/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are cut out of a block that is refilled from the file; a line longer than the block is
 * passed on in parts (its head, with time and tag, is in the first). What a reader has no room for
 * stays in `ready`.
 */
#include "node/container_log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

enum { BLOCK = 32 * 1024, TIME_TEXT = 64 };

struct container_log {
	struct container_log_options options;
	char *path;
	int fd;
	struct buffer block; /* of the file, not looked at yet */
	struct buffer ready; /* to be read */
	int64_t left; /* of the limit */
	bool in_line; /* the last text was a part */
	bool in_long; /* the rest of a line that was longer than a block comes */
	bool skips_long; /* and it is too old */
	bool whole_long; /* and then a line ends */
};

bool container_log_parse(struct str line, struct container_log_line *ret)
{
	struct str rest = line;
	struct str time = str_cut(&rest, ' ');
	struct str stream = str_cut(&rest, ' ');
	struct str tags = str_cut(&rest, ' ');
	struct str tag = str_cut(&tags, ':');

	if (rest.p == NULL || time.n == 0 || time.n >= TIME_TEXT ||
	    !(str_is(stream, "stdout") || str_is(stream, "stderr")) ||
	    !(str_is(tag, "F") || str_is(tag, "P"))) {
		return false;
	}
	*ret = (struct container_log_line){
		.time = time,
		.text = rest,
		.whole = tag.p[0] == 'F',
	};
	return true;
}

/* Where the last `lines` lines of a file begin. */
static off_t tail_position(int fd, off_t size, int64_t lines)
{
	char block[4096];
	off_t end = size;

	/* The end of the last line is not the beginning of another. */
	lines++;
	while (end > 0) {
		off_t start = end > (off_t)sizeof(block) ? end - (off_t)sizeof(block) : 0;
		ssize_t n = pread(fd, block, (size_t)(end - start), start);

		for (ssize_t i = n - 1; i >= 0; i--) {
			lines -= block[i] == '\n';
			if (lines == 0) {
				return start + i + 1;
			}
		}
		end = n > 0 ? start : 0;
	}
	return 0;
}

int container_log_open(const char *path, const struct container_log_options *options,
		       struct container_log **ret)
{
	struct container_log *log;
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return -errno;
	}
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return error_origin(-EINVAL);
	}
	if (options->tail >= 0) {
		lseek(fd, tail_position(fd, status.st_size, options->tail), SEEK_SET);
	}
	log = MEM_NEW(struct container_log);
	log->options = *options;
	log->left = options->limit;
	log->path = mem_strdup(path);
	log->fd = fd;
	buffer_init(&log->block, BLOCK);
	buffer_init(&log->ready, 2 * BLOCK + TIME_TEXT);
	*ret = log;
	return 0;
}

struct container_log *container_log_free(struct container_log *log)
{
	if (log != NULL) {
		close(log->fd);
		buffer_deinit(&log->block);
		buffer_deinit(&log->ready);
		mem_free(log->path);
		mem_free(log);
	}
	return NULL;
}

static bool is_too_old(const struct container_log *log, struct str time)
{
	char text[TIME_TEXT] = "";
	int64_t at;

	if (log->options.since == 0) {
		return false;
	}
	memcpy(text, time.p, time.n);
	return timestamp_parse(text, &at) == 0 && at < log->options.since;
}

/* Makes a line, or the first part of one that is longer than a block, ready. */
static void take_line(struct container_log *log, struct str text, bool complete)
{
	struct container_log_line line;

	if (!container_log_parse(text, &line)) {
		log->in_long = !complete;
		log->skips_long = true;
		return;
	}
	log->in_long = !complete;
	log->whole_long = line.whole;
	log->skips_long = is_too_old(log, line.time);
	if (log->skips_long) {
		return;
	}
	if (log->options.timestamps && !log->in_line) {
		buffer_append_str(&log->ready, line.time);
		buffer_append_char(&log->ready, ' ');
	}
	buffer_append_str(&log->ready, line.text);
	if (complete && line.whole) {
		buffer_append_char(&log->ready, '\n');
	}
	log->in_line = !(complete && line.whole);
}

/* The rest of a line that began in an earlier block. */
static void take_rest(struct container_log *log, struct str text, bool complete)
{
	log->in_long = !complete;
	if (log->skips_long) {
		return;
	}
	buffer_append_str(&log->ready, text);
	if (complete && log->whole_long) {
		buffer_append_char(&log->ready, '\n');
		log->in_line = false;
	}
}

/* Moves one line from the block to what is ready; false: there is none. */
static bool cut_line(struct container_log *log)
{
	struct str text = buffer_str(&log->block);
	const char *end = text.n != 0 ? memchr(text.p, '\n', text.n) : NULL;
	bool complete = end != NULL;

	if (!complete && log->block.n < BLOCK) {
		return false;
	}
	text.n = complete ? (size_t)(end - text.p) : text.n;
	if (log->in_long) {
		take_rest(log, text, complete);
	} else {
		take_line(log, text, complete);
	}
	buffer_consume(&log->block, text.n + complete);
	return true;
}

/*
 * The file at the path is another one now, and written to: it is the next to be read. While it is
 * empty, the runtime may still write to the old one.
 */
static bool is_rotated(struct container_log *log)
{
	struct stat ours;
	struct stat now;

	return fstat(log->fd, &ours) == 0 && stat(log->path, &now) == 0 && now.st_size != 0 &&
	       (ours.st_dev != now.st_dev || ours.st_ino != now.st_ino);
}

static bool open_next(struct container_log *log)
{
	int fd = open(log->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return false;
	}
	close(log->fd);
	log->fd = fd;
	buffer_clear(&log->block);
	return true;
}

/* Returns how many bytes came, or -1. */
static ssize_t refill(struct container_log *log)
{
	char bytes[BLOCK];
	ssize_t n = read(log->fd, bytes, BLOCK - log->block.n);

	if (n == 0 && is_rotated(log)) {
		/* What came between the two looks is the last. */
		n = read(log->fd, bytes, BLOCK - log->block.n);
		if (n == 0 && open_next(log)) {
			n = read(log->fd, bytes, BLOCK);
		}
	}
	if (n > 0) {
		buffer_append(&log->block, bytes, (size_t)n);
	}
	return n;
}

int64_t container_log_read(struct container_log *log, char *out, size_t size)
{
	size_t n;

	if (log->options.limit >= 0 && log->left == 0) {
		return CONTAINER_LOG_FULL;
	}
	while (log->ready.n == 0) {
		if (cut_line(log)) {
			continue;
		}
		ssize_t got = refill(log);
		if (got <= 0) {
			return got < 0 ? CONTAINER_LOG_BROKEN : 0;
		}
	}
	while (log->ready.n < BLOCK && cut_line(log)) {
	}
	n = log->ready.n < size ? log->ready.n : size;
	if (log->options.limit >= 0) {
		n = (int64_t)n < log->left ? n : (size_t)log->left;
		log->left -= (int64_t)n;
	}
	memcpy(out, log->ready.p, n);
	buffer_consume(&log->ready, n);
	return (int64_t)n;
}
