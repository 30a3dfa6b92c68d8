// SPDX-License-Identifier: BSD-3-Clause
/* Many messages, many starts, and messages under load. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/ring_io.h"

#include <stdio.h>
#include <unistd.h>

#define REPEATED "VU.vring.num.be.4"
#define LIVE	 "VU.life.live.be.1"
#define SECOND	 "VU.life.second.be.1"
#define FDS	 "ROB.leak.fds"
#define THREADS	 "ROB.leak.threads"
#define MEMORY	 "ROB.leak.memory"
#define MAPPINGS "ROB.leak.mappings"

/* Memory of its own, in KiB. */
static bool anonymous(pid_t pid, long *kib)
{
	char path[48], line[120];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "Anonymous: %ld kB", kib) == 1;
	fclose(f);
	return found;
}

static unsigned maps_of(pid_t pid)
{
	char path[40], line[400];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		n++;
	if (f)
		fclose(f);
	return n;
}

/* Messages without need_reply, a few hundred between two barriers. */
static bool repeat(struct ck *c, unsigned rounds)
{
	struct vu_frontend *fe = ckv(c);
	struct tp_queue cfg = ckr_cfg(c, 0, 0);
	struct vu_vring_addr a = {
		.desc = vu_uva(fe, cfg.desc),
		.used = vu_uva(fe, cfg.device),
		.avail = vu_uva(fe, cfg.driver),
	};

	for (unsigned i = 0; i < rounds; i++) {
		struct vu_vring_state num = { 0, i % 2 ? 8 : 16 }, base = { 0, i & 0xffff };
		u64 v = 0;
		int rc = vu_send(fe, VU_SET_VRING_NUM, VU_VERSION, &num, 8, NULL, 0);

		if (rc == TP_OK)
			rc = vu_send(fe, VU_SET_VRING_BASE, VU_VERSION, &base, 8, NULL, 0);
		if (rc == TP_OK && i % 4 == 0)
			rc = vu_send(fe, VU_SET_VRING_ADDR, VU_VERSION, &a, sizeof(a), NULL, 0);
		if (rc == TP_OK && i % 4 == 1)
			rc = vu_send(fe, VU_SET_VRING_CALL, VU_VERSION, &v, 8, &fe->rings[0].call,
				     1);
		if (rc == TP_OK && i % 64 == 0)
			rc = vu_set_mem_table(fe);
		if (!ck_must(c, rc, "repeating set-up messages"))
			return false;
	}
	return ck_must(c, vu_barrier(fe), "after repeated set-up messages");
}

#define ROUNDS	   2000
#define GROWTH_KIB 1024

static void repeated(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	struct tp_process before, now;
	unsigned maps_before, maps_now;
	long kib_before = 0, kib_now = 0;

	/* A few hundred first: what grows to its size and stays there is no leak. */
	if (!ckr_session(c) || !ckr_lay(c, 0, 16, 0) || !repeat(c, 256) ||
	    !ck_must(c, c->tp->ops->process(c->tp, &before), "looking at the target"))
		return;
	maps_before = maps_of(fe->peer);
	if (!anonymous(fe->peer, &kib_before)) {
		ck_skip(c, "the target's memory cannot be looked at");
		return;
	}
	if (!repeat(c, ROUNDS) ||
	    !ck_must(c, c->tp->ops->process(c->tp, &now), "looking at the target") ||
	    !anonymous(fe->peer, &kib_now))
		return;
	maps_now = maps_of(fe->peer);
	ck_log(c, "  anonymous memory %ld -> %ld KiB, mappings %u -> %u, descriptors %u -> %u",
	       kib_before, kib_now, maps_before, maps_now, before.fds, now.fds);
	if (kib_now - kib_before > GROWTH_KIB)
		ck_fail(c, REPEATED, "the same amount of memory",
			"%u rounds of set-up messages took %ld KiB", ROUNDS, kib_now - kib_before);
	else if (now.fds != before.fds)
		ck_fail(c, FDS, "as many as before",
			"%u open descriptors became %u in %u rounds of set-up messages", before.fds,
			now.fds, ROUNDS);
	else if (maps_now > maps_before + 8)
		ck_fail(c, MAPPINGS, "a replaced table is unmapped",
			"%u mappings became %u in %u rounds of set-up messages", maps_before,
			maps_now, ROUNDS);
}

CHECK(repeated, .id = "vu.life.messages", .clauses = { REPEATED, MEMORY, FDS, MAPPINGS },
      .stimulus = "2000 rounds of SET_VRING_NUM and BASE, with 500 of ADDR, 500 of CALL and 32 of "
		  "SET_MEM_TABLE among them, on one connection",
      .oracle =
	      "less than 1 MiB more of its own memory, as many descriptors and mappings as before",
      .caps = TP_CAP_PROCESS, .device = VIRTIO_ID_BLOCK, .own_session = true, .run = repeated);

#define CYCLES 100

static void cycles(struct ck *c)
{
	struct tp_process before = { 0 }, now;
	long kib_before = 0, kib_now = 0;
	struct blk_req r;
	u32 base = 0;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR))
		return;
	for (unsigned i = 0; i < CYCLES + 10; i++) {
		if (!ckb_ok(c, 0, &r) || !ckr_stop(c, 0, &base) ||
		    !ck_must(c, vu_ring_fds_make(ckv(c), 0), "making descriptors") ||
		    !ckr_send(c, 0, CKR_START, (u16)base) || !ckr_kick(c, 0))
			return;
		if (i != 9)
			continue;
		if (!ck_must(c, c->tp->ops->process(c->tp, &before), "looking at the target"))
			return;
		anonymous(ckv(c)->peer, &kib_before);
	}
	if (!ck_must(c, c->tp->ops->process(c->tp, &now), "looking at the target"))
		return;
	anonymous(ckv(c)->peer, &kib_now);
	ck_log(c, "  descriptors %u -> %u, threads %u -> %u, anonymous memory %ld -> %ld KiB",
	       before.fds, now.fds, before.threads, now.threads, kib_before, kib_now);
	if (now.fds != before.fds)
		ck_fail(c, FDS, "as many as before",
			"%u open descriptors became %u in %u starts of a ring", before.fds, now.fds,
			CYCLES);
	else if (now.threads > before.threads)
		ck_fail(c, THREADS, "as many as before",
			"%u threads became %u in %u starts of a ring", before.threads, now.threads,
			CYCLES);
	else if (kib_now - kib_before > GROWTH_KIB)
		ck_fail(c, MEMORY, "the same amount of memory", "%u starts of a ring took %ld KiB",
			CYCLES, kib_now - kib_before);
}

CHECK(cycles, .id = "vu.life.starts", .clauses = { FDS, THREADS, MEMORY },
      .stimulus = "a ring started with fresh descriptors, used and stopped 100 times",
      .oracle = "as many descriptors and no more threads than before, less than 1 MiB more memory",
      .caps = TP_CAP_PROCESS, .device = VIRTIO_ID_BLOCK, .own_session = true, .run = cycles);

/* A second client. What becomes of it is not said; the first must not be disturbed. */
static bool second_client(struct ck *c, struct ckr_load *l)
{
	static const struct vu_header get_features = { VU_GET_FEATURES, VU_VERSION, 0 };
	struct vu_frontend *fe = ckv(c);
	bool ok;
	int sock;

	if (fe->listener) {
		ck_log(c, "  it is the back-end that connects: there can be no second client");
		return true;
	}
	sock = vu_wire_connect(fe->path, 20);
	ck_log(c, "  a second connection: %s", sock < 0 ? "refused" : "made");
	if (sock >= 0)
		vu_wire_send(sock, &get_features, sizeof(get_features), NULL, 0,
			     tp_deadline(c->tp, 20));
	ok = ckr_load_run(c, l, 64, "with a second connection", SECOND);
	if (ok && vu_barrier(fe) != TP_OK)
		ok = ck_fail(c, SECOND, "the first session goes on", "with a second connection: %s",
			     fe->tp.error);
	if (sock >= 0)
		close(sock);
	return ok && ckr_load_run(c, l, 32, "after a second connection ended", SECOND);
}

static void load(struct ck *c)
{
	unsigned rings = c->queues > 1 ? 2 : 1;
	struct vu_frontend *fe = ckv(c);
	struct ckr_load l[2];

	if (!ckr_session(c))
		return;
	for (unsigned q = 0; q < rings; q++)
		if (!ckr_run(c, q, 128, 0) || !ckr_load_open(c, &l[q], q, 24))
			return;
	for (unsigned i = 0; i < 100; i++) {
		struct vu_reply r;

		for (unsigned q = 0; q < rings; q++)
			if (!ckr_load_fill(c, &l[q]))
				return;
		if (!ckv_call(c, VU_GET_FEATURES, VU_VERSION, NULL, 0, &r, LIVE))
			return;
		vu_reply_release(&r);
		if (i % 8 == 0) {
			int rc = vu_set_vring_fd(fe, VU_SET_VRING_CALL, i / 8 % rings,
						 fe->rings[i / 8 % rings].call);

			if (rc != TP_OK) {
				ck_fail(c, LIVE, "answered under load", "SET_VRING_CALL: %s",
					fe->tp.error);
				return;
			}
		}
		for (unsigned q = 0; q < rings; q++)
			if (!ckr_load_take(c, &l[q])) {
				ck_error(c, "%s", l[q].wrong);
				return;
			}
	}
	if (!second_client(c, &l[0]))
		return;
	for (unsigned q = 0; q < rings; q++)
		if (!ckr_load_drain(c, &l[q], "load on all rings", LIVE))
			return;
}

CHECK(load, .id = "vu.life.load", .clauses = { LIVE, SECOND },
      .stimulus = "24 requests at a time on each of two rings; 100 times GET_FEATURES, among them "
		  "SET_VRING_CALL; then a second connection",
      .oracle = "each message is answered in time and the load goes on; the first session does not "
		"notice the second (info otherwise)",
      .device = VIRTIO_ID_BLOCK, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .own_session = true,
      .run = load);
