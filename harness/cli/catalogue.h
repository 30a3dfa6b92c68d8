/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `clauses` and `explain` share: choosing clauses, and which checks cover one.
 */
#ifndef HARNESS_CLI_CATALOGUE_H
#define HARNESS_CLI_CATALOGUE_H

#include <jansson.h>

#include "harness/check/check.h"
#include "harness/spec/clause.h"

/* A clause is chosen when it matches all that is set; zeroes choose everything. */
struct catalogue_filter {
	unsigned actors; /* 1 << enum clause_actor, or-ed */
	unsigned levels; /* 1 << enum clause_level, or-ed */
	unsigned where;	 /* enum clause_where, or-ed */
	const char *section;
	const char *device;
};

/*
 * `section` is a pattern of fnmatch(3). It matches a clause by its id or the id's first parts
 * ("v14.blk", "VU.ring.*"), by its section's label without regard to case ("*block device*"), or by
 * its section's number or the number's first parts ("2.7").
 */
bool catalogue_match(const struct catalogue_filter *f, const struct clause *c);

/* Parse one option's argument into *f; -1 and an error line when it names nothing known. */
int catalogue_parse_actor(struct catalogue_filter *f, const char *arg);
int catalogue_parse_levels(struct catalogue_filter *f, const char *arg);
int catalogue_parse_transport(struct catalogue_filter *f, const char *arg);
int catalogue_parse_device(struct catalogue_filter *f, const char *arg);

/*
 * Which checks count as proven: all that are registered, since a test of ours fails when one is
 * not; or those that a result of `ringside prove --format json` says were.
 */
struct catalogue_proof {
	json_t *result; /* owned; NULL = all registered checks */
};

/* -1 and an error line when the file is no such result. */
int catalogue_load_proof(struct catalogue_proof *p, const char *path);
void catalogue_free_proof(struct catalogue_proof *p);
bool catalogue_proven(const struct catalogue_proof *p, const struct check *check);

bool catalogue_covers(const struct check *check, const struct clause *c);
/*
 * Can the check be run on one of these transports (enum clause_where, or-ed; 0: any)? One that goes over
 * registers also goes from inside a guest.
 */
bool catalogue_goes_over(const struct check *check, unsigned where);
/* Some proven check covers it that goes over one of these transports (0: any). */
bool catalogue_covered(const struct catalogue_proof *p, const struct clause *c, unsigned where);

/* As `clauses` and `explain` show one in JSON. */
json_t *catalogue_json(const struct catalogue_proof *p, const struct clause *c);

/* "vhost-user, mmio, pci", or "nowhere". */
const char *catalogue_where_text(unsigned where, char *buf, size_t size);

#endif
