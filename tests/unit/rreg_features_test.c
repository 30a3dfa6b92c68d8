// SPDX-License-Identifier: BSD-3-Clause
/* Suspending a device of the register model (3.4), notifications with data (2.9), VIRTIO_F_IN_ORDER (6.2). */
#include "tests/unit/rreg_machine.h"

#define SUSPEND	  VIRTIO_CONFIG_S_SUSPEND
#define SUSPENDED (FEATURES_OK | SUSPEND)

static void live_with(u64 features)
{
	negotiate(BIT_ULL(VIRTIO_F_VERSION_1) | features);
	enable(DESC);
	wr(VIRTIO_MMIO_STATUS, LIVE);
}

static void live(void)
{
	live_with(BIT_ULL(VIRTIO_F_SUSPEND));
}

static void too_early(void **state)
{
	negotiate(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_SUSPEND));
	wr(VIRTIO_MMIO_STATUS, SUSPENDED);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), FEATURES_OK);
	enable(DESC);
	wr(VIRTIO_MMIO_STATUS, LIVE);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), LIVE);
}

static void not_negotiated(void **state)
{
	go_live();
	wr(VIRTIO_MMIO_STATUS, LIVE | SUSPEND);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), LIVE);
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(get16(USED + 2), 1);
}

static void deaf(void **state)
{
	live();
	wr(VIRTIO_MMIO_STATUS, LIVE | SUSPEND);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), SUSPENDED);
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(get16(USED + 2), 0);
	/* Neither the bit taken back nor the same value again is a way out. */
	wr(VIRTIO_MMIO_STATUS, FEATURES_OK);
	wr(VIRTIO_MMIO_STATUS, SUSPENDED);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), SUSPENDED);
	wr(VIRTIO_MMIO_STATUS, SUSPENDED | VIRTIO_CONFIG_S_FAILED);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), SUSPENDED | VIRTIO_CONFIG_S_FAILED);
	wr(VIRTIO_MMIO_STATUS, LIVE);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), LIVE | VIRTIO_CONFIG_S_FAILED);
	/* What was made available meanwhile needs no second notification. */
	assert_int_equal(get16(USED + 2), 1);
}

static void drains(void **state)
{
	live();
	d.waits = true;
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	wr(VIRTIO_MMIO_STATUS, LIVE | SUSPEND);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), LIVE);
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(d.count, 1);
	finish(d.waiting[0]);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), SUSPENDED);
	assert_int_equal(get16(USED + 2), 1);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	d.waits = false;
	wr(VIRTIO_MMIO_STATUS, SUSPENDED | VIRTIO_CONFIG_S_DRIVER_OK);
	assert_int_equal(get16(USED + 2), 2);
}

static void reset_wakes(void **state)
{
	live();
	d.waits = true;
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	wr(VIRTIO_MMIO_STATUS, LIVE | SUSPEND);
	wr(VIRTIO_MMIO_STATUS, 0);
	finish(d.waiting[0]);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
	d.waits = false;
	memset(m.ram + AVAIL, 0, 64);
	memset(m.ram + USED, 0, 128);
	live();
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(get16(USED + 2), 1);
}

static void config_stands_still(void **state)
{
	u32 generation;

	live();
	wr(VIRTIO_MMIO_STATUS, LIVE | SUSPEND);
	generation = rd(VIRTIO_MMIO_CONFIG_GENERATION);
	d.config = 5;
	d.changed = true;
	rreg_resized(&mmio.r);
	assert_int_equal(rmmio_read(&mmio, VIRTIO_MMIO_CONFIG, 1), 0);
	assert_int_equal(rd(VIRTIO_MMIO_CONFIG_GENERATION), generation);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	rmmio_write(&mmio, VIRTIO_MMIO_CONFIG, 1, 9);
	assert_int_equal(d.config, 5);
	wr(VIRTIO_MMIO_STATUS, LIVE);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	assert_int_equal(rmmio_read(&mmio, VIRTIO_MMIO_CONFIG, 1), 5);
	assert_int_not_equal(rd(VIRTIO_MMIO_CONFIG_GENERATION), generation);
	/* Once. */
	wr(VIRTIO_MMIO_INTERRUPT_ACK, 2);
	wr(VIRTIO_MMIO_STATUS, LIVE | SUSPEND);
	wr(VIRTIO_MMIO_STATUS, LIVE);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

static void notification_data(void **state)
{
	live_with(BIT_ULL(VIRTIO_F_NOTIFICATION_DATA));
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 1u << 16);
	assert_int_equal(get16(USED + 2), 1);
	/* Another queue's, and none's. */
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 2u << 16 | 1);
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 2u << 16 | 0xffff);
	assert_int_equal(get16(USED + 2), 1);
}

static u32 used_len(unsigned i)
{
	u32 len;

	memcpy(&len, m.ram + USED + 4 + 8 * i + 4, 4);
	return len;
}

/* Whatever is done first. */
static void in_order(void **state)
{
	live_with(BIT_ULL(VIRTIO_F_IN_ORDER));
	d.waits = true;
	for (unsigned i = 0; i < 3; i++)
		add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(d.count, 3);
	for (unsigned i = 0; i < 3; i++)
		d.waiting[i]->used_len = i + 1;
	d.waiting[2]->done(d.waiting[2]);
	d.waiting[1]->done(d.waiting[1]);
	assert_int_equal(get16(USED + 2), 0);
	d.waiting[0]->done(d.waiting[0]);
	assert_int_equal(get16(USED + 2), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(used_len(i), i + 1);
}

static void any_order(void **state)
{
	live_with(0);
	d.waits = true;
	add();
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	d.waiting[1]->used_len = 9;
	d.waiting[1]->done(d.waiting[1]);
	assert_int_equal(get16(USED + 2), 1);
	assert_int_equal(used_len(0), 9);
	finish(d.waiting[0]);
	assert_int_equal(get16(USED + 2), 2);
}

/* VIRTIO_F_NOTIF_CONFIG_DATA is of PCI: MMIO has no register for the name. */
static void notify_config_data(void **state)
{
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_false(rd(VIRTIO_MMIO_DEVICE_FEATURES) & BIT_ULL(VIRTIO_F_NOTIF_CONFIG_DATA - 32));
}

int main(void)
{
#define MMIO(f) cmocka_unit_test_setup_teardown(f, setup_mmio, teardown)
	const struct CMUnitTest tests[] = {
		MMIO(too_early),
		MMIO(not_negotiated),
		MMIO(deaf),
		MMIO(drains),
		MMIO(reset_wakes),
		MMIO(config_stands_still),
		MMIO(notification_data),
		MMIO(notify_config_data),
		MMIO(in_order),
		MMIO(any_order),
	};

	return cmocka_run_group_tests_name("rreg_features", tests, NULL, NULL);
}
