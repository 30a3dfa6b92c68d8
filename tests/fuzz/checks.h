/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For targets that put a hostile device under the checks: choosing one, running it, guest memory.
 */
#ifndef TESTS_FUZZ_CHECKS_H
#define TESTS_FUZZ_CHECKS_H

#include "harness/check/check.h"

/*
 * The check that `which` stands for among those that `fit`; NULL when none does. Chosen by name, so
 * that a check more or less leaves what is in a corpus as it is.
 */
const struct check *fuzz_check(u16 which, bool (*fits)(const struct check *k));

/*
 * Run it, as the runner does. Any verdict is right: what counts is that it returns, and touches
 * nothing that it should not.
 */
void fuzz_run(const struct check *k, struct tp *tp, u32 device, u64 offered);

/* Three regions of guest memory between guards. Made once. */
#define FUZZ_REGIONS	 3
#define FUZZ_REGION_SIZE (8u << 20)
const struct tp_buf *fuzz_memory(void);
/* All of it reads as zeroes again. */
void fuzz_memory_clear(void);
/*
 * Its bytes at a guest address: a pointer, *len cut to what is contiguous; NULL when there is none.
 */
void *fuzz_memory_at(u64 gpa, u64 *len);

#endif
