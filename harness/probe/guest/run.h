/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The jobs. Each says what it does through out.h; false: it could not be done, and a FAIL message says
 * why.
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_GUEST_RUN_H
#define HARNESS_PROBE_GUEST_RUN_H

#include "harness/probe/guest/access.h"

/*
 * From check `first` on. `restart`: stop behind a check that may have damaged the device, when others are
 * left. Then *next is the check to go on with; otherwise 0.
 */
bool run_conform(struct guest_target *t, u32 number, u32 first, bool restart, u32 *next);
/* What the machine charges for single things. False: a FAIL says why. */
bool run_calibrate(const struct calibrate_job *job);

bool run_bench(struct guest_target *t, u32 number);

/* The check under way, for a panic; "" when there is none. Also sends what it has logged so far. */
const char *run_interrupted(void);

/* JOB, with what every job knows. */
void run_begin(const struct guest_target *t, u32 number, u64 features, unsigned queues, u32 checks,
	       u32 first);
void run_end(u32 number, u32 results, u64 since_ns);

u64 guest_now_ns(void);

#endif
