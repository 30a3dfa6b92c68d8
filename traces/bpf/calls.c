// SPDX-License-Identifier: BSD-3-Clause
#include "traces/bpf/calls.h"

#include <string.h>
#include <sys/syscall.h>

static const char *const names[KERNEL_CALLS] = {
	[KERNEL_OTHER] = "other",
	[KERNEL_READ] = "read",
	[KERNEL_WRITE] = "write",
	[KERNEL_READV] = "readv",
	[KERNEL_WRITEV] = "writev",
	[KERNEL_PREAD] = "pread",
	[KERNEL_PWRITE] = "pwrite",
	[KERNEL_PREADV] = "preadv",
	[KERNEL_PWRITEV] = "pwritev",
	[KERNEL_FSYNC] = "fsync",
	[KERNEL_FDATASYNC] = "fdatasync",
	[KERNEL_FALLOCATE] = "fallocate",
	[KERNEL_IO_SUBMIT] = "io_submit",
	[KERNEL_IO_GETEVENTS] = "io_getevents",
	[KERNEL_IO_URING_ENTER] = "io_uring_enter",
	[KERNEL_POLL] = "poll",
	[KERNEL_PPOLL] = "ppoll",
	[KERNEL_EPOLL_WAIT] = "epoll_wait",
	[KERNEL_SELECT] = "select",
	[KERNEL_IOCTL] = "ioctl",
	[KERNEL_FUTEX] = "futex",
	[KERNEL_SENDMSG] = "sendmsg",
	[KERNEL_RECVMSG] = "recvmsg",
	[KERNEL_MADVISE] = "madvise",
	[KERNEL_NANOSLEEP] = "nanosleep",
	[KERNEL_YIELD] = "sched_yield",
};

/* Not every machine has each. */
static const struct {
	u16 number;
	u8 call;
} numbers[] = {
	{ SYS_read, KERNEL_READ },
	{ SYS_write, KERNEL_WRITE },
	{ SYS_readv, KERNEL_READV },
	{ SYS_writev, KERNEL_WRITEV },
	{ SYS_pread64, KERNEL_PREAD },
	{ SYS_pwrite64, KERNEL_PWRITE },
	{ SYS_preadv, KERNEL_PREADV },
	{ SYS_preadv2, KERNEL_PREADV },
	{ SYS_pwritev, KERNEL_PWRITEV },
	{ SYS_pwritev2, KERNEL_PWRITEV },
	{ SYS_fsync, KERNEL_FSYNC },
	{ SYS_fdatasync, KERNEL_FDATASYNC },
	{ SYS_fallocate, KERNEL_FALLOCATE },
	{ SYS_io_submit, KERNEL_IO_SUBMIT },
	{ SYS_io_getevents, KERNEL_IO_GETEVENTS },
	{ SYS_io_pgetevents, KERNEL_IO_GETEVENTS },
	{ SYS_io_uring_enter, KERNEL_IO_URING_ENTER },
	{ SYS_ppoll, KERNEL_PPOLL },
	{ SYS_epoll_pwait, KERNEL_EPOLL_WAIT },
	{ SYS_epoll_pwait2, KERNEL_EPOLL_WAIT },
	{ SYS_pselect6, KERNEL_SELECT },
	{ SYS_ioctl, KERNEL_IOCTL },
	{ SYS_futex, KERNEL_FUTEX },
	{ SYS_sendmsg, KERNEL_SENDMSG },
	{ SYS_recvmsg, KERNEL_RECVMSG },
	{ SYS_madvise, KERNEL_MADVISE },
	{ SYS_nanosleep, KERNEL_NANOSLEEP },
	{ SYS_clock_nanosleep, KERNEL_NANOSLEEP },
	{ SYS_sched_yield, KERNEL_YIELD },
#if defined(__x86_64__)
	/* How a function that is probed comes back to the kernel: uprobe() and uretprobe(). */
	{ 335, KERNEL_TRACER },
	{ 336, KERNEL_TRACER },
#endif
#ifdef SYS_poll
	{ SYS_poll, KERNEL_POLL },
#endif
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, KERNEL_EPOLL_WAIT },
#endif
#ifdef SYS_select
	{ SYS_select, KERNEL_SELECT },
#endif
};

void kernel_calls(u8 call_of[KERNEL_NUMBERS])
{
	memset(call_of, KERNEL_OTHER, KERNEL_NUMBERS);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].number < KERNEL_NUMBERS)
			call_of[numbers[i].number] = numbers[i].call;
}

const char *kernel_call_name(unsigned call)
{
	return call < KERNEL_CALLS ? names[call] : "?";
}
