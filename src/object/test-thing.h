/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A kind for tests: "Thing" of test.example/v1, with one field of every type and shape the schema
 * knows. test-thing.c also defines kinds[] with this kind alone.
 */

#include "object/schema.h"

extern const struct kind kind_thing;
