// SPDX-License-Identifier: BSD-3-Clause
/* The register model of the reference back-ends, driven as a guest would, with a device that can wait. */
#include "tests/unit/rreg_machine.h"

/* --- virtio-mmio ------------------------------------------------------------------------------------------------- */

static void identity(void **state)
{
	assert_int_equal(rd(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(rd(VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(rd(VIRTIO_MMIO_DEVICE_ID), 2);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_NUM_MAX), 64);
	/* Write-only registers, and accesses that are not 32 bits wide. */
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_SEL), 0);
	assert_int_equal(rmmio_read(&mmio, VIRTIO_MMIO_MAGIC_VALUE, 1), 0);
	wr(VIRTIO_MMIO_SHM_SEL, 3);
	assert_int_equal(rd(VIRTIO_MMIO_SHM_LEN_LOW), 0xffffffff);
	assert_int_equal(rd(VIRTIO_MMIO_SHM_BASE_HIGH), 0xffffffff);
	wr(VIRTIO_MMIO_QUEUE_SEL, 2);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
}

static void features(void **state)
{
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_true(rd(VIRTIO_MMIO_DEVICE_FEATURES) & 1);
	wr(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 4);
	assert_int_equal(rd(VIRTIO_MMIO_DEVICE_FEATURES), 0);
	/* Without VERSION_1, and with a bit that is not offered. */
	negotiate(1);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 3);
	negotiate(BIT_ULL(VIRTIO_F_VERSION_1) | 2);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 3);
	negotiate(BIT_ULL(VIRTIO_F_VERSION_1) | 1);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), FEATURES_OK);
	assert_int_equal(d.features, BIT_ULL(VIRTIO_F_VERSION_1) | 1);
	wr(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
}

static void features_beyond(void **state)
{
	wr(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 9);
	wr(VIRTIO_MMIO_DRIVER_FEATURES, 1);
	negotiate(BIT_ULL(VIRTIO_F_VERSION_1));
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 3);
}

static void serves(void **state)
{
	negotiate(BIT_ULL(VIRTIO_F_VERSION_1));
	enable(DESC);
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(get16(USED + 2), 0);
	assert_false(m.line);
	wr(VIRTIO_MMIO_STATUS, LIVE);
	assert_int_equal(get16(USED + 2), 1);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	assert_true(m.line);
	wr(VIRTIO_MMIO_INTERRUPT_ACK, 2);
	assert_true(m.line);
	wr(VIRTIO_MMIO_INTERRUPT_ACK, 1);
	assert_false(m.line);
}

/* Buffers stay in the ring until there is something for them; a reset does not wait for them. */
static void buffers_wait(void **state)
{
	d.pulls = true;
	go_live();
	add();
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(get16(USED + 2), 0);
	assert_false(rreg_pending(&mmio.r));
	d.ready = 1;
	rdev_wake(&d.dev, 0);
	assert_int_equal(get16(USED + 2), 1);
	assert_true(m.line);
	d.ready = 2;
	rdev_wake(&d.dev, 0);
	assert_int_equal(get16(USED + 2), 2);
	/* What is ready waits for a buffer. */
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(get16(USED + 2), 3);
	assert_int_equal(d.ready, 0);
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	wr(VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
	/* Nobody is there any more. */
	d.ready = 1;
	rdev_wake(&d.dev, 0);
	assert_int_equal(get16(USED + 2), 3);
}

static void reset_waits(void **state)
{
	unsigned resets;

	go_live();
	d.waits = true;
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(d.count, 1);
	resets = d.resets;
	wr(VIRTIO_MMIO_STATUS, 0);
	assert_int_not_equal(rd(VIRTIO_MMIO_STATUS), 0);
	finish(d.waiting[0]);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(d.resets, resets + 1);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 0);
	assert_false(m.line);
}

static void queue_reset(void **state)
{
	go_live();
	d.waits = true;
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	wr(0x0c0, 1);
	assert_int_equal(rd(0x0c0), 1);
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(d.count, 1);
	finish(d.waiting[0]);
	assert_int_equal(rd(0x0c0), 0);
	assert_int_equal(rd(VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	/* Enabled again it begins at 0. */
	d.waits = false;
	memset(m.ram + AVAIL, 0, 64);
	memset(m.ram + USED, 0, 128);
	enable(DESC);
	add();
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(get16(USED + 2), 1);
}

static void needs_reset(void **state)
{
	go_live();
	put16(AVAIL + 2, NUM + 1);
	wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), LIVE | 0x40);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	/* The driver cannot take it back but by a reset. */
	wr(VIRTIO_MMIO_STATUS, LIVE);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), LIVE | 0x40);
}

static void rings_nowhere(void **state)
{
	negotiate(BIT_ULL(VIRTIO_F_VERSION_1));
	enable(RAM - 16);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), FEATURES_OK);
	wr(VIRTIO_MMIO_STATUS, LIVE);
	assert_int_equal(rd(VIRTIO_MMIO_STATUS), LIVE | 0x40);
}

static void generation(void **state)
{
	u32 before = rd(VIRTIO_MMIO_CONFIG_GENERATION);

	go_live();
	assert_int_equal(rd(VIRTIO_MMIO_CONFIG_GENERATION), before);
	d.config = 5;
	d.changed = true;
	rreg_resized(&mmio.r);
	assert_int_equal(rd(VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	assert_int_not_equal(rd(VIRTIO_MMIO_CONFIG_GENERATION), before);
	assert_int_equal(rmmio_read(&mmio, VIRTIO_MMIO_CONFIG, 1), 5);
	/* Beyond the configuration space there is nothing. */
	assert_int_equal(rmmio_read(&mmio, VIRTIO_MMIO_CONFIG + 0xfc, 8), 0);
	rmmio_write(&mmio, VIRTIO_MMIO_CONFIG + 0xfc, 8, ~0ull);
}

/* More than there are slots for, completed late: nothing is lost, nothing comes twice. */
static void busy(void **state)
{
	go_live();
	for (unsigned i = 0; i < 4 * NUM; i++) {
		add();
		if (i % NUM == NUM - 1)
			wr(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	}
	while (rreg_pending(&mmio.r))
		rreg_run(&mmio.r);
	assert_int_equal(get16(USED + 2), 4 * NUM);
}

/* --- PCI ----------------------------------------------------------------------------------------------------------- */

#define BAR1 0x10000000u
#define BAR4 0x900000000ull

static void place(void)
{
	rpci_config_write(&pci, PCI_BASE_ADDRESS_1, 4, BAR1);
	rpci_config_write(&pci, PCI_BASE_ADDRESS_4, 4, (u32)BAR4);
	rpci_config_write(&pci, PCI_BASE_ADDRESS_5, 4, (u32)(BAR4 >> 32));
	rpci_config_write(&pci, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static u64 mem_read(u64 addr, unsigned size)
{
	unsigned bar = 0;
	u64 offset = 0;

	assert_true(rpci_hit(&pci, addr, &bar, &offset));
	return rpci_bar_read(&pci, bar, offset, size);
}

static void mem_write(u64 addr, unsigned size, u64 value)
{
	unsigned bar = 0;
	u64 offset = 0;

	assert_true(rpci_hit(&pci, addr, &bar, &offset));
	rpci_bar_write(&pci, bar, offset, size, value);
}

static u64 common(u32 offset, unsigned size)
{
	return mem_read(BAR4 + RPCI_COMMON + offset, size);
}

static void set_common(u32 offset, unsigned size, u64 value)
{
	mem_write(BAR4 + RPCI_COMMON + offset, size, value);
}

static void pci_live(void)
{
	place();
	set_common(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	set_common(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	set_common(VIRTIO_PCI_COMMON_GF, 4, 1);
	set_common(VIRTIO_PCI_COMMON_STATUS, 1, FEATURES_OK);
	set_common(VIRTIO_PCI_COMMON_Q_SIZE, 2, NUM);
	set_common(VIRTIO_PCI_COMMON_Q_DESCLO, 4, DESC);
	set_common(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, AVAIL);
	set_common(VIRTIO_PCI_COMMON_Q_USEDLO, 4, USED);
	set_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	set_common(VIRTIO_PCI_COMMON_STATUS, 1, LIVE);
}

static void notify(void)
{
	mem_write(BAR4 + RPCI_NOTIFY, 2, 0);
}

static void bars(void **state)
{
	unsigned bar;
	u64 offset;

	rpci_config_write(&pci, PCI_BASE_ADDRESS_4, 4, 0xffffffff);
	assert_int_equal(rpci_config_read(&pci, PCI_BASE_ADDRESS_4, 4),
			 (~(u32)(RPCI_BAR_SIZE - 1)) | PCI_BASE_ADDRESS_MEM_TYPE_64);
	rpci_config_write(&pci, PCI_BASE_ADDRESS_5, 4, 0xffffffff);
	assert_int_equal(rpci_config_read(&pci, PCI_BASE_ADDRESS_5, 4), 0xffffffff);
	rpci_config_write(&pci, PCI_BASE_ADDRESS_0, 4, 0xffffffff);
	assert_int_equal(rpci_config_read(&pci, PCI_BASE_ADDRESS_0, 4), 0);
	place();
	assert_true(rpci_hit(&pci, BAR4 + RPCI_BAR_SIZE - 1, &bar, &offset));
	assert_false(rpci_hit(&pci, BAR4 + RPCI_BAR_SIZE, &bar, &offset));
	/* Identity is not written, nor what is beyond. */
	rpci_config_write(&pci, PCI_VENDOR_ID, 4, 0);
	assert_int_equal(rpci_config_read(&pci, PCI_VENDOR_ID, 4), 0x10421af4);
	assert_int_equal(rpci_config_read(&pci, 0x100, 2), 0xffff);
	rpci_config_write(&pci, PCI_COMMAND, 2, 0);
	assert_false(rpci_hit(&pci, BAR4, &bar, &offset));
}

static void intx(void **state)
{
	pci_live();
	add();
	notify();
	assert_int_equal(get16(USED + 2), 1);
	assert_true(m.line);
	assert_true(rpci_config_read(&pci, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	rpci_config_write(&pci, PCI_COMMAND, 2,
			  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	assert_false(m.line);
	assert_int_equal(mem_read(BAR4 + RPCI_ISR, 1), 1);
	assert_int_equal(mem_read(BAR4 + RPCI_ISR, 1), 0);
	assert_false(rpci_config_read(&pci, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	assert_int_equal(m.messages, 0);
}

static void msix(void **state)
{
	pci_live();
	rpci_config_write(&pci, RPCI_CAP_MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	set_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);
	assert_int_equal(common(VIRTIO_PCI_COMMON_Q_MSIX, 2), RREG_NO_VECTOR);
	set_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
	assert_int_equal(common(VIRTIO_PCI_COMMON_Q_MSIX, 2), 2);
	mem_write(BAR1 + 2 * 16, 8, 0x100004000ull);
	mem_write(BAR1 + 2 * 16 + 8, 4, 0x77);
	/* Masked as after power-on: pending, then sent. */
	add();
	notify();
	assert_int_equal(m.messages, 0);
	assert_int_equal(mem_read(BAR1 + 0x1800, 4), 1 << 2);
	mem_write(BAR1 + 2 * 16 + 12, 4, 0);
	assert_int_equal(m.messages, 1);
	assert_int_equal(m.msi_addr, 0x100004000ull);
	assert_int_equal(m.msi_data, 0x77);
	assert_int_equal(mem_read(BAR1 + 0x1800, 4), 0);
	assert_false(m.line);
	set_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_int_equal(common(VIRTIO_PCI_COMMON_Q_MSIX, 2), RREG_NO_VECTOR);
}

static void window(void **state)
{
	const u16 cap = RPCI_CAP_WINDOW;

	place();
	rpci_config_write(&pci, cap + 4, 1, 4);
	rpci_config_write(&pci, cap + 8, 4, VIRTIO_PCI_COMMON_STATUS);
	rpci_config_write(&pci, cap + 12, 4, 1);
	rpci_config_write(&pci, cap + 16, 1, 1);
	assert_int_equal(common(VIRTIO_PCI_COMMON_STATUS, 1), 1);
	assert_int_equal(rpci_config_read(&pci, cap + 16, 4) & 0xff, 1);
	/* Nonsense is nothing. */
	rpci_config_write(&pci, cap + 12, 4, 0x80000000);
	rpci_config_write(&pci, cap + 16, 4, 0xffffffff);
	rpci_config_write(&pci, cap + 12, 4, 4);
	rpci_config_write(&pci, cap + 8, 4, 0xfffffffc);
	rpci_config_read(&pci, cap + 16, 4);
	assert_int_equal(common(VIRTIO_PCI_COMMON_STATUS, 1), 1);
}

static void no_bus_master(void **state)
{
	pci_live();
	rpci_config_write(&pci, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	add();
	notify();
	assert_int_equal(get16(USED + 2), 0);
	rpci_config_write(&pci, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(get16(USED + 2), 1);
}

/* All of every BAR in all sizes: whatever is there, nothing is touched beyond it. */
static void everywhere(void **state)
{
	place();
	for (unsigned bar = 0; bar < RPCI_BARS; bar++) {
		for (u64 at = 0; at < pci.bar_size[bar]; at++) {
			for (unsigned size = 1; size <= 8; size *= 2) {
				rpci_bar_read(&pci, bar, at, size);
				rpci_bar_write(&pci, bar, at, size, at * 0x0123456789abcdefull);
			}
		}
	}
	for (u16 at = 0; at < 0x110; at++)
		for (unsigned size = 1; size <= 4; size *= 2)
			rpci_config_read(&pci, at, size);
}

int main(void)
{
#define MMIO(f) cmocka_unit_test_setup_teardown(f, setup_mmio, teardown)
#define PCI(f)	cmocka_unit_test_setup_teardown(f, setup_pci, teardown)
	const struct CMUnitTest tests[] = {
		MMIO(identity),	    MMIO(features),	MMIO(features_beyond),
		MMIO(serves),	    MMIO(buffers_wait), MMIO(reset_waits),
		MMIO(queue_reset),  MMIO(needs_reset),	MMIO(rings_nowhere),
		MMIO(generation),   MMIO(busy),		PCI(bars),
		PCI(intx),	    PCI(msix),		PCI(window),
		PCI(no_bus_master), PCI(everywhere),
	};

	return cmocka_run_group_tests_name("rreg", tests, NULL, NULL);
}
