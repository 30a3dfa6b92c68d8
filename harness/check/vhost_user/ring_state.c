// SPDX-License-Identifier: BSD-3-Clause
/* Ring states: start and enable, one without the other ("Ring states"). */
#include "harness/check/vhost_user/ring_io.h"

#define BEGIN_STOPPED  "VU.ring.init.be.1"
#define BEGIN_DISABLED "VU.ring.init.be.2"
#define NOT_INHERITED  "VU.life.reconnect.be.2"
#define STOPPED	       "VU.ring.stopped.be.1"
#define ENABLE_IS_KEPT "VU.ring.stopped.be.2"
#define NO_SIDE_EFFECT "VU.ring.disabled.be.1"
#define GET_BASE_STOPS "VU.ring.stop.be.1"
#define DISABLE	       "VU.ring.enable.be.2"
#define KICK_STARTS    "VU.ring.start.be.1"
#define KICK_IS_KEPT   "VU.ring.start.be.5"
#define WRITABLE_BLK   .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO)
#define WITH_ENABLE    .features = BIT_ULL(VU_F_PROTOCOL_FEATURES)

/* Sectors these checks write to. */
#define SECTOR 8

static void begin_stopped(struct ck *c)
{
	struct blk_req r;

	if (!ckr_session(c) || !ckr_lay(c, 0, 16, 0) || !ckr_send(c, 0, CKR_SETUP | CKR_ENABLE, 0))
		return;
	if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) || ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0)
		return;
	if (!ckr_publish(c, 0) ||
	    !ckr_stays(c, 0, 0, &r, "set up and enabled, without SET_VRING_KICK", BEGIN_STOPPED))
		return;
	/* That it stayed says something only if it was set up well. */
	if (ckr_send(c, 0, CKR_KICK, 0) && ckr_kick(c, 0))
		ckr_served(c, 0, &r, "after SET_VRING_KICK and a kick", NULL);
}

CHECK(begin_stopped, .id = "vu.ring.begin-stopped", .clauses = { BEGIN_STOPPED },
      .stimulus = "a ring set up in full and enabled, with a request in it, but no SET_VRING_KICK; "
		  "later SET_VRING_KICK",
      .oracle = "nothing happens to the ring or the request's buffers before SET_VRING_KICK; "
		"afterwards the request is served",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = begin_stopped);

/* A sector with ck_fill(seed) in it, written in a session of its own. */
static bool prepare_sector(struct ck *c, u32 seed)
{
	return ckr_session(c) && ckr_run(c, 0, 16, 0) && ckb_write_fill(c, 0, SECTOR, 1, seed);
}

static void begin_disabled(struct ck *c)
{
	struct blk_req r;

	if (!prepare_sector(c, 1) || !ckr_session(c) || !ckr_lay(c, 0, 16, 0) ||
	    !ckr_send(c, 0, CKR_START, 0))
		return;
	if (!ckr_add_write(c, 0, &r, SECTOR, 2) || !ckr_publish(c, 0))
		return;
	ck_quiet(c);
	ckr_medium_holds(c, 0, SECTOR, 1, "ring started, SET_VRING_ENABLE never sent",
			 BEGIN_DISABLED);
}

CHECK(begin_disabled, .id = "vu.ring.begin-disabled", .clauses = { BEGIN_DISABLED, NOT_INHERITED },
      .stimulus =
	      "a session with an enabled ring; in the next one, bit 30 acknowledged, the ring is "
	      "started and kicked without SET_VRING_ENABLE, with a write in it",
      .oracle = "the write is not carried out: read through a ring set up anew, the sector holds "
		"what it held",
      WRITABLE_BLK, WITH_ENABLE, .own_session = true, .run = begin_disabled);

/* A ring in service that has served one request, and is then stopped. */
static bool run_and_stop(struct ck *c)
{
	struct blk_req r;
	u32 base;

	return ckr_session(c) && ckr_run(c, 0, 16, 0) && ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) &&
	       ckb_ok(c, 0, &r) && ckr_stop(c, 0, &base);
}

static bool publish_read(struct ck *c, struct blk_req *r)
{
	return ckr_read_req(c, r, VIRTIO_BLK_SECTOR) && ckb_add(c, 0, r, BLK_LAYOUT_USUAL) >= 0 &&
	       ckr_publish(c, 0);
}

static void stop(struct ck *c)
{
	struct blk_req r;

	if (run_and_stop(c) && publish_read(c, &r))
		ckr_stays(c, 0, 1, &r, "after GET_VRING_BASE", GET_BASE_STOPS);
}

CHECK(stop, .id = "vu.ring.stop", .clauses = { GET_BASE_STOPS, STOPPED },
      .stimulus = "GET_VRING_BASE on a ring in service, then a request and a kick of the old "
		  "descriptor",
      .oracle = "used index and buffers stay as they are", .device = VIRTIO_ID_BLOCK,
      .own_session = true, .run = stop);

static void stopped_enable(struct ck *c)
{
	struct blk_req r;

	if (!run_and_stop(c) || !publish_read(c, &r) || !ckr_enable(c, 0, 0) ||
	    !ckr_enable(c, 0, 1) || !ckr_kick(c, 0))
		return;
	ckr_stays(c, 0, 1, &r, "ring stopped, then disabled and enabled", STOPPED);
}

CHECK(stopped_enable, .id = "vu.ring.stopped-enable", .clauses = { STOPPED, GET_BASE_STOPS },
      .stimulus = "a ring in service, GET_VRING_BASE, a request, then SET_VRING_ENABLE 0 and 1 and "
		  "a kick of the old descriptor",
      .oracle = "used index and buffers stay as they are: enabling does not start a ring",
      .device = VIRTIO_ID_BLOCK, WITH_ENABLE, .own_session = true, .run = stopped_enable);

static void enable_while_stopped(struct ck *c)
{
	struct blk_req r;
	u32 base;

	if (!prepare_sector(c, 3) || !ckr_stop(c, 0, &base) || !ckr_enable(c, 0, 0) ||
	    !ckr_enable(c, 0, 1) || !ckr_lay(c, 0, 16, 0) || !ckr_send(c, 0, CKR_START, 0))
		return;
	if (!publish_read(c, &r) ||
	    !ckr_served(c, 0, &r, "enabled while stopped, then started", ENABLE_IS_KEPT))
		return;
	if (!ckr_stop(c, 0, &base) || !ckr_enable(c, 0, 1) || !ckr_enable(c, 0, 0) ||
	    !ckr_lay(c, 0, 16, 0) || !ckr_send(c, 0, CKR_START, 0))
		return;
	if (!ckr_add_write(c, 0, &r, SECTOR, 4) || !ckr_publish(c, 0))
		return;
	ck_quiet(c);
	ckr_medium_holds(c, 0, SECTOR, 3, "disabled while stopped, then started", ENABLE_IS_KEPT);
}

CHECK(enable_while_stopped, .id = "vu.ring.enable-while-stopped", .clauses = { ENABLE_IS_KEPT },
      .stimulus = "SET_VRING_ENABLE 0, 1 on a stopped ring, then start it with a read; stop, "
		  "SET_VRING_ENABLE 1, 0, then start it with a write",
      .oracle = "the read is served; the write is not carried out", WRITABLE_BLK, WITH_ENABLE,
      .own_session = true, .run = enable_while_stopped);

static void disable(struct ck *c)
{
	struct blk_req r;

	if (!prepare_sector(c, 5) || !ckr_enable(c, 0, 0))
		return;
	if (!ckr_add_write(c, 0, &r, SECTOR, 6) || !ckr_publish(c, 0))
		return;
	ck_quiet(c);
	ckr_medium_holds(c, 0, SECTOR, 5, "ring disabled before the write was made available",
			 DISABLE);
}

CHECK(disable, .id = "vu.ring.disable", .clauses = { DISABLE, NO_SIDE_EFFECT },
      .stimulus = "SET_VRING_ENABLE 0 on a ring in service, then a write and a kick",
      .oracle = "the write is not carried out, whether or not it is returned: read through a ring "
		"set up anew, the sector holds what it held",
      WRITABLE_BLK, WITH_ENABLE, .own_session = true, .run = disable);

static void kick_while_disabled(struct ck *c)
{
	struct blk_req r;

	if (!ckr_session(c) || !ckr_lay(c, 0, 16, 0) || !ckr_send(c, 0, CKR_START, 0) ||
	    !publish_read(c, &r))
		return;
	/* Long enough for the back-end to see the kick and to have nothing to do with it. */
	ck_quiet(c);
	if (ckr_touched(&r) || ck_used(c, 0) != 0) {
		ck_log(c, "  returned while disabled");
		return;
	}
	if (ckr_enable(c, 0, 1))
		ckr_served(c, 0, &r, "kicked while disabled, then enabled", KICK_IS_KEPT);
}

CHECK(kick_while_disabled, .id = "vu.ring.kick-while-disabled", .clauses = { KICK_IS_KEPT },
      .stimulus = "a ring started but not enabled, a request, a kick; then SET_VRING_ENABLE 1 "
		  "without another kick",
      .oracle = "the request is served (a back-end that returned it while the ring was disabled is "
		"not judged here)",
      .device = VIRTIO_ID_BLOCK, WITH_ENABLE, .own_session = true, .run = kick_while_disabled);

static void start(struct ck *c)
{
	struct blk_req r;

	if (!ckr_session(c) || !ckr_lay(c, 0, 16, 0) ||
	    !ckr_send(c, 0, CKR_NUM | CKR_BASE | CKR_ADDR | CKR_KICK | CKR_ENABLE, 0))
		return;
	if (publish_read(c, &r))
		ckr_served(c, 0, &r, "after SET_VRING_KICK and one kick", KICK_STARTS);
}

CHECK(start, .id = "vu.ring.start", .clauses = { KICK_STARTS },
      .stimulus = "the messages a ring needs and no others (NUM, BASE, ADDR, KICK, ENABLE: no call "
		  "and no err descriptor), a request, one kick",
      .oracle = "the request is served", .device = VIRTIO_ID_BLOCK, .own_session = true,
      .run = start);
