/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A recording of the kernel's events: the file kernel.bpf in the folder.
 *
 * A struct kernel_file, then struct kernel_event until the end of the file, roughly in the order of their times:
 * each processor writes its own in order, and what several write at once may be out of order by a little. All is
 * little-endian. The header is written first with `end_ns` 0, and again at the end; a recorder that died leaves
 * the first. A reader refuses another version or other sizes, ignores kinds that it does not know, and reads a
 * file that is cut off up to there.
 */
#ifndef TRACES_BPF_FILE_H
#define TRACES_BPF_FILE_H

#include "traces/bpf/event.h"

#define KERNEL_MAGIC	"RINGKRN"
#define KERNEL_VERSION	1
#define KERNEL_FILE	"kernel.bpf"
#define KERNEL_FDS	512
#define KERNEL_NO_QUEUE 0xffff

enum kernel_fd_role {
	KERNEL_FD_SHARED, /* with another process: which of the two, its use tells */
	KERNEL_FD_KICK,
	KERNEL_FD_CALL,
	KERNEL_FD_ROLES,
};

/* An event descriptor of a process. */
struct kernel_fd {
	u32 pid;
	u32 fd;
	u16 queue; /* KERNEL_NO_QUEUE: not known */
	u8 role;
	u8 pad;
	u32 own; /* its number in the back-end */
};

struct kernel_process {
	u32 pid;
	u32 role; /* KERNEL_BACK_END, … */
	char name[KERNEL_NAME];
};

struct kernel_file {
	char magic[8];
	u32 version;
	u32 header_bytes;
	u32 event_bytes;
	u32 processes;
	u32 fds;
	u32 sources;	      /* 1 << enum kernel_kind: what could be attached to */
	u64 begin_ns, end_ns; /* end 0: the recorder did not come to the end */
	u64 lost;	      /* events that found no room */
	u32 recorder[4];      /* threads that are there for the recording only; 0: none */
	u64 counter_hz;	      /* of the processor's counter, as measured meanwhile; 0: not known */
	u64 pad;
	struct kernel_process process[KERNEL_PROCESSES];
	struct kernel_fd fd[KERNEL_FDS];
};

#endif
