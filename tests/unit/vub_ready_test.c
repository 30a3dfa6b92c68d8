// SPDX-License-Identifier: BSD-3-Clause
/* A device whose buffers wait for something outside, over vhost-user: chains stay in the ring until then. */
#include "tests/unit/vub_front.h"

#include "harness/virtqueue/split.h"
#include "ref-backends/device/plain.h"

enum {
	NUM = 8,
	DESC = 0x1000,
	AVAIL = 0x2000,
	USED = 0x3000,
	DATA = 0x8000
};

static unsigned waiting; /* things that arrived and were not given to the driver */
static unsigned served;

static bool ready(struct rdev *dev, u16 queue)
{
	return __atomic_load_n(&waiting, __ATOMIC_ACQUIRE) > 0;
}

static void serve(struct rdev *dev, struct rdev_req *req)
{
	__atomic_sub_fetch(&waiting, 1, __ATOMIC_ACQ_REL);
	__atomic_add_fetch(&served, 1, __ATOMIC_ACQ_REL);
	req->used_len = 1;
	req->done(req);
}

static const struct rdev_ops ops = {
	.name = "test",
	.req_size = sizeof(struct rdev_req),
	.features = plain_features,
	.negotiated = plain_negotiated,
	.reset = plain_reset,
	.config = plain_config,
	.config_write = plain_config_write,
	.resized = plain_resized,
	.queue_open = plain_queue_open,
	.queue_close = plain_queue_close,
	.serve = serve,
	.ready = ready,
};

static struct rdev dev;
static struct vq_split vq;
static struct vq_slot slots[NUM];

static void arrives(unsigned n)
{
	__atomic_add_fetch(&waiting, n, __ATOMIC_RELEASE);
	rdev_wake(&dev, 0);
}

static void buffers(unsigned n)
{
	const struct vq_sg sg = { { FRONT_GPA + DATA }, 16 };

	for (unsigned i = 0; i < n; i++)
		assert_true(vq_split_add(&vq, &sg, 0, 1, &vq) >= 0);
	vq_split_publish(&vq);
	front_kick(0);
}

static void used(unsigned n)
{
	u32 id, len;
	void *token;

	for (unsigned i = 0; i < n; i++) {
		while (!vq_split_used_pending(&vq))
			if (!vq_split_enable_calls(&vq))
				front_called(0);
		assert_true(vq_split_reap(&vq, &id, &len, &token) >= 0);
		assert_int_equal(len, 1);
	}
}

static void start(u64 more)
{
	const struct vq_layout l = {
		.size = NUM,
		.desc = { FRONT_GPA + DESC },
		.driver = { FRONT_GPA + AVAIL },
		.device = { FRONT_GPA + USED },
		.desc_hva = front.ram + DESC,
		.driver_hva = front.ram + AVAIL,
		.device_hva = front.ram + USED,
	};

	__atomic_store_n(&waiting, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&served, 0, __ATOMIC_RELEASE);
	vq_split_init(&vq, &l, slots, 0, more & BIT_ULL(VIRTIO_RING_F_EVENT_IDX));
	front_connect(BIT_ULL(VIRTIO_F_VERSION_1) | more);
	front_ring(0, NUM, 0, DESC, AVAIL, USED);
}

static void with(u64 features)
{
	start(features);
	/* Buffers before what they are for, the other way round, and several at once. */
	buffers(2);
	arrives(1);
	used(1);
	arrives(1);
	used(1);
	arrives(3);
	buffers(2);
	used(2);
	buffers(2);
	used(1);
	assert_int_equal(__atomic_load_n(&served, __ATOMIC_ACQUIRE), 5);
	/* One buffer is left in the ring, untouched, and a stop does not wait for it. */
	assert_false(vq_split_used_pending(&vq));
	assert_int_equal(front_get_base(0), 5);
	assert_int_equal(front.session.rings[0].in_flight, 0);
	front_disconnect();
}

static void by_flags(void **state)
{
	with(0);
}

static void by_event_index(void **state)
{
	with(BIT_ULL(VIRTIO_RING_F_EVENT_IDX));
}

/* A driver that goes away while its buffers wait keeps nobody. */
static void nothing_ever_comes(void **state)
{
	start(0);
	buffers(4);
	front_disconnect();
	assert_int_equal(__atomic_load_n(&served, __ATOMIC_ACQUIRE), 0);
}

static int setup(void **state)
{
	dev = (struct rdev){ .ops = &ops, .num_queues = 1 };
	return front_open(&dev);
}

static int teardown(void **state)
{
	front_close();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_flags),
		cmocka_unit_test(by_event_index),
		cmocka_unit_test(nothing_ever_comes),
	};

	return cmocka_run_group_tests_name("vub_ready", tests, setup, teardown);
}
