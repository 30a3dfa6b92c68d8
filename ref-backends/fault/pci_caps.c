// SPDX-License-Identifier: BSD-3-Clause
/* Faults of what a PCI function says in its configuration space. */
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "ref-backends/binding/registers/pci.h"
#include "ref-backends/fault/fault.h"

#define PCI(ident, name_, clause_, summary_, ...)                                                  \
	FAULT(pci_##ident, .name = "pci-" name_, .clause = "v14.pci." clause_, .transport = "pci", \
	      .summary = summary_, __VA_ARGS__)

static void put(struct rpci *p, unsigned at, unsigned size, u32 value)
{
	rpci_put(p->config + at, size, value);
}

static bool has(const struct rpci *p, u8 cap)
{
	return p->config[cap] != 0;
}

/* --- identity ------------------------------------------------------------------------------------------ */

/* Once a driver is there: firmware found it as what it is. */
static u32 identity(struct rpci *p, u16 offset, unsigned size, u32 value, u32 change)
{
	return p->r.status && offset == PCI_VENDOR_ID && size == 4 ? value ^ change : value;
}

static u32 other_vendor(struct rpci *p, u16 offset, unsigned size, u32 value)
{
	return identity(p, offset, size, value, 1);
}

PCI(vendor, "vendor-id", "discovery.dev.1", "the vendor id is 0x1af5",
    .pci_config_read = other_vendor);

static u32 other_device(struct rpci *p, u16 offset, unsigned size, u32 value)
{
	return identity(p, offset, size, value, 8u << 16);
}

PCI(device, "device-id", "discovery.dev.2", "the device id is another type's",
    .pci_config_read = other_device);

static u32 device_range(struct rpci *p, u16 offset, unsigned size, u32 value)
{
	return p->r.status && offset == PCI_DEVICE_ID && size == 2 ? value + 0x40 : value;
}

PCI(device_range, "device-id-high", "discovery.dev.4", "the device id is above 0x107f",
    .pci_config_read = device_range);

static void revision_0(struct rpci *p)
{
	put(p, PCI_REVISION_ID, 1, 0);
}

PCI(revision, "revision-0", "discovery.dev.5", "a non-transitional device of revision 0",
    .pci_built = revision_0);

static void small_subsystem(struct rpci *p)
{
	put(p, PCI_SUBSYSTEM_ID, 2, p->r.dev->ops->id);
}

PCI(subsystem, "subsystem-id-low", "discovery.dev.6",
    "the subsystem device id of a non-transitional device is below 0x40",
    .pci_built = small_subsystem);

/* --- capabilities that are not there ---------------------------------------------------------------------- */

#define GONE(ident, cap, clause_, what)                                                            \
	static void no_##ident(struct rpci *p)                                                     \
	{                                                                                          \
		put(p, (cap) + VIRTIO_PCI_CAP_CFG_TYPE, 1, 0xee);                                  \
	}                                                                                          \
	PCI(no_##ident, "no-" #ident "-cap", clause_, "has no capability for " what,               \
	    .pci_built = no_##ident)

GONE(common, RPCI_CAP_COMMON, "common-cfg.dev.2", "the common configuration");
GONE(notify, RPCI_CAP_NOTIFY, "notify-cap.dev.1", "notifications");
GONE(isr, RPCI_CAP_ISR, "isr.dev.1", "the ISR status");
GONE(window, RPCI_CAP_WINDOW, "pci-cfg-cap.dev.1", "access through configuration space");
GONE(device, RPCI_CAP_DEVICE, "device-cfg-text.dev.1", "the device configuration");

/* --- capabilities that are wrong ----------------------------------------------------------------------------- */

static void short_cap(struct rpci *p)
{
	put(p, RPCI_CAP_COMMON + VIRTIO_PCI_CAP_LEN, 1, 12);
}

PCI(cap_len, "cap-len-short", "caps.dev.1", "cap_len leaves out the last field",
    .pci_built = short_cap);

static void second_common(struct rpci *p)
{
	unsigned last = PCI_CAPABILITY_LIST, at = 0xdc;

	while (p->config[last])
		last = p->config[last] + 1u;
	for (unsigned i = 0; i < 16; i++)
		p->config[at + i] = p->config[RPCI_CAP_COMMON + i];
	p->config[last] = (u8)at;
	p->config[at + 1] = 0;
}

PCI(two_common, "two-common-caps", "caps.dev.3",
    "has a second capability for the common configuration", .pci_built = second_common);

/* The window needs no alignment then, or it would not reach what was moved. */
static enum fault_action any_window(struct rpci *p, bool write, u8 *bytes)
{
	const u8 *cap = p->config + RPCI_CAP_WINDOW;
	u32 offset = rpci_get(cap + VIRTIO_PCI_CAP_OFFSET, 4);
	u32 length = rpci_get(cap + VIRTIO_PCI_CAP_LENGTH, 4);

	if (cap[VIRTIO_PCI_CAP_BAR] != 4 || (length != 1 && length != 2 && length != 4))
		return FAULT_PASS;
	if (write)
		rpci_bar_write(p, 4, offset, length, rpci_get(bytes, length));
	else
		rpci_put(bytes, length, rpci_bar_read(p, 4, offset, length));
	return FAULT_DONE;
}

#define SHIFTED(ident, cap, by, clause_, what)                                                     \
	static void shift_##ident(struct rpci *p)                                                  \
	{                                                                                          \
		u32 at = rpci_get(p->config + (cap) + VIRTIO_PCI_CAP_OFFSET, 4);                   \
		put(p, (cap) + VIRTIO_PCI_CAP_OFFSET, 4, at + (by));                               \
	}                                                                                          \
	PCI(shift_##ident, #ident "-unaligned", clause_, what, .pci_built = shift_##ident,         \
	    .pci_window = any_window)

SHIFTED(common, RPCI_CAP_COMMON, 2, "common-cfg.dev.1", "the common configuration is at offset 2");
SHIFTED(device, RPCI_CAP_DEVICE, 2, "device-cfg.dev.1",
	"the device configuration is at an offset that 4 does not divide");

/* Which clause they break says whether NOTIFICATION_DATA is offered. */
static bool data(const struct rpci *p)
{
	return p->r.offered & BIT_ULL(VIRTIO_F_NOTIFICATION_DATA);
}

#define NOTIFY(ident, name_, with, clause_, summary_, field, size, value)                          \
	static void notify_##ident(struct rpci *p)                                                 \
	{                                                                                          \
		if (data(p) == (with))                                                             \
			put(p, RPCI_CAP_NOTIFY + (field), size, value);                            \
	}                                                                                          \
	PCI(notify_##ident, "notify-" name_, "notify-cap." clause_, summary_,                      \
	    .pci_built = notify_##ident)

NOTIFY(data_unaligned, "data-unaligned", true, "dev.8",
       "notifications are at an offset that 4 does not divide", VIRTIO_PCI_CAP_OFFSET, 4,
       RPCI_NOTIFY + 2);
NOTIFY(data_multiplier, "data-multiplier", true, "dev.7",
       "notify_off_multiplier is 2, with NOTIFICATION_DATA", 16, 4, 2);
NOTIFY(data_min, "data-length-2", true, "dev.9",
       "the notification structure has 2 bytes, with NOTIFICATION_DATA", VIRTIO_PCI_CAP_LENGTH, 4,
       2);
NOTIFY(data_each, "data-length-one-queue", true, "dev.11",
       "the notification structure has room for one queue, with NOTIFICATION_DATA",
       VIRTIO_PCI_CAP_LENGTH, 4, 4);
NOTIFY(data_any, "data-length-half", true, "dev.10",
       "the notification structure ends in the middle of the last queue's place, with "
       "NOTIFICATION_DATA",
       VIRTIO_PCI_CAP_LENGTH, 4, p->r.num_queues * 4u - 2);
NOTIFY(unaligned, "unaligned", false, "dev.2", "notifications are at an odd offset",
       VIRTIO_PCI_CAP_OFFSET, 4, RPCI_NOTIFY + 1);
NOTIFY(multiplier, "multiplier", false, "dev.3", "notify_off_multiplier is 6", 16, 4, 6);
NOTIFY(min, "length-1", false, "dev.4", "the notification structure has 1 byte",
       VIRTIO_PCI_CAP_LENGTH, 4, 1);
NOTIFY(each, "length-one-queue", false, "dev.6",
       "the notification structure has room for one queue", VIRTIO_PCI_CAP_LENGTH, 4, 2);
NOTIFY(any, "length-half", false, "dev.5",
       "the notification structure ends in the middle of the last queue's place",
       VIRTIO_PCI_CAP_LENGTH, 4, p->r.num_queues * 4u - 3);

static void shm_too_long(struct rpci *p)
{
	if (has(p, RPCI_CAP_SHM))
		put(p, RPCI_CAP_SHM + 20, 4, 1);
}

PCI(shm_long, "shm-beyond-bar", "shm-cap.dev.1", "a shared memory region is larger than its BAR",
    .pci_built = shm_too_long);

static void shm_same_id(struct rpci *p)
{
	if (has(p, RPCI_CAP_SHM + 24))
		put(p, RPCI_CAP_SHM + 24 + 5, 1, p->config[RPCI_CAP_SHM + 5]);
}

PCI(shm_id, "shm-same-id", "shm-cap.dev.2", "two shared memory regions have the same id",
    .pci_built = shm_same_id);

static void vendor_virtio(struct rpci *p)
{
	if (has(p, RPCI_CAP_VENDOR))
		put(p, RPCI_CAP_VENDOR + 4, 2, 0x1af4);
}

PCI(vendor_id, "vendor-data-of-virtio", "vendor-cap.dev.3", "vendor data have the id 0x1af4",
    .pci_built = vendor_virtio);

static void vendor_odd(struct rpci *p)
{
	if (has(p, RPCI_CAP_VENDOR))
		put(p, RPCI_CAP_VENDOR + 2, 1, 10);
}

PCI(vendor_len, "vendor-data-odd-length", "vendor-cap.dev.4", "vendor data have 10 bytes",
    .pci_built = vendor_odd);

static u32 vendor_counts(struct rpci *p, u16 offset, unsigned size, u32 value)
{
	if (has(p, RPCI_CAP_VENDOR) && offset == RPCI_CAP_VENDOR + 4)
		p->config[RPCI_CAP_VENDOR + 6]++;
	return value;
}

PCI(vendor_read, "vendor-data-counts", "vendor-cap.dev.5", "reading the vendor data changes them",
    .pci_config_read = vendor_counts);
PCI(vendor_read_text, "vendor-data-counts-reads", "vendor-cap-text.dev.1",
    "reading the vendor data has a side effect", .pci_config_read = vendor_counts);

/* --- the window ----------------------------------------------------------------------------------------------- */

static enum fault_action no_window_write(struct rpci *p, bool write, u8 *bytes)
{
	return write ? FAULT_DONE : FAULT_PASS;
}

PCI(window_write, "window-ignores-writes", "pci-cfg-cap.dev.2",
    "a write of pci_cfg_data changes nothing in the BAR", .pci_window = no_window_write);

static enum fault_action no_window_read(struct rpci *p, bool write, u8 *bytes)
{
	if (write)
		return FAULT_PASS;
	rpci_put(bytes, 4, 0);
	return FAULT_DONE;
}

PCI(window_read, "window-reads-zero", "pci-cfg-cap.dev.3", "pci_cfg_data reads as 0",
    .pci_window = no_window_read);

/* --- base address registers ----------------------------------------------------------------------------------- */

static enum fault_action bars_stuck(struct rpci *p, u16 offset, unsigned size, u32 *value)
{
	return p->r.status & VIRTIO_CONFIG_S_FEATURES_OK && offset >= PCI_BASE_ADDRESS_0 &&
			       offset < PCI_BASE_ADDRESS_0 + 24
		       ? FAULT_DONE
		       : FAULT_PASS;
}

PCI(bars_stuck, "bars-stuck", "bus.dev.1",
    "ignores writes to base address registers once features are negotiated",
    .pci_config_write = bars_stuck);

/* Bit 15 cannot be written, those above and below can. */
static void bar_gap(struct rpci *p)
{
	p->writable[PCI_BASE_ADDRESS_1 + 1] &= 0x7f;
}

PCI(bar_gap, "bar-size", "bus.dev.1", "the size of a BAR is no power of two", .pci_built = bar_gap);
