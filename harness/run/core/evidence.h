/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one check leaves behind: its verdict so far, and the log of messages, ring operations and
 * remarks that led there. The log is bounded; its beginning and its end are kept.
 *
 * Freestanding.
 */
#ifndef HARNESS_RUN_CORE_EVIDENCE_H
#define HARNESS_RUN_CORE_EVIDENCE_H

#include "harness/check/check.h"

#define RESULT_TEXT 256

#define EVIDENCE_LINES 160
#define EVIDENCE_HEAD  40 /* lines of the beginning that are never overwritten */
#define EVIDENCE_WIDTH 200

struct evidence {
	struct ck_host host;
	/* vsnprintf or text_vformat: checks may say more than the small one knows, on the host. */
	int (*vformat)(char *out, size_t room, const char *fmt, va_list ap);
	enum verdict verdict;
	const char *clause;
	char reason[RESULT_TEXT];
	char expected[RESULT_TEXT];
	char (*lines)[EVIDENCE_WIDTH]; /* EVIDENCE_LINES of them; NULL: no log is kept */
	u64 count;		       /* lines logged, kept or not */
};

void evidence_set_up(struct evidence *ev, char (*lines)[EVIDENCE_WIDTH],
		     int (*vformat)(char *out, size_t room, const char *fmt, va_list ap));
/* Before a check: verdict pass, log empty. */
void evidence_reset(struct evidence *ev);
void evidence_vlog(struct evidence *ev, const char *fmt, va_list ap);
void evidence_log(struct evidence *ev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A verdict that is the runner's own, in place of whatever the check said. */
void evidence_set(struct evidence *ev, enum verdict v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Walk the lines that were kept: *n starts at 0. NULL at the end; *left_out is how many are missing in
 * front of this one.
 */
const char *evidence_next(const struct evidence *ev, u64 *n, u64 *left_out);

const char *verdict_name(enum verdict v); /* "pass" … */
/* -1: no such verdict. */
int verdict_parse(const char *name);

#endif
