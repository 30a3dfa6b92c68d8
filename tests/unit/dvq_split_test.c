// SPDX-License-Identifier: BSD-3-Clause
/* The device's half of the split ring: fetch, publish, notifications, positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ref-backends/virtqueue/split.h"

static void *no_memory(void *ctx, u64 gpa, u64 *len)
{
	return NULL;
}

struct logged {
	u64 off[64], len[64];
	unsigned n;
};

static void note(void *ctx, u64 off, u64 len)
{
	struct logged *l = ctx;

	assert_true(l->n < ARRAY_SIZE(l->off));
	l->off[l->n] = off;
	l->len[l->n++] = len;
}

static const struct dvq_ops quiet_ops = { .translate = no_memory };
static const struct dvq_ops logging_ops = { .translate = no_memory, .used_written = note };

struct ring {
	struct dvq_split vq;
	struct logged log;
};

static void ring_new(struct ring *r, u32 num, bool event_idx)
{
	memset(r, 0, sizeof(*r));
	r->vq.num = num;
	r->vq.event_idx = event_idx;
	r->vq.ops = &quiet_ops;
	r->vq.ctx = &r->log;
	r->vq.desc = calloc(1, dvq_desc_bytes(num));
	r->vq.avail = calloc(1, dvq_avail_bytes(num, true));
	r->vq.used = calloc(1, dvq_used_bytes(num, true));
}

static void ring_free(struct ring *r)
{
	free(r->vq.desc);
	free(r->vq.avail);
	free(r->vq.used);
}

static u16 *used_event(struct ring *r)
{
	return &r->vq.avail->ring[r->vq.num];
}

static u16 *avail_event(struct ring *r)
{
	return (u16 *)&r->vq.used->ring[r->vq.num];
}

static void make_available(struct ring *r, u16 head)
{
	r->vq.avail->ring[r->vq.avail->idx & (r->vq.num - 1)] = head;
	r->vq.avail->idx++;
}

static void goes_through_every_size_and_the_wrap(void **state)
{
	for (u32 num = 1; num <= VIRTIO_QUEUE_SIZE_MAX; num *= 2) {
		struct ring r;
		u16 head;

		ring_new(&r, num, false);
		r.vq.avail->idx = r.vq.used->idx = 65530;
		dvq_init(&r.vq, 65530);
		for (u32 i = 0; i < 12; i++) {
			u16 want = (u16)(i * 7 % num), slot = (u16)(65530 + i);

			assert_int_equal(dvq_fetch(&r.vq, &head), DVQ_EMPTY);
			make_available(&r, want);
			assert_int_equal(dvq_fetch(&r.vq, &head), DVQ_OK);
			assert_int_equal(head, want);
			assert_true(dvq_push(&r.vq, head, i));
			assert_int_equal(r.vq.used->idx, (u16)(slot + 1));
			assert_int_equal(r.vq.used->ring[slot & (num - 1)].id, want);
			assert_int_equal(r.vq.used->ring[slot & (num - 1)].len, i);
		}
		ring_free(&r);
	}
}

static void a_full_ring_is_not_a_runaway(void **state)
{
	struct ring r;
	u16 head;

	ring_new(&r, VIRTIO_QUEUE_SIZE_MAX, false);
	dvq_init(&r.vq, 0);
	r.vq.avail->idx = VIRTIO_QUEUE_SIZE_MAX;
	assert_int_equal(dvq_fetch(&r.vq, &head), DVQ_OK);
	ring_free(&r);
}

static void a_runaway_breaks_the_ring_for_good(void **state)
{
	static const u16 ahead[] = { 9, 100, 0x8000, 0xffff };

	for (size_t i = 0; i < ARRAY_SIZE(ahead); i++) {
		struct ring r;
		u16 head;

		ring_new(&r, 8, false);
		dvq_init(&r.vq, 0xfffe);
		r.vq.avail->idx = (u16)(0xfffe + ahead[i]);
		assert_int_equal(dvq_fetch(&r.vq, &head), DVQ_E_RUNAWAY);
		assert_true(dvq_is_broken(&r.vq));
		/* What looks right afterwards does not mend it. */
		r.vq.avail->idx = 0xffff;
		assert_int_equal(dvq_fetch(&r.vq, &head), DVQ_E_RUNAWAY);
		assert_int_equal(r.vq.last_avail, 0xfffe);
		ring_free(&r);
	}
}

static void a_head_outside_the_table_breaks_the_ring(void **state)
{
	struct ring r;
	u16 head;

	ring_new(&r, 8, false);
	dvq_init(&r.vq, 0);
	make_available(&r, 7);
	make_available(&r, 8);
	assert_int_equal(dvq_fetch(&r.vq, &head), DVQ_OK);
	assert_int_equal(dvq_fetch(&r.vq, &head), DVQ_E_HEAD);
	/* The bad entry was not taken. */
	assert_int_equal(r.vq.last_avail, 1);
	ring_free(&r);
}

static void unfetch_gives_the_same_head_again(void **state)
{
	struct ring r;
	u16 head;

	ring_new(&r, 4, false);
	dvq_init(&r.vq, 0);
	make_available(&r, 3);
	assert_int_equal(dvq_fetch(&r.vq, &head), DVQ_OK);
	dvq_unfetch(&r.vq);
	head = 0;
	assert_int_equal(dvq_fetch(&r.vq, &head), DVQ_OK);
	assert_int_equal(head, 3);
	assert_int_equal(dvq_fetch(&r.vq, &head), DVQ_EMPTY);
	ring_free(&r);
}

static void the_used_index_is_read_from_memory(void **state)
{
	struct ring r;

	ring_new(&r, 8, false);
	r.vq.used->idx = 3;
	dvq_init(&r.vq, 7);
	dvq_push(&r.vq, 5, 1);
	assert_int_equal(r.vq.used->ring[3].id, 5);
	assert_int_equal(r.vq.used->idx, 4);
	ring_free(&r);
}

static void flags_decide_without_event_index(void **state)
{
	struct ring r;

	ring_new(&r, 8, false);
	dvq_init(&r.vq, 0);
	assert_false(dvq_notify_due(&r.vq)); /* nothing was used */
	*used_event(&r) = 1000;		     /* must not matter */
	dvq_push(&r.vq, 0, 0);
	assert_true(dvq_notify_due(&r.vq));
	assert_false(dvq_notify_due(&r.vq)); /* once */
	r.vq.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	dvq_push(&r.vq, 0, 0);
	assert_false(dvq_notify_due(&r.vq));
	ring_free(&r);
}

static void the_event_index_decides_alone(void **state)
{
	/* Position, used_event, entries written in one go, due. */
	static const struct {
		u16 at, event, batch;
		bool due;
	} rows[] = {
		{ 0, 0, 1, true },	     { 0, 1, 1, false },
		{ 0, 0xffff, 1, false },     { 5, 7, 3, true },
		{ 5, 8, 3, false },	     { 5, 4, 3, false },
		{ 0xffff, 0xffff, 1, true }, { 0xfffe, 0, 3, true },
		{ 0xfffe, 1, 3, false },     { 0xfffe, 0xfffd, 3, false },
		{ 0x7fff, 0x8000, 2, true }, { 0, 0x8000, 4, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ring r;

		ring_new(&r, 8, true);
		r.vq.used->idx = rows[i].at;
		r.vq.avail->flags = VRING_AVAIL_F_NO_INTERRUPT; /* must not matter */
		dvq_init(&r.vq, rows[i].at);
		*used_event(&r) = rows[i].event;
		for (u16 n = 0; n < rows[i].batch; n++)
			dvq_push(&r.vq, 0, 0);
		assert_int_equal(dvq_notify_due(&r.vq), rows[i].due);
		ring_free(&r);
	}
}

static void kicks_are_asked_for_by_the_right_field(void **state)
{
	struct ring r;

	ring_new(&r, 8, false);
	dvq_init(&r.vq, 0);
	dvq_kick_disable(&r.vq);
	assert_int_equal(r.vq.used->flags, VRING_USED_F_NO_NOTIFY);
	assert_false(dvq_kick_enable(&r.vq));
	assert_int_equal(r.vq.used->flags, 0);
	assert_int_equal(*avail_event(&r), 0);
	make_available(&r, 0);
	assert_true(dvq_kick_enable(&r.vq)); /* it came before the wish */
	ring_free(&r);

	ring_new(&r, 8, true);
	dvq_init(&r.vq, 0xffff);
	r.vq.avail->idx = 0xffff;
	dvq_kick_disable(&r.vq);
	assert_int_equal(r.vq.used->flags, 0);
	assert_false(dvq_kick_enable(&r.vq));
	assert_int_equal(*avail_event(&r), 0xffff);
	assert_int_equal(r.vq.used->flags, 0);
	ring_free(&r);
}

static void all_writes_to_the_used_ring_are_told(void **state)
{
	struct ring r;

	ring_new(&r, 4, false);
	r.vq.ops = &logging_ops;
	r.vq.used->idx = 6;
	dvq_init(&r.vq, 0);
	dvq_push(&r.vq, 1, 1);
	/* Element 2, then the index on both sides of its store. */
	assert_int_equal(r.log.n, 3);
	assert_int_equal(r.log.off[0], 4 + 2 * 8);
	assert_int_equal(r.log.len[0], 8);
	assert_int_equal(r.log.off[1], 2);
	assert_int_equal(r.log.off[2], 2);
	dvq_kick_disable(&r.vq);
	assert_int_equal(r.log.off[3], 0);
	r.vq.event_idx = true;
	dvq_kick_enable(&r.vq);
	assert_int_equal(r.log.off[4], 4 + 4 * 8);
	assert_int_equal(r.log.len[4], 2);
	ring_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_through_every_size_and_the_wrap),
		cmocka_unit_test(a_full_ring_is_not_a_runaway),
		cmocka_unit_test(a_runaway_breaks_the_ring_for_good),
		cmocka_unit_test(a_head_outside_the_table_breaks_the_ring),
		cmocka_unit_test(unfetch_gives_the_same_head_again),
		cmocka_unit_test(the_used_index_is_read_from_memory),
		cmocka_unit_test(flags_decide_without_event_index),
		cmocka_unit_test(the_event_index_decides_alone),
		cmocka_unit_test(kicks_are_asked_for_by_the_right_field),
		cmocka_unit_test(all_writes_to_the_used_ring_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
