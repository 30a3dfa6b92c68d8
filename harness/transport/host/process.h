/* SPDX-License-Identifier: BSD-3-Clause */
/* What /proc tells of a target's process. */
#ifndef HARNESS_TRANSPORT_HOST_PROCESS_H
#define HARNESS_TRANSPORT_HOST_PROCESS_H

#include <sys/types.h>

#include "harness/transport/transport.h"

/* TP_OK, or TP_EUNSUPPORTED when the process cannot be looked at. */
int process_look(pid_t pid, struct tp_process *p);

/* For struct tp_ops' busy(), in loops of any speed. All zeroes at first. */
struct process_busy {
	u64 asked, seen;
};

/* Who has not been seen running, or waiting for a processor or a disk, for so long sleeps. */
#define PROCESS_BUSY_MS 20

/* Is a thread of it at work? False when the process cannot be looked at. */
bool process_is_busy(struct process_busy *b, pid_t pid);

/* Has it not ended? One that nobody has waited for yet has. */
bool process_lives(pid_t pid);

#endif
