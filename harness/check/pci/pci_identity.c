// SPDX-License-Identifier: BSD-3-Clause
/* What a PCI function says it is (4.1.2). */
#include "harness/check/pci/pci_kit.h"

#define VENDOR	      "v14.pci.discovery.dev.1"
#define DEVICE	      "v14.pci.discovery.dev.2"
#define MODERN_RANGE  "v14.pci.discovery.dev.4"
#define MODERN_REV    "v14.pci.discovery.dev.5"
#define MODERN_SUBSYS "v14.pci.discovery.dev.6"

/* The table of 4.1.2: transitional device ids. 0: none. */
static u32 transitional_id(u32 type)
{
	switch (type) {
	case VIRTIO_ID_NET:
		return 0x1000;
	case VIRTIO_ID_BLOCK:
		return 0x1001;
	case VIRTIO_ID_BALLOON:
		return 0x1002;
	case VIRTIO_ID_CONSOLE:
		return 0x1003;
	case VIRTIO_ID_SCSI:
		return 0x1004;
	case VIRTIO_ID_RNG:
		return 0x1005;
	case VIRTIO_ID_9P:
		return 0x1009;
	default:
		return 0;
	}
}

static void identity(struct ck *c)
{
	u32 id, device, modern = 0x1040 + c->device;

	if (!pk_cfg_read(c, PCI_VENDOR_ID, 4, &id))
		return;
	device = id >> 16;
	if ((id & 0xffff) != 0x1af4) {
		ck_fail(c, VENDOR, "0x1af4", "the vendor id is 0x%04x", id & 0xffff);
		return;
	}
	if (device != modern && (device != transitional_id(c->device) || !device))
		ck_fail(c, DEVICE, "0x1040 + the device type, or the id in the table of 4.1.2",
			"the device id is 0x%04x, the type %u", device, c->device);
}

CHECK(identity, .id = "pci.identity.ids", .clauses = { VENDOR, DEVICE },
      .stimulus = "read the vendor and the device id",
      .oracle = "0x1af4, and 0x1040 + type or the transitional id of that type", .run = identity);

static void modern(struct ck *c)
{
	u32 device, revision, subsystem;

	if (!pk_cfg_read(c, PCI_DEVICE_ID, 2, &device) ||
	    !pk_cfg_read(c, PCI_REVISION_ID, 1, &revision) ||
	    !pk_cfg_read(c, PCI_SUBSYSTEM_ID, 2, &subsystem))
		return;
	if (device < 0x1040) {
		ck_skip(c, "a transitional device");
		return;
	}
	if (device > 0x107f)
		ck_fail(c, MODERN_RANGE, "0x1040 to 0x107f", "the device id is 0x%04x", device);
	if (revision < 1)
		ck_fail(c, MODERN_REV, "1 or higher", "the revision is %u", revision);
	if (subsystem < 0x40)
		ck_fail(c, MODERN_SUBSYS, "0x40 or higher", "the subsystem device id is 0x%04x",
			subsystem);
}

CHECK(modern, .id = "pci.identity.modern", .clauses = { MODERN_RANGE, MODERN_REV, MODERN_SUBSYS },
      .stimulus = "read device id, revision and subsystem id of a non-transitional device",
      .oracle = "0x1040 to 0x107f, at least 1, at least 0x40", .run = modern);
