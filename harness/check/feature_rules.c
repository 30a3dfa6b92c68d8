// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/feature_rules.h"

#include "harness/spec/virtio14.h"

/* Types that <linux/virtio_ids.h> does not know yet. */
#define ID_SPI	 45
#define ID_MEDIA 48

#define NEEDS(bit_, name_, text, ...)                                                              \
	{                                                                                          \
		.bit = bit_, .name = name_, .needs = text, .all = { __VA_ARGS__ },                 \
		.all_count = sizeof((u8[]){ __VA_ARGS__ }),                                        \
	}
#define NEEDS_ONE(bit_, name_, text, ...)                                                          \
	{                                                                                          \
		.bit = bit_, .name = name_, .needs = text, .any = { __VA_ARGS__ },                 \
		.any_count = sizeof((u8[]){ __VA_ARGS__ }),                                        \
	}

/* 5.1.3; 6, 41 and 42 are of the legacy interface. */
static const u8 net_bits[] = {
	0,  1,	2,  3,	5,  6,	7,  8,	9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
	41, 42, 50, 51, 52, 53, 54, 55, 56, 57, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70,
};

/* 5.1.3.1 */
static const struct feature_need net_needs[] = {
	NEEDS(7, "GUEST_TSO4 (7)", "GUEST_CSUM (1)", 1),
	NEEDS(8, "GUEST_TSO6 (8)", "GUEST_CSUM (1)", 1),
	NEEDS_ONE(9, "GUEST_ECN (9)", "GUEST_TSO4 (7) or GUEST_TSO6 (8)", 7, 8),
	NEEDS(10, "GUEST_UFO (10)", "GUEST_CSUM (1)", 1),
	NEEDS(54, "GUEST_USO4 (54)", "GUEST_CSUM (1)", 1),
	NEEDS(55, "GUEST_USO6 (55)", "GUEST_CSUM (1)", 1),
	NEEDS(65, "GUEST_UDP_TUNNEL_GSO (65)",
	      "GUEST_TSO4 (7), GUEST_TSO6 (8), GUEST_USO4 (54) and GUEST_USO6 (55)", 7, 8, 54, 55),
	NEEDS(66, "GUEST_UDP_TUNNEL_GSO_CSUM (66)", "GUEST_UDP_TUNNEL_GSO (65)", 65),
	NEEDS(11, "HOST_TSO4 (11)", "CSUM (0)", 0),
	NEEDS(12, "HOST_TSO6 (12)", "CSUM (0)", 0),
	NEEDS_ONE(13, "HOST_ECN (13)", "HOST_TSO4 (11) or HOST_TSO6 (12)", 11, 12),
	NEEDS(14, "HOST_UFO (14)", "CSUM (0)", 0),
	NEEDS(56, "HOST_USO (56)", "CSUM (0)", 0),
	NEEDS(67, "HOST_UDP_TUNNEL_GSO (67)", "HOST_TSO4 (11), HOST_TSO6 (12) and HOST_USO (56)",
	      11, 12, 56),
	NEEDS(68, "HOST_UDP_TUNNEL_GSO_CSUM (68)", "HOST_UDP_TUNNEL_GSO (67)", 67),
	NEEDS(18, "CTRL_RX (18)", "CTRL_VQ (17)", 17),
	NEEDS(19, "CTRL_VLAN (19)", "CTRL_VQ (17)", 17),
	NEEDS(21, "GUEST_ANNOUNCE (21)", "CTRL_VQ (17)", 17),
	NEEDS(22, "MQ (22)", "CTRL_VQ (17)", 17),
	NEEDS(23, "CTRL_MAC_ADDR (23)", "CTRL_VQ (17)", 17),
	NEEDS(53, "NOTF_COAL (53)", "CTRL_VQ (17)", 17),
	NEEDS_ONE(61, "RSC_EXT (61)", "HOST_TSO4 (11) or HOST_TSO6 (12)", 11, 12),
	NEEDS(60, "RSS (60)", "CTRL_VQ (17)", 17),
	NEEDS(52, "VQ_NOTF_COAL (52)", "CTRL_VQ (17)", 17),
	{
		.bit = 51,
		.name = "HASH_TUNNEL (51)",
		.needs = "CTRL_VQ (17), and RSS (60) or HASH_REPORT (57)",
		.all = { 17 },
		.all_count = 1,
		.any = { 60, 57 },
		.any_count = 2,
	},
	NEEDS(64, "RSS_CONTEXT (64)", "CTRL_VQ (17) and RSS (60)", 17, 60),
};

/* 5.2.3; 0 and 7 are of the legacy interface. */
static const u8 blk_bits[] = { 0, 1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17 };
/* 5.2.5.2, where it has a sentence of its own. */
static const struct feature_need blk_needs[] = {
	NEEDS(11, "CONFIG_WCE (11)", "FLUSH (9)", 9),
};

static const u8 console_bits[] = { 0, 1, 2 };
static const u8 balloon_bits[] = { 0, 1, 2, 3, 4, 5 };
static const u8 scsi_bits[] = { 0, 1, 2, 3 };

/* 5.7.3 */
static const u8 gpu_bits[] = { 0, 1, 2, 3, 4, 5 };
static const struct feature_need gpu_needs[] = {
	NEEDS(4, "CONTEXT_INIT (4)", "VIRGL (0)", 0),
	NEEDS(5, "BLOB_ALIGNMENT (5)", "RESOURCE_BLOB (3)", 3),
};

static const u8 rtc_bits[] = { 0 };
static const u8 vsock_bits[] = { 0, 1, 2 };

/* 5.9.3 and 5.9.3.1 */
static const u8 crypto_bits[] = { 0, 1, 2, 3, 4, 5 };
static const struct feature_need crypto_needs[] = {
	NEEDS(1, "CIPHER_STATELESS_MODE (1)", "REVISION_1 (0)", 0),
	NEEDS(2, "HASH_STATELESS_MODE (2)", "REVISION_1 (0)", 0),
	NEEDS(3, "MAC_STATELESS_MODE (3)", "REVISION_1 (0)", 0),
	NEEDS(4, "AEAD_STATELESS_MODE (4)", "REVISION_1 (0)", 0),
	NEEDS(5, "AKCIPHER_STATELESS_MODE (5)", "REVISION_1 (0)", 0),
};

static const u8 iommu_bits[] = { 0, 1, 2, 3, 4, 5, 6 };
static const u8 mem_bits[] = { 0, 1, 2 };
static const u8 sound_bits[] = { 0 };
static const u8 fs_bits[] = { 0 };
static const u8 pmem_bits[] = { 0 };
static const u8 scmi_bits[] = { 0, 1 };
static const u8 i2c_bits[] = { 0 };
static const u8 gpio_bits[] = { 0 };

/* 5.20.3 and 5.20.3.1 */
static const u8 can_bits[] = { 0, 1, 2, 3 };
static const struct feature_need can_needs[] = {
	NEEDS(2, "RTR_FRAMES (2)", "CAN_CLASSIC (0)", 0),
};

#define BITS(list)  .bits = list, .bit_count = ARRAY_SIZE(list)
#define RULES(list) .needs = list, .need_count = ARRAY_SIZE(list)

static const struct feature_rules rules[] = {
	{ .device = VIRTIO_ID_NET, .name = "net", BITS(net_bits), RULES(net_needs) },
	{ .device = VIRTIO_ID_BLOCK, .name = "blk", BITS(blk_bits), RULES(blk_needs) },
	{ .device = VIRTIO_ID_CONSOLE, .name = "console", BITS(console_bits) },
	{ .device = VIRTIO_ID_RNG, .name = "rng" },
	{ .device = VIRTIO_ID_BALLOON, .name = "balloon", BITS(balloon_bits) },
	{ .device = VIRTIO_ID_SCSI, .name = "scsi", BITS(scsi_bits) },
	{ .device = VIRTIO_ID_GPU, .name = "gpu", BITS(gpu_bits), RULES(gpu_needs) },
	{ .device = VIRTIO_ID_CLOCK, .name = "rtc", BITS(rtc_bits) },
	{ .device = VIRTIO_ID_INPUT, .name = "input" },
	{ .device = VIRTIO_ID_VSOCK, .name = "vsock", BITS(vsock_bits) },
	{ .device = VIRTIO_ID_CRYPTO, .name = "crypto", BITS(crypto_bits), RULES(crypto_needs) },
	{ .device = VIRTIO_ID_IOMMU, .name = "iommu", BITS(iommu_bits) },
	{ .device = VIRTIO_ID_MEM, .name = "mem", BITS(mem_bits) },
	{ .device = VIRTIO_ID_SOUND, .name = "sound", BITS(sound_bits) },
	{ .device = VIRTIO_ID_FS, .name = "fs", BITS(fs_bits) },
	{ .device = VIRTIO_ID_PMEM, .name = "pmem", BITS(pmem_bits) },
	{ .device = VIRTIO_ID_RPMB, .name = "rpmb" },
	{ .device = VIRTIO_ID_SCMI, .name = "scmi", BITS(scmi_bits) },
	{ .device = VIRTIO_ID_I2C_ADAPTER, .name = "i2c", BITS(i2c_bits) },
	{ .device = VIRTIO_ID_CAN, .name = "can", BITS(can_bits), RULES(can_needs) },
	{ .device = VIRTIO_ID_GPIO, .name = "gpio", BITS(gpio_bits) },
	{ .device = ID_SPI, .name = "spi" },
	{ .device = ID_MEDIA, .name = "media" },
};

const struct feature_rules *feature_rules_of(u32 device)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].device == device)
			return &rules[i];
	return NULL;
}

bool feature_is_general(unsigned bit)
{
	static const u8 bits[] = {
		24, /* NOTIFY_ON_EMPTY, legacy */
		27, /* ANY_LAYOUT, legacy */
		28, 29, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 43,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		if (bits[i] == bit)
			return true;
	return false;
}

bool feature_is_defined(const struct feature_rules *r, unsigned bit)
{
	for (unsigned i = 0; i < r->bit_count; i++)
		if (r->bits[i] == bit)
			return true;
	return feature_is_general(bit);
}

static bool met(const struct feature_need *n, const struct feature_set *s)
{
	bool one = n->any_count == 0;

	for (unsigned i = 0; i < n->all_count; i++)
		if (!feature_in(s, n->all[i]))
			return false;
	for (unsigned i = 0; i < n->any_count; i++)
		one |= feature_in(s, n->any[i]);
	return one;
}

const struct feature_need *feature_unmet(const struct feature_rules *r, const struct feature_set *s)
{
	for (unsigned i = 0; i < r->need_count; i++)
		if (feature_in(s, r->needs[i].bit) && !met(&r->needs[i], s))
			return &r->needs[i];
	return NULL;
}
