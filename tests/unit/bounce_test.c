// SPDX-License-Identifier: BSD-3-Clause
/*
 * Requests that are copied for a back-end which cannot map the guest's memory. The test is the driver's side, with
 * walked chains, and the back-end's, in the rings that it was given the addresses of.
 */
#include "tests/unit/front_back.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "ref-backends/binding/front/bounce.h"

#define QUEUES	 2
#define ROOM	 (BOUNCE_BYTES / QUEUES)
#define LARGE	 (20u << 20) /* two of them have room in a queue, a third one has not */
#define SEGS_MAX (BOUNCE_SIZE + 1)
#define REQUESTS 8

static struct bounce b;

/* --- the driver ------------------------------------------------------------------------------------------------ */

static struct request {
	struct rdev_req *req;
	struct dvq_seg segs[SEGS_MAX];
	unsigned done;
	u32 used_len;
} requests[REQUESTS];

static void on_done(struct rdev_req *req)
{
	for (unsigned i = 0; i < REQUESTS; i++)
		if (requests[i].req == req) {
			requests[i].done++;
			requests[i].used_len = req->used_len;
			return;
		}
	fail_msg("something else was done");
}

/* Pieces of `size` bytes each, one behind the other from `base` on; or all at the same place. */
static void make(unsigned n, u8 *base, u32 readable, u32 writable, u32 size, bool same)
{
	struct request *r = &requests[n];

	r->done = 0;
	memset(r->req, 0, b.ops.req_size);
	for (u32 i = 0; i < readable + writable; i++)
		r->segs[i] = (struct dvq_seg){ same ? base : base + (size_t)i * size, size };
	r->req->chain = (struct dvq_chain){
		.segs = r->segs,
		.cap = SEGS_MAX,
		.n_readable = readable,
		.n_writable = writable,
		.readable = (u64)readable * size,
		.writable = (u64)writable * size,
	};
	r->req->done = on_done;
}

static void serve(unsigned n)
{
	b.ops.serve(&b.dev, requests[n].req);
}

/* --- the back-end ----------------------------------------------------------------------------------------------- */

/* Addresses in its messages are this process's. */
static const struct vu_vring_addr *rings(void)
{
	return &sent(VU_SET_VRING_ADDR, NULL)->addr;
}

static struct vring_desc *desc(unsigned i)
{
	return (struct vring_desc *)(uintptr_t)rings()->desc + i;
}

static struct vring_avail *avail(void)
{
	return (struct vring_avail *)(uintptr_t)rings()->avail;
}

static struct vring_used *used(void)
{
	return (struct vring_used *)(uintptr_t)rings()->used;
}

/* Bytes of a descriptor, by the memory table. */
static u8 *bytes(const struct vring_desc *d)
{
	const struct vu_mem_region *r = &sent(VU_SET_MEM_TABLE, NULL)->mem_table.regions[0];

	assert_true(d->addr >= r->gpa && d->addr + d->len <= r->gpa + r->size);
	return (u8 *)(uintptr_t)(r->uva + (d->addr - r->gpa));
}

static void use(u32 id, u32 len)
{
	used()->ring[used()->idx % BOUNCE_SIZE] = (struct vring_used_elem){ id, len };
	used()->idx++;
}

static bool kicked(u16 queue)
{
	struct pollfd p = { .fd = b.queues[queue].kick, .events = POLLIN };
	u64 value;

	return poll(&p, 1, 0) == 1 && read(p.fd, &value, sizeof(value)) == sizeof(value);
}

/* --- set-up -------------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
	if (back_setup(state))
		return -1;
	back.features |= BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |
			 BIT_ULL(VIRTIO_F_RING_PACKED);
	if (front_open(&front, back.path, 0) ||
	    bounce_init(&b, &front, VIRTIO_ID_BLOCK, 60, QUEUES))
		return -1;
	front.sock = front.channel.sock = -1; /* the bounce's now */
	for (unsigned i = 0; i < REQUESTS; i++)
		requests[i].req = calloc(1, b.ops.req_size);
	b.ops.negotiated(&b.dev, BIT_ULL(VIRTIO_F_VERSION_1) | 0x10);
	return 0;
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < REQUESTS; i++)
		free(requests[i].req);
	bounce_exit(&b);
	return back_teardown(state);
}

/* --- one request ---------------------------------------------------------------------------------------------------- */

static void a_request_goes_there_and_comes_back(void **state)
{
	u8 memory[4 * 64];

	memset(memory, 0x11, sizeof(memory));
	make(0, memory, 2, 2, 64, false);
	serve(0);
	assert_true(kicked(0));
	assert_int_equal(avail()->idx, 1);
	for (unsigned i = 0, d = avail()->ring[0]; i < 4; i++, d = desc(d)->next) {
		assert_int_equal(desc(d)->len, 64);
		assert_int_equal(desc(d)->flags, (i >= 2 ? VRING_DESC_F_WRITE : 0) |
							 (i < 3 ? VRING_DESC_F_NEXT : 0));
		assert_memory_equal(bytes(desc(d)), memory + i * 64u, 64);
		/* It writes to the last one only, and where it may not. */
		memset(bytes(desc(d)), 0x22, i == 3 ? 10 : i < 2 ? 64 : 0);
	}
	assert_int_equal(requests[0].done, 0);
	use(avail()->ring[0], 10);
	bounce_called(&b, 0);
	assert_int_equal(requests[0].done, 1);
	assert_int_equal(requests[0].used_len, 10);
	for (unsigned i = 0; i < sizeof(memory); i++)
		assert_int_equal(memory[i], i >= 192 && i < 202 ? 0x22 : 0x11);
	/* Nothing more is there. */
	bounce_called(&b, 0);
	assert_int_equal(requests[0].done, 1);
}

static void a_back_end_that_wants_no_notification(void **state)
{
	u8 memory[64] = { 0 };

	make(0, memory, 1, 0, 64, false);
	serve(0);
	assert_true(kicked(0));
	used()->flags = VRING_USED_F_NO_NOTIFY;
	make(1, memory, 1, 0, 64, false);
	serve(1);
	assert_int_equal(avail()->idx, 2);
	assert_false(kicked(0));
}

static void what_is_used_in_another_order(void **state)
{
	u8 memory[3 * 64] = { 0 };

	for (unsigned i = 0; i < 3; i++) {
		make(i, memory + 64 * i, 0, 1, 64, false);
		serve(i);
	}
	for (unsigned i = 3; i-- > 0;) {
		memset(bytes(desc(avail()->ring[i])), (int)i + 1, 64);
		use(avail()->ring[i], i + 1);
	}
	bounce_called(&b, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(requests[i].done, 1);
		assert_int_equal(requests[i].used_len, i + 1);
		assert_int_equal(memory[64 * i], i + 1);
		assert_int_equal(memory[64 * i + 63], i + 1);
	}
}

/* --- room --------------------------------------------------------------------------------------------------------------- */

static u8 *large(void)
{
	u8 *at = mmap(NULL, ROOM + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void requests_wait_for_room_in_their_order(void **state)
{
	u8 *memory = large(), small[64] = { 0 };

	for (unsigned i = 0; i < 3; i++) {
		make(i, memory, 1, 0, LARGE, true);
		serve(i);
	}
	/* There would be room for this one, but it is not its turn. */
	make(3, small, 1, 0, 64, false);
	serve(3);
	assert_int_equal(avail()->idx, 2);
	/* The second one's place is between the first and the end. */
	use(avail()->ring[1], 0);
	bounce_called(&b, 0);
	assert_int_equal(requests[1].done, 1);
	assert_int_equal(avail()->idx, 4);
	assert_int_equal(desc(avail()->ring[2])->len, LARGE);
	assert_int_equal(desc(avail()->ring[3])->len, 64);
	/* Nobody lies on somebody else. */
	for (unsigned i = 2; i < 4; i++) {
		const struct vring_desc *one = desc(avail()->ring[i]),
					*first = desc(avail()->ring[0]);

		assert_true(one->addr >= first->addr + first->len);
	}
	for (unsigned i = 2; i < 4; i++)
		use(avail()->ring[i], 0);
	use(avail()->ring[0], 0);
	bounce_called(&b, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(requests[i].done, 1);
	munmap(memory, ROOM + 1);
}

static void requests_wait_for_descriptors(void **state)
{
	u8 memory[64] = { 0 };

	make(0, memory, BOUNCE_SIZE - 10, 0, 8, true);
	serve(0);
	make(1, memory, 11, 0, 8, true);
	serve(1);
	assert_int_equal(avail()->idx, 1);
	use(avail()->ring[0], 0);
	bounce_called(&b, 0);
	assert_int_equal(avail()->idx, 2);
	use(avail()->ring[1], 0);
	bounce_called(&b, 0);
	/* All of them are free again. */
	make(2, memory, BOUNCE_SIZE, 0, 8, true);
	serve(2);
	assert_int_equal(avail()->idx, 3);
	use(avail()->ring[2], 0);
	bounce_called(&b, 0);
	assert_int_equal(requests[2].done, 1);
}

static void what_can_never_have_room_comes_back(void **state)
{
	u8 *memory = large();

	make(0, memory, 1, 0, ROOM + 1, true);
	requests[0].req->used_len = 7;
	serve(0);
	make(1, memory, BOUNCE_SIZE + 1, 0, 8, true);
	requests[1].req->used_len = 7;
	serve(1);
	make(2, memory, 0, 0, 8, true);
	serve(2);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(requests[i].done, 1);
		assert_int_equal(requests[i].used_len, 0);
	}
	/* The largest one that has. */
	make(3, memory, 1, 0, ROOM, true);
	serve(3);
	assert_int_equal(avail()->idx, 1);
	munmap(memory, ROOM + 1);
}

/* --- a back-end that is not to be trusted ------------------------------------------------------------------------------- */

static void used_elements_that_were_not_given(void **state)
{
	u8 memory[2 * 64] = { 0 };
	u16 head;

	make(0, memory, 1, 1, 64, false);
	serve(0);
	head = avail()->ring[0];
	use(head ? 0 : 5, 1); /* free */
	use(BOUNCE_SIZE, 1);
	use(0xffffffff, 1);
	bounce_called(&b, 0);
	assert_int_equal(requests[0].done, 0);
	use(head, 3);
	use(head, 4); /* a second time */
	bounce_called(&b, 0);
	assert_int_equal(requests[0].done, 1);
	assert_int_equal(requests[0].used_len, 3);
	/* And it goes on. */
	make(1, memory, 1, 1, 64, false);
	serve(1);
	use(avail()->ring[1], 5);
	bounce_called(&b, 0);
	assert_int_equal(requests[1].done, 1);
}

static void an_index_far_ahead(void **state)
{
	u8 memory[64] = { 0 };

	make(0, memory, 1, 0, 64, false);
	serve(0);
	used()->ring[0] = (struct vring_used_elem){ avail()->ring[0], 0 };
	for (unsigned i = 1; i < BOUNCE_SIZE; i++)
		used()->ring[i] = (struct vring_used_elem){ BOUNCE_SIZE, 0 };
	used()->idx = 0xffff;
	/* It ends, and takes no more than a ring's worth each time. */
	bounce_called(&b, 0);
	assert_int_equal(requests[0].done, 1);
	assert_int_equal(b.queues[0].used, BOUNCE_SIZE);
}

static void a_table_that_was_written_to(void **state)
{
	u8 memory[4 * 64] = { 0 };

	make(0, memory, 4, 0, 64, false);
	serve(0);
	for (unsigned i = 0; i < BOUNCE_SIZE; i++)
		*desc(i) = (struct vring_desc){ ~0ull, ~0u, 0xffff, 0xffff };
	use(avail()->ring[0], 0);
	bounce_called(&b, 0);
	assert_int_equal(requests[0].done, 1);
	make(1, memory, BOUNCE_SIZE, 0, 4, true);
	serve(1);
	assert_int_equal(avail()->idx, 2);
	for (unsigned i = 0, d = avail()->ring[1]; i < BOUNCE_SIZE; i++, d = desc(d)->next)
		assert_int_equal(desc(d)->len, 4);
}

static void a_back_end_that_refuses_a_ring(void **state)
{
	u8 memory[64] = { 0 };

	back.at = VU_SET_VRING_ADDR;
	back.wrong = REFUSES;
	make(0, memory, 1, 0, 64, false);
	serve(0);
	assert_int_equal(requests[0].done, 1);
	assert_int_equal(requests[0].used_len, 0);
	assert_false(b.queues[0].running);
	/* Nor is there anything to be taken. */
	bounce_called(&b, 0);
}

/* --- life -------------------------------------------------------------------------------------------------------------------- */

static void features_are_the_devices_alone(void **state)
{
	assert_int_equal(b.ops.features(&b.dev), 0x10);
}

static void the_back_end_learns_the_drivers_features(void **state)
{
	u8 memory[64] = { 0 };

	b.ops.negotiated(&b.dev,
			 BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | 0x10);
	make(0, memory, 1, 0, 64, false);
	serve(0);
	/* Those of the ring are between the driver and us. */
	assert_int_equal(sent(VU_SET_FEATURES, NULL)->u64,
			 BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL_FEATURES) | 0x10);
}

static void another_driver_begins_anew(void **state)
{
	u8 memory[64] = { 0 };

	make(0, memory, 1, 0, 64, false);
	serve(0);
	use(avail()->ring[0], 0);
	bounce_called(&b, 0);
	assert_true(kicked(0));
	b.ops.reset(&b.dev);
	assert_true(was_sent(VU_GET_VRING_BASE));
	assert_true(was_sent(VU_RESET_DEVICE));
	assert_false(b.queues[0].running);
	b.ops.negotiated(&b.dev, BIT_ULL(VIRTIO_F_VERSION_1));
	make(1, memory, 1, 0, 64, false);
	serve(1);
	assert_int_equal(avail()->idx, 1);
	assert_int_equal(used()->idx, 0);
	use(avail()->ring[0], 0);
	bounce_called(&b, 0);
	assert_int_equal(requests[1].done, 1);
}

static void configuration_is_the_back_ends(void **state)
{
	const u8 value = 1;
	u8 image[RDEV_CONFIG_MAX] = { 0 };

	b.ops.config(&b.dev, image);
	assert_int_equal(image[0], 0xc5);
	assert_int_equal(image[59], 0xc5);
	assert_int_equal(image[60], 0);
	assert_true(b.ops.config_write(&b.dev, 32, &value, 1, false));
	assert_int_equal(sent(VU_SET_CONFIG, NULL)->config.offset, 32);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_request_goes_there_and_comes_back),
		TEST(a_back_end_that_wants_no_notification),
		TEST(what_is_used_in_another_order),
		TEST(requests_wait_for_room_in_their_order),
		TEST(requests_wait_for_descriptors),
		TEST(what_can_never_have_room_comes_back),
		TEST(used_elements_that_were_not_given),
		TEST(an_index_far_ahead),
		TEST(a_table_that_was_written_to),
		TEST(a_back_end_that_refuses_a_ring),
		TEST(features_are_the_devices_alone),
		TEST(the_back_end_learns_the_drivers_features),
		TEST(another_driver_begins_anew),
		TEST(configuration_is_the_back_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
