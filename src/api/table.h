/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* meta.k8s.io Tables: what `kubectl get` prints, made from the columns of a kind. */

#include "api/form.h"

/* Everything up to the first row; rows are separated by the caller, who also closes it. */
void table_begin(const struct form *form, const struct kind *kind, bool columns,
		 struct buffer *out);

void table_row(const struct form *form, const struct kind *kind, struct str text,
	       struct buffer *out);

/* A whole Table with one row. */
void table_of_one(const struct form *form, const struct kind *kind, struct str text, bool columns,
		  struct buffer *out);

/* encode.c: the object's metadata as PartialObjectMetadata. */
void partial_text(const struct form *form, struct str text, struct buffer *out);
