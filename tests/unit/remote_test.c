// SPDX-License-Identifier: BSD-3-Clause
/* A back-end as a shim's device: what of the driver's features it learns, and when it gets its memory. */
#include "tests/unit/front_back.h"

#include <linux/virtio_ids.h>

#include "ref-backends/binding/front/remote.h"

#define OWN BIT_ULL(VIRTIO_F_ACCESS_PLATFORM)

static struct remote m;
static struct rreg r;
static u8 rings[3][4096] __attribute__((aligned(4096)));
static unsigned shared;
static int share_status;

static int share(void *ctx)
{
	const struct front_region ram = { .size = sizeof(rings),
					  .hva = (u64)(uintptr_t)rings,
					  .fd = STDERR_FILENO };

	assert_ptr_equal(ctx, &m);
	shared++;
	return share_status ? share_status : front_memory(&m.front, &ram, 1);
}

static int setup(void **state)
{
	if (back_setup(state) || front_open(&front, back.path, 0) ||
	    remote_init(&m, &front, VIRTIO_ID_RNG, 1))
		return -1;
	front.sock = front.channel.sock = -1; /* the remote's now */
	memset(&r, 0, sizeof(r));
	r.dev = &m.dev;
	r.queues[0] = (struct rreg_queue){ .r = &r, .size = 8 };
	r.queues[0].vq.desc = (void *)rings[0];
	r.queues[0].vq.avail = (void *)rings[1];
	r.queues[0].vq.used = (void *)rings[2];
	shared = 0;
	share_status = 0;
	return 0;
}

static int teardown(void **state)
{
	remote_exit(&m);
	return back_teardown(state);
}

static unsigned place_of(u32 request)
{
	return (unsigned)(sent(request, NULL) - back.seen);
}

static void the_shims_own_features_are_not_the_back_ends(void **state)
{
	assert_false(m.ops.features(&m.dev) & OWN);
	m.own = OWN;
	assert_int_equal(m.ops.features(&m.dev), BIT_ULL(VIRTIO_F_VERSION_1) | OWN | 0x10);
	m.ops.negotiated(&m.dev, BIT_ULL(VIRTIO_F_VERSION_1) | OWN | 0x10);
	assert_true(remote_queue_start(NULL, &r.queues[0]));
	assert_int_equal(sent(VU_SET_FEATURES, NULL)->u64,
			 BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL_FEATURES) | 0x10);
	assert_false(was_sent(VU_SET_MEM_TABLE));
}

static void memory_that_is_shared_late(void **state)
{
	m.share = share;
	m.ctx = &m;
	m.ops.negotiated(&m.dev, BIT_ULL(VIRTIO_F_VERSION_1));
	assert_int_equal(shared, 0);
	assert_true(remote_queue_start(NULL, &r.queues[0]));
	assert_int_equal(shared, 1);
	assert_true(place_of(VU_SET_MEM_TABLE) < place_of(VU_SET_VRING_ADDR));
	/* The queue alone begins anew: memory is what it was. */
	remote_queue_stop(NULL, &r.queues[0]);
	assert_true(remote_queue_start(NULL, &r.queues[0]));
	assert_int_equal(shared, 1);
	/* Another driver may have shared something else. */
	remote_queue_stop(NULL, &r.queues[0]);
	m.ops.reset(&m.dev);
	m.ops.negotiated(&m.dev, BIT_ULL(VIRTIO_F_VERSION_1));
	assert_true(remote_queue_start(NULL, &r.queues[0]));
	assert_int_equal(shared, 2);
}

static void memory_that_is_refused(void **state)
{
	m.share = share;
	m.ctx = &m;
	share_status = -1;
	m.ops.negotiated(&m.dev, BIT_ULL(VIRTIO_F_VERSION_1));
	assert_false(remote_queue_start(NULL, &r.queues[0]));
	assert_false(was_sent(VU_SET_VRING_ADDR));
	assert_false(m.queues[0].running);
}

static unsigned told;

static void interrupt(struct rreg *regs, int q)
{
	assert_int_equal(q, -1);
	told++;
}

/* Once, when the back-end has said so, and only a driver that is there. */
static void a_configuration_that_changes(void **state)
{
	static const struct rreg_face face = { .interrupt = interrupt };
	u8 image[8];

	told = 0;
	r.face = &face;
	remote_channel(&m, &r);
	tell(VU_BACKEND_CONFIG_CHANGE_MSG, VU_VERSION, 0);
	remote_channel(&m, &r);
	assert_int_equal(told, 0);
	r.status = VIRTIO_CONFIG_S_DRIVER_OK;
	remote_channel(&m, &r);
	assert_int_equal(told, 0);
	tell(VU_BACKEND_CONFIG_CHANGE_MSG, VU_VERSION, 0);
	remote_channel(&m, &r);
	remote_channel(&m, &r);
	assert_int_equal(told, 1);
	/* While it was asked for something else. */
	back.tells_at = VU_GET_CONFIG;
	assert_int_equal(front_config_read(&m.front, image, sizeof(image)), 0);
	assert_true(m.front.channel.changed);
	remote_channel(&m, &r);
	assert_int_equal(told, 2);
	/* SIGUSR1 is for the back-end. */
	rreg_resized(&r);
	assert_int_equal(told, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_shims_own_features_are_not_the_back_ends),
		TEST(memory_that_is_shared_late),
		TEST(memory_that_is_refused),
		TEST(a_configuration_that_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
