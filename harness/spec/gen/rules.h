/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a row of a table becomes a clause or a message: what its cells may hold, and what is derived
 * from them. README.md of harness/spec tells the same to those who edit the tables.
 */
#ifndef HARNESS_SPEC_GEN_RULES_H
#define HARNESS_SPEC_GEN_RULES_H

#include "harness/spec/clause.h"
#include "harness/spec/gen/tsv.h"
#include "harness/spec/vu_msg.h"

enum rules_layout {
	RULES_UNKNOWN,
	RULES_VIRTIO,	  /* v14.… and ROB.…: has `number` and `observable` */
	RULES_VHOST_USER, /* VU.…: `observable` follows from the actor and the note */
	RULES_MESSAGES,
	RULES_REASONS, /* why clauses are not covered */
};

/* Which kind of table this is, by its header. */
enum rules_layout rules_layout_of(const struct tsv *t);

/* Why some clauses are not covered: those of one id, or of all ids with a beginning. */
struct rules_reason {
	const char *clause; /* an id, or the first parts of ids and ".*" */
	const char *reason;
};

/* Is this one of them? */
bool rules_reason_is_for(const struct rules_reason *r, const char *id);

/* One row; strings of *out point into the table. False with *err filled in. */
bool rules_clause(const struct tsv *t, size_t row, struct clause *out, struct tsv_error *err);
bool rules_reason(const struct tsv *t, size_t row, struct rules_reason *out, struct tsv_error *err);
bool rules_message(const struct tsv *t, size_t row, struct vu_msg_spec *out, struct tsv_error *err);

#endif
