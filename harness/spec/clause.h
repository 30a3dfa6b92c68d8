/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clause catalogue: every normative statement of VIRTIO 1.4 and of the vhost-user document, and
 * our own robustness rules, as constant data generated from the tables in data/.
 *
 * A clause id is stable: a check, a fault, an expectation file and a result all name it.
 */
#ifndef HARNESS_SPEC_CLAUSE_H
#define HARNESS_SPEC_CLAUSE_H

#include "harness/spec/types.h"

enum clause_actor {
	CLAUSE_DEVICE, /* also the vhost-user back-end: who is under test */
	CLAUSE_DRIVER, /* also the vhost-user front-end: whom the judge watches */
};

enum clause_level {
	CLAUSE_MUST,
	CLAUSE_MUST_NOT,
	CLAUSE_SHOULD,
	CLAUSE_SHOULD_NOT,
	CLAUSE_MAY,
};

enum clause_doc {
	CLAUSE_DOC_VIRTIO,     /* v14.…: VIRTIO 1.4 cs01 */
	CLAUSE_DOC_VHOST_USER, /* VU.…: QEMU's vhost-user.rst */
	CLAUSE_DOC_ROBUSTNESS, /* ROB.…: no specification states it, every user needs it */
};

/* Where a clause can be shown. A clause without any of these bits cannot be tested. */
enum clause_where {
	CLAUSE_AT_VHOST_USER = 1 << 0,
	CLAUSE_AT_MMIO = 1 << 1,
	CLAUSE_AT_PCI = 1 << 2,
	CLAUSE_AT_GUEST = 1 << 3,
	CLAUSE_AT_CCW = 1 << 4,
	CLAUSE_AT_DRIVER_SIDE = 1 << 5, /* by a strict device that watches the driver */
};

enum clause_flags {
	CLAUSE_LEGACY = 1 << 0,	       /* of a legacy interface section */
	CLAUSE_NON_NORMATIVE = 1 << 1, /* outside the normative sections */
	CLAUSE_INFO = 1 << 2,	       /* the text is ambiguous: at most `info` is reported */
	CLAUSE_INFO_PART = 1 << 3,     /* ... in one case that the note names */
};

struct clause {
	const char *id;
	const char *section; /* label path: stable over versions of the text */
	const char *number;  /* section number in 1.4, "" for the vhost-user text */
	const char *summary; /* what the text asks, in our words */
	const char *feature; /* gate as the catalogue spells it, "" when unconditional */
	const char *sketch;  /* how it could be checked */
	const char *note;
	const char
		*reason; /* why no check covers it, "" when nothing is known to stand in the way */
	u8 actor;	 /* enum clause_actor */
	u8 level;	 /* enum clause_level */
	u8 doc;		 /* enum clause_doc */
	u8 where;	 /* enum clause_where, or-ed */
	u8 flags;	 /* enum clause_flags, or-ed */
};

/* Sorted by id. */
extern const struct clause clause_table[];
extern const size_t clause_count;

/* NULL when there is no such clause. */
const struct clause *clause_find(const char *id);

const char *clause_level_name(enum clause_level level); /* "MUST NOT" */
const char *clause_actor_name(enum clause_actor actor); /* "device", "driver" */
const char *clause_doc_name(enum clause_doc doc);	/* "VIRTIO 1.4", … */
const char *clause_where_name(enum clause_where bit);	/* "vhost-user", …, one bit */

#define for_each_clause(c)                                                                         \
	for (const struct clause *c = clause_table; c < clause_table + clause_count; c++)

/*
 * The device type that a clause is about, in the words of the ids ("blk", "net"), *len characters
 * long; NULL when it is about no particular one: the core of VIRTIO, most of vhost-user.
 */
const char *clause_device(const struct clause *c, size_t *len);

/*
 * True for what coverage counts: it binds the device, can be shown on at least one transport in
 * `where` (0 = any), asks for something (a MAY has nothing to violate) and stands in the normative,
 * non-legacy text.
 */
bool clause_testable(const struct clause *c, unsigned where);

/*
 * The part of an id that coverage groups by: "v14.split-ring.used-ring", "VU.ring.start",
 * "v14.blk.init", "ROB.live".
 */
size_t clause_section_len(const char *id);

#endif
