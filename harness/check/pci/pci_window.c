// SPDX-License-Identifier: BSD-3-Clause
/* Access to the structures through configuration space (4.1.4.9). */
#include "harness/check/pci/pci_kit.h"

#define WRITES "v14.pci.pci-cfg-cap.dev.2"
#define READS  "v14.pci.pci-cfg-cap.dev.3"

/* Offsets in the capability. */
#define BAR    4
#define OFFSET 8
#define LENGTH 12
#define DATA   16

static bool aim(struct ck *c, u32 field, unsigned size, u32 *data_at)
{
	const struct pci_vcap *window = pci_cap(pk(c), VIRTIO_PCI_CAP_PCI_CFG);
	const struct pci_vcap *common = pci_cap(pk(c), VIRTIO_PCI_CAP_COMMON_CFG);

	if (!window)
		return ck_skip(c, "the function has no PCI_CFG capability");
	/* 4.1.4.9.2: a driver only aims at places aligned for the access. */
	if ((common->offset + field) % size)
		return ck_skip(c, "the common configuration is not aligned");
	*data_at = window->at + DATA;
	return pk_cfg_write(c, window->at + BAR, 1, common->bar) &&
	       pk_cfg_write(c, window->at + OFFSET, 4, common->offset + field) &&
	       pk_cfg_write(c, window->at + LENGTH, 4, size);
}

static bool read_through(struct ck *c, u32 field, unsigned size, u32 *value)
{
	u32 at = 0;

	return aim(c, field, size, &at) && pk_cfg_read(c, at, size, value);
}

static bool write_through(struct ck *c, u32 field, unsigned size, u32 value)
{
	u32 at = 0;

	return aim(c, field, size, &at) && pk_cfg_write(c, at, size, value);
}

static const struct {
	const char *name;
	u32 at;
	unsigned size;
} fields[] = {
	{ "device_status", PK(device_status), 1 },
	{ "num_queues", PK(num_queues), 2 },
	{ "queue_size", PK(queue_size), 2 },
	{ "queue_notify_off", PK(queue_notify_off), 2 },
	{ "config_msix_vector", PK(msix_config), 2 },
	{ "device_feature", PK(device_feature), 4 },
	{ "queue_desc", PK(queue_desc_lo), 4 },
};

static void reads(struct ck *c)
{
	u32 direct, through;

	if (!pk_write(c, PK(queue_select), 2, 0) || !pk_write(c, PK(device_feature_select), 4, 1) ||
	    !pk_write(c, PK(queue_desc_lo), 4, 0x56781000))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!pk_read(c, fields[i].at, fields[i].size, &direct) ||
		    !read_through(c, fields[i].at, fields[i].size, &through))
			return;
		if (direct != through) {
			ck_fail(c, READS, "what an access to the BAR reads",
				"%s (%u bytes) is 0x%x in the BAR, 0x%x through the window",
				fields[i].name, fields[i].size, direct, through);
			return;
		}
	}
}

CHECK(reads, .id = "pci.window.reads", .clauses = { READS },
      .stimulus =
	      "fields of 1, 2 and 4 bytes of the common configuration, read through PCI_CFG and "
	      "in the BAR",
      .oracle = "the same values", .run = reads);

static bool arrives(struct ck *c, const char *name, u32 field, unsigned size, u32 value)
{
	u32 direct;

	if (!write_through(c, field, size, value) || !pk_read(c, field, size, &direct))
		return false;
	return direct == value ||
	       ck_fail(c, WRITES, "what was written through the window",
		       "0x%x written to %s (%u bytes) through the window, the BAR "
		       "reads 0x%x",
		       value, name, size, direct);
}

static void writes(struct ck *c)
{
	u32 status, size;

	if (!pk_write(c, PK(queue_select), 2, 0) || !pk_read(c, PK(device_status), 1, &status) ||
	    !pk_read(c, PK(queue_size), 2, &size))
		return;
	/* Neighbours are looked at as well: a write of one byte is one byte. */
	if (!arrives(c, "queue_desc", PK(queue_desc_lo), 4, 0x13572000) ||
	    !arrives(c, "queue_desc", PK(queue_desc_lo), 4, 0x24683000) ||
	    !arrives(c, "queue_select", PK(queue_select), 2, 1) ||
	    !arrives(c, "queue_select", PK(queue_select), 2, 0) ||
	    !arrives(c, "device_status", PK(device_status), 1, 0) ||
	    !arrives(c, "device_status", PK(device_status), 1, RK_ACK))
		return;
	arrives(c, "device_status", PK(device_status), 1, RK_DRIVER);
}

CHECK(writes, .id = "pci.window.writes", .clauses = { WRITES },
      .stimulus = "device_status, queue_select and queue_desc written through PCI_CFG with lengths "
		  "1, 2 and 4",
      .oracle = "the BAR reads what was written", .run = writes);
