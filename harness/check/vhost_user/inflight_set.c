// SPDX-License-Identifier: BSD-3-Clause
/* SET_INFLIGHT_FD and the books that are kept in the buffer while requests run. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/inflight_io.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define USED_FOR_IT  "VU.inflight.set.be.1"
#define DIMENSIONS   "VU.inflight.set.be.3"
#define REPEATED     "VU.inflight.set.be.5"
#define FIRST_OF_ALL "VU.inflight.set.be.6"
#define REGIONS	     "VU.inflight.layout.be.1"
#define FORMAT	     "VU.inflight.layout.be.2"
#define VERSION_0    "VU.inflight.layout.be.4"
#define GET_STEPS    "VU.inflight.split-get.be.1"
#define PUT_STEPS    "VU.inflight.split-put.be.1"
#define IDLE	     "VU.inflight.split-idle.be.1"
#define ABSURD	     "ROB.msg.inflight"

#define SIZE 16

static bool start(struct ck *c, unsigned q, u16 base)
{
	return ckr_send(c, q, CKR_ALL, base) && ckr_kick(c, q);
}

static bool serve(struct ck *c, unsigned q, unsigned n)
{
	struct blk_req r;

	if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!ckb_ok(c, q, &r))
			return false;
	return true;
}

static bool is_idle(struct ck *c, const struct vu_inflight_split *s, u16 used)
{
	if (s->used_idx != used)
		return ck_fail(c, USED_FOR_IT, "used_idx equals the ring's used index",
			       "used_idx is %u after %u requests", s->used_idx, used);
	if (s->version != 1 || s->desc_num != SIZE)
		return ck_fail(c, FORMAT, "version 1 at byte 8, the number of entries at byte 10",
			       "version %u, %u entries", s->version, s->desc_num);
	for (unsigned i = 0; i < SIZE; i++)
		if (s->desc[i].inflight)
			return ck_fail(c, IDLE, "nothing in flight",
				       "the ring is stopped, and head %u is marked", i);
	return true;
}

static void tracks_in(struct ck *c, struct cki *b)
{
	u32 base;
	int rc;

	/* Before any message of a ring. */
	if (!cki_prepare(c, b, SIZE, 0))
		return;
	rc = vu_cmd(ckv(c), VU_SET_INFLIGHT_FD, &b->desc, sizeof(b->desc), &b->fd, 1);
	if (rc == TP_EREFUSED || rc == TP_EGONE) {
		ck_fail(c, FIRST_OF_ALL, "accepted before any message of a ring", "%s",
			ckv(c)->tp.error);
		return;
	}
	if (!ck_must(c, rc, "SET_INFLIGHT_FD") || !start(c, 0, 0) || !serve(c, 0, 40))
		return;
	/* The last stores follow the used index: stopped, they have been made. */
	if (ckr_stop(c, 0, &base))
		is_idle(c, cki_queue(b), 40);
}

static void tracks(struct ck *c)
{
	struct cki b = { .fd = -1 };

	tracks_in(c, &b);
	cki_free(&b);
}

CHECK(tracks, .id = "vu.inflight.tracks", .clauses = { USED_FOR_IT, IDLE, FORMAT, FIRST_OF_ALL },
      .stimulus = "SET_INFLIGHT_FD with a zeroed buffer of ours, 40 requests on a ring of 16, "
		  "GET_VRING_BASE",
      .oracle =
	      "used_idx in the buffer equals the used index, and no head is marked (info when the "
	      "message is refused before those of the ring)",
      CKI_NEEDS, .run = tracks);

static u64 sum(const u8 *p, u64 len)
{
	u64 v = len;

	for (u64 i = 0; i < len; i++)
		v = (v << 5 | v >> 59) ^ p[i];
	return v;
}

static void regions_in(struct ck *c, struct cki *b)
{
	u64 first, before;
	u32 base;

	if (!ckr_session(c) || !cki_make(c, b, 2, SIZE) || !cki_send(c, b))
		return;
	if (!ckr_lay(c, 1, SIZE, 0) || !start(c, 1, 0))
		return;
	/* Up to the end of the first region in its tightest form; where the second begins is not said. */
	first = sizeof(struct vu_inflight_split) + SIZE * sizeof(struct vu_inflight_desc);
	before = sum(b->map + first, b->desc.mmap_size - first);
	if (!serve(c, 1, 5) || !ckr_stop(c, 1, &base))
		return;
	if (ck_not_value(b->map, (u32)first, 0) != first)
		ck_fail(c, REGIONS, "only the second region changes",
			"requests on ring 1 changed byte %u of the buffer",
			ck_not_value(b->map, (u32)first, 0));
	else if (sum(b->map + first, b->desc.mmap_size - first) == before)
		ck_fail(c, USED_FOR_IT, "the buffer is used for tracking",
			"requests on ring 1 changed nothing in it");
}

static void regions(struct ck *c)
{
	struct cki b = { .fd = -1 };

	regions_in(c, &b);
	cki_free(&b);
}

CHECK(regions, .id = "vu.inflight.regions", .clauses = { REGIONS, USED_FOR_IT },
      .stimulus = "a buffer for two queues, 5 requests on ring 1",
      .oracle =
	      "the second region changes, the first one does not (info otherwise: the layout is a "
	      "suggestion)",
      CKI_NEEDS, .queues = 2, .run = regions);

static void version_0_in(struct ck *c, struct cki *b)
{
	struct blk_req r;

	if (!cki_prepare(c, b, SIZE, 0) || !cki_chain(c, &r, 4))
		return;
	/* Rubbish, as the version says. */
	cki_mark(b, 4, 7);
	cki_queue(b)->used_idx = 0;
	if (!cki_send(c, b) || !start(c, 0, 0) ||
	    !ckr_stays(c, 0, 0, &r, "version 0, head 4 marked", VERSION_0))
		return;
	if (cki_queue(b)->version != 1)
		ck_fail(c, VERSION_0, "the buffer is initialised, version 1",
			"after the ring started, the version is %u", cki_queue(b)->version);
}

static void version_0(struct ck *c)
{
	struct cki b = { .fd = -1 };

	if (cki_format_known(c))
		version_0_in(c, &b);
	cki_free(&b);
}

CHECK(version_0, .id = "vu.inflight.version-0", .clauses = { VERSION_0 },
      .stimulus =
	      "a buffer of version 0 in which a head with a valid chain is marked; the ring starts",
      .oracle = "the chain is not carried out, and the version becomes 1", CKI_NEEDS,
      .run = version_0);

static void repeated_in(struct ck *c, struct cki *first, struct cki *second)
{
	u32 base;

	if (!cki_prepare(c, first, SIZE, 0) || !cki_make(c, second, 1, SIZE) ||
	    !cki_send(c, first) || !cki_send(c, second) || !start(c, 0, 0) || !serve(c, 0, 5) ||
	    !ckr_stop(c, 0, &base))
		return;
	if (ck_not_value(first->map, (u32)first->desc.mmap_size, 0) != first->desc.mmap_size)
		ck_fail(c, REPEATED, "the second buffer is used", "the first buffer was written");
	else if (ck_not_value(second->map, (u32)second->desc.mmap_size, 0) ==
		 second->desc.mmap_size)
		ck_fail(c, REPEATED, "the second buffer is used",
			"the second buffer was not written");
}

static void repeated(struct ck *c)
{
	struct cki first = { .fd = -1 }, second = { .fd = -1 };

	repeated_in(c, &first, &second);
	cki_free(&first);
	cki_free(&second);
}

CHECK(repeated, .id = "vu.inflight.set-again", .clauses = { REPEATED },
      .stimulus =
	      "SET_INFLIGHT_FD twice before the ring starts, with different buffers; 5 requests",
      .oracle = "only the second buffer is written", CKI_NEEDS, .run = repeated);

static bool bad_dimensions(struct ck *c, const struct vu_inflight *d, const int *fd, unsigned nfds,
			   const char *what)
{
	enum ckv_reaction reaction;

	if (!ckr_next_session(c, "impossible dimensions", ABSURD))
		return false;
	reaction = ckv_provoke(c, VU_SET_INFLIGHT_FD, d, sizeof(*d), fd, nfds);
	ck_log(c, "  %s: %s", what, ckv_reaction_name(reaction));
	if (reaction == CKV_BROKEN)
		return false;
	if (!ckv_refused(c, reaction, what, DIMENSIONS))
		ck_log(c, "  going on");
	return true;
}

static void dimensions_in(struct ck *c, struct cki *b)
{
	struct vu_inflight d;
	const int none = -1;

	if (!ckr_session(c) || !cki_make(c, b, 1, SIZE))
		return;
	d = b->desc;
	d.num_queues = 65535;
	if (!bad_dimensions(c, &d, &b->fd, 1, "65535 queues"))
		return;
	d = b->desc;
	d.queue_size = 65535;
	if (!bad_dimensions(c, &d, &b->fd, 1, "queues of 65535"))
		return;
	d = b->desc;
	d.mmap_size = 16;
	if (!bad_dimensions(c, &d, &b->fd, 1, "16 bytes"))
		return;
	d = b->desc;
	d.mmap_offset = 1 << 30;
	if (!bad_dimensions(c, &d, &b->fd, 1, "an offset beyond the file"))
		return;
	if (bad_dimensions(c, &b->desc, &none, 0, "no descriptor"))
		ckv_reachable(c, ABSURD);
}

static void dimensions(struct ck *c)
{
	struct cki b = { .fd = -1 };

	dimensions_in(c, &b);
	cki_free(&b);
}

CHECK(dimensions, .id = "vu.inflight.dimensions", .clauses = { DIMENSIONS, ABSURD },
      .stimulus =
	      "SET_INFLIGHT_FD with 65535 queues, queues of 65535, 16 bytes, an offset beyond the "
	      "file, no descriptor",
      .oracle = "refused or closed; a new session is served", CKI_NEEDS, .run = dimensions);

/* --- step by step ---------------------------------------------------------------------------------- */

#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)

/*
 * One large read, watched. Each look reads things in the reverse of the order in which they have to
 * be written, so that whatever falls between two reads cannot look like a mistake.
 */
static bool watch(struct ck *c, const struct vu_inflight_split *s, struct blk_req *r, u16 done)
{
	const u8 *data = r->data.hva;
	struct vq_split *vq = &c->q[0].vq.split;
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	struct ck_used u;
	u16 head;
	int h;

	memset(r->data.hva, CKR_UNTOUCHED, r->data.len);
	h = ckb_add(c, 0, r, BLK_LAYOUT_USUAL);
	if (h < 0 || !ckr_publish(c, 0))
		return false;
	head = (u16)h;
	while (!tp_late(c->tp, end)) {
		/* Data appears: the request is being carried out, so it was taken. */
		bool began = LOAD(data[0]) != CKR_UNTOUCHED;
		u8 inflight = LOAD(s->desc[head].inflight);
		u16 used = vq_split_raw_used_idx(vq), tracked;

		if (began && !inflight && used == done)
			return ck_fail(
				c, GET_STEPS, "inflight is set before the request is begun",
				"the data of head %u is being written, its entry is not marked",
				head);
		tracked = LOAD(s->used_idx);
		inflight = LOAD(s->desc[head].inflight);
		if (tracked == (u16)(done + 1)) {
			if (inflight)
				return ck_fail(c, PUT_STEPS,
					       "inflight is cleared, then used_idx stored",
					       "used_idx is %u, and head %u is still marked",
					       tracked, head);
			break;
		}
	}
	if (!ck_reap(c, 0, &u) || u.head == VQ_BADID)
		return ck_error(c, "a read was not used within %u ms", c->tp->timeout_ms);
	return true;
}

static void steps_in(struct ck *c, struct cki *b)
{
	const struct vu_inflight_split *s;
	struct blk_req r;

	if (!cki_prepare(c, b, SIZE, 0) || !cki_send(c, b) || !start(c, 0, 0) ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, 1 << 20))
		return;
	s = cki_queue(b);
	for (u16 i = 0; i < 24; i++)
		if (!watch(c, s, &r, i))
			return;
}

static void steps(struct ck *c)
{
	struct cki b = { .fd = -1 };

	if (cki_format_known(c))
		steps_in(c, &b);
	cki_free(&b);
}

CHECK(steps, .id = "vu.inflight.steps", .clauses = { GET_STEPS, PUT_STEPS },
      .stimulus = "24 reads of 1 MiB, one at a time, with an eye on the buffer",
      .oracle = "a request whose data is being written is marked; one that used_idx covers is not",
      CKI_NEEDS, .run = steps);

static void counters_in(struct ck *c, struct cki *b)
{
	const struct vu_inflight_split *s;
	struct blk_req reqs[4];
	struct ck_used u;
	int heads[4];
	u32 base;

	if (!cki_prepare(c, b, SIZE, 0) || !cki_send(c, b) || !start(c, 0, 0) || !serve(c, 0, 9))
		return;
	for (unsigned i = 0; i < 4; i++) {
		if (!ckr_read_req(c, &reqs[i], VIRTIO_BLK_SECTOR))
			return;
		heads[i] = ckb_add(c, 0, &reqs[i], BLK_LAYOUT_USUAL);
		if (heads[i] < 0)
			return;
	}
	if (!ckr_publish(c, 0))
		return;
	for (unsigned i = 0; i < 4; i++)
		if (!ck_reap(c, 0, &u)) {
			ck_error(c, "%u of 4 reads came back", i);
			return;
		}
	if (!ckr_stop(c, 0, &base))
		return;
	s = cki_queue(b);
	for (unsigned i = 1; i < 4; i++)
		if (s->desc[heads[i]].counter <= s->desc[heads[i - 1]].counter) {
			ck_fail(c, GET_STEPS, "counters rise in the order in which heads are taken",
				"heads %d and %d, taken in this order, have counters %llu and %llu",
				heads[i - 1], heads[i],
				(unsigned long long)s->desc[heads[i - 1]].counter,
				(unsigned long long)s->desc[heads[i]].counter);
			return;
		}
}

static void counters(struct ck *c)
{
	struct cki b = { .fd = -1 };

	if (cki_format_known(c))
		counters_in(c, &b);
	cki_free(&b);
}

CHECK(counters, .id = "vu.inflight.counters", .clauses = { GET_STEPS },
      .stimulus = "9 requests, then 4 made available at once, GET_VRING_BASE",
      .oracle = "the counters of the 4 heads rise in the order in which they were made available",
      CKI_NEEDS, .run = counters);
