/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the judge's hooks (watch.c) and its book (judge.c). */
#ifndef REF_BACKENDS_JUDGE_WATCH_H
#define REF_BACKENDS_JUDGE_WATCH_H

#include "ref-backends/judge/judge.h"

extern const struct judge_ops jd_watch_ops;

/* Each clause that the judge claims to see, and how often there was something to look at: once or more
 * per clause. */
void jd_claims(void (*claim)(const char *clause, u64 looked));

/* Write the summary, if one was asked for. 0, or -1 after a line on stderr. */
int jd_write(void);

#endif
