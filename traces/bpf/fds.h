/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose event descriptors a back-end's are: of which queue, and with whom it shares them. */
#ifndef TRACES_BPF_FDS_H
#define TRACES_BPF_FDS_H

#include "traces/bpf/file.h"
#include "traces/bpf/record.h"

/* Add a process, or a role to it. False: there are too many. */
bool kernel_add_process(struct kernel_file *f, u32 pid, u32 role);

/*
 * Fill in the descriptors of the back-end `pid`, which are those of the `queues` of this process. 0, or -1 with one line in
 * `err`.
 */
int kernel_match_fds(struct kernel_file *f, u32 pid, const struct kernel_queue *queue,
		     unsigned queues, char *err, size_t len);

/*
 * Fill in those that it shares with other processes, and these processes. To be repeated when there may be more of them;
 * what is known stays. `*seen`, 0 at first, is what it and these had the last time: where that is the same, nobody else is
 * looked at. 0, or -1 with one line in `err`.
 */
int kernel_find_fds(struct kernel_file *f, u32 pid, u64 *seen, char *err, size_t len);

/* How often a descriptor of the back-end was read and written, by its number. */
#define KERNEL_FD_NUMBERS 65536u

struct kernel_fd_use {
	u32 read, written;
};

/*
 * Shared descriptors become a queue's: those that the back-end `pid` mostly reads are kicks, those that it mostly writes
 * are calls, both in the order of their numbers, in which a front-end hands them over. A front-end may hand over another call
 * for a queue later, so of more calls than kicks those count that were written most.
 */
void kernel_name_fds(struct kernel_file *f, u32 pid, const struct kernel_fd_use *use);

#endif
