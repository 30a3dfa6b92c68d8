/* SPDX-License-Identifier: BSD-3-Clause */
/* KVM's own statistics of a processor (KVM_GET_STATS_FD), by name. */
#ifndef REF_BACKENDS_BINDING_KVM_STATS_H
#define REF_BACKENDS_BINDING_KVM_STATS_H

#include <stdio.h>

#include "ref-backends/binding/kvm/vm.h"

#define STATS_MAX 64

struct stats {
	int fd; /* -1: this kernel has none */
	unsigned count;
	u32 data_at;
	struct {
		char name[48];
		u32 offset;
	} what[STATS_MAX];
};

void stats_open(struct stats *s, const struct vm *v);
/* The same, of a descriptor with KVM's binary statistics, which becomes the struct's. */
void stats_take(struct stats *s, int fd);
void stats_close(struct stats *s);
/* Cumulative counters now, in the order of `what`. */
void stats_read(const struct stats *s, u64 values[STATS_MAX]);

#endif
