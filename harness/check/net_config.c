// SPDX-License-Identifier: BSD-3-Clause
/* Network device: what it offers, and its configuration space (5.1.3, 5.1.4). */
#include <string.h>

#include "harness/check/net_kit.h"

#define CFG(n) "v14.net.cfg.dev." #n

static bool read_config(struct ck *c, struct virtio_net_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	return ck_must(c, c->tp->ops->read_config(c->tp, 0, cfg, sizeof(*cfg)),
		       "reading the configuration");
}

static void pairs(struct ck *c)
{
	struct virtio_net_config cfg;
	u16 n;

	if (!ck_negotiate(c, NK_F(MQ) | NK_F(CTRL_VQ)) || !read_config(c, &cfg))
		return;
	n = le16(cfg.max_virtqueue_pairs);
	if (n < VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN || n > VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MAX)
		ck_fail(c, CFG(1), "1 to 0x8000", "max_virtqueue_pairs is %u", n);
}

CHECK(pairs, .id = "net.config.pairs", .clauses = { CFG(1) },
      .stimulus = "read max_virtqueue_pairs", .oracle = "1 to 0x8000", .device = VIRTIO_ID_NET,
      .features = NK_F(MQ), .caps = TP_CAP_CONFIG, .run = pairs);

static void mtu(struct ck *c)
{
	struct virtio_net_config cfg, later;
	u16 n;

	if (!ck_negotiate(c, NK_F(MTU)) || !read_config(c, &cfg))
		return;
	n = le16(cfg.mtu);
	if (n < 68) {
		ck_fail(c, CFG(2), "68 to 65535", "mtu is %u", n);
		return;
	}
	if (n < 1280)
		ck_fail(c, CFG(3), "1280 or more", "mtu is %u", n);
	for (int i = 0; i < 3; i++) {
		if (!ck_open(c) || !ck_negotiate(c, NK_F(MTU)) || !read_config(c, &later))
			return;
		if (later.mtu != cfg.mtu) {
			ck_fail(c, CFG(4), "mtu does not change", "mtu was %u and is %u", n,
				le16(later.mtu));
			return;
		}
	}
}

CHECK(mtu, .id = "net.config.mtu", .clauses = { CFG(2), CFG(3), CFG(4) },
      .stimulus = "read mtu, in four sessions", .oracle = "at least 68, 1280 is better; the same",
      .device = VIRTIO_ID_NET, .features = NK_F(MTU), .caps = TP_CAP_CONFIG, .run = mtu);

static void speed(struct ck *c)
{
	struct virtio_net_config cfg;

	if (!ck_negotiate(c, NK_F(SPEED_DUPLEX)) || !read_config(c, &cfg))
		return;
	if (le32(cfg.speed) > 0x7fffffff && le32(cfg.speed) != 0xffffffff)
		ck_fail(c, CFG(10), "up to 0x7fffffff, or 0xffffffff", "speed is %#x",
			le32(cfg.speed));
	if (cfg.duplex > 1 && cfg.duplex != 0xff)
		ck_fail(c, CFG(11), "0, 1 or 0xff", "duplex is %#x", cfg.duplex);
}

CHECK(speed, .id = "net.config.speed", .clauses = { CFG(10), CFG(11) },
      .stimulus = "read speed and duplex", .oracle = "values that are defined",
      .device = VIRTIO_ID_NET, .features = NK_F(SPEED_DUPLEX), .caps = TP_CAP_CONFIG, .run = speed);

static void rss(struct ck *c)
{
	struct virtio_net_config cfg;

	if (!(c->offered & (NK_F(RSS) | NK_F(HASH_REPORT)))) {
		ck_skip(c, "neither RSS nor HASH_REPORT is offered");
		return;
	}
	if (!ck_negotiate(c, NK_F(RSS) | NK_F(HASH_REPORT) | NK_F(CTRL_VQ)) ||
	    !read_config(c, &cfg))
		return;
	if (cfg.rss_max_key_size < 40)
		ck_fail(c, CFG(7), "at least 40", "rss_max_key_size is %u", cfg.rss_max_key_size);
	if (c->offered & NK_F(RSS) && le16(cfg.rss_max_indirection_table_length) < 128)
		ck_fail(c, CFG(8), "at least 128", "rss_max_indirection_table_length is %u",
			le16(cfg.rss_max_indirection_table_length));
}

CHECK(rss, .id = "net.config.rss", .clauses = { CFG(7), CFG(8) },
      .stimulus = "read the limits of RSS", .oracle = "a key of 40 bytes, a table of 128 entries",
      .device = VIRTIO_ID_NET, .caps = TP_CAP_CONFIG, .run = rss);

static void control(struct ck *c)
{
	if (c->offered & NK_F(CTRL_VQ))
		return;
	if (c->offered & NK_F(HASH_REPORT))
		ck_fail(c, CFG(13), "CTRL_VQ with it", "HASH_REPORT is offered, CTRL_VQ is not");
	if (c->offered & NK_F(CTRL_RX_EXTRA))
		ck_fail(c, CFG(14), "CTRL_VQ with it", "CTRL_RX_EXTRA is offered, CTRL_VQ is not");
}

CHECK(control, .id = "net.config.control", .clauses = { CFG(13), CFG(14) },
      .stimulus = "read the features", .oracle = "what needs the control queue comes with it",
      .device = VIRTIO_ID_NET, .run = control);

/* --- frames as long as the MTU ------------------------------------------------------------------------ */

static void longest(struct ck *c)
{
	struct virtio_net_config cfg;
	struct nk_frame f;
	struct net_layout at;
	struct nk k;
	bool only;
	u32 most;

	if (!nk_up(c, &k, NK_F(MTU)) || !read_config(c, &cfg))
		return;
	most = le16(cfg.mtu) + VNET_ETH_HEADER;
	if (most + NET_HDR > NK_RX_USUAL) {
		ck_skip(c, "mtu %u is more than the buffers here", le16(cfg.mtu));
		return;
	}
	if (!nk_send_packet(c, &k,
			    &(struct net_packet){ .payload = most - VNET_ETH_HEADER, .raw = true },
			    &at))
		return;
	switch (nk_receive(c, &k, &f)) {
	case 0:
		ck_fail(c, CFG(6), "passed on", "a frame of mtu + 14 bytes does not come back");
		return;
	case 1:
		break;
	default:
		return;
	}
	if (!nk_same(&k, &f, at.len)) {
		ck_fail(c, CFG(6), "passed on whole", "of %u bytes %u came back", at.len, f.len);
		return;
	}
	if (!nk_send_packet(
		    c, &k,
		    &(struct net_packet){ .payload = most - VNET_ETH_HEADER + 5, .raw = true },
		    &at) ||
	    !nk_only_marker(c, &k, &f, &only))
		return;
	if (!only)
		ck_fail(c, CFG(5), "not received", "a frame of %u bytes came, with mtu %u", f.len,
			le16(cfg.mtu));
}

CHECK(longest, .id = "net.mtu.longest", .clauses = { CFG(5), CFG(6) },
      .stimulus = "a frame of mtu + 14 bytes, one of mtu + 19, a short one",
      .oracle = "the first comes back whole, the second does not, the third does",
      .device = VIRTIO_ID_NET, .features = NK_F(MTU), .caps = TP_CAP_CONFIG, .run = longest);
