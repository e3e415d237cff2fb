/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What must hold of the API's objects when everything has come to rest, whatever was done before.
 */

#include "base/buffer.h"
#include "oracle.h"

/* Appends a line for each thing that does not hold. */
void invariants_check(const struct snapshot *snapshot, struct buffer *problems);

/* The part of them that holds at every moment: nothing is given twice, no ordinal is there twice.
 */
void invariants_check_always(const struct snapshot *snapshot, struct buffer *problems);
