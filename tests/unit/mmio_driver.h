/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver of virtio-mmio for tests of bindings: one queue of a device that fills buffers (driver_fill), in memory
 * from address 0 on. How an access to the window and an event arrive is the test's.
 */
#ifndef TESTS_UNIT_MMIO_DRIVER_H
#define TESTS_UNIT_MMIO_DRIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <unistd.h>

#include "harness/spec/types.h"
#include "harness/spec/virtio14.h"

#define DESC	 0x1000
#define AVAIL	 0x2000
#define USED	 0x3000
#define BUFFER	 0x8000
#define NUM	 8
#define FILL	 0x5a
#define PATIENCE 20000 /* ms, on a busy machine */

static struct driver {
	u8 *ram;
	u64 (*read)(u32 offset);
	void (*write)(u32 offset, u32 value);
} driver;

static inline u32 rd(u32 offset)
{
	return (u32)driver.read(offset);
}

static inline void wr(u32 offset, u32 value)
{
	driver.write(offset, value);
}

static inline u16 get16(u32 at)
{
	return __atomic_load_n((const u16 *)(driver.ram + at), __ATOMIC_ACQUIRE);
}

static inline void put16(u32 at, u16 value)
{
	__atomic_store_n((u16 *)(driver.ram + at), value, __ATOMIC_RELEASE);
}

static inline u64 offered(void)
{
	u64 features;

	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	features = (u64)rd(VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return features | rd(VIRTIO_MMIO_DEVICE_FEATURES);
}

/* Rings of further queues are behind those of the first. */
#define RING_STEP 0x400

static inline void go_live_with(u32 features, unsigned queues)
{
	wr(VIRTIO_MMIO_STATUS, 3);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, features);
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, (u32)(BIT_ULL(VIRTIO_F_VERSION_1) >> 32));
	wr(VIRTIO_MMIO_STATUS, 11);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 11);
	for (unsigned q = 0; q < queues; q++) {
		wr(VIRTIO_MMIO_QUEUE_SEL, q);
		wr(VIRTIO_MMIO_QUEUE_NUM, NUM);
		wr(VIRTIO_MMIO_QUEUE_DESC_LOW, DESC + q * RING_STEP);
		wr(VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL + q * RING_STEP);
		wr(VIRTIO_MMIO_QUEUE_USED_LOW, USED + q * RING_STEP);
		wr(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	wr(VIRTIO_MMIO_STATUS, 15);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 15);
}

static inline void go_live(void)
{
	go_live_with(0, 1);
}

/* One more buffer to be filled. */
static inline void add(void)
{
	const struct vring_desc d = { .addr = BUFFER, .len = 64, .flags = VRING_DESC_F_WRITE };
	const u16 idx = get16(AVAIL + 2);

	memset(driver.ram + BUFFER, 0, 128);
	memcpy(driver.ram + DESC, &d, sizeof(d));
	put16(AVAIL + 4 + 2 * (idx % NUM), 0);
	put16(AVAIL + 2, (u16)(idx + 1));
}

/* A request on its own in a queue: `len` bytes for the device, or none, then room for `room` of its answer, at `at`. */
static inline void offer(u16 queue, u32 at, const void *data, u32 len, u32 room)
{
	struct vring_desc *d = (struct vring_desc *)(driver.ram + DESC + queue * RING_STEP);
	const u32 avail = AVAIL + queue * RING_STEP;
	const u16 idx = get16(avail + 2);

	if (len)
		memcpy(driver.ram + at, data, len);
	memset(driver.ram + at + len, 0, room);
	d[0] = (struct vring_desc){ at, len, VRING_DESC_F_NEXT, 1 };
	d[1] = (struct vring_desc){ at + len, room, VRING_DESC_F_WRITE, 0 };
	put16(avail + 4 + 2 * (idx % NUM), len ? 0 : 1);
	put16(avail + 2, (u16)(idx + 1));
}

static inline u16 used_of(u16 queue)
{
	return get16(USED + 2 + queue * RING_STEP);
}

static inline void filled(u16 used)
{
	assert_int_equal(get16(USED + 2), used);
	assert_int_equal(driver.ram[BUFFER], FILL);
	assert_int_equal(driver.ram[BUFFER + 63], FILL);
	assert_int_equal(driver.ram[BUFFER + 64], 0);
}

static inline void driver_fill(void *ctx, void *to, size_t len)
{
	memset(to, FILL, len);
}

/* --- events ---------------------------------------------------------------------------------------------------- */

static inline void signal_fd(int fd)
{
	const u64 one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static inline bool signalled(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	u64 value;

	if (poll(&p, 1, ms) != 1)
		return false;
	assert_int_equal(read(fd, &value, sizeof(value)), sizeof(value));
	return true;
}

#endif
