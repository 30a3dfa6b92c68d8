// SPDX-License-Identifier: BSD-3-Clause
/* In-flight tracking of packed rings: what a successor finds after a death between any two steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref-backends/binding/vhost_user/inflight.h"

#define NUM 5
#define GPA 0x1000

enum {
	AVAIL = 1 << VRING_PACKED_DESC_F_AVAIL,
	USED = 1 << VRING_PACKED_DESC_F_USED,
	NEXT = VRING_DESC_F_NEXT,
	WRITE = VRING_DESC_F_WRITE,
};

static struct vub_inflight f;
static struct vub_inflight_queue q;
static struct vu_inflight_packed *shared;
static u16 entries[NUM];

static struct vring_packed_desc ring[NUM];
static struct vring_packed_desc_event events[2];
static struct dvq_packed vq;
static struct dvq_at driver; /* where the driver writes next */
static u8 ram[4096];

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	if (gpa < GPA || gpa - GPA >= sizeof(ram))
		return NULL;
	*len = MIN(*len, sizeof(ram) - (gpa - GPA));
	return ram + (gpa - GPA);
}

static const struct dvq_ops ops = { .translate = translate };

static void new_ring(struct dvq_at at)
{
	memset(ring, 0, sizeof(ring));
	vq = (struct dvq_packed){
		.desc = ring, .driver = &events[0], .device = &events[1], .ops = &ops, .num = NUM
	};
	/* What a lap before this one left. */
	for (u16 i = 0; i < NUM; i++)
		ring[i].flags = (at.wrap ^ (i < at.off)) ? 0 : AVAIL | USED;
	driver = at;
	dvq_packed_init(&vq, at, at);
}

static int setup(void **state)
{
	struct vu_inflight desc = { .num_queues = 2,
				    .queue_size = NUM,
				    .mmap_size = vub_inflight_bytes(true, 2, NUM) };
	int fd = memfd_create("inflight", 0);

	if (fd < 0 || ftruncate(fd, (off_t)desc.mmap_size))
		return -1;
	assert_null(vub_inflight_set(&f, true, fd, &desc));
	close(fd);
	shared = (struct vu_inflight_packed *)(f.map.at + vub_inflight_stride(true, NUM));
	new_ring((struct dvq_at){ 3, 1 });
	return 0;
}

static int teardown(void **state)
{
	vub_inflight_clear(&f);
	return 0;
}

/* A buffer of `n` descriptors with this id. */
static void add(u16 id, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		ring[driver.off] = (struct vring_packed_desc){
			.addr = GPA + 100u * id + i,
			.len = 1 + i,
			.id = id,
			.flags = (u16)((driver.wrap ? AVAIL : USED) | WRITE |
				       (i + 1 < n ? NEXT : 0)),
		};
		driver = dvq_packed_forward(&vq, driver, 1);
	}
}

static u16 take(u16 id, struct dvq_packed_chain *p)
{
	struct dvq_seg segs[NUM];
	struct dvq_chain c = { .segs = segs, .cap = NUM };

	assert_int_equal(dvq_packed_fetch(&vq, p, &c), DVQ_OK);
	assert_int_equal(p->id, id);
	return vub_inflight_packed_get(&q, &vq, &c);
}

/* Another process: its ring knows no more than where the front-end thinks it is. */
static u32 again(void)
{
	dvq_packed_init(&vq, (struct dvq_at){ 0, 1 }, (struct dvq_at){ 0, 1 });
	return vub_inflight_packed_open(&f, &q, 1, &vq, entries);
}

static void walks(unsigned i, u16 id, u16 slots)
{
	struct dvq_seg segs[NUM];
	struct dvq_chain c = { .segs = segs, .cap = NUM };

	assert_int_equal(vub_inflight_packed_walk(&q, entries[i], &vq, &c), DVQ_OK);
	assert_int_equal(c.head, id);
	assert_int_equal(c.slots, slots);
	assert_int_equal(c.n_writable, slots);
	for (unsigned k = 0; k < slots; k++) {
		assert_ptr_equal(segs[k].base, ram + 100u * id + k);
		assert_int_equal(segs[k].len, 1 + k);
	}
}

static void stands(u16 avail, u16 avail_wrap, u16 used, u16 used_wrap)
{
	assert_int_equal(vq.avail.off, avail);
	assert_int_equal(vq.avail.wrap, avail_wrap);
	assert_int_equal(vq.used.off, used);
	assert_int_equal(vq.used.wrap, used_wrap);
}

static void a_fresh_region(void **state)
{
	assert_int_equal(vub_inflight_stride(true, 1), 64);
	assert_int_equal(vub_inflight_stride(true, 2), 128);
	assert_int_equal(vub_inflight_packed_open(&f, &q, 1, &vq, entries), 0);
	assert_false(q.recovered);
	assert_int_equal(shared->version, 1);
	assert_int_equal(shared->desc_num, NUM);
	assert_int_equal(shared->used_idx, 3);
	assert_int_equal(shared->used_wrap_counter, 1);
	stands(3, 1, 3, 1);
}

/* Two in flight over the end of the ring; the ring has forgotten the descriptors of neither. */
static void in_flight(void **state)
{
	struct dvq_packed_chain p;
	u16 e;

	assert_int_equal(vub_inflight_packed_open(&f, &q, 1, &vq, entries), 0);
	add(4, 3);
	add(2, 1);
	e = take(4, &p);
	assert_int_equal(shared->desc[e].inflight, 1);
	assert_int_equal(shared->desc[e].num, 3);
	assert_int_equal(shared->desc[e].last, 2);
	assert_int_equal(shared->free_head, shared->old_free_head);
	take(2, &p);
	memset(ring, 0, sizeof(ring));
	assert_int_equal(again(), 2);
	assert_true(q.recovered);
	walks(0, 4, 3);
	walks(1, 2, 1);
	stands(2, 0, 3, 1);
	/* Requests to come have larger counters. */
	assert_int_equal(q.counter, 2);
}

/* The second of two is returned first; death before, and after, the ring shows it. */
static void returned(void **state)
{
	for (int shown = 0; shown <= 1; shown++) {
		struct dvq_packed_chain p[2];
		u16 e[2];

		memset(shared, 0, vub_inflight_stride(true, NUM));
		new_ring((struct dvq_at){ 3, 1 });
		assert_int_equal(vub_inflight_packed_open(&f, &q, 1, &vq, entries), 0);
		add(4, 3);
		add(2, 1);
		e[0] = take(4, &p[0]);
		e[1] = take(2, &p[1]);
		vub_inflight_packed_put(&q, e[1], &vq);
		assert_int_equal(shared->used_idx, 4);
		assert_int_equal(shared->old_used_idx, 3);
		if (shown)
			dvq_packed_push(&vq, p[1], 1);
		assert_int_equal(again(), shown ? 1 : 2);
		walks(0, 4, 3);
		if (!shown)
			walks(1, 2, 1);
		stands(2, 0, shown ? 4 : 3, 1);
		assert_int_equal(shared->old_used_idx, shown ? 4 : 3);
		assert_int_equal(shared->desc[e[1]].inflight, shown ? 0 : 1);
		assert_int_equal(shared->desc[e[0]].inflight, 1);
	}
}

/* Round and round: no entry gets lost, and at rest nothing is in flight. */
static void at_rest(void **state)
{
	assert_int_equal(vub_inflight_packed_open(&f, &q, 1, &vq, entries), 0);
	for (unsigned n = 0; n < 100; n++) {
		struct dvq_packed_chain p[2];
		u16 e[2];

		add((u16)(n % NUM), 1 + n % 3);
		add((u16)((n + 1) % NUM), 2);
		e[0] = take((u16)(n % NUM), &p[0]);
		e[1] = take((u16)((n + 1) % NUM), &p[1]);
		assert_int_not_equal(e[0], e[1]);
		for (int i = n & 1, k = 0; k < 2; i ^= 1, k++) {
			vub_inflight_packed_put(&q, e[i], &vq);
			dvq_packed_push(&vq, p[i], 1);
			vub_inflight_packed_done(&q, e[i]);
		}
	}
	for (unsigned i = 0; i < NUM; i++)
		assert_int_equal(shared->desc[i].inflight, 0);
	assert_int_equal(shared->used_idx, vq.used.off);
	assert_int_equal(shared->old_used_wrap_counter, vq.used.wrap);
	assert_int_equal(again(), 0);
	assert_int_equal(vq.used.off, shared->used_idx);
}

static void by_counter(void **state)
{
	assert_int_equal(vub_inflight_packed_open(&f, &q, 1, &vq, entries), 0);
	for (unsigned i = 0; i < 3; i++)
		shared->desc[i] = (struct vu_inflight_packed_desc){
			.inflight = 1,
			.num = 1,
			.last = (u16)i,
			.next = (u16)(i + 1),
			.counter = (u64[]){ 9, 7, 8 }[i],
			.id = (u16)i,
			.flags = WRITE,
			.len = 1,
			.addr = GPA + 100u * i,
		};
	shared->free_head = shared->old_free_head = 3;
	/* What is free is not in flight, whatever stands there. */
	shared->desc[4].inflight = 1;
	shared->desc[4].num = 1;
	assert_int_equal(again(), 3);
	walks(0, 1, 1);
	walks(1, 2, 1);
	walks(2, 0, 1);
	assert_int_equal(shared->desc[4].inflight, 0);
	assert_int_equal(q.counter, 10);
}

/* A region that says anything: nothing outside is read or written, and nothing more than a ring's worth. */
static void hostile(void **state)
{
	u8 *bytes = (u8 *)shared;
	u32 seed = 1;

	for (unsigned n = 0; n < 20000; n++) {
		struct dvq_seg segs[NUM];
		struct dvq_packed_chain p;
		u32 got, descs = 0;

		new_ring((struct dvq_at){ 0, 1 });
		for (u64 i = 0; i < vub_inflight_stride(true, NUM); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (u8)(seed >> 24 & (n & 1 ? 0xff : 0x07));
		}
		shared->version = 1;
		shared->desc_num = NUM;
		got = again();
		assert_in_range(got, 0, NUM);
		for (u32 i = 0; i < got; i++) {
			struct dvq_chain c = { .segs = segs, .cap = NUM };

			vub_inflight_packed_walk(&q, entries[i], &vq, &c);
			descs += c.slots;
		}
		assert_in_range(descs, 0, NUM);
		driver = vq.avail;
		add(1, 2);
		vub_inflight_packed_put(&q, take(1, &p), &vq);
		vub_inflight_packed_done(&q, 0);
	}
	/* The other queue's region is not touched. */
	for (u64 i = 0; i < vub_inflight_stride(true, NUM); i++)
		assert_int_equal(f.map.at[i], 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_fresh_region), TEST(in_flight),	TEST(returned),
		TEST(at_rest),	      TEST(by_counter), TEST(hostile),
	};

	return cmocka_run_group_tests_name("vub_inflight_packed", tests, NULL, NULL);
}
