/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include "base/mem.h"

#define KIND_POINTER(name) &kind_##name,
const struct kind *const kinds[] = { KINDS(KIND_POINTER) };
#undef KIND_POINTER

const size_t n_kinds = ARRAY_SIZE(kinds);
