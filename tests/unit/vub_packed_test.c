// SPDX-License-Identifier: BSD-3-Clause
/* Packed rings over vhost-user: sizes, positions that are saved and restored, in order, the dirty log. */
#include "tests/unit/vub_front.h"

#include "harness/virtqueue/packed.h"
#include "ref-backends/device/null.h"

enum {
	DESC = 0x1000,
	DRIVER = 0x3000,
	DEVICE = 0x4000,
	DATA = 0x8000,
	MAX_NUM = 96,
};

static struct rdev dev;
static struct vq_packed vq;
static struct vq_slot slots[MAX_NUM];

static struct vq_layout layout(u16 num)
{
	return (struct vq_layout){
		.size = num,
		.desc = { FRONT_GPA + DESC },
		.driver = { FRONT_GPA + DRIVER },
		.device = { FRONT_GPA + DEVICE },
		.desc_hva = front.ram + DESC,
		.driver_hva = front.ram + DRIVER,
		.device_hva = front.ram + DEVICE,
	};
}

static void start(u16 num, u64 more, struct vq_packed_at at)
{
	const struct vq_layout l = layout(num);

	vq_packed_init(&vq, &l, slots, at, more & BIT_ULL(VIRTIO_RING_F_EVENT_IDX));
	front_connect(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_RING_PACKED) | more);
	front_ring(0, num, (u32)(at.off | at.wrap << 15) * 0x10001u, DESC, DRIVER, DEVICE);
}

/* `n` buffers of `pieces` descriptors each, and back. */
static void round_trip(unsigned n, unsigned pieces)
{
	struct vq_sg sg[MAX_NUM];
	u32 id, len;
	void *token;
	int ids[MAX_NUM];

	for (unsigned i = 0; i < pieces; i++)
		sg[i] = (struct vq_sg){ { FRONT_GPA + DATA + 64 * i }, 64 };
	for (unsigned i = 0; i < n; i++) {
		ids[i] = vq_packed_add(&vq, sg, 0, pieces, &vq);
		assert_true(ids[i] >= 0);
	}
	vq_packed_publish(&vq);
	front_kick(0);
	for (unsigned i = 0; i < n; i++) {
		while (!vq_packed_used_pending(&vq))
			if (!vq_packed_enable_calls(&vq))
				front_called(0);
		assert_int_equal(vq_packed_reap(&vq, &id, &len, &token), ids[i]);
		assert_int_equal(len, 0);
	}
}

static void sizes_and_chains(void **state)
{
	static const u16 sizes[] = { 1, 2, 3, 7, 96 };
	static const u64 features[] = { 0, BIT_ULL(VIRTIO_RING_F_EVENT_IDX),
					BIT_ULL(VIRTIO_F_IN_ORDER) };

	for (unsigned f = 0; f < ARRAY_SIZE(features); f++)
		for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
			start(sizes[i], features[f], (struct vq_packed_at){ 0, true });
			for (unsigned n = 0; n < 3; n++) {
				round_trip(sizes[i], 1);
				round_trip(1, sizes[i]);
				if (sizes[i] > 4)
					round_trip(sizes[i] / 3, 3);
			}
			front_disconnect();
		}
}

/* Where a ring stands is told when it is stopped, and taken up when it is started. */
static void positions(void **state)
{
	start(7, 0, (struct vq_packed_at){ 5, false });
	round_trip(1, 1);
	assert_int_equal(front_get_base(0), 0x00060006);
	front_fd(VU_SET_VRING_KICK, 0, front.kick[0]);
	round_trip(1, 3);
	/* 6, 0, 1: over the end, into the lap with the other wrap counter. */
	assert_int_equal(front_get_base(0), 0x80028002);
	front_disconnect();
}

static void first_position(void **state)
{
	const struct vq_layout l = layout(8);

	vq_packed_init(&vq, &l, slots, (struct vq_packed_at){ 0, true }, false);
	front_connect(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_RING_PACKED));
	front_state(VU_SET_VRING_NUM, 0, 8);
	front_addr(0, DESC, DRIVER, DEVICE);
	front_fd(VU_SET_VRING_CALL, 0, front.call[0]);
	front_fd(VU_SET_VRING_KICK, 0, front.kick[0]);
	round_trip(3, 2);
	assert_int_equal(front_get_base(0), 0x80068006);
	front_disconnect();
}

/* A position outside the ring, and a split ring of a size that only a packed one may have. */
static void refused(void **state)
{
	front_connect(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_RING_PACKED));
	front_state(VU_SET_VRING_NUM, 0, 7);
	front_state(VU_SET_VRING_BASE, 0, 0x80078007);
	front_addr(0, DESC, DRIVER, DEVICE);
	front_fd(VU_SET_VRING_KICK, 0, front.kick[0]);
	front_disconnect();
	assert_false(front.session.rings[0].started);
	front_connect(BIT_ULL(VIRTIO_F_VERSION_1));
	front_state(VU_SET_VRING_NUM, 0, 7);
	front_addr(0, DESC, DRIVER, DEVICE);
	front_fd(VU_SET_VRING_KICK, 0, front.kick[0]);
	front_disconnect();
	assert_false(front.session.rings[0].started);
}

/* Used descriptors are marked in the dirty log: where they stand, and from the address that was named. */
static void logged(void **state)
{
	const u64 named = 0x40000, pages = (FRONT_GPA + FRONT_BYTES) / 4096;
	struct vu_log msg = { .size = pages / 8 };
	struct vu_vring_addr a = { .flags = VU_VRING_F_LOG,
				   .desc = FRONT_UVA + DESC,
				   .avail = FRONT_UVA + DRIVER,
				   .used = FRONT_UVA + DEVICE,
				   .log = FRONT_GPA + named };
	const u64 protocol = BIT_ULL(VU_PF_LOG_SHMFD);
	const u64 first = FRONT_GPA / 4096;
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct vu_reply r;
	u8 *log;

	assert_return_code(ftruncate(fd, (off_t)msg.size), 0);
	log = mmap(NULL, msg.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	start(8, BIT_ULL(VU_F_LOG_ALL) | BIT_ULL(VU_F_PROTOCOL_FEATURES),
	      (struct vq_packed_at){ 0, true });
	front_u64(VU_SET_PROTOCOL_FEATURES, protocol);
	front_send(VU_SET_LOG_BASE, &msg, sizeof(msg), &fd, 1);
	front_reply(VU_SET_LOG_BASE, &r);
	vu_reply_release(&r);
	front_send(VU_SET_VRING_ADDR, &a, sizeof(a), NULL, 0);
	front_state(VU_SET_VRING_ENABLE, 0, 1);
	round_trip(1, 1);
#define DIRTY(at) (log[(first + (at) / 4096) / 8] >> (first + (at) / 4096) % 8 & 1)
	assert_true(DIRTY(DESC));
	assert_true(DIRTY(named));
	assert_false(DIRTY(DRIVER));
#undef DIRTY
	front_disconnect();
	munmap(log, msg.size);
	close(fd);
}

static int setup(void **state)
{
	rnull_init(&dev, 1);
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
		cmocka_unit_test(sizes_and_chains), cmocka_unit_test(positions),
		cmocka_unit_test(first_position),   cmocka_unit_test(refused),
		cmocka_unit_test(logged),
	};

	return cmocka_run_group_tests_name("vub_packed", tests, setup, teardown);
}
