/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages of meta/v1 that are no kinds of their own: what clients send beside objects and what
 * they get instead of one. For object_decode_type(), object_check_type() and the protobuf _type
 * forms; apiVersion and kind are rows of those that stand alone.
 */

#include "object/schema.h"

extern const struct type type_delete_options; /* "DeleteOptions", body of a DELETE */
extern const struct type type_list_meta; /* metadata of every list */
extern const struct type type_partial_object_metadata; /* "PartialObjectMetadata" */
extern const struct type type_status; /* "Status" */
