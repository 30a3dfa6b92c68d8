// SPDX-License-Identifier: BSD-3-Clause
/* Both halves of the packed ring: what lies in memory, and what a device makes of what should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/virtqueue/packed.h"
#include "ref-backends/virtqueue/packed.h"

#define SIZE  5
#define GPA   0x10000u
#define AVAIL 0x0080
#define USED  0x8000

static struct {
	struct vring_packed_desc desc[SIZE];
	struct vring_packed_desc_event driver, device;
	struct vring_packed_desc table[SIZE];
	u8 data[512];
} ram __attribute__((aligned(16)));

static struct vq_packed drv;
static struct vq_slot slots[SIZE];
static struct dvq_packed dev;
static struct dvq_seg segs[16];
static struct dvq_chain chain;
static int token;

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	if (gpa < GPA || gpa - GPA >= sizeof(ram))
		return NULL;
	*len = MIN(*len, sizeof(ram) - (gpa - GPA));
	return (u8 *)&ram + (gpa - GPA);
}

static const struct dvq_ops ops = { .translate = translate };

static int set_up(void **state)
{
	const struct vq_layout l = {
		.size = SIZE,
		.desc_hva = ram.desc,
		.driver_hva = &ram.driver,
		.device_hva = &ram.device,
	};

	memset(&ram, 0xa5, sizeof(ram));
	vq_packed_init(&drv, &l, slots, (struct vq_packed_at){ 0, true }, false);
	dev = (struct dvq_packed){
		.desc = ram.desc,
		.driver = &ram.driver,
		.device = &ram.device,
		.ops = &ops,
		.num = SIZE,
		.indirect = true,
	};
	dvq_packed_init(&dev, (struct dvq_at){ 0, 1 }, (struct dvq_at){ 0, 1 });
	chain = (struct dvq_chain){ .segs = segs, .cap = ARRAY_SIZE(segs) };
	return 0;
}

static u64 data_gpa(u32 at)
{
	return GPA + offsetof(typeof(ram), data) + at;
}

static int add(unsigned out, unsigned in)
{
	struct vq_sg sg[8];

	for (unsigned i = 0; i < out + in; i++)
		sg[i] = (struct vq_sg){ { data_gpa(i * 16) }, 16 };
	return vq_packed_add(&drv, sg, out, in, &token);
}

/* 2.8.21.1: everything behind the head is there before the head is. */
static void head_comes_last(void **state)
{
	int id = add(1, 2);

	assert_true(id >= 0);
	assert_int_equal(ram.desc[0].flags, 0);
	assert_int_equal(ram.desc[1].flags, AVAIL | VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
	assert_int_equal(ram.desc[2].flags, AVAIL | VRING_DESC_F_WRITE);
	assert_int_equal(ram.desc[2].id, id);
	vq_packed_publish(&drv);
	assert_int_equal(ram.desc[0].flags, AVAIL | VRING_DESC_F_NEXT);
	assert_int_equal(ram.desc[0].addr, data_gpa(0));
	assert_int_equal(ram.desc[1].len, 16);
}

/* Several buffers become visible with one store. */
static void batch_has_one_head(void **state)
{
	struct dvq_packed_chain p;

	add(1, 0);
	add(1, 0);
	assert_int_equal(dvq_packed_fetch(&dev, &p, &chain), DVQ_EMPTY);
	vq_packed_publish(&drv);
	assert_int_equal(dvq_packed_fetch(&dev, &p, &chain), DVQ_OK);
	assert_int_equal(dvq_packed_fetch(&dev, &p, &chain), DVQ_OK);
	assert_int_equal(dvq_packed_fetch(&dev, &p, &chain), DVQ_EMPTY);
}

/* 2.8.5, 2.8.6: id, length and flags of a used descriptor; the rest of the list is skipped. */
static void used_descriptor(void **state)
{
	struct dvq_packed_chain p;
	void *t;
	u32 id, len;
	int given = add(1, 2);

	vq_packed_publish(&drv);
	assert_int_equal(dvq_packed_fetch(&dev, &p, &chain), DVQ_OK);
	assert_int_equal(p.slots, 3);
	dvq_packed_push(&dev, p, 17);
	assert_int_equal(ram.desc[0].flags, AVAIL | USED | VRING_DESC_F_WRITE);
	assert_int_equal(ram.desc[0].len, 17);
	assert_int_equal(vq_packed_reap(&drv, &id, &len, &t), given);
	assert_int_equal(len, 17);
	/* Nothing was written: the length is not to be looked at. */
	add(1, 0);
	vq_packed_publish(&drv);
	assert_int_equal(dvq_packed_fetch(&dev, &p, &chain), DVQ_OK);
	dvq_packed_push(&dev, p, 0);
	assert_int_equal(ram.desc[3].flags, AVAIL | USED);
}

/* The second lap turns both bits round. */
static void second_lap(void **state)
{
	struct dvq_packed_chain p;
	void *t;
	u32 id, len;

	for (unsigned i = 0; i < SIZE; i++) {
		add(0, 1);
		vq_packed_publish(&drv);
		assert_int_equal(dvq_packed_fetch(&dev, &p, &chain), DVQ_OK);
		dvq_packed_push(&dev, p, 1);
		assert_true(vq_packed_reap(&drv, &id, &len, &t) >= 0);
	}
	add(0, 1);
	vq_packed_publish(&drv);
	assert_int_equal(ram.desc[0].flags, USED | VRING_DESC_F_WRITE);
	assert_int_equal(dvq_packed_fetch(&dev, &p, &chain), DVQ_OK);
	dvq_packed_push(&dev, p, 1);
	assert_int_equal(ram.desc[0].flags, VRING_DESC_F_WRITE);
}

static void bad_id_is_told(void **state)
{
	u32 id, len;
	void *t;

	add(0, 1);
	vq_packed_publish(&drv);
	vq_packed_raw_desc(&drv, 0, 0, 1, SIZE, AVAIL | USED);
	assert_int_equal(vq_packed_reap(&drv, &id, &len, &t), VQ_BADID);
	assert_int_equal(id, SIZE);
	vq_packed_raw_desc(&drv, 0, 0, 1, 3, AVAIL | USED);
	assert_int_equal(vq_packed_reap(&drv, &id, &len, &t), VQ_BADID);
}

/* As many as there are, as many as there is room for, and none beyond one that is wrong. */
static void some_at_once(void **state)
{
	struct vq_done done[SIZE];
	struct dvq_packed_chain p;
	int id[4];

	for (unsigned i = 0; i < ARRAY_SIZE(id); i++)
		id[i] = add(0, 1);
	vq_packed_publish(&drv);
	assert_int_equal(vq_packed_reap_some(&drv, done, SIZE), VQ_EMPTY);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(dvq_packed_fetch(&dev, &p, &chain), DVQ_OK);
		dvq_packed_push(&dev, p, 10 + i);
	}
	assert_int_equal(vq_packed_reap_some(&drv, done, 2), 2);
	assert_int_equal(done[0].id, id[0]);
	assert_int_equal(done[1].len, 11);
	vq_packed_raw_desc(&drv, 3, 0, 1, SIZE, AVAIL | USED);
	assert_int_equal(vq_packed_reap_some(&drv, done, SIZE), 1);
	assert_int_equal(done[0].id, id[2]);
	assert_int_equal(vq_packed_reap_some(&drv, done, SIZE), VQ_BADID);
	assert_int_equal(done[0].id, SIZE);
}

/* --- what a device makes of what a driver should not write -------------------------------------------- */

static enum dvq_error fetch(struct dvq_packed_chain *p)
{
	return dvq_packed_fetch(&dev, p, &chain);
}

static void list_without_end(void **state)
{
	struct dvq_packed_chain p;

	for (u16 i = 0; i < SIZE; i++)
		vq_packed_raw_desc(&drv, i, data_gpa(0), 1, 0, AVAIL | VRING_DESC_F_NEXT);
	assert_int_equal(fetch(&p), DVQ_E_LONG);
	/* The ring has no place from which to go on. */
	assert_int_equal(fetch(&p), DVQ_E_LONG);
}

static void list_into_nothing(void **state)
{
	struct dvq_packed_chain p;

	vq_packed_raw_desc(&drv, 0, data_gpa(0), 1, 0, AVAIL | VRING_DESC_F_NEXT);
	assert_int_equal(fetch(&p), DVQ_E_NEXT);
}

static void bad_buffers_are_returned(void **state)
{
	const struct {
		u64 addr;
		u32 len;
		u16 flags;
		enum dvq_error error;
	} cases[] = {
		{ 0x10, 1, 0, DVQ_E_MEMORY },
		{ GPA + offsetof(typeof(ram), table), 15, VRING_DESC_F_INDIRECT,
		  DVQ_E_INDIRECT_SIZE },
		{ GPA + offsetof(typeof(ram), table), 0, VRING_DESC_F_INDIRECT,
		  DVQ_E_INDIRECT_SIZE },
		{ 0x10, 16, VRING_DESC_F_INDIRECT, DVQ_E_MEMORY },
		{ GPA + offsetof(typeof(ram), table), 16, VRING_DESC_F_INDIRECT, DVQ_E_NESTED },
	};

	ram.table[0] = (struct vring_packed_desc){ GPA, 16, 0, VRING_DESC_F_INDIRECT };
	for (u16 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dvq_packed_chain p;

		vq_packed_raw_desc(&drv, i, cases[i].addr, cases[i].len, i, AVAIL | cases[i].flags);
		assert_int_equal(fetch(&p), cases[i].error);
		assert_int_equal(p.id, i);
		assert_int_equal(p.slots, 1);
		dvq_packed_push(&dev, p, 0);
	}
}

/* The fault is in the first descriptor; the buffer still ends where its list does. */
static void the_rest_of_a_bad_list_is_skipped(void **state)
{
	struct dvq_packed_chain p;

	vq_packed_raw_desc(&drv, 1, data_gpa(0), 1, 7, AVAIL);
	vq_packed_raw_desc(&drv, 2, data_gpa(0), 1, 8, AVAIL);
	vq_packed_raw_desc(&drv, 0, 0x10, 1, 6, AVAIL | VRING_DESC_F_NEXT);
	assert_int_equal(fetch(&p), DVQ_E_MEMORY);
	assert_int_equal(p.slots, 2);
	assert_int_equal(p.id, 7);
	assert_int_equal(fetch(&p), DVQ_OK);
	assert_int_equal(p.id, 8);
}

static void order_and_indirect_rules(void **state)
{
	struct dvq_packed_chain p;

	vq_packed_raw_desc(&drv, 1, data_gpa(0), 1, 0, AVAIL);
	vq_packed_raw_desc(&drv, 0, data_gpa(0), 1, 0,
			   AVAIL | VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
	assert_int_equal(fetch(&p), DVQ_E_ORDER);
	vq_packed_raw_desc(&drv, 3, GPA, 16, 0, AVAIL | VRING_DESC_F_INDIRECT);
	vq_packed_raw_desc(&drv, 2, data_gpa(0), 1, 0, AVAIL | VRING_DESC_F_NEXT);
	assert_int_equal(fetch(&p), DVQ_E_INDIRECT_NEXT);
	dev.indirect = false;
	vq_packed_raw_desc(&drv, 4, GPA, 16, 0, AVAIL | VRING_DESC_F_INDIRECT);
	assert_int_equal(fetch(&p), DVQ_E_INDIRECT);
}

/* More segments than the caller has room for: nothing was taken, and with room it is. */
static void room_can_be_made(void **state)
{
	struct dvq_packed_chain p;

	add(2, 2);
	vq_packed_publish(&drv);
	chain.cap = 3;
	assert_int_equal(fetch(&p), DVQ_E_SEGS);
	chain.cap = 4;
	assert_int_equal(fetch(&p), DVQ_OK);
	assert_int_equal(chain.n_readable, 2);
	assert_int_equal(chain.n_writable, 2);
	assert_int_equal(chain.writable, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(head_comes_last, set_up),
		cmocka_unit_test_setup(batch_has_one_head, set_up),
		cmocka_unit_test_setup(used_descriptor, set_up),
		cmocka_unit_test_setup(second_lap, set_up),
		cmocka_unit_test_setup(bad_id_is_told, set_up),
		cmocka_unit_test_setup(some_at_once, set_up),
		cmocka_unit_test_setup(list_without_end, set_up),
		cmocka_unit_test_setup(list_into_nothing, set_up),
		cmocka_unit_test_setup(bad_buffers_are_returned, set_up),
		cmocka_unit_test_setup(the_rest_of_a_bad_list_is_skipped, set_up),
		cmocka_unit_test_setup(order_and_indirect_rules, set_up),
		cmocka_unit_test_setup(room_can_be_made, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
