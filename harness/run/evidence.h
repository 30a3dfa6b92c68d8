/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one check leaves behind: its verdict so far, and the log of messages, ring operations and
 * remarks that led there. The log is bounded; its beginning and its end are kept.
 */
#ifndef HARNESS_RUN_EVIDENCE_H
#define HARNESS_RUN_EVIDENCE_H

#include "harness/run/result.h"

#define EVIDENCE_LINES 160
#define EVIDENCE_HEAD  40 /* lines of the beginning that are never overwritten */
#define EVIDENCE_WIDTH 200

struct evidence {
	struct ck_host host;
	enum verdict verdict;
	const char *clause;
	char reason[RESULT_TEXT];
	char expected[RESULT_TEXT];
	char (*lines)[EVIDENCE_WIDTH];
	u64 count; /* lines logged, kept or not */
};

void evidence_init(struct evidence *ev);
void evidence_destroy(struct evidence *ev);
/* Before a check: verdict pass, log empty. */
void evidence_reset(struct evidence *ev);
void evidence_vlog(struct evidence *ev, const char *fmt, va_list ap);
void evidence_log(struct evidence *ev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A copy of the log, to be freed line by line and as a whole; NULL without memory. */
char **evidence_take(const struct evidence *ev, unsigned *lines);

#endif
