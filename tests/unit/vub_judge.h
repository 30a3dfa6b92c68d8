/* SPDX-License-Identifier: BSD-3-Clause */
/* A vhost-user session of two rings for tests of the judge: nobody serves it, what it sees is made up. */
#ifndef TESTS_UNIT_VUB_JUDGE_H
#define TESTS_UNIT_VUB_JUDGE_H

#include "tests/unit/judge_book.h"

static inline u64 no_features(struct rdev *dev)
{
	return 0;
}

static const struct rdev_ops dev_ops = { .features = no_features };
static struct rdev dev = { .ops = &dev_ops, .num_queues = 2 };
static struct vub_ring rings[2];
static struct vub_session s;

/* A session in which all is negotiated and ring 0 is set up. */
static inline void fresh(void)
{
	memset(&s, 0, sizeof(s));
	memset(rings, 0, sizeof(rings));
	s.dev = &dev;
	s.rings = rings;
	s.num_rings = 2;
	s.mem = &s.mems[0];
	s.mem->n = 1;
	s.mem->regions[0] = (struct vub_region){ .gpa = 0x10000, .uva = 0x70000, .size = 0x10000 };
	s.protocol_features = VUB_PROTOCOL_FEATURES & ~BIT_ULL(VU_PF_XEN_MMAP);
	s.features = BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL_FEATURES);
	s.status = 0xf;
	rings[0].s = rings[1].s = &s;
	rings[0].num = 8;
	rings[0].base = 7;
	rings[0].started = true;
	rings[1].index = 1;
	jd_watch_ops.session_start(&s);
}

#endif
