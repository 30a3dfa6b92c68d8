// SPDX-License-Identifier: BSD-3-Clause
/* Configuration space: header, base address registers, capabilities, the window into BARs. */
#include "ref-backends/binding/registers/pci.h"

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <string.h>

#include "ref-backends/fault/fault.h"

#define VENDOR_VIRTIO 0x1af4
#define DEVICE_MODERN 0x1040
#define SUBSYSTEM     0x0040 /* 4.1.2.1: 0x40 or higher */
#define VENDOR_DATA   0x5249 /* whose vendor data it is: ours */

#ifndef VIRTIO_PCI_CAP_SHARED_MEMORY_CFG
#define VIRTIO_PCI_CAP_SHARED_MEMORY_CFG 8
#endif
#ifndef VIRTIO_PCI_CAP_VENDOR_CFG
#define VIRTIO_PCI_CAP_VENDOR_CFG 9
#endif

#define BAR_MSIX   1
#define BAR_SHM	   2
#define BAR_VIRTIO 4

#define MSIX_PBA  0x1800
#define MSIX_SIZE 0x2000

/* pci_cfg_data, behind the capability proper. */
#define WINDOW_DATA (RPCI_CAP_WINDOW + 16)

static const u32 class_of[][2] = {
	{ VIRTIO_ID_NET, 0x020000 },	 { VIRTIO_ID_BLOCK, 0x018000 },
	{ VIRTIO_ID_CONSOLE, 0x078000 }, { VIRTIO_ID_SCSI, 0x010000 },
	{ VIRTIO_ID_GPU, 0x038000 },	 { VIRTIO_ID_RNG, 0xff0000 },
};

/* --- what it is built of --------------------------------------------------------------------------------- */

static void set(struct rpci *p, u16 at, unsigned size, u32 value)
{
	rpci_put(p->config + at, size, value);
}

static void allow(struct rpci *p, u16 at, unsigned size, u32 mask)
{
	rpci_put(p->writable + at, size, mask);
}

static void build_header(struct rpci *p)
{
	u32 id = p->r.dev->ops->id, class = 0xff0000;

	for (size_t i = 0; i < ARRAY_SIZE(class_of); i++)
		if (class_of[i][0] == id)
			class = class_of[i][1];
	set(p, PCI_VENDOR_ID, 2, VENDOR_VIRTIO);
	set(p, PCI_DEVICE_ID, 2, DEVICE_MODERN + id);
	set(p, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	set(p, PCI_CLASS_REVISION, 4, class << 8 | 1);
	set(p, PCI_SUBSYSTEM_VENDOR_ID, 2, VENDOR_VIRTIO);
	set(p, PCI_SUBSYSTEM_ID, 2, SUBSYSTEM + id);
	set(p, PCI_INTERRUPT_PIN, 1, 1);
	allow(p, PCI_COMMAND, 2,
	      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	allow(p, PCI_CACHE_LINE_SIZE, 1, 0xff);
	allow(p, PCI_INTERRUPT_LINE, 1, 0xff);
}

static void build_bar(struct rpci *p, unsigned i, u64 size, u32 flags)
{
	u16 at = (u16)(PCI_BASE_ADDRESS_0 + 4 * i);
	u64 mask = ~(size - 1);

	p->bar_size[i] = size;
	p->bar_64[i] = flags & PCI_BASE_ADDRESS_MEM_TYPE_64;
	set(p, at, 4, flags);
	allow(p, at, 4, (u32)mask & (u32)PCI_BASE_ADDRESS_MEM_MASK);
	if (p->bar_64[i])
		allow(p, (u16)(at + 4), 4, (u32)(mask >> 32));
}

/* Capabilities are chained in the order in which they are added. */
static void add_cap(struct rpci *p, u8 *link, u8 at, u8 id)
{
	p->config[*link] = at;
	p->config[at] = id;
	*link = (u8)(at + 1);
}

static void add_vcap(struct rpci *p, u8 *link, u8 at, u8 len, u8 type, u8 bar, u32 offset,
		     u32 length)
{
	add_cap(p, link, at, PCI_CAP_ID_VNDR);
	p->config[at + VIRTIO_PCI_CAP_LEN] = len;
	p->config[at + VIRTIO_PCI_CAP_CFG_TYPE] = type;
	p->config[at + VIRTIO_PCI_CAP_BAR] = bar;
	set(p, at + VIRTIO_PCI_CAP_OFFSET, 4, offset);
	set(p, at + VIRTIO_PCI_CAP_LENGTH, 4, length);
}

static void add_msix(struct rpci *p, u8 *link)
{
	add_cap(p, link, RPCI_CAP_MSIX, PCI_CAP_ID_MSIX);
	set(p, RPCI_CAP_MSIX + PCI_MSIX_FLAGS, 2, p->r.vectors - 1u);
	set(p, RPCI_CAP_MSIX + PCI_MSIX_TABLE, 4, BAR_MSIX);
	set(p, RPCI_CAP_MSIX + PCI_MSIX_PBA, 4, MSIX_PBA | BAR_MSIX);
	allow(p, RPCI_CAP_MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
}

u64 rpci_shm_offset(const struct rpci *p, unsigned id)
{
	u64 offset = 0;

	for (unsigned i = 0; i < id; i++)
		offset += p->r.shm[i].len;
	return offset;
}

static void add_shm(struct rpci *p, u8 *link)
{
	u64 all = rpci_shm_offset(p, RREG_SHM_MAX), size = 4096;

	if (!all)
		return;
	while (size < all)
		size *= 2;
	build_bar(p, BAR_SHM, size, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	for (unsigned id = 0; id < RREG_SHM_MAX; id++) {
		u8 at = (u8)(RPCI_CAP_SHM + 24 * id);
		u64 offset = rpci_shm_offset(p, id), len = p->r.shm[id].len;

		if (!len)
			continue;
		add_vcap(p, link, at, 24, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, BAR_SHM, (u32)offset,
			 (u32)len);
		p->config[at + 5] = (u8)id;
		set(p, at + 16u, 4, (u32)(offset >> 32));
		set(p, at + 20u, 4, (u32)(len >> 32));
	}
}

static void add_vendor_data(struct rpci *p, u8 *link)
{
	add_cap(p, link, RPCI_CAP_VENDOR, PCI_CAP_ID_VNDR);
	p->config[RPCI_CAP_VENDOR + 2] = 8;
	p->config[RPCI_CAP_VENDOR + 3] = VIRTIO_PCI_CAP_VENDOR_CFG;
	set(p, RPCI_CAP_VENDOR + 4, 2, VENDOR_DATA);
}

static void build(struct rpci *p, bool vendor_data)
{
	u32 config_size = p->r.dev->ops->config_size;
	u8 link = PCI_CAPABILITY_LIST;

	build_header(p);
	build_bar(p, BAR_MSIX, MSIX_SIZE, 0);
	build_bar(p, BAR_VIRTIO, RPCI_BAR_SIZE, PCI_BASE_ADDRESS_MEM_TYPE_64);
	add_msix(p, &link);
	add_vcap(p, &link, RPCI_CAP_COMMON, 16, VIRTIO_PCI_CAP_COMMON_CFG, BAR_VIRTIO, RPCI_COMMON,
		 RPCI_COMMON_LEN);
	add_vcap(p, &link, RPCI_CAP_NOTIFY, 20, VIRTIO_PCI_CAP_NOTIFY_CFG, BAR_VIRTIO, RPCI_NOTIFY,
		 p->r.num_queues * (u32)RPCI_NOTIFY_MULTIPLIER);
	set(p, RPCI_CAP_NOTIFY + 16, 4, RPCI_NOTIFY_MULTIPLIER);
	add_vcap(p, &link, RPCI_CAP_ISR, 16, VIRTIO_PCI_CAP_ISR_CFG, BAR_VIRTIO, RPCI_ISR,
		 RPCI_ISR_LEN);
	add_vcap(p, &link, RPCI_CAP_WINDOW, 20, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0);
	allow(p, RPCI_CAP_WINDOW + VIRTIO_PCI_CAP_BAR, 1, 0xff);
	allow(p, RPCI_CAP_WINDOW + VIRTIO_PCI_CAP_OFFSET, 4, 0xffffffff);
	allow(p, RPCI_CAP_WINDOW + VIRTIO_PCI_CAP_LENGTH, 4, 0xffffffff);
	allow(p, WINDOW_DATA, 4, 0xffffffff);
	if (config_size)
		add_vcap(p, &link, RPCI_CAP_DEVICE, 16, VIRTIO_PCI_CAP_DEVICE_CFG, BAR_VIRTIO,
			 RPCI_DEVICE, config_size);
	add_shm(p, &link);
	if (vendor_data)
		add_vendor_data(p, &link);
	if (fault_active && fault_active->pci_built)
		fault_active->pci_built(p);
}

void rpci_init(struct rpci *p, const struct rreg_opts *o, bool vendor_data, void *memory)
{
	memset(p, 0, sizeof(*p));
	for (unsigned v = 0; v < RPCI_VECTORS_MAX; v++)
		p->vector[v].control = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	rreg_init(&p->r, o, &rpci_face, memory);
	p->r.vectors = (u16)(p->r.num_queues + 1);
	build(p, vendor_data);
}

/* --- accesses -------------------------------------------------------------------------------------------- */

static bool touches(u16 offset, unsigned size, u16 at, unsigned len)
{
	return offset < at + len && at < offset + size;
}

/* 4.1.4.9: what the driver asks for through pci_cfg_data. False: nothing that could be done. */
static bool window(const struct rpci *p, unsigned *bar, u32 *offset, u32 *length)
{
	const u8 *cap = p->config + RPCI_CAP_WINDOW;

	*bar = cap[VIRTIO_PCI_CAP_BAR];
	*offset = rpci_get(cap + VIRTIO_PCI_CAP_OFFSET, 4);
	*length = rpci_get(cap + VIRTIO_PCI_CAP_LENGTH, 4);
	return *bar < RPCI_BARS && p->bar_size[*bar] &&
	       (*length == 1 || *length == 2 || *length == 4) && *offset % *length == 0 &&
	       *offset < p->bar_size[*bar];
}

static void window_access(struct rpci *p, bool write)
{
	u8 *data = p->config + WINDOW_DATA;
	u32 offset, length;
	unsigned bar;

	if (fault_active && fault_active->pci_window &&
	    fault_active->pci_window(p, write, data) == FAULT_DONE)
		return;
	if (!window(p, &bar, &offset, &length))
		return;
	if (write)
		rpci_bar_write(p, bar, offset, length, rpci_get(data, length));
	else
		rpci_put(data, length, rpci_bar_read(p, bar, offset, length));
}

u32 rpci_config_read(struct rpci *p, u16 offset, unsigned size)
{
	u32 value;

	if (offset + size > RPCI_CONFIG_SIZE)
		return 0xffffffffu >> (32 - 8 * size);
	if (touches(offset, size, WINDOW_DATA, 4))
		window_access(p, false);
	value = rpci_get(p->config + offset, size);
	if (fault_active && fault_active->pci_config_read)
		value = fault_active->pci_config_read(p, offset, size, value);
	return value;
}

static void command_changed(struct rpci *p)
{
	rpci_intx_update(p);
	/* Messages and requests wait for the function to be a bus master. */
	rpci_msix_update(p);
	rreg_run(&p->r);
}

void rpci_config_write(struct rpci *p, u16 offset, unsigned size, u32 value)
{
	if (offset + size > RPCI_CONFIG_SIZE)
		return;
	if (fault_active && fault_active->pci_config_write &&
	    fault_active->pci_config_write(p, offset, size, &value) == FAULT_DONE)
		return;
	for (unsigned i = 0; i < size; i++) {
		u8 mask = p->writable[offset + i], *at = &p->config[offset + i];

		*at = (u8)((*at & ~mask) | (value >> (8 * i) & mask));
	}
	if (touches(offset, size, PCI_COMMAND, 2))
		command_changed(p);
	if (touches(offset, size, RPCI_CAP_MSIX + PCI_MSIX_FLAGS, 2)) {
		rpci_intx_update(p);
		rpci_msix_update(p);
	}
	if (touches(offset, size, WINDOW_DATA, 4))
		window_access(p, true);
}

bool rpci_hit(const struct rpci *p, u64 addr, unsigned *bar, u64 *offset)
{
	if (!(rpci_get(p->config + PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		return false;
	for (unsigned i = 0; i < RPCI_BARS; i++) {
		const u8 *at = p->config + PCI_BASE_ADDRESS_0 + 4 * i;
		u64 base = rpci_get(at, 4) & (u32)PCI_BASE_ADDRESS_MEM_MASK;

		if (!p->bar_size[i])
			continue;
		if (p->bar_64[i])
			base |= (u64)rpci_get(at + 4, 4) << 32;
		if (addr < base || addr - base >= p->bar_size[i])
			continue;
		*bar = i;
		*offset = addr - base;
		return true;
	}
	return false;
}
