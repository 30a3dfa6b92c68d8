/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is said to KVM is written down here and not carried out (the tests are linked with --wrap=ioctl): the
 * monitor's decisions are looked at on any machine. Its guests run in tests/e2e/test_lab.py.
 */
#ifndef TESTS_UNIT_KVM_CALLS_H
#define TESTS_UNIT_KVM_CALLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include "ref-backends/binding/kvm/vm.h"

#define KVM_CALLS_MAX 16

/* Events that are in place: of the guest's writes, and interrupts. */
static struct {
	pthread_mutex_t lock;
	struct kvm_ioeventfd io[KVM_CALLS_MAX];
	struct kvm_irqfd irq[KVM_CALLS_MAX];
	unsigned num_io, num_irq;
	unsigned edges; /* of KVM_IRQ_LINE, upwards */
	u32 line;	/* the last one */
	bool level;
	struct kvm_irq_routing_entry route[64];
	unsigned num_routes;
	struct kvm_msi msi; /* the last one */
	unsigned msis;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	unsigned long refused; /* a request that fails */
} calls = { .lock = PTHREAD_MUTEX_INITIALIZER };

static inline int calls_io(const struct kvm_ioeventfd *e)
{
	if (!(e->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)) {
		calls.io[calls.num_io++] = *e;
		return 0;
	}
	for (unsigned i = 0; i < calls.num_io; i++)
		if (calls.io[i].addr == e->addr && calls.io[i].fd == e->fd &&
		    calls.io[i].datamatch == e->datamatch) {
			calls.io[i] = calls.io[--calls.num_io];
			return 0;
		}
	errno = ENOENT;
	return -1;
}

static inline int calls_irq(const struct kvm_irqfd *e)
{
	if (!(e->flags & KVM_IRQFD_FLAG_DEASSIGN)) {
		calls.irq[calls.num_irq++] = *e;
		return 0;
	}
	for (unsigned i = 0; i < calls.num_irq; i++)
		if (calls.irq[i].gsi == e->gsi && calls.irq[i].fd == e->fd) {
			calls.irq[i] = calls.irq[--calls.num_irq];
			return 0;
		}
	errno = ENOENT;
	return -1;
}

static inline int calls_take(unsigned long request, void *arg)
{
	const struct kvm_irq_level *line = arg;

	if (request == calls.refused) {
		errno = EINVAL;
		return -1;
	}
	switch (request) {
	case KVM_IOEVENTFD:
		return calls_io(arg);
	case KVM_IRQFD:
		return calls_irq(arg);
	case KVM_IRQ_LINE:
		calls.edges += line->level && !calls.level;
		calls.line = line->irq;
		calls.level = line->level;
		return 0;
	case KVM_SIGNAL_MSI:
		calls.msi = *(const struct kvm_msi *)arg;
		calls.msis++;
		return 1;
	case KVM_SET_GSI_ROUTING:
		calls.num_routes = ((const struct kvm_irq_routing *)arg)->nr;
		assert_in_range(calls.num_routes, 1, ARRAY_SIZE(calls.route));
		memcpy(calls.route, ((const struct kvm_irq_routing *)arg)->entries,
		       calls.num_routes * sizeof(calls.route[0]));
		return 0;
	case KVM_GET_SREGS:
		memset(arg, 0, sizeof(calls.sregs));
		return 0;
	case KVM_SET_SREGS:
		calls.sregs = *(struct kvm_sregs *)arg;
		return 0;
	case KVM_SET_REGS:
		calls.regs = *(struct kvm_regs *)arg;
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

/* NOLINTNEXTLINE(bugprone-reserved-identifier): the linker's name */
int __wrap_ioctl(int fd, unsigned long request, void *arg);

int __wrap_ioctl(int fd, unsigned long request,
		 void *arg) /* NOLINT(bugprone-reserved-identifier) */
{
	int status;

	pthread_mutex_lock(&calls.lock);
	status = calls_take(request, arg);
	pthread_mutex_unlock(&calls.lock);
	return status;
}

static inline void calls_forget(void)
{
	calls.num_io = calls.num_irq = calls.edges = calls.num_routes = calls.msis = 0;
	calls.level = false;
	calls.refused = 0;
}

#endif
