/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every file has two images: what its users see, and what is on the platter. Writes and truncations
 * change the first and are noted; a sync carries the notes over to the second. At a power cut a
 * random part of the notes makes it, in sectors.
 */
#include "store/faulty_disk.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "base/mem.h"
#include "base/random.h"

enum { FILES = 8, SECTOR = 512, NAME = 128 };

struct image {
	char *bytes;
	size_t n;
	size_t size; /* allocated */
};

/* A change not yet synced: bytes at an offset, or, without bytes, a truncation to it. */
struct note {
	struct note *next;
	char *bytes;
	size_t n;
	size_t offset;
};

struct disk_file {
	char name[NAME];
	bool exists;
	struct image seen;
	struct image platter;
	struct note *notes;
	struct note **last;
};

struct disk {
	struct disk_file files[FILES];
	struct random_state random;
	size_t operations;
	size_t fail_from;
	size_t fail_until;
	size_t cut_at;
	size_t capacity;
	bool fail_reads;
	struct counter is_cut;
};

struct handle {
	sqlite3_file file;
	struct disk_file *disk_file;
};

static struct disk disk;

static bool by_chance(uint32_t of)
{
	return random_below(&disk.random, of) == 0;
}

static void image_resize(struct image *image, size_t n)
{
	if (n > image->size) {
		image->size = n < 4096 ? 4096 : 2 * n;
		image->bytes = mem_resize(image->bytes, image->size);
	}
	if (n > image->n) {
		memset(image->bytes + image->n, 0, n - image->n);
	}
	image->n = n;
}

static void image_write(struct image *image, const char *bytes, size_t n, size_t offset)
{
	if (offset + n > image->n) {
		image_resize(image, offset + n);
	}
	memcpy(image->bytes + offset, bytes, n);
}

static void image_apply(struct image *image, const struct note *note)
{
	if (note->bytes != NULL) {
		image_write(image, note->bytes, note->n, note->offset);
	} else {
		image_resize(image, note->offset);
	}
}

/* Some sectors of a note, or none. */
static void image_apply_some(struct image *image, const struct note *note)
{
	if (note->bytes == NULL) {
		if (by_chance(2)) {
			image_apply(image, note);
		}
		return;
	}
	for (size_t at = 0; at < note->n;) {
		size_t n = SECTOR - (note->offset + at) % SECTOR;

		n = n < note->n - at ? n : note->n - at;
		if (!by_chance(2)) {
			image_write(image, note->bytes + at, n, note->offset + at);
		}
		at += n;
	}
}

/* Ends all notes of a file: applied to the platter wholly, or in part. */
static void settle(struct disk_file *file, bool wholly)
{
	while (file->notes != NULL) {
		struct note *note = file->notes;

		if (wholly) {
			image_apply(&file->platter, note);
		} else {
			image_apply_some(&file->platter, note);
		}
		file->notes = note->next;
		mem_free(note->bytes);
		mem_free(note);
	}
	file->last = &file->notes;
}

static void power_off(void)
{
	/* Sometimes everything was on its way already, sometimes nothing. */
	bool wholly = by_chance(4);
	bool nothing = by_chance(4);

	for (size_t i = 0; i < FILES; i++) {
		struct disk_file *file = &disk.files[i];

		if (nothing) {
			while (file->notes != NULL) {
				struct note *note = file->notes;

				file->notes = note->next;
				mem_free(note->bytes);
				mem_free(note);
			}
			file->last = &file->notes;
		}
		settle(file, wholly);
	}
	counter_set(&disk.is_cut, 1);
}

static void note_change(struct disk_file *file, const void *bytes, size_t n, size_t offset)
{
	struct note *note = MEM_NEW(struct note);

	note->bytes = bytes != NULL ? mem_copy(bytes, n) : NULL;
	note->n = n;
	note->offset = offset;
	image_apply(&file->seen, note);
	*file->last = note;
	file->last = &note->next;
}

/* Counts an operation. Returns whether it is to fail. */
static bool fails(void)
{
	size_t at = disk.operations++;

	if (at == disk.cut_at) {
		power_off();
	}
	return faulty_disk_is_cut() || (at >= disk.fail_from && at < disk.fail_until);
}

static struct disk_file *file_of(sqlite3_file *file)
{
	return ((struct handle *)(void *)file)->disk_file;
}

static int disk_close(sqlite3_file *file)
{
	return SQLITE_OK;
}

static int disk_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 offset)
{
	const struct image *image = &file_of(file)->seen;
	size_t from = (size_t)offset;
	size_t there = from < image->n ? image->n - from : 0;

	if (faulty_disk_is_cut() || disk.fail_reads) {
		return SQLITE_IOERR_READ;
	}
	if (there >= (size_t)n) {
		memcpy(bytes, image->bytes + from, (size_t)n);
		return SQLITE_OK;
	}
	memset(bytes, 0, (size_t)n);
	if (there != 0) {
		memcpy(bytes, image->bytes + from, there);
	}
	return SQLITE_IOERR_SHORT_READ;
}

static bool is_full(const struct disk_file *file, size_t end)
{
	size_t n = end > file->seen.n ? end - file->seen.n : 0;

	for (size_t i = 0; n != 0 && i < FILES; i++) {
		n += disk.files[i].exists ? disk.files[i].seen.n : 0;
	}
	return n > disk.capacity;
}

static int disk_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
	struct disk_file *disk_file = file_of(file);

	if (fails()) {
		/* What failed may still be there in part. */
		if (!faulty_disk_is_cut() && by_chance(2)) {
			note_change(disk_file, bytes, random_below(&disk.random, (uint32_t)n) + 1,
				    (size_t)offset);
		}
		return by_chance(2) ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	}
	if (is_full(disk_file, (size_t)offset + (size_t)n)) {
		return SQLITE_FULL;
	}
	note_change(disk_file, bytes, (size_t)n, (size_t)offset);
	return SQLITE_OK;
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	if (fails()) {
		return SQLITE_IOERR_TRUNCATE;
	}
	note_change(file_of(file), NULL, 0, (size_t)size);
	return SQLITE_OK;
}

static int disk_sync(sqlite3_file *file, int flags)
{
	if (fails()) {
		if (!faulty_disk_is_cut()) {
			settle(file_of(file), /* wholly= */ by_chance(4));
		}
		return SQLITE_IOERR_FSYNC;
	}
	settle(file_of(file), /* wholly= */ true);
	return SQLITE_OK;
}

static int disk_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)file_of(file)->seen.n;
	return SQLITE_OK;
}

static int disk_lock(sqlite3_file *file, int lock)
{
	return SQLITE_OK;
}

static int disk_check_lock(sqlite3_file *file, int *ret)
{
	*ret = 0;
	return SQLITE_OK;
}

static int disk_control(sqlite3_file *file, int operation, void *argument)
{
	return SQLITE_NOTFOUND;
}

static int disk_sector(sqlite3_file *file)
{
	return SECTOR;
}

static int disk_characteristics(sqlite3_file *file)
{
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = disk_close,
	.xRead = disk_read,
	.xWrite = disk_write,
	.xTruncate = disk_truncate,
	.xSync = disk_sync,
	.xFileSize = disk_size,
	.xLock = disk_lock,
	.xUnlock = disk_lock,
	.xCheckReservedLock = disk_check_lock,
	.xFileControl = disk_control,
	.xSectorSize = disk_sector,
	.xDeviceCharacteristics = disk_characteristics,
};

static struct disk_file *find_file(const char *name)
{
	struct disk_file *unused = NULL;

	for (size_t i = 0; i < FILES; i++) {
		struct disk_file *file = &disk.files[i];

		if (file->exists && strcmp(file->name, name) == 0) {
			return file;
		}
		if (!file->exists) {
			unused = file;
		}
	}
	return unused;
}

static void forget_file(struct disk_file *file)
{
	settle(file, /* wholly= */ true);
	mem_free(file->seen.bytes);
	mem_free(file->platter.bytes);
	*file = (struct disk_file){ 0 };
	file->last = &file->notes;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
		    int *ret_flags)
{
	struct handle *handle = (struct handle *)(void *)file;
	struct disk_file *disk_file = find_file(name);

	file->pMethods = NULL;
	if (disk_file == NULL || faulty_disk_is_cut() ||
	    (!disk_file->exists && !(flags & SQLITE_OPEN_CREATE))) {
		return SQLITE_CANTOPEN;
	}
	/* That a file exists is safe at once: the real VFS syncs its directory. */
	if (!disk_file->exists) {
		snprintf(disk_file->name, sizeof(disk_file->name), "%s", name);
		disk_file->exists = true;
	}
	handle->disk_file = disk_file;
	file->pMethods = &methods;
	if (ret_flags != NULL) {
		*ret_flags = flags;
	}
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct disk_file *file = find_file(name);

	if (fails()) {
		return SQLITE_IOERR_DELETE;
	}
	if (file != NULL && file->exists) {
		forget_file(file);
	}
	return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	const struct disk_file *file = find_file(name);

	*ret = file != NULL && file->exists;
	return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int n, char *ret)
{
	snprintf(ret, (size_t)n, "%s", name);
	return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int n, char *ret)
{
	for (int i = 0; i < n; i++) {
		ret[i] = (char)random_next(&disk.random);
	}
	return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, double *ret)
{
	*ret = 2460000.5;
	return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *ret)
{
	return EIO;
}

void faulty_disk_init(uint64_t seed)
{
	static sqlite3_vfs vfs = {
		.iVersion = 1,
		.szOsFile = sizeof(struct handle),
		.mxPathname = NAME - 1,
		.zName = FAULTY_DISK,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_name,
		.xRandomness = vfs_randomness,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
		.xGetLastError = vfs_last_error,
	};

	for (size_t i = 0; i < FILES; i++) {
		forget_file(&disk.files[i]);
	}
	random_state_seed(&disk.random, seed);
	disk.operations = 0;
	faulty_disk_capacity(SIZE_MAX);
	faulty_disk_restart();
	sqlite3_vfs_register(&vfs, /* as the default= */ 0);
}

void faulty_disk_fail(size_t after, size_t n)
{
	disk.fail_from = disk.operations + after;
	disk.fail_until = n == SIZE_MAX ? SIZE_MAX : disk.fail_from + n;
}

void faulty_disk_fail_reads(bool fail)
{
	disk.fail_reads = fail;
}

void faulty_disk_cut(size_t after)
{
	disk.cut_at = disk.operations + after;
}

bool faulty_disk_is_cut(void)
{
	return counter_get(&disk.is_cut) != 0;
}

void faulty_disk_restart(void)
{
	if (faulty_disk_is_cut()) {
		for (size_t i = 0; i < FILES; i++) {
			struct disk_file *file = &disk.files[i];

			image_resize(&file->seen, 0);
			if (file->platter.n != 0) {
				image_write(&file->seen, file->platter.bytes, file->platter.n, 0);
			}
		}
	}
	counter_set(&disk.is_cut, 0);
	disk.fail_from = disk.fail_until = SIZE_MAX;
	disk.cut_at = SIZE_MAX;
	disk.fail_reads = false;
}

void faulty_disk_capacity(size_t bytes)
{
	disk.capacity = bytes;
}

size_t faulty_disk_operations(void)
{
	return disk.operations;
}
