// SPDX-License-Identifier: BSD-3-Clause
/* CONFIGURE_MEM_SLOTS: regions that come and go one by one. */
#include "harness/check/vhost_user/mem_kit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOTS	    "VU.mem.slots.be.1"
#define SLOTS_MIN   "VU.mem.slots.be.2"
#define SLOTS_KEPT  "VU.mem.slots.be.3"
#define ADD	    "VU.mem.add.be.1"
#define ADD_KEEPS   "VU.mem.add.be.2"
#define ADD_ONE_FD  "VU.mem.add.be.3"
#define ADD_LIMIT   "VU.mem.add.be.4"
#define ADD_OVER    "VU.mem.add.be.5"
#define ADD_NO_BODY "VU.mem.add.be.6"
#define SINGLE	    "VU.layout.mem-single.be.1"
#define REM	    "VU.mem.rem.be.1"
#define REM_BY_ALL  "VU.mem.rem.be.2"
#define REM_OFFSET  "VU.mem.rem.be.3"
#define REM_FD	    "VU.mem.rem.be.5"
#define REM_KNOWN   "VU.mem.rem.be.6"
#define REM_ACTIVE  "VU.mem.rem.be.7"
#define MAPPINGS    "ROB.leak.mappings"
#define MSG_TABLE   "ROB.msg.mem-table"
#define NEW_SESSION "ROB.live.new-session"

#define MIB	  (1ull << 20)
#define HAS_SLOTS BIT_ULL(VU_PF_CONFIGURE_MEM_SLOTS)
#define PAGE	  4096u

/* Beside the default regions, in guest and user addresses. */
static const struct vu_region_spec beside = { 0x200000000, 0x7d0000000000, 2 * MIB, 0 };

static bool running(struct ck *c)
{
	return ckg_usual_serves(c);
}

/* What must be carried out; a refusal breaks `clause`. */
static bool added(struct ck *c, const struct vu_region *r, const char *what, const char *clause)
{
	enum ckv_reaction reaction = ckg_add(c, r, NULL);

	if (reaction == CKV_BROKEN)
		return false;
	if (reaction == CKV_ACK || reaction == CKV_SILENT)
		return true;
	return clause ? ck_fail(c, clause, "ADD_MEM_REG is carried out", "%s: %s", what,
				ckv_reaction_name(reaction))
		      : ck_error(c, "%s: %s", what, ckv_reaction_name(reaction));
}

static bool number_of_slots(struct ck *c, u64 *n)
{
	if (!ck_must(c, vu_get_u64(ckv(c), VU_GET_MAX_MEM_SLOTS, n), "GET_MAX_MEM_SLOTS"))
		return false;
	return *n < 1u << 31 || ck_error(c, "GET_MAX_MEM_SLOTS: 0x%llx", (unsigned long long)*n);
}

static void slots(struct ck *c)
{
	u64 n, again;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !number_of_slots(c, &n))
		return;
	if (n == 0) {
		ck_fail(c, SLOTS, "at least one slot", "GET_MAX_MEM_SLOTS: 0");
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		if (!number_of_slots(c, &again))
			return;
		if (again < n) {
			ck_fail(c, SLOTS_KEPT, "not less than at first",
				"GET_MAX_MEM_SLOTS: %llu, then %llu%s", (unsigned long long)n,
				(unsigned long long)again, i ? " in a new session" : "");
			return;
		}
		if (i == 0 && !ckm_session(c, CKM_PF_NO_STATUS))
			return;
	}
}

CHECK(mem_slots, .id = "vu.mem.slots.number", .clauses = { SLOTS, SLOTS_KEPT },
      .stimulus = "GET_MAX_MEM_SLOTS twice, and in a new session",
      .oracle = "at least one, and not fewer later", .caps = TP_CAP_VHOST_USER, .pf = HAS_SLOTS,
      .run = slots, .own_session = true);

/* Regions of one page each, all in one file. */
static bool fill_slots(struct ck *c, struct vu_region *file, unsigned n, unsigned *done,
		       enum ckv_reaction *last)
{
	for (*done = 0; *done < n; (*done)++) {
		struct vu_region r = *file;

		r.gpa = gpa_add(file->gpa, 2ull * PAGE * *done);
		r.uva = uva_add(file->uva, 2ull * PAGE * *done);
		r.size = PAGE;
		r.mmap_offset = (u64)PAGE * *done;
		*last = ckg_add(c, &r, NULL);
		if (*last == CKV_BROKEN)
			return false;
		if (*last == CKV_NACK || *last == CKV_CLOSED)
			return true;
	}
	return true;
}

static void fill(struct ck *c)
{
	struct vu_region_spec spec = beside;
	struct vu_region file;
	enum ckv_reaction last = CKV_SILENT;
	unsigned want, done;
	u64 n;

	if (!running(c) || !number_of_slots(c, &n))
		return;
	/* The table has taken three of them. */
	n -= MIN(n, ckv(c)->region_count);
	want = (unsigned)MIN(n, 64);
	spec.size = (u64)PAGE * MAX(want, 1);
	if (!ckg_extra_make(c, &spec, &file))
		return;
	if (fill_slots(c, &file, want, &done, &last)) {
		struct tp_buf at = { file.hva + (u64)PAGE * (want - 1),
				     gpa_add(file.gpa, 2ull * PAGE * (want - 1)), PAGE };

		if (done < want)
			ck_fail(c, SLOTS_MIN, "so many regions as GET_MAX_MEM_SLOTS says",
				"region %u beside the table's: %s", done + 1,
				ckv_reaction_name(last));
		else if (want)
			ckg_read_at(c, at, "a request in the last region added", SLOTS_MIN);
	}
	vu_region_destroy(&file);
}

CHECK(mem_fill, .id = "vu.mem.slots.usable", .clauses = { SLOTS_MIN },
      .stimulus =
	      "as many ADD_MEM_REG of one page as there are slots left, 64 at most, while a ring "
	      "runs; a request in the last one",
      .oracle = "each is carried out and the request is served", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .pf = HAS_SLOTS, .run = fill, .own_session = true);

static void limit(struct ck *c)
{
	struct vu_region_spec spec = beside;
	struct vu_region file;
	enum ckv_reaction last = CKV_SILENT;
	unsigned done;
	u64 n;

	if (!running(c) || !number_of_slots(c, &n))
		return;
	if (n == 0) {
		ck_error(c, "GET_MAX_MEM_SLOTS: 0");
		return;
	}
	if (n > 1024) {
		ck_skip(c, "%llu slots are more than this check fills", (unsigned long long)n);
		return;
	}
	spec.size = (n + 1) * PAGE;
	if (!ckg_extra_make(c, &spec, &file))
		return;
	if (fill_slots(c, &file, (unsigned)n + 1, &done, &last)) {
		if (done == n + 1 && last == CKV_ACK)
			ck_fail(c, ADD_LIMIT, "a non-zero answer or a closed connection",
				"%llu slots, and region %u is acknowledged with 0",
				(unsigned long long)n, done + ckv(c)->region_count);
		else if (last == CKV_CLOSED || vu_barrier(ckv(c)) != TP_OK)
			ckv_reachable(c, MSG_TABLE);
		else
			ckb_alive(c, 0, ADD_LIMIT);
	}
	vu_region_destroy(&file);
}

CHECK(mem_limit, .id = "vu.mem.slots.limit", .clauses = { ADD_LIMIT, MSG_TABLE },
      .stimulus = "one ADD_MEM_REG more than there are slots, while a ring runs",
      .oracle =
	      "a non-zero answer, and the ring goes on; or a closed connection, and a new session is "
	      "served",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_SLOTS, .run = limit,
      .own_session = true);

/* --- ADD_MEM_REG ------------------------------------------------------------------------------------- */

static void add(struct ck *c)
{
	struct vu_region r;

	if (!running(c) || !ckg_extra_make(c, &beside, &r))
		return;
	if (added(c, &r, "ADD_MEM_REG of 40 bytes", SINGLE) &&
	    ckg_read_at(c, ckg_buf(&r, 0), "a request in the region added", ADD))
		ckb_alive(c, 0, ADD_KEEPS);
	vu_region_destroy(&r);
}

CHECK(mem_add, .id = "vu.mem.add.usable", .clauses = { ADD, ADD_KEEPS, SINGLE },
      .stimulus =
	      "ADD_MEM_REG of 40 bytes while a ring runs; a request in the new region, then one in "
	      "the old",
      .oracle = "it is carried out, and both are served", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .pf = HAS_SLOTS, .run = add, .own_session = true);

static void add_no_body(struct ck *c)
{
	static const u32 flags[] = { VU_VERSION, VU_VERSION | VU_FLAG_NEED_REPLY };

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		bool asked = flags[i] & VU_FLAG_NEED_REPLY && vu_has_pf(ckv(c), VU_PF_REPLY_ACK);
		struct ckm_answers a;
		struct ckm_msg m;

		if (!ckm_make(c, VU_ADD_MEM_REG, &m))
			return;
		ckm_exchange(c, &m, flags[i], &a);
		ckm_done(&m);
		if (!ck_must(c, a.end, "ADD_MEM_REG"))
			return;
		if (a.count && a.first.hdr.size > 8) {
			ck_fail(c, ADD_NO_BODY, asked ? "a u64" : "no reply",
				"ADD_MEM_REG is answered with %u bytes", a.first.hdr.size);
			return;
		}
		if (!ckm_make(c, VU_REM_MEM_REG, &m) || !ckm_cmd(c, &m))
			return;
	}
}

CHECK(mem_add_no_body, .id = "vu.mem.add.no-body", .clauses = { ADD_NO_BODY },
      .stimulus = "ADD_MEM_REG without and with need_reply",
      .oracle = "the region does not come back: that is for postcopy", .caps = TP_CAP_VHOST_USER,
      .pf = HAS_SLOTS, .run = add_no_body, .own_session = true);

static void add_fds(struct ck *c)
{
	static const unsigned counts[] = { 0, 2 };
	int pipe_ends[2];

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		enum ckv_reaction r;
		struct ckm_msg m;

		if (!ckm_make(c, VU_ADD_MEM_REG, &m) || !ckv_pipe(c, pipe_ends))
			return;
		m.fds[1] = pipe_ends[1];
		r = ckv_provoke_or_hang(
			c, m.request,
			VU_VERSION | (vu_has_pf(ckv(c), VU_PF_REPLY_ACK) ? VU_FLAG_NEED_REPLY : 0),
			m.bytes, m.size, m.fds, counts[i], MSG_TABLE);
		ck_log(c, "  ADD_MEM_REG with %u descriptors: %s", counts[i], ckv_reaction_name(r));
		ckm_done(&m);
		close(pipe_ends[0]);
		close(pipe_ends[1]);
		if (r == CKV_ACK)
			ck_fail(c, ADD_ONE_FD, "a non-zero answer or a closed connection",
				"ADD_MEM_REG with %u descriptors: %s", counts[i],
				ckv_reaction_name(r));
		if (!ckm_session_again(c, r, CKM_PF_NO_STATUS, MSG_TABLE))
			return;
	}
	ckv_reachable(c, MSG_TABLE);
}

CHECK(mem_add_fds, .id = "vu.mem.add.one-descriptor", .clauses = { ADD_ONE_FD, MSG_TABLE },
      .stimulus = "ADD_MEM_REG with no descriptor and with two",
      .oracle = "a non-zero answer or a closed connection; a new session is served",
      .caps = TP_CAP_VHOST_USER, .pf = HAS_SLOTS, .run = add_fds, .own_session = true);

static void add_overlap(struct ck *c)
{
	struct vu_region_spec spec = beside;
	struct vu_region first, second = { .fd = -1 };
	enum ckv_reaction r = CKV_BROKEN;

	if (!running(c) || !ckg_extra_make(c, &beside, &first))
		return;
	/* Half of it over the first, in both kinds of address. */
	spec.gpa += MIB;
	spec.uva += MIB;
	if (ckg_extra_make(c, &spec, &second) && added(c, &first, "ADD_MEM_REG", NULL))
		r = ckg_add(c, &second, MSG_TABLE);
	if (r == CKV_ACK)
		ck_info(c, ADD_OVER, "a region that overlaps another one is taken");
	if (r != CKV_BROKEN)
		ckv_reachable(c, MSG_TABLE);
	vu_region_destroy(&first);
	vu_region_destroy(&second);
}

CHECK(mem_add_overlap, .id = "vu.mem.add.overlap", .clauses = { ADD_OVER, MSG_TABLE },
      .stimulus = "ADD_MEM_REG of a region that covers half of one added before",
      .oracle = "not acknowledged with 0 (the text does not say so: info); a new session is served",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_SLOTS, .run = add_overlap,
      .own_session = true);

/* --- REM_MEM_REG ------------------------------------------------------------------------------------- */

/*
 * Remove, and put another file in the place: the request must find that one. A back-end that still
 * has the old one serves from there, or refuses the new one.
 */
static void rem(struct ck *c)
{
	struct vu_region first, second = { .fd = -1 };
	struct vu_mem_region wire;
	enum ckv_reaction r;

	if (!running(c) || !ckg_extra_make(c, &beside, &first))
		return;
	if (!ckg_extra_make(c, &beside, &second) || !added(c, &first, "ADD_MEM_REG", NULL) ||
	    !ckg_read_at(c, ckg_buf(&first, 0), "a request in the region added", NULL))
		goto out;
	wire = vu_region_wire(&first);
	r = ckg_rem(c, &wire, NULL);
	if (r == CKV_BROKEN)
		goto out;
	if (r == CKV_NACK || r == CKV_CLOSED) {
		ck_fail(c, REM, "REM_MEM_REG of a region that is there is carried out",
			"REM_MEM_REG: %s", ckv_reaction_name(r));
		goto out;
	}
	if (!added(c, &second, "ADD_MEM_REG of another file in the place of the removed one",
		   REM) ||
	    !ckg_read_at(c, ckg_buf(&second, 0), "a request in the region added again", REM))
		goto out;
	if (ckg_mappings(c, second.fd) > 0 && ckg_mappings(c, first.fd) > 0)
		ck_fail(c, MAPPINGS, "the removed region's file is unmapped",
			"after REM_MEM_REG the file is still mapped");
out:
	vu_region_destroy(&first);
	vu_region_destroy(&second);
}

CHECK(mem_rem, .id = "vu.mem.rem.unmapped", .clauses = { REM, MAPPINGS },
      .stimulus = "ADD_MEM_REG, a request in it, REM_MEM_REG, ADD_MEM_REG of the same addresses in "
		  "another file, a request in it",
      .oracle = "all are carried out, the second request is served from the second file, the first "
		"file is no longer mapped",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_SLOTS, .run = rem,
      .own_session = true);

/* The region is still there: a request in it is served. */
static bool still_usable(struct ck *c, const struct vu_region *r, enum ckv_reaction reaction,
			 const char *what)
{
	ck_log(c, "  %s: %s", what, ckv_reaction_name(reaction));
	if (reaction == CKV_BROKEN)
		return false;
	/* An end of the connection refuses it, too. */
	if (reaction == CKV_CLOSED || vu_barrier(ckv(c)) != TP_OK)
		return ckv_reachable(c, MSG_TABLE) && running(c) &&
		       added(c, r, "ADD_MEM_REG", NULL);
	return ckg_read_at(c, ckg_buf(r, 0), what, REM_BY_ALL);
}

static void rem_by_all(struct ck *c)
{
	static const char *const what[] = { "REM_MEM_REG with half the size",
					    "REM_MEM_REG with another user address",
					    "REM_MEM_REG with another guest address" };
	struct vu_region r;

	if (!running(c) || !ckg_extra_make(c, &beside, &r))
		return;
	if (!added(c, &r, "ADD_MEM_REG", NULL) ||
	    !ckg_read_at(c, ckg_buf(&r, 0), "a request in the region added", NULL))
		goto out;
	for (unsigned i = 0; i < 3; i++) {
		struct vu_mem_region wire = vu_region_wire(&r);

		wire.size >>= i == 0;
		wire.uva += i == 1 ? 0x10000000 : 0;
		wire.gpa += i == 2 ? 0x10000000 : 0;
		if (!still_usable(c, &r, ckg_rem(c, &wire, MSG_TABLE), what[i]))
			break;
	}
out:
	vu_region_destroy(&r);
}

CHECK(mem_rem_by_all, .id = "vu.mem.rem.identified-by", .clauses = { REM_BY_ALL, MSG_TABLE },
      .stimulus =
	      "REM_MEM_REG with half the size, with another user address and with another guest "
	      "address than a region that is there; a request in that region",
      .oracle = "the region stays: the request is served (or the connection was closed)",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_SLOTS, .run = rem_by_all,
      .own_session = true);

static void rem_offset(struct ck *c)
{
	struct vu_mem_region wire;
	enum ckv_reaction r;
	struct ckm_msg m;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count) ||
	    !ckm_make(c, VU_ADD_MEM_REG, &m))
		return;
	wire = m.single.region;
	if (ckm_cmd(c, &m)) {
		wire.mmap_offset = 0xdead000;
		r = ckg_rem(c, &wire, NULL);
		if (r == CKV_NACK || r == CKV_CLOSED)
			ck_fail(c, REM_OFFSET, "the offset is ignored",
				"REM_MEM_REG with another mmap offset: %s", ckv_reaction_name(r));
	}
	ckm_done(&m);
}

CHECK(mem_rem_offset, .id = "vu.mem.rem.offset-ignored", .clauses = { REM_OFFSET },
      .stimulus = "REM_MEM_REG of a region that is there, with another mmap offset",
      .oracle = "it is carried out", .caps = TP_CAP_VHOST_USER, .pf = HAS_SLOTS, .run = rem_offset,
      .own_session = true);

static void rem_fd(struct ck *c)
{
	struct ckm_msg m;
	int ends[2];

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count) ||
	    !ckm_make(c, VU_ADD_MEM_REG, &m))
		return;
	if (!ckm_cmd(c, &m) || !ckv_pipe(c, ends)) {
		ckm_done(&m);
		return;
	}
	ckm_done(&m);
	if (ckm_make(c, VU_REM_MEM_REG, &m)) {
		m.fds[m.nfds++] = ends[1];
		if (ckm_provoke(c, &m, NULL) == CKV_BROKEN) {
			close(ends[0]);
			close(ends[1]);
			return;
		}
	}
	close(ends[1]);
	if (!ckv_reaches_eof(c, ends[0]))
		ck_fail(c, REM_FD, "the descriptor is closed",
			"a descriptor that came with REM_MEM_REG is kept");
	close(ends[0]);
}

CHECK(mem_rem_fd, .id = "vu.mem.rem.descriptor-closed", .clauses = { REM_FD },
      .stimulus = "REM_MEM_REG with the write end of a pipe",
      .oracle = "the read end reaches its end of file, whether the message was taken or not",
      .caps = TP_CAP_VHOST_USER, .pf = HAS_SLOTS, .run = rem_fd, .own_session = true);

static void rem_unknown(struct ck *c)
{
	const struct vu_mem_region never = { 0x300000000, 2 * MIB, 0x7e0000000000, 0 };
	enum ckv_reaction r;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count))
		return;
	r = ckg_rem(c, &never, MSG_TABLE);
	if (r == CKV_ACK)
		ck_fail(c, REM_KNOWN, "a non-zero answer or a closed connection",
			"REM_MEM_REG of a region that was never there: %s", ckv_reaction_name(r));
	else if (r != CKV_BROKEN)
		ckv_reachable(c, MSG_TABLE);
}

CHECK(mem_rem_unknown, .id = "vu.mem.rem.unknown", .clauses = { REM_KNOWN, MSG_TABLE },
      .stimulus = "REM_MEM_REG of a region that was never there",
      .oracle = "a non-zero answer or a closed connection; a new session is served",
      .caps = TP_CAP_VHOST_USER, .pf = HAS_SLOTS, .run = rem_unknown, .own_session = true);

/* The memory of a running ring goes away under it, and comes back. */
static void rem_active(struct ck *c)
{
	struct vu_mem_region wire;
	enum ckv_reaction r;
	u32 base;

	if (!running(c))
		return;
	wire = vu_region_wire(&ckv(c)->regions[0]);
	r = ckg_rem(c, &wire, NEW_SESSION);
	ck_log(c, "  REM_MEM_REG of the ring's region: %s", ckv_reaction_name(r));
	if (r == CKV_BROKEN)
		return;
	c->tp->ops->notify(c->tp, 0);
	/* Time to follow the kick before the region is back. */
	vu_wire_closed(ckv(c)->sock, tp_deadline(c->tp, c->tp->quiet_ms));
	if (r == CKV_ACK && vu_barrier(ckv(c)) == TP_OK) {
		ck_forget(c);
		if (!ck_queue_start(c, 0, &(struct ck_queue_opts){ .size = 64, .not_start = true }))
			return;
		if (ckg_add(c, &ckv(c)->regions[0], NEW_SESSION) == CKV_ACK &&
		    vu_get_vring_base(ckv(c), 0, &base) == TP_OK && ckm_run(c, 4, ckm_setup_count))
			ckb_alive(c, 0, REM_ACTIVE);
	}
	ckv_reachable(c, NEW_SESSION);
}

CHECK(mem_rem_active, .id = "vu.mem.rem.under-a-ring", .clauses = { REM_ACTIVE, NEW_SESSION },
      .stimulus =
	      "REM_MEM_REG of the region with a running ring, and a kick; where that was taken, "
	      "ADD_MEM_REG of it and a new set-up of the ring",
      .oracle = "the ring set up anew is served (the text does not say so: info); a new session is "
		"served",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_SLOTS, .run = rem_active,
      .own_session = true);
