// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/core/devices.h"

#include "harness/run/core/text.h"
#include "harness/spec/virtio14.h"

/* The types of chapter 5. For most there are no checks of their own: then those for all devices run. */
static const struct {
	const char *name;
	u32 id;
} devices[] = {
	{ "net", VIRTIO_ID_NET },	  { "blk", VIRTIO_ID_BLOCK },
	{ "console", VIRTIO_ID_CONSOLE }, { "rng", VIRTIO_ID_RNG },
	{ "balloon", VIRTIO_ID_BALLOON }, { "scsi", VIRTIO_ID_SCSI },
	{ "9p", VIRTIO_ID_9P },		  { "gpu", VIRTIO_ID_GPU },
	{ "input", VIRTIO_ID_INPUT },	  { "vsock", VIRTIO_ID_VSOCK },
	{ "crypto", VIRTIO_ID_CRYPTO },	  { "iommu", VIRTIO_ID_IOMMU },
	{ "mem", VIRTIO_ID_MEM },	  { "sound", VIRTIO_ID_SOUND },
	{ "fs", VIRTIO_ID_FS },		  { "pmem", VIRTIO_ID_PMEM },
	{ "rpmb", VIRTIO_ID_RPMB },	  { "scmi", VIRTIO_ID_SCMI },
	{ "i2c", VIRTIO_ID_I2C_ADAPTER }, { "watchdog", VIRTIO_ID_WATCHDOG },
	{ "can", VIRTIO_ID_CAN },	  { "bt", VIRTIO_ID_BT },
	{ "gpio", VIRTIO_ID_GPIO },	  { "spi", VIRTIO_ID_SPI },
};

/* PCI device ids end at 0x107f (4.1.2), 0x1040 of which are not types. */
#define DEVICE_ID_MAX 63

/* A type that has no name here is told by its number. */
static u32 number(const char *text)
{
	u32 id = 0;

	for (; *text >= '0' && *text <= '9' && id <= DEVICE_ID_MAX; text++)
		id = 10 * id + (u32)(*text - '0');
	return *text || id > DEVICE_ID_MAX ? 0 : id;
}

u32 runner_device_id(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (text_same(devices[i].name, name))
			return devices[i].id;
	return number(name);
}

const char *runner_device_name(u32 id)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].id == id)
			return devices[i].name;
	return "unknown";
}
