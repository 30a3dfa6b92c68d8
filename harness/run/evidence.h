/* SPDX-License-Identifier: BSD-3-Clause */
/* Evidence with memory from the heap: what the hosted runner keeps of a check. */
#ifndef HARNESS_RUN_EVIDENCE_H
#define HARNESS_RUN_EVIDENCE_H

#include "harness/run/core/evidence.h"

void evidence_init(struct evidence *ev);
void evidence_destroy(struct evidence *ev);
/* A copy of the log, to be freed line by line and as a whole; NULL without memory. */
char **evidence_take(const struct evidence *ev, unsigned *lines);

#endif
