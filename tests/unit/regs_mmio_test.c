// SPDX-License-Identifier: BSD-3-Clause
/* The MMIO transport against a few words of memory that stand for windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/virtio_mmio.h>

#include "harness/spec/virtio14.h"
#include "harness/transport/mmio/mmio.h"

#ifndef VIRTIO_MMIO_QUEUE_RESET
#define VIRTIO_MMIO_QUEUE_RESET 0x0c0
#endif

#define WINDOWS 3
#define STRIDE	0x200
#define BASE	0x1000

struct fake {
	struct access access; /* first */
	u32 word[WINDOWS][STRIDE / 4];
	u32 offered[2];
	u64 now;
	bool sticky_status; /* a reset is never done */
	bool picky;	    /* FEATURES_OK does not stay */
	bool forgets_reset; /* a queue's reset is done at once */
	bool restless;	    /* the configuration changes whenever it is looked at */
	bool gone;
};

static int fake_read(struct access *a, u64 addr, unsigned size, u64 *value)
{
	struct fake *f = (struct fake *)a;
	u32 *w = f->word[(addr - BASE) / STRIDE];
	u32 offset = (u32)((addr - BASE) % STRIDE);

	if (f->gone)
		return TP_EGONE;
	assert_true(offset >= VIRTIO_MMIO_CONFIG || size == 4);
	*value = w[offset / 4];
	if (offset == VIRTIO_MMIO_DEVICE_FEATURES) {
		const u32 select = w[VIRTIO_MMIO_DEVICE_FEATURES_SEL / 4];

		*value = select < 2 ? f->offered[select] : 0;
	}
	if (offset == VIRTIO_MMIO_CONFIG_GENERATION && f->restless)
		w[offset / 4]++;
	if (offset == VIRTIO_MMIO_QUEUE_NUM_MAX)
		*value = w[VIRTIO_MMIO_QUEUE_SEL / 4] < 2 ? 16 : 0;
	return TP_OK;
}

static int fake_write(struct access *a, u64 addr, unsigned size, u64 value)
{
	struct fake *f = (struct fake *)a;
	u32 *w = f->word[(addr - BASE) / STRIDE];
	u32 offset = (u32)((addr - BASE) % STRIDE);

	if (f->gone)
		return TP_EGONE;
	if (offset == VIRTIO_MMIO_STATUS && f->picky)
		value &= ~(u64)VIRTIO_CONFIG_S_FEATURES_OK;
	if (offset == VIRTIO_MMIO_STATUS && f->sticky_status && value == 0)
		return TP_OK;
	if (offset == VIRTIO_MMIO_QUEUE_RESET && f->forgets_reset)
		value = 0;
	w[offset / 4] = (u32)value;
	return TP_OK;
}

static void fake_clear_ram(struct access *a)
{
}

static u64 fake_now(struct access *a)
{
	return ((struct fake *)a)->now += 1000000;
}

static void fake_relax(struct access *a)
{
}

static const struct access_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.clear_ram = fake_clear_ram,
	.now_ns = fake_now,
	.relax = fake_relax,
};

static void window(struct fake *f, unsigned i, u32 version, u32 id)
{
	f->word[i][VIRTIO_MMIO_MAGIC_VALUE / 4] = 0x74726976;
	f->word[i][VIRTIO_MMIO_VERSION / 4] = version;
	f->word[i][VIRTIO_MMIO_DEVICE_ID / 4] = id;
}

static void fake_init(struct fake *f, struct mmio *m, u32 wanted)
{
	memset(f, 0, sizeof(*f));
	f->access.ops = &fake_ops;
	f->access.mmio_base = BASE;
	f->access.mmio_stride = STRIDE;
	f->access.mmio_count = WINDOWS;
	f->offered[1] = 1;
	mmio_init(m, &f->access, wanted);
}

static void test_finds(void **state)
{
	struct mmio m;
	struct fake f;
	unsigned n;

	fake_init(&f, &m, 0);
	window(&f, 0, 2, 0);
	window(&f, 1, 2, VIRTIO_ID_RNG);
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_OK);
	assert_int_equal(m.base, BASE + STRIDE);
	assert_int_equal(m.r.device_id, VIRTIO_ID_RNG);
	assert_int_equal(m.r.tp.ops->num_queues(&m.r.tp, &n), TP_OK);
	assert_int_equal(n, 2);
}

static void test_wanted(void **state)
{
	struct mmio m;
	struct fake f;

	fake_init(&f, &m, VIRTIO_ID_NET);
	window(&f, 0, 2, VIRTIO_ID_RNG);
	window(&f, 2, 2, VIRTIO_ID_NET);
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_OK);
	assert_int_equal(m.base, BASE + 2 * STRIDE);
}

/* A wrong magic number is for a check to judge, but a window that is right goes first. */
static void test_wrong_magic(void **state)
{
	struct mmio m;
	struct fake f;

	fake_init(&f, &m, 0);
	window(&f, 0, 2, VIRTIO_ID_RNG);
	f.word[0][0] = 0x12345678;
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_OK);
	assert_int_equal(m.base, BASE);
	fake_init(&f, &m, 0);
	window(&f, 0, 2, VIRTIO_ID_RNG);
	f.word[0][0] = 0x12345678;
	window(&f, 1, 2, VIRTIO_ID_NET);
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_OK);
	assert_int_equal(m.base, BASE + STRIDE);
}

static void test_legacy(void **state)
{
	struct mmio m;
	struct fake f;

	fake_init(&f, &m, 0);
	window(&f, 0, 1, VIRTIO_ID_RNG);
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_EUNSUPPORTED);
	assert_non_null(strstr(m.r.tp.error, "legacy"));
}

static void test_nothing(void **state)
{
	struct mmio m;
	struct fake f;

	fake_init(&f, &m, 0);
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_EUNSUPPORTED);
}

static void test_features(void **state)
{
	struct mmio m;
	struct fake f;
	u64 features;

	fake_init(&f, &m, 0);
	window(&f, 0, 2, VIRTIO_ID_RNG);
	f.offered[0] = 0x10000000;
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_OK);
	assert_int_equal(m.r.tp.ops->get_features(&m.r.tp, &features), TP_OK);
	assert_true(features == 0x110000000ull);
	assert_int_equal(m.r.tp.ops->set_features(&m.r.tp, features), TP_OK);
	f.picky = true;
	assert_int_equal(m.r.tp.ops->set_features(&m.r.tp, features), TP_EREFUSED);
}

static void test_reset_deadline(void **state)
{
	struct mmio m;
	struct fake f;

	fake_init(&f, &m, 0);
	window(&f, 0, 2, VIRTIO_ID_RNG);
	f.word[0][VIRTIO_MMIO_STATUS / 4] = 1;
	f.sticky_status = true;
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_ETIMEOUT);
}

/* A configuration that never comes to rest is read until the deadline, not for ever. */
static void test_restless_config(void **state)
{
	struct mmio m;
	struct fake f;
	u8 config[8];
	u64 start;

	fake_init(&f, &m, 0);
	window(&f, 0, 2, VIRTIO_ID_RNG);
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_OK);
	f.restless = true;
	start = f.now;
	assert_int_equal(m.r.tp.ops->read_config(&m.r.tp, 0, config, 8), TP_ETIMEOUT);
	assert_non_null(strstr(m.r.tp.error, "generation"));
	assert_in_range(f.now - start, 900000000, 1100000000);
}

static void test_gone(void **state)
{
	struct mmio m;
	struct fake f;
	u8 status;

	fake_init(&f, &m, 0);
	window(&f, 0, 2, VIRTIO_ID_RNG);
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_OK);
	f.gone = true;
	assert_int_equal(m.r.tp.ops->get_status(&m.r.tp, &status), TP_EGONE);
}

/* Fields are read in the widest accesses that are aligned, and a queue is not larger than it can be. */
static void test_config_and_queue(void **state)
{
	struct tp_queue big = { .size = 32 }, fits = { .size = 16 };
	struct mmio m;
	struct fake f;
	u8 config[8];

	fake_init(&f, &m, 0);
	window(&f, 0, 2, VIRTIO_ID_RNG);
	f.word[0][VIRTIO_MMIO_CONFIG / 4] = 0x04030201;
	f.word[0][VIRTIO_MMIO_CONFIG / 4 + 1] = 0x08070605;
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_OK);
	assert_int_equal(m.r.tp.ops->read_config(&m.r.tp, 0, config, 8), TP_OK);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(config[i], i + 1);
	assert_int_equal(m.r.tp.ops->queue_start(&m.r.tp, 0, &big), TP_EUNSUPPORTED);
	assert_int_equal(m.r.tp.ops->queue_start(&m.r.tp, 0, &fits), TP_OK);
	assert_int_equal(f.word[0][VIRTIO_MMIO_QUEUE_READY / 4], 1);
}

/* What goes into a notification: the index, and with NOTIFICATION_DATA how far the driver is. */
static void test_notification(void **state)
{
	static _Alignas(4096) u8 ram[3 * 4096];
	static struct vq_slot slots[16];
	struct vq_mode mode = { .ring = VQ_RING_SPLIT };
	struct vq_layout l;
	struct vq vq;
	struct tp_queue cfg = { .size = 16, .vq = &vq };
	struct mmio m;
	struct fake f;

	fake_init(&f, &m, 0);
	window(&f, 0, 2, VIRTIO_ID_RNG);
	f.access.ram[0] = (struct tp_buf){ ram, { 0 }, sizeof(ram) };
	f.access.ram_count = 1;
	f.offered[1] = 1 | 1u << (VIRTIO_F_NOTIFICATION_DATA - 32);
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_OK);
	assert_int_equal(m.r.tp.ops->set_features(&m.r.tp, BIT_ULL(VIRTIO_F_VERSION_1)), TP_OK);
	assert_int_equal(m.r.tp.ops->queue_start(&m.r.tp, 1, &cfg), TP_OK);
	vq_lay_out(&l, mode.ring, 16, ram, (struct gpa){ 0 });
	mode.base = 0x8005;
	vq_init(&vq, &mode, &l, slots);
	assert_int_equal(m.r.tp.ops->notify(&m.r.tp, 1), TP_OK);
	assert_int_equal(f.word[0][VIRTIO_MMIO_QUEUE_NOTIFY / 4], 1);
	assert_int_equal(
		m.r.tp.ops->set_features(&m.r.tp, BIT_ULL(VIRTIO_F_VERSION_1) |
							  BIT_ULL(VIRTIO_F_NOTIFICATION_DATA)),
		TP_OK);
	assert_int_equal(m.r.tp.ops->notify(&m.r.tp, 1), TP_OK);
	assert_int_equal(f.word[0][VIRTIO_MMIO_QUEUE_NOTIFY / 4], 0x80050001);
	/* Of a packed ring the place and its wrap counter. */
	mode = (struct vq_mode){ .ring = VQ_RING_PACKED, .base = 0x00030003 };
	vq_init(&vq, &mode, &l, slots);
	assert_int_equal(m.r.tp.ops->notify(&m.r.tp, 1), TP_OK);
	assert_int_equal(f.word[0][VIRTIO_MMIO_QUEUE_NOTIFY / 4], 0x00030001);
	mode.base = 0x80098009;
	vq_init(&vq, &mode, &l, slots);
	assert_int_equal(m.r.tp.ops->notify(&m.r.tp, 1), TP_OK);
	assert_int_equal(f.word[0][VIRTIO_MMIO_QUEUE_NOTIFY / 4], 0x80090001);
	/* Of a queue that was never started, or that there is not, nothing is known. */
	assert_int_equal(m.r.tp.ops->notify(&m.r.tp, 0xffff), TP_OK);
	assert_int_equal(f.word[0][VIRTIO_MMIO_QUEUE_NOTIFY / 4], 0xffff);
}

/* Who counts queues from another on has it everywhere; num_queues() is the device's own. */
static void test_first_queue(void **state)
{
	const struct tp_queue cfg = { .size = 16 };
	const struct tp_ops *ops;
	struct mmio m;
	struct fake f;
	unsigned n;
	u32 base;
	u16 size;

	fake_init(&f, &m, 0);
	window(&f, 0, 2, VIRTIO_ID_INPUT);
	f.offered[1] |= 1u << (VIRTIO_F_RING_RESET - 32);
	ops = m.r.tp.ops;
	m.r.tp.first_queue = 1;
	assert_int_equal(ops->open(&m.r.tp), TP_OK);
	assert_int_equal(ops->num_queues(&m.r.tp, &n), TP_OK);
	assert_int_equal(n, 2);
	assert_int_equal(ops->set_features(&m.r.tp, BIT_ULL(VIRTIO_F_RING_RESET)), TP_OK);
	assert_int_equal(ops->queue_max(&m.r.tp, 0, &size), TP_OK);
	assert_int_equal(size, 16);
	assert_int_equal(ops->queue_max(&m.r.tp, 1, &size), TP_OK);
	assert_int_equal(size, 0);
	f.word[0][VIRTIO_MMIO_QUEUE_SEL / 4] = 9;
	assert_int_equal(ops->queue_start(&m.r.tp, 0, &cfg), TP_OK);
	assert_int_equal(f.word[0][VIRTIO_MMIO_QUEUE_SEL / 4], 1);
	assert_int_equal(ops->notify(&m.r.tp, 0), TP_OK);
	assert_int_equal(f.word[0][VIRTIO_MMIO_QUEUE_NOTIFY / 4], 1);
	/* A used buffer: of any queue, and then also of the one before. */
	f.word[0][VIRTIO_MMIO_INTERRUPT_STATUS / 4] = REGS_ISR_QUEUE;
	assert_int_equal(ops->wait_call(&m.r.tp, 0, 5), 1);
	assert_true(m.r.used_pending[0]);
	assert_false(m.r.used_pending[1]);
	f.word[0][VIRTIO_MMIO_INTERRUPT_STATUS / 4] = 0;
	assert_int_equal(ops->take_calls(&m.r.tp, 0), 0);
	/* Behind a reset of a queue. */
	f.word[0][VIRTIO_MMIO_QUEUE_SEL / 4] = 9;
	f.forgets_reset = true;
	assert_int_equal(ops->queue_stop(&m.r.tp, 0, &base), TP_OK);
	assert_int_equal(f.word[0][VIRTIO_MMIO_QUEUE_SEL / 4], 1);
}

/* A queue's reset is over when it reads 0, and not waited for without end. */
static void test_queue_reset(void **state)
{
	struct mmio m;
	struct fake f;
	u32 base;

	fake_init(&f, &m, 0);
	window(&f, 0, 2, VIRTIO_ID_RNG);
	f.offered[1] = 1 | 1u << (VIRTIO_F_RING_RESET - 32);
	assert_int_equal(m.r.tp.ops->open(&m.r.tp), TP_OK);
	assert_int_equal(m.r.tp.ops->queue_stop(&m.r.tp, 0, &base), TP_EUNSUPPORTED);
	assert_int_equal(m.r.tp.ops->set_features(&m.r.tp, BIT_ULL(VIRTIO_F_VERSION_1) |
								   BIT_ULL(VIRTIO_F_RING_RESET)),
			 TP_OK);
	/* These are plain words: what was written stays. */
	assert_int_equal(m.r.tp.ops->queue_stop(&m.r.tp, 0, &base), TP_ETIMEOUT);
	f.forgets_reset = true;
	assert_int_equal(m.r.tp.ops->queue_stop(&m.r.tp, 0, &base), TP_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),	       cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_wrong_magic),    cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_nothing),	       cmocka_unit_test(test_features),
		cmocka_unit_test(test_reset_deadline), cmocka_unit_test(test_restless_config),
		cmocka_unit_test(test_gone),	       cmocka_unit_test(test_config_and_queue),
		cmocka_unit_test(test_notification),   cmocka_unit_test(test_first_queue),
		cmocka_unit_test(test_queue_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
