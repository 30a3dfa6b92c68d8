// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/kvm/stats.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void take(struct stats *s, const struct kvm_stats_desc *d, u32 name_size)
{
	if (s->count == STATS_MAX || d->size != 1 ||
	    (d->flags & KVM_STATS_TYPE_MASK) != KVM_STATS_TYPE_CUMULATIVE ||
	    (d->flags & KVM_STATS_UNIT_MASK) != KVM_STATS_UNIT_NONE)
		return;
	strncpy(s->what[s->count].name, d->name, MIN(name_size, (u32)sizeof(s->what[0].name) - 1));
	s->what[s->count++].offset = d->offset;
}

void stats_take(struct stats *s, int fd)
{
	struct kvm_stats_header h;
	size_t size;
	u8 *descs;

	*s = (struct stats){ .fd = fd };
	if (s->fd < 0 || pread(s->fd, &h, sizeof(h), 0) != sizeof(h) || h.num_desc > 4096 ||
	    h.name_size > 4096)
		return;
	size = sizeof(struct kvm_stats_desc) + h.name_size;
	descs = calloc(h.num_desc + 1u, size);
	if (descs &&
	    pread(s->fd, descs, h.num_desc * size, h.desc_offset) == (ssize_t)(h.num_desc * size))
		for (u32 i = 0; i < h.num_desc; i++)
			take(s, (const struct kvm_stats_desc *)(descs + i * size), h.name_size);
	free(descs);
	s->data_at = h.data_offset;
}

void stats_open(struct stats *s, const struct vm *v)
{
	stats_take(s, ioctl(v->vcpu, KVM_GET_STATS_FD, NULL));
}

void stats_close(struct stats *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void stats_read(const struct stats *s, u64 values[STATS_MAX])
{
	for (unsigned i = 0; i < s->count; i++)
		if (pread(s->fd, &values[i], sizeof(values[i]), s->data_at + s->what[i].offset) !=
		    sizeof(values[i]))
			values[i] = 0;
}
