/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SIGINT, SIGTERM and SIGHUP end a run early, but in order: what was started is stopped, what was found
 * is written.
 */
#ifndef HARNESS_RUN_INTERRUPT_H
#define HARNESS_RUN_INTERRUPT_H

/* From now on these signals only set a flag; a second one ends the process at once. */
void interrupt_catch(void);
/* The signal that came, 0 = none. */
int interrupt_pending(void);

#endif
