// SPDX-License-Identifier: BSD-3-Clause
/* Network device: the control queue (5.1.9.6). */
#include <string.h>

#include "harness/check/net_kit.h"

#define MODE(n)	  "v14.net.rx-filter.dev." #n
#define FILTER(n) "v14.net.mac-filter.dev." #n
#define VLAN(n)	  "v14.net.vlan.dev." #n
#define USED_LEN  "v14.split-ring.used-ring.dev.2"
#define CTRL	  (NK_F(CTRL_VQ) | NK_F(CTRL_RX))
#define EXTRA	  (CTRL | NK_F(CTRL_RX_EXTRA))

static const u8 ours[6] = { 0x52, 0x54, 0, 1, 2, 3 }, foreign[6] = { 0x52, 0x54, 0, 9, 9, 9 },
		group[6] = { 0x33, 0x33, 0, 0, 0, 7 },
		broadcast[6] = { 255, 255, 255, 255, 255, 255 };

static bool mode(struct ck *c, struct nk *k, u8 cmd, u8 on)
{
	return nk_obeyed(c, k, VIRTIO_NET_CTRL_RX, cmd, &on, 1);
}

static bool table(struct ck *c, struct nk *k, const u8 *unicast, const u8 *multicast)
{
	u8 data[20] = { 0 };
	u32 n = 4;

	if (unicast) {
		data[0] = 1;
		memcpy(data + 4, unicast, 6);
		n += 6;
	}
	if (multicast) {
		data[n] = 1;
		memcpy(data + n + 4, multicast, 6);
		n += 6;
	}
	return nk_obeyed(c, k, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, data, n + 4);
}

/* Is a frame for this address received? */
static bool arrives(struct ck *c, struct nk *k, const u8 *dst, u16 vlan, bool *got)
{
	struct net_packet t = { .payload = 60, .raw = true, .vlan = vlan, .seed = dst[5] };
	struct net_layout at;
	struct nk_frame f;
	u8 marker = 1;
	bool only;

	memcpy(t.dst, dst, 6);
	if (!nk_send_packet(c, k, &t, &at))
		return false;
	/* The marker is for everybody, if only for the moment. */
	memcpy(k->in.hva, nk_out(k), at.len);
	if (!mode(c, k, VIRTIO_NET_CTRL_RX_PROMISC, marker) || !nk_only_marker(c, k, &f, &only))
		return false;
	*got = !only;
	if (*got && !nk_only_marker(c, k, &f, &only))
		return false;
	/* The first of the two markers. */
	if (*got && !nk_expect(c, k, &f))
		return false;
	return mode(c, k, VIRTIO_NET_CTRL_RX_PROMISC, 0);
}

/* Accuse when it is not as it should be. */
static bool want(struct ck *c, struct nk *k, const u8 *dst, u16 vlan, bool due, const char *clause,
		 const char *what)
{
	bool got;

	if (!arrives(c, k, dst, vlan, &got))
		return false;
	return got == due || ck_fail(c, clause, due ? "received" : "not received", "%s is%s", what,
				     got ? "" : " not");
}

/* --- commands are there ------------------------------------------------------------------------------- */

static void modes(struct ck *c)
{
	static const char *const clauses[] = { MODE(1a), MODE(1b), MODE(5a),
					       MODE(5b), MODE(5c), MODE(5d) };
	struct nk k;

	if (!nk_up_with(c, &k, EXTRA, 1, NK_RX_USUAL, 8))
		return;
	for (unsigned cmd = 0; cmd < ARRAY_SIZE(clauses); cmd++) {
		for (u8 on = 2; on-- > 0;) {
			u8 ack;

			if (cmd > 1 && !ck_has(c, VIRTIO_NET_F_CTRL_RX_EXTRA))
				return;
			if (!nk_command(c, &k, VIRTIO_NET_CTRL_RX, (u8)cmd, &on, 1, &ack))
				return;
			if (ack != VIRTIO_NET_OK) {
				ck_fail(c, clauses[cmd], "OK", "command %u with %u is answered %u",
					cmd, on, ack);
				return;
			}
		}
	}
}

CHECK(modes, .id = "net.ctrl.modes",
      .clauses = { MODE(1a), MODE(1b), MODE(5a), MODE(5b), MODE(5c), MODE(5d) },
      .stimulus = "each receive mode is switched on and off", .oracle = "each command is OK",
      .device = VIRTIO_ID_NET, .features = CTRL, .run = modes);

static void answers(struct ck *c)
{
	struct vq_sg sg[2];
	struct ck_used u;
	struct nk k;

	if (!nk_up_with(c, &k, CTRL, 1, NK_RX_USUAL, 8))
		return;
	memset(k.ctl.hva, 0, 3);
	memset(k.ctl.hva + 64, NK_UNSET, 64);
	sg[0] = (struct vq_sg){ k.ctl.gpa, 3 };
	sg[1] = (struct vq_sg){ gpa_add(k.ctl.gpa, 64), 8 };
	if (vq_add(&c->q[k.control].vq, sg, 1, 1, &k) < 0 || !ck_publish(c, k.control))
		return;
	if (!ck_reap(c, k.control, &u)) {
		ck_error(c, "a command is not returned");
		return;
	}
	if (u.len != 1 || ck_not_value(k.ctl.hva + 65, 63, NK_UNSET) < 63)
		ck_fail(c, USED_LEN, "one byte, and its length",
			"length %u, %u of 8 bytes untouched", u.len,
			7 - MIN(7u, 7 - ck_not_value(k.ctl.hva + 65, 7, NK_UNSET)));
}

CHECK(answers, .id = "net.ctrl.used-len", .clauses = { USED_LEN },
      .stimulus = "a command with 8 bytes for its answer",
      .oracle = "length 1, and one byte written", .device = VIRTIO_ID_NET, .features = CTRL,
      .run = answers);

static void refused(struct ck *c)
{
	static const struct {
		u8 class, cmd, len;
	} bad[] = {
		{ 0, 0, 0 }, { 0, 99, 1 }, { 77, 0, 1 }, { 1, 0, 3 }, { 1, 1, 5 }, { 4, 0, 1 }
	};
	static const u8 data[16];
	struct nk k;
	u8 ack;

	if (!nk_up_with(c, &k, CTRL, 1, NK_RX_USUAL, 8))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (!nk_command(c, &k, bad[i].class, bad[i].cmd, data, bad[i].len, &ack))
			return;
		if (ack != VIRTIO_NET_ERR) {
			ck_fail(c, "ROB.live.bad-request", "ERR",
				"command %u/%u with %u bytes is answered %u", bad[i].class,
				bad[i].cmd, bad[i].len, ack);
			return;
		}
	}
	mode(c, &k, VIRTIO_NET_CTRL_RX_PROMISC, 1);
}

CHECK(refused, .id = "net.ctrl.refused", .clauses = { "ROB.live.bad-request" },
      .stimulus = "commands that do not exist, or have too little data",
      .oracle = "ERR, and then a good one is OK", .device = VIRTIO_ID_NET, .features = CTRL,
      .run = refused);

/* --- filters ------------------------------------------------------------------------------------------- */

static bool up(struct ck *c, struct nk *k, u64 features)
{
	u64 all = CTRL | NK_F(CTRL_MAC_ADDR) | NK_F(MAC) | features;

	return nk_up(c, k, all) &&
	       nk_obeyed(c, k, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, ours, 6) &&
	       mode(c, k, VIRTIO_NET_CTRL_RX_PROMISC, 0);
}

static void filters(struct ck *c)
{
	struct nk k;

	if (!up(c, &k, 0) || !want(c, &k, ours, 0, true, FILTER(2), "a frame for the address") ||
	    !want(c, &k, foreign, 0, false, FILTER(4), "a frame for another address") ||
	    !table(c, &k, foreign, NULL) ||
	    !want(c, &k, foreign, 0, true, FILTER(2), "a frame for an address in the table") ||
	    !want(c, &k, group, 0, false, FILTER(4), "a multicast frame") ||
	    !table(c, &k, NULL, group) ||
	    !want(c, &k, group, 0, true, FILTER(2), "a multicast frame in the table") ||
	    !want(c, &k, foreign, 0, false, FILTER(4), "a frame for an address no longer there") ||
	    !mode(c, &k, VIRTIO_NET_CTRL_RX_ALLMULTI, 1) || !table(c, &k, NULL, NULL) ||
	    !want(c, &k, group, 0, true, MODE(4), "a multicast frame with ALLMULTI"))
		return;
	/* 5.1.9.6.2.1: promiscuous is the strongest; arrives() itself relies on it for its marker. */
	want(c, &k, broadcast, 0, true, FILTER(2), "a broadcast");
}

CHECK(filters, .id = "net.filter.addresses", .clauses = { FILTER(2), FILTER(4), MODE(4) },
      .stimulus = "frames for the address, others, groups; with a table, and without",
      .oracle = "those that were asked for arrive, and no others", .device = VIRTIO_ID_NET,
      .features = CTRL | NK_F(CTRL_MAC_ADDR), .run = filters);

static void promiscuous(struct ck *c)
{
	static const u8 *const all[] = { foreign, group, broadcast };
	struct nk_frame f;
	struct nk k;

	if (!up(c, &k, EXTRA) || !mode(c, &k, VIRTIO_NET_CTRL_RX_PROMISC, 1))
		return;
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
			struct net_packet t = { .payload = 60, .raw = true };
			int rc;

			memcpy(t.dst, all[i], 6);
			if (!nk_send_packet(c, &k, &t, NULL))
				return;
			rc = nk_receive(c, &k, &f);
			if (rc < 0)
				return;
			if (rc == 0) {
				ck_fail(c, round ? MODE(3) : MODE(2), "received",
					"a frame for %02x:… is not, in promiscuous mode",
					all[i][0]);
				return;
			}
		}
		if (!ck_has(c, VIRTIO_NET_F_CTRL_RX_EXTRA))
			return;
		for (u8 cmd = VIRTIO_NET_CTRL_RX_NOMULTI; cmd <= VIRTIO_NET_CTRL_RX_NOBCAST; cmd++)
			if (!mode(c, &k, cmd, 1))
				return;
	}
}

CHECK(promiscuous, .id = "net.filter.promiscuous", .clauses = { MODE(2), MODE(3) },
      .stimulus =
	      "frames for others, groups and all, in promiscuous mode; and with NOUNI and its like",
      .oracle = "all arrive", .device = VIRTIO_ID_NET, .features = CTRL | NK_F(CTRL_MAC_ADDR),
      .run = promiscuous);

static void extra(struct ck *c)
{
	struct nk k;

	if (!up(c, &k, EXTRA) || !table(c, &k, NULL, group) ||
	    !mode(c, &k, VIRTIO_NET_CTRL_RX_ALLUNI, 1) ||
	    !want(c, &k, foreign, 0, true, MODE(6), "a frame for another, with ALLUNI") ||
	    !mode(c, &k, VIRTIO_NET_CTRL_RX_NOUNI, 1) ||
	    !want(c, &k, ours, 0, false, MODE(11), "a frame for us, with ALLUNI and NOUNI") ||
	    !mode(c, &k, VIRTIO_NET_CTRL_RX_ALLUNI, 0) ||
	    !want(c, &k, ours, 0, false, MODE(10), "a frame for us, with NOUNI") ||
	    !mode(c, &k, VIRTIO_NET_CTRL_RX_NOUNI, 0) ||
	    !mode(c, &k, VIRTIO_NET_CTRL_RX_NOMULTI, 1) ||
	    !want(c, &k, group, 0, false, MODE(7), "a multicast frame, with NOMULTI") ||
	    !want(c, &k, broadcast, 0, true, MODE(9), "a broadcast, with NOMULTI") ||
	    !mode(c, &k, VIRTIO_NET_CTRL_RX_ALLMULTI, 1) ||
	    !want(c, &k, group, 0, false, MODE(8), "a multicast frame, with both") ||
	    !mode(c, &k, VIRTIO_NET_CTRL_RX_NOMULTI, 0) ||
	    !mode(c, &k, VIRTIO_NET_CTRL_RX_NOBCAST, 1) ||
	    !want(c, &k, broadcast, 0, false, MODE(13), "a broadcast, with ALLMULTI and NOBCAST") ||
	    !mode(c, &k, VIRTIO_NET_CTRL_RX_ALLMULTI, 0))
		return;
	want(c, &k, broadcast, 0, false, MODE(12), "a broadcast, with NOBCAST");
}

CHECK(extra, .id = "net.filter.extra",
      .clauses = { MODE(6), MODE(7), MODE(8), MODE(9), MODE(10), MODE(11), MODE(12), MODE(13) },
      .stimulus = "ALLUNI, NOUNI, NOMULTI, NOBCAST, alone and against each other",
      .oracle = "what is forbidden does not arrive, whatever is allowed", .device = VIRTIO_ID_NET,
      .features = EXTRA | NK_F(CTRL_MAC_ADDR), .run = extra);

static void forgotten(struct ck *c)
{
	struct nk k;

	if (!up(c, &k, 0) || !table(c, &k, foreign, group) || !ck_open(c) || !up(c, &k, 0) ||
	    !want(c, &k, foreign, 0, false, FILTER(1), "a frame for an address of before"))
		return;
	want(c, &k, group, 0, false, FILTER(1), "a frame for a group of before");
}

CHECK(forgotten, .id = "net.filter.reset", .clauses = { FILTER(1) },
      .stimulus = "a table of addresses, a new session", .oracle = "the table is empty",
      .device = VIRTIO_ID_NET, .features = CTRL | NK_F(CTRL_MAC_ADDR), .run = forgotten);

static void address(struct ck *c)
{
	u8 now[6];
	struct nk k;

	if (!nk_up_with(c, &k, CTRL | NK_F(CTRL_MAC_ADDR) | NK_F(MAC), 1, NK_RX_USUAL, 8) ||
	    !nk_obeyed(c, &k, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, ours, 6) ||
	    !ck_must(c, c->tp->ops->read_config(c->tp, 0, now, 6), "reading the address"))
		return;
	if (memcmp(now, ours, 6) != 0)
		ck_fail(c, FILTER(3), "52:54:00:01:02:03", "mac is %02x:…:%02x", now[0], now[5]);
}

CHECK(address, .id = "net.ctrl.mac-address", .clauses = { FILTER(3) },
      .stimulus = "MAC_ADDR_SET, then mac is read", .oracle = "it is what was set",
      .device = VIRTIO_ID_NET, .features = NK_F(CTRL_VQ) | NK_F(CTRL_MAC_ADDR) | NK_F(MAC),
      .caps = TP_CAP_CONFIG, .run = address);

static void vlans(struct ck *c)
{
	const u16 five = le16(5);
	struct nk k;

	if (!up(c, &k, NK_F(CTRL_VLAN)) ||
	    !nk_obeyed(c, &k, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, &five, 2) ||
	    !want(c, &k, ours, 5 + 1, true, VLAN(2), "VLAN 5, which was added,") ||
	    !want(c, &k, ours, 6 + 1, false, VLAN(3), "VLAN 6") ||
	    !nk_obeyed(c, &k, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL, &five, 2))
		return;
	want(c, &k, ours, 5 + 1, false, VLAN(3), "VLAN 5, which was deleted,");
}

CHECK(vlans, .id = "net.filter.vlan", .clauses = { VLAN(2), VLAN(3) },
      .stimulus = "VLAN 5 is added; frames of VLANs 5 and 6", .oracle = "those of 5 arrive",
      .device = VIRTIO_ID_NET, .features = CTRL | NK_F(CTRL_VLAN) | NK_F(CTRL_MAC_ADDR),
      .run = vlans);

static void all_vlans(struct ck *c)
{
	static const u16 ids[] = { 0, 1, 5, 4094 };
	struct net_layout at;
	struct nk_frame f;
	struct nk k;

	if (!nk_up(c, &k, 0))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		int rc;

		if (!nk_send_packet(c, &k,
				    &(struct net_packet){
					    .payload = 60, .raw = true, .vlan = (u16)(ids[i] + 1) },
				    &at))
			return;
		rc = nk_receive(c, &k, &f);
		if (rc < 0)
			return;
		if (rc == 0 || !nk_same(&k, &f, at.len)) {
			ck_fail(c, VLAN(1), "received", "a frame of VLAN %u is not", ids[i]);
			return;
		}
	}
}

CHECK(all_vlans, .id = "net.rx.vlan", .clauses = { VLAN(1) },
      .stimulus = "frames of VLANs 0, 1, 5 and 4094, without CTRL_VLAN", .oracle = "all arrive",
      .device = VIRTIO_ID_NET, .run = all_vlans);

/* --- announcement, coalescing --------------------------------------------------------------------------- */

static void announce(struct ck *c)
{
	static const char clause[] = "v14.net.announce.dev.1";
	struct nk k;
	u16 status;

	if (!nk_up_with(c, &k, CTRL | NK_F(STATUS) | NK_F(GUEST_ANNOUNCE), 1, NK_RX_USUAL, 8) ||
	    !ck_must(c, c->tp->ops->trigger_config(c->tp), "asking for an announcement"))
		return;
	c->tp->ops->wait_config_event(c->tp, c->tp->timeout_ms);
	if (!ck_must(c, c->tp->ops->read_config(c->tp, 6, &status, 2), "reading the status"))
		return;
	if (!(le16(status) & VIRTIO_NET_S_ANNOUNCE)) {
		ck_skip(c, "no announcement is asked for");
		return;
	}
	if (!nk_obeyed(c, &k, VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, "", 0) ||
	    !ck_must(c, c->tp->ops->read_config(c->tp, 6, &status, 2), "reading the status"))
		return;
	if (le16(status) & VIRTIO_NET_S_ANNOUNCE)
		ck_fail(c, clause, "the bit is clear", "status is %#x behind ANNOUNCE_ACK",
			le16(status));
}

CHECK(announce, .id = "net.ctrl.announce", .clauses = { "v14.net.announce.dev.1" },
      .stimulus = "an announcement is asked for, and acknowledged",
      .oracle = "the bit in status is clear when the command is returned", .device = VIRTIO_ID_NET,
      .features = NK_F(CTRL_VQ) | NK_F(STATUS) | NK_F(GUEST_ANNOUNCE),
      .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_TRIGGER | TP_CAP_CONFIG_EVENT, .run = announce);

static void coalescing(struct ck *c)
{
	static const struct {
		const char *clause;
		u8 cmd;
		u16 queue, reserved;
		u8 due;
	} cases[] = {
		{ "v14.net.notf-coal.dev.1", 2, 0, 0xffff, VIRTIO_NET_OK },
		{ "v14.net.notf-coal.dev.4", 2, 2, 0, VIRTIO_NET_ERR },
		{ "v14.net.notf-coal.dev.4", 2, 0x7fff, 0, VIRTIO_NET_ERR },
		{ "v14.net.notf-coal.dev.4", 3, 0x7fff, 0, VIRTIO_NET_ERR },
		{ "v14.net.notf-coal.dev.1", 3, 1, 0x1234, VIRTIO_NET_OK },
	};
	struct nk k;

	if (!nk_up_with(c, &k, CTRL | NK_F(VQ_NOTF_COAL), 1, NK_RX_USUAL, 8))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const u16 data[6] = { le16(cases[i].queue), le16(cases[i].reserved), le16(8), 0,
				      le16(50) };
		u8 ack;

		if (!nk_command(c, &k, VIRTIO_NET_CTRL_NOTF_COAL, cases[i].cmd, data,
				cases[i].cmd == 2 ? 12 : 4, &ack))
			return;
		/* 8 bytes are too few for what VQ_GET answers: that is an error, or it is cut. */
		if (cases[i].cmd == 3 && cases[i].due == VIRTIO_NET_OK)
			continue;
		if (ack != cases[i].due) {
			ck_fail(c, cases[i].clause, cases[i].due ? "ERR" : "OK",
				"command %u for queue %u, reserved %#x: %u", cases[i].cmd,
				cases[i].queue, cases[i].reserved, ack);
			return;
		}
	}
}

CHECK(coalescing, .id = "net.ctrl.coalescing",
      .clauses = { "v14.net.notf-coal.dev.1", "v14.net.notf-coal.dev.4" },
      .stimulus = "parameters for queues that are there and that are not; reserved bits set",
      .oracle = "OK and ERR; reserved bits mean nothing", .device = VIRTIO_ID_NET,
      .features = NK_F(CTRL_VQ) | NK_F(VQ_NOTF_COAL), .run = coalescing);
