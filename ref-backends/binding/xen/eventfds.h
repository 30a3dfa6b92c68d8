/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel between guest and device: a guest's notification becomes an eventfd, and an eventfd becomes an
 * interrupt, in dom0's kernel alone (Linux from 6.10 on, CONFIG_XEN_PRIVCMD_EVENTFD). It finds the page of
 * requests by its mapping here, and in a paravirtual dom0 it looks in a place that has nothing: dom0 has to
 * be PVH, or the kernel dies. So eventfds_open() looks first.
 */
#ifndef REF_BACKENDS_BINDING_XEN_EVENTFDS_H
#define REF_BACKENDS_BINDING_XEN_EVENTFDS_H

#include "ref-backends/binding/xen/ioreq.h"

struct eventfds {
	const struct xen_ioreq *ioreq;
	int privcmd;
};

/* 0, or -1 after a line on stderr. `s` is enabled, and stays open until eventfds_close(). */
int eventfds_open(struct eventfds *e, const struct xen_ioreq *s);
void eventfds_close(struct eventfds *e);

/* Writes of a queue's number to QueueNotify of the window at `base` signal fd, or no more. */
int eventfds_kick(const struct eventfds *e, u64 base, u16 queue, int fd, bool on);
/* Each event of fd is a message with that vector to the guest's local APIC, or no more. */
int eventfds_msi(const struct eventfds *e, u8 vector, int fd, bool on);

#endif
