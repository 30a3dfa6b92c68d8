/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose event descriptors a back-end's are: of which queue, and with whom it shares them. */
#ifndef TRACES_BPF_FDS_H
#define TRACES_BPF_FDS_H

#include "traces/bpf/file.h"
#include "traces/bpf/record.h"

/* Add a process, or a role to it. False: there are too many. */
bool kernel_add_process(struct kernel_file *f, u32 pid, u32 role);

/*
 * Fill in the descriptors of the back-end `pid`, and with `find_front_ends` the processes that have them, too. To be
 * repeated when there may be more of them; what is known stays. How many there are now, or -1 with one line in `err`.
 */
int kernel_find_fds(struct kernel_file *f, u32 pid, const struct kernel_queue *queue,
		    unsigned queues, bool find_front_ends, char *err, size_t len);

/* What a descriptor was used for, by its number. */
#define KERNEL_FD_READ	  1u
#define KERNEL_FD_WRITTEN 2u
#define KERNEL_FD_NUMBERS 65536u

/*
 * Shared descriptors become a queue's: those that the back-end `pid` only read are kicks, those that it only wrote are
 * calls, both in the order of their numbers, in which a front-end hands them over.
 */
void kernel_name_fds(struct kernel_file *f, u32 pid, const u8 *used);

#endif
