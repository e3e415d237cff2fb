/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For tests: a disk in memory, as an SQLite VFS, that fails when told and forgets at a power cut
 * what was not synced, sector by sector and at random. A failed sync drops what it should have
 * written, as Linux does: a later sync does not bring it back.
 *
 * Orders are given while nobody uses the disk.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULTY_DISK "faulty-disk"

/* An empty disk, registered as the VFS FAULTY_DISK; everything is random by `seed`. */
void faulty_disk_init(uint64_t seed);

/*
 * Writes and syncs fail from the `after`th from now on, `n` of them (SIZE_MAX: until told again).
 */
void faulty_disk_fail(size_t after, size_t n);

/* Reads fail, or not. */
void faulty_disk_fail_reads(bool fail);

/* The power goes at the `after`th write or sync from now. */
void faulty_disk_cut(size_t after);
/* Any time: whether it has gone. */
bool faulty_disk_is_cut(void);
/* Power is back, and so is what survived; no orders are pending. */
void faulty_disk_restart(void);

/* Writes that would make the files larger than `bytes` together find the disk full. */
void faulty_disk_capacity(size_t bytes);

/* Writes and syncs so far. */
size_t faulty_disk_operations(void);
