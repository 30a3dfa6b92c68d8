/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel's events tell beside the stages, as it stands in results and on the terminal. */
#ifndef HARNESS_RUN_KERNEL_OUT_H
#define HARNESS_RUN_KERNEL_OUT_H

#include <jansson.h>
#include <stdio.h>

#include "traces/stage.h"

/* New reference: {back_end, events, lost, per, syscalls, waited, …}; NULL where they were not recorded. */
json_t *kernel_json(const struct stage_table *t);
/* A line for each kind of thing; nothing where they were not recorded. */
void kernel_write_text(const struct stage_table *t, FILE *f);

/* "back_end", "front_end", "driver". */
const char *kernel_who_name(unsigned who);

#endif
