// SPDX-License-Identifier: BSD-3-Clause
/* SET_VRING_KICK: which descriptor kicks which ring, and what becomes of it. */
#include "harness/check/vhost_user/notify_io.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BEGIN_STOPPED "VU.ring.init.be.1"
#define SOURCE	      "VU.notify.kick.be.1"
#define RING	      "VU.notify.kick.be.2"
#define NO_FD	      "VU.notify.kick.be.3"
#define POLLED	      "VU.notify.kick.be.4"
#define BAD_FD	      "VU.notify.kick.be.7"
#define REPLACED      "VU.notify.kick.be.8"
#define HIGH	      "VU.notify.kick.be.9"
#define ONCE	      "ROB.chain.once"
#define SESSION	      "ROB.live.new-session"
#define FDS	      "ROB.leak.fds"

static bool add_read(struct ck *c, unsigned q, struct blk_req *r)
{
	return ckr_read_req(c, r, VIRTIO_BLK_SECTOR) && ckb_add(c, q, r, BLK_LAYOUT_USUAL) >= 0;
}

/* Ring 1 was not served: another ring in its place, all of them together only, or none. */
static void not_served(struct ck *c, const struct blk_req *r)
{
	if (ck_used(c, 0) != 0)
		ck_fail(c, RING, "ring 1 gets it",
			"SET_VRING_KICK with u64 1, kicked: ring 0 is served");
	else if (ckr_send(c, 0, CKR_KICK, 0) && ckr_kick(c, 0) && ckr_kick(c, 1)) {
		if (ck_wait_used(c, 1, 1))
			ck_skip(c, "the target starts its rings together (vu.ring.only-one)");
		else
			ckr_served(c, 1, &r[1], "SET_VRING_KICK for both rings, kicked", SOURCE);
	}
}

static void right_ring(struct ck *c)
{
	struct blk_req r[2];

	if (!ckr_session(c))
		return;
	for (unsigned q = 0; q < 2; q++) {
		if (!ckr_lay(c, q, 16, 0) || !add_read(c, q, &r[q]))
			return;
		vq_publish(&c->q[q].vq);
		if (!ckr_send(c, q, CKR_SETUP | CKR_ENABLE, 0))
			return;
	}
	if (!ckr_send(c, 1, CKR_KICK, 0) || !ckr_kick(c, 1))
		return;
	if (!ck_wait_used(c, 1, 1)) {
		not_served(c, r);
		return;
	}
	if (ckr_served(c, 1, &r[1], "SET_VRING_KICK with u64 1, kicked", SOURCE))
		ckr_stays(c, 0, 0, &r[0], "SET_VRING_KICK was for ring 1", RING);
}

CHECK(right_ring, .id = "vu.notify.kick-ring", .clauses = { RING, SOURCE, BEGIN_STOPPED },
      .stimulus =
	      "two rings set up, each with a request; SET_VRING_KICK for ring 1 only, and a kick",
      .oracle = "ring 1 is served, ring 0 stays stopped", .device = VIRTIO_ID_BLOCK, .queues = 2,
      .own_session = true, .run = right_ring);

/* An eventfd counts, a notification does not: the number is not how many requests there are. */
static void count(struct ck *c)
{
	struct blk_req r[3];
	u64 many = 1 << 20;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0))
		return;
	for (unsigned i = 0; i < 3; i++)
		if (!add_read(c, 0, &r[i]))
			return;
	if (!ckr_publish(c, 0))
		return;
	for (unsigned i = 0; i < 3; i++) {
		struct ck_used u;

		if (!ck_reap(c, 0, &u) || u.head == VQ_BADID) {
			ck_fail(c, SOURCE, "all are served",
				"3 requests, one kick: %u were returned", i);
			return;
		}
	}
	if (eventfd_write(ckv(c)->rings[0].kick, many) < 0) {
		ck_error(c, "kicking: %s", strerror(errno));
		return;
	}
	if (!ckr_stays(c, 0, 3, NULL, "kicked 2^20 times with nothing in the ring", ONCE))
		return;
	if (add_read(c, 0, &r[0]) && ckr_publish(c, 0) && ckr_kick(c, 0) && ckr_kick(c, 0) &&
	    ckr_served(c, 0, &r[0], "one request, three kicks", SOURCE))
		ckr_stays(c, 0, 4, NULL, "one request, three kicks, served once", ONCE);
}

CHECK(count, .id = "vu.notify.kick-count", .clauses = { SOURCE, ONCE },
      .stimulus = "3 requests and one kick; no request and 2^20 kicks at once; one request and "
		  "three kicks",
      .oracle = "3, 0 and 1 requests are returned: the count in the eventfd means nothing",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = count);

static void no_fd(struct ck *c)
{
	unsigned q = MIN(c->queues, CK_QUEUES) - 1;
	u64 v = q | VU_VRING_NOFD;
	enum ckv_reaction reaction;
	struct blk_req r;

	if (!ckr_session(c) || !ckr_lay(c, q, 16, 0) || !ckr_send(c, q, CKR_SETUP | CKR_ENABLE, 0))
		return;
	reaction = ckv_provoke(c, VU_SET_VRING_KICK, &v, sizeof(v), NULL, 0);
	if (reaction == CKV_BROKEN)
		return;
	if (reaction == CKV_CLOSED) {
		ck_fail(c, NO_FD, "the message is accepted",
			"SET_VRING_KICK 0x%x without a descriptor: %s", (unsigned)v,
			ckv_reaction_name(reaction));
		return;
	}
	if (reaction == CKV_NACK) {
		ck_info(c, POLLED, "the target refuses to poll");
		return;
	}
	if (!add_read(c, q, &r))
		return;
	vq_publish(&c->q[q].vq);
	ckr_served(c, q, &r, "bit 8 set in SET_VRING_KICK, no kick", POLLED);
}

CHECK(no_fd, .id = "vu.notify.kick-nofd", .clauses = { NO_FD, POLLED },
      .stimulus = "SET_VRING_KICK of the last ring with bit 8 and no descriptor; a request",
      .oracle = "accepted, and the request is served by polling (info when polling is refused)",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = no_fd);

static void odd_payloads(struct ck *c)
{
	static const struct {
		u64 v;
		bool with_fd;
		const char *what, *clause;
	} rows[] = {
		{ 0, false, "bit 8 clear, no descriptor", BAD_FD },
		{ VU_VRING_NOFD, true, "bit 8 set, with a descriptor", BAD_FD },
		{ 1ull << 63, true, "bit 63 set", HIGH },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		enum ckv_reaction reaction;
		int ends[2];
		bool ok;

		if (!ckr_session(c) || !ckr_lay(c, 0, 16, 0) || !ckr_send(c, 0, CKR_SETUP, 0) ||
		    !ckv_pipe(c, ends))
			return;
		reaction = ckv_provoke(c, VU_SET_VRING_KICK, &rows[i].v, sizeof(rows[i].v), ends,
				       rows[i].with_fd);
		close(ends[0]);
		ck_log(c, "  %s: %s", rows[i].what, ckv_reaction_name(reaction));
		ok = reaction != CKV_BROKEN;
		/* Undefined bits may be ignored. */
		if (ok && strcmp(rows[i].clause, BAD_FD) == 0)
			ckv_refused(c, reaction, rows[i].what, BAD_FD);
		vu_disconnect(ckv(c));
		if (ok && rows[i].with_fd && !ckn_readers_gone(c, ends[1]))
			ok = ck_fail(c, FDS,
				     "the descriptor is closed with the session at the latest",
				     "%s: it is still open", rows[i].what);
		close(ends[1]);
		if (!ok)
			return;
	}
	ckv_reachable(c, SESSION);
}

CHECK(odd_payloads, .id = "vu.notify.kick-payload", .clauses = { BAD_FD, HIGH, SESSION, FDS },
      .stimulus = "SET_VRING_KICK with bit 8 clear and no descriptor, with bit 8 set and a "
		  "descriptor, with bit 63 set",
      .oracle =
	      "the first two are refused or closed; no descriptor stays open behind the session; a "
	      "new session is served",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = odd_payloads);

#define REPLACEMENTS 32

static void replaced(struct ck *c)
{
	int writers[REPLACEMENTS];
	unsigned n = 0, open = 0;
	struct blk_req r;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0))
		return;
	for (; n < REPLACEMENTS; n++) {
		enum ckv_reaction reaction;
		u64 v = 0;
		int ends[2];

		if (!ckv_pipe(c, ends))
			goto out;
		reaction = ckv_provoke(c, VU_SET_VRING_KICK, &v, sizeof(v), ends, 1);
		close(ends[0]);
		writers[n] = ends[1];
		if (reaction == CKV_NACK || reaction == CKV_CLOSED) {
			n++;
			ck_info(c, REPLACED, "SET_VRING_KICK on a started ring: %s",
				ckv_reaction_name(reaction));
			goto out;
		}
	}
	/* The last one gives way to an eventfd, which has to work. */
	if (!ckr_send(c, 0, CKR_KICK, 0) || !add_read(c, 0, &r) || !ckr_publish(c, 0) ||
	    !ckr_served(c, 0, &r, "the kick descriptor replaced 33 times", SOURCE))
		goto out;
	for (unsigned i = 0; i < n; i++)
		open += !ckn_readers_gone(c, writers[i]);
	if (open)
		ck_fail(c, REPLACED, "the old descriptor is closed",
			"%u of %u replaced kick descriptors are still open", open, n);
out:
	for (unsigned i = 0; i < n; i++)
		close(writers[i]);
}

CHECK(replaced, .id = "vu.notify.kick-replaced", .clauses = { REPLACED, SOURCE },
      .stimulus = "the kick descriptor of a running ring replaced by 32 pipes and then an eventfd",
      .oracle = "nobody reads the pipes any more; a kick through the eventfd is served",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = replaced);
