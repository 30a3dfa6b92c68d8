/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is said to dom0's kernel is written down here and not carried out (the tests are linked with --wrap of what
 * is defined below): decisions are looked at on any machine. Guests run in tests/e2e/test_lab_xen.py.
 */
#ifndef TESTS_UNIT_XEN_CALLS_H
#define TESTS_UNIT_XEN_CALLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <xen/hvm/dm_op.h>

#include "harness/spec/types.h"

#define XEN_CALLS_MAX 16

/* include/uapi/xen/privcmd.h of Linux 6.10; written down once more, as the kernel has it. */
#define CALL_IRQFD     0x40185008u
#define CALL_IOEVENTFD 0x40305009u
#define CALL_DEASSIGN  1u

struct call_irqfd {
	u64 dm_op;
	u32 size, fd, flags;
	u16 domain;
	u8 pad[2];
};

struct call_ioeventfd {
	u64 ioreq, ports, addr;
	u32 addr_len, event_fd, vcpus, vq, flags;
	u16 domain;
	u8 pad[2];
};

static struct {
	const char *guest_type; /* what /sys/hypervisor/guest_type has; NULL: there is none */
	unsigned long refused;	/* a request that fails, with `why`, behind `good` others of it */
	int why;
	unsigned good;
	/* In place now, and said so far. */
	struct call_ioeventfd io[XEN_CALLS_MAX];
	u32 port[XEN_CALLS_MAX]; /* where `ports` pointed to then */
	struct call_irqfd irq[XEN_CALLS_MAX];
	struct xen_dm_op op[XEN_CALLS_MAX];
	unsigned num_io, num_irq, said;
} calls;

static inline int calls_io(const struct call_ioeventfd *e)
{
	if (!(e->flags & CALL_DEASSIGN)) {
		calls.port[calls.num_io] = *(const u32 *)(uintptr_t)e->ports;
		calls.io[calls.num_io++] = *e;
		return 0;
	}
	for (unsigned i = 0; i < calls.num_io; i++)
		if (calls.io[i].addr == e->addr && calls.io[i].vq == e->vq &&
		    calls.io[i].event_fd == e->event_fd) {
			calls.io[i] = calls.io[--calls.num_io];
			return 0;
		}
	errno = ENOENT;
	return -1;
}

static inline int calls_irq(const struct call_irqfd *e)
{
	if (!(e->flags & CALL_DEASSIGN)) {
		memcpy(&calls.op[calls.num_irq], (const void *)(uintptr_t)e->dm_op,
		       MIN(e->size, (u32)sizeof(calls.op[0])));
		calls.irq[calls.num_irq++] = *e;
		return 0;
	}
	for (unsigned i = 0; i < calls.num_irq; i++)
		if (calls.irq[i].fd == e->fd) {
			calls.irq[i] = calls.irq[--calls.num_irq];
			return 0;
		}
	errno = ENOENT;
	return -1;
}

static inline bool takes_away(unsigned long request, const void *arg)
{
	const u32 flags = request == CALL_IOEVENTFD ? ((const struct call_ioeventfd *)arg)->flags
						    : ((const struct call_irqfd *)arg)->flags;

	return flags & CALL_DEASSIGN;
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen(const char *path, const char *mode);

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	calls.said++;
	if (request == calls.refused && !takes_away(request, arg) && calls.good-- == 0) {
		calls.good = 0;
		errno = calls.why;
		return -1;
	}
	if (request == CALL_IOEVENTFD)
		return calls_io(arg);
	if (request == CALL_IRQFD)
		return calls_irq(arg);
	errno = ENOTTY;
	return -1;
}

int __wrap_open(const char *path, int flags, ...)
{
	if (strncmp(path, "/dev/", 5) != 0)
		return __real_open(path, flags, 0);
	return strcmp(path, "/dev/xen/privcmd") == 0 ? dup(STDERR_FILENO) : -1;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	FILE *f;

	if (strcmp(path, "/sys/hypervisor/guest_type") != 0)
		return __real_fopen(path, mode);
	if (!calls.guest_type) {
		errno = ENOENT;
		return NULL;
	}
	f = tmpfile();
	assert_non_null(f);
	fprintf(f, "%s\n", calls.guest_type);
	rewind(f);
	return f;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static inline void calls_forget(void)
{
	memset(&calls, 0, sizeof(calls));
	calls.guest_type = "PVH";
	calls.why = EINVAL;
}

#endif
