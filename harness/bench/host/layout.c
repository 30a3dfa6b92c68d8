// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/host/layout.h"

/* A power of two, where nothing is asked for: the depth decides, and enough for chains of four. */
u16 bench_ring_size(const struct bench_opts *o)
{
	u32 enough = 128;

	if (o->ring_size)
		return o->ring_size;
	while (enough < 4 * o->depth)
		enough *= 2;
	return (u16)enough;
}

enum vq_ring bench_ring_of(const struct bench_opts *o)
{
	return o->packed ? VQ_RING_PACKED : VQ_RING_SPLIT;
}

/* Guest memory of one queue's ring, and of its requests. */
static u32 ring_bytes(const struct bench_opts *o)
{
	return (u32)ALIGN_UP(vq_bytes(bench_ring_of(o), bench_ring_size(o)), 4096);
}

static u32 request_bytes(const struct bench_opts *o)
{
	return (u32)ALIGN_UP(load_memory(o->depth, o->block_size), 4096);
}

/* … of the messages before them, one at a time. */
static u32 step_bytes(const struct bench_opts *o)
{
	return o->steps ? (u32)ALIGN_UP(load_memory(1, ASK_STEP_BYTES), 4096) : 0;
}

static u64 requests_bytes(const struct bench_opts *o)
{
	return (u64)o->queues * request_bytes(o) + step_bytes(o);
}

/* Queues that have a ring. */
static unsigned rings_of(const struct bench_opts *o)
{
	return o->queues + (unsigned)__builtin_popcount(o->idle);
}

/*
 * Direct: rings in the first region, requests in the second, which is all the rest of a guest's memory:
 * what a table of several regions costs is part of it. Else one region holds all that the target is to
 * reach, and the rest of the guest is not shared.
 */
int bench_share_memory(struct bench_session *s)
{
	const struct bench_opts *o = &s->opts;
	const u64 rings = (u64)rings_of(o) * ring_bytes(o);
	const u64 requests = requests_bytes(o);
	const struct vu_region_spec direct[] = {
		{ 0x00100000, 0x7a0000200000, MAX((u64)4 << 20, ALIGN_UP(rings, 1 << 20)), 0 },
		{ 0x40000000, 0x7a0040000000, MAX((u64)256 << 20, ALIGN_UP(requests, 1 << 20)), 0 },
	};
	const struct vu_region_spec aside = { 0x40000000, 0x7a0040000000,
					      ALIGN_UP(rings + requests, 4096), 0 };

	if (direct[0].size > 0x3ff00000 || direct[1].size > (u64)3 << 30)
		return TP_ELOCAL;
	return o->memory == BENCH_DIRECT ? vu_set_regions(&s->fe, direct, ARRAY_SIZE(direct))
					 : vu_set_regions(&s->fe, &aside, 1);
}

static struct tp_buf part(struct tp_buf m, u64 at, u32 len)
{
	return (struct tp_buf){ m.hva + at, gpa_add(m.gpa, at), len };
}

struct tp_buf bench_ring_area(struct bench_session *s, unsigned q)
{
	const u32 bytes = ring_bytes(&s->opts);

	return part(s->tp->mem[0], (u64)q * bytes, bytes);
}

/* Behind all rings, of requests. */
static struct tp_buf request_part(struct bench_session *s, u64 at, u32 bytes)
{
	const struct bench_opts *o = &s->opts;

	if (o->memory == BENCH_DIRECT)
		return part(s->tp->mem[1], at, bytes);
	return part(s->tp->mem[0], (u64)rings_of(o) * ring_bytes(o) + at, bytes);
}

struct tp_buf bench_step_area(struct bench_session *s)
{
	const struct bench_opts *o = &s->opts;

	return request_part(s, (u64)o->queues * request_bytes(o), step_bytes(o));
}

struct tp_buf bench_request_area(struct bench_session *s, unsigned q)
{
	const u32 bytes = request_bytes(&s->opts);

	return request_part(s, (u64)q * bytes, bytes);
}

bool bench_fits(const struct bench_session *s)
{
	const struct bench_opts *o = &s->opts;

	return (u64)rings_of(o) * ring_bytes(o) <= s->tp->mem[0].len &&
	       requests_bytes(o) <= s->tp->mem[1].len;
}
