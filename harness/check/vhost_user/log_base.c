// SPDX-License-Identifier: BSD-3-Clause
/* SET_LOG_BASE and SET_LOG_FD: the log itself. */
#include "harness/check/vhost_user/log_io.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BECOMES_LOG "VU.log.base.be.1"
#define ANSWERED    "VU.log.base.be.2"
#define REPLY_SIZE  "VU.log.base.be.3"
#define REPLACED    "VU.log.base.be.4"
#define IMPOSSIBLE  "VU.log.base.be.5"
#define NO_SHMFD    "VU.log.base.be.6"
#define LOG_FD	    "VU.log.fd.be.2"
#define OFFSET	    "VU.log.math.be.2"
#define BOUNDS	    "VU.log.math.be.3"
#define NEW_SESSION "ROB.live.new-session"

static bool read_into(struct ck *c, unsigned region, u32 bytes, u32 align, struct blk_req *r)
{
	struct tp_buf area;

	if (!ck_alloc_in(c, region, bytes + 64, align, &area))
		return false;
	blk_carve(r, area, VIRTIO_BLK_T_IN, 0, bytes);
	return ckb_ok(c, 0, r);
}

static void log_base(struct ck *c, struct ckl *l)
{
	struct vu_frontend *fe = ckv(c);
	struct vu_log log;
	struct vu_reply r;
	struct blk_req req;
	u32 request, size;
	int rc;

	if (!ckr_session(c) || !ckl_make(c, l, ckl_bytes(c), 0, 0))
		return;
	log = (struct vu_log){ l->size, l->offset };
	if (!ck_must(c, vu_send(fe, VU_SET_LOG_BASE, VU_VERSION, &log, sizeof(log), &l->fd, 1),
		     "sending"))
		return;
	rc = vu_recv(fe, &r, fe->tp.timeout_ms);
	if (rc != TP_OK) {
		ck_fail(c, ANSWERED, "a reply", "SET_LOG_BASE without need_reply: %s",
			fe->tp.error);
		return;
	}
	request = r.msg.hdr.request;
	size = r.msg.hdr.size;
	vu_reply_release(&r);
	if (request != VU_SET_LOG_BASE) {
		ck_fail(c, ANSWERED, "a reply with the request's id",
			"SET_LOG_BASE: answered by message %u", request);
		return;
	}
	/* A memory table that comes after it does not end it. */
	if (!ck_must(c, vu_set_mem_table(fe), "SET_MEM_TABLE"))
		return;
	if (size > 16)
		ck_fail(c, REPLY_SIZE, "nothing, or up to 16 bytes", "a reply of %u bytes", size);
	if (!ckl_all(c, true) || !ckr_run(c, 0, 16, 0) || !read_into(c, 0, 512, 64, &req))
		return;
	if (ckl_count(l) == 0)
		ck_fail(c, BECOMES_LOG, "bits in the memory that was passed",
			"a read with LOG_ALL set marks nothing in it");
}

static void run_log_base(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	log_base(c, &l);
	ckl_free(&l);
}

CHECK(log_base, .id = "vu.log.base", .clauses = { BECOMES_LOG, ANSWERED, REPLY_SIZE },
      .stimulus = "SET_LOG_BASE without need_reply, SET_MEM_TABLE again, LOG_ALL, a read",
      .oracle = "a reply of at most 16 bytes; then bits in the memory that was passed", CKL_NEEDS,
      .run = run_log_base);

static void replaced(struct ck *c, struct ckl *first, struct ckl *second)
{
	struct blk_req req;

	if (!ckl_run(c, first) || !read_into(c, 0, 512, 64, &req) ||
	    !ckl_make(c, second, first->size, 0, 0) || !ckl_send(c, second))
		return;
	ckl_clear(first);
	for (unsigned i = 0; i < 4; i++)
		if (!read_into(c, 0, 512, 4096, &req))
			return;
	if (ckl_count(first))
		ck_fail(c, REPLACED, "the first log stays as it is",
			"after a second SET_LOG_BASE, %u pages were marked in the first log",
			ckl_count(first));
	else if (ckl_count(second) == 0)
		ck_fail(c, REPLACED, "bits in the second log",
			"after a second SET_LOG_BASE, reads mark nothing in its memory");
}

static void run_replaced(struct ck *c)
{
	struct ckl first = { .fd = -1 }, second = { .fd = -1 };

	replaced(c, &first, &second);
	ckl_free(&first);
	ckl_free(&second);
}

CHECK(replaced, .id = "vu.log.replaced", .clauses = { REPLACED },
      .stimulus = "SET_LOG_BASE again, with other memory, while logging; 4 reads",
      .oracle = "bits in the second memory, none in the first", CKL_NEEDS, .run = run_replaced);

#define CANARY 0xc3

static void at_offset(struct ck *c, struct ckl *l)
{
	const u64 offset = 0x3000;
	struct blk_req req;
	u64 page;

	if (!ckr_session(c) || !ckl_make(c, l, ckl_bytes(c), offset, 0x2000))
		return;
	memset(l->map, CANARY, offset);
	memset(l->map + offset + l->size, CANARY, 0x2000);
	if (!ckl_send(c, l) || !ckl_all(c, true) || !ckr_run(c, 0, 16, 0) ||
	    !read_into(c, 0, 512, 4096, &req))
		return;
	page = req.data.gpa.v / CKL_PAGE;
	if (!ckl_bit(l, page))
		ck_fail(c, OFFSET, "bits counted from the offset",
			"log at offset 0x3000 of its file: page 0x%llx is not marked there",
			(unsigned long long)page);
	else if (ck_not_value(l->map, (u32)offset, CANARY) != offset)
		ck_fail(c, OFFSET, "bits counted from the offset",
			"log at offset 0x3000 of its file: byte 0x%x of the file changed",
			ck_not_value(l->map, (u32)offset, CANARY));
	else if (ck_not_value(l->map + offset + l->size, 0x2000, CANARY) != 0x2000)
		ck_fail(c, OFFSET, "bits counted from the offset",
			"log at offset 0x3000 of its file: bytes behind it changed");
}

static void run_at_offset(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	at_offset(c, &l);
	ckl_free(&l);
}

CHECK(at_offset, .id = "vu.log.offset", .clauses = { OFFSET },
      .stimulus = "a log at offset 0x3000 of its file, canaries before and behind; a read",
      .oracle = "the page of the data is marked relative to the offset; canaries intact", CKL_NEEDS,
      .run = run_at_offset);

/* A log that covers the first region only, while the device writes to all of them. */
static void small(struct ck *c, struct ckl *l)
{
	struct vu_frontend *fe = ckv(c);
	struct blk_req req;
	u64 size, behind;
	int rc = TP_OK;

	if (!ckr_session(c))
		return;
	size = (c->tp->mem[0].gpa.v + c->tp->mem[0].len) / CKL_PAGE / 8;
	behind = ckl_bytes(c) - size;
	if (!ckl_make(c, l, size, 0, behind))
		return;
	memset(l->map + size, CANARY, behind);
	if (!ckl_send(c, l) || !ckl_all(c, true) || !ckr_run(c, 0, 16, 0) ||
	    !read_into(c, 0, 512, 64, &req))
		return;
	for (unsigned i = 1; i < c->tp->mem_count; i++) {
		struct tp_buf area;
		struct ck_used u;

		if (!ck_alloc_in(c, i, 1024, 64, &area))
			return;
		blk_carve(&req, area, VIRTIO_BLK_T_IN, 0, 512);
		if (ckb_add(c, 0, &req, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
			return;
		/* Served, refused or the end of the session: none of them is the subject. */
		for (u64 end = tp_deadline(c->tp, fe->tp.quiet_ms);
		     !vq_used_pending(&c->q[0].vq) && c->tp->ops->now_ns(c->tp) < end;)
			c->tp->ops->relax(c->tp);
		if (!vq_used_pending(&c->q[0].vq))
			break;
		ck_reap(c, 0, &u);
	}
	rc = vu_barrier(fe);
	ck_log(c, "  afterwards: %s", tp_result_text(rc));
	if (ck_not_value(l->map + size, (u32)behind, CANARY) != behind) {
		ck_fail(c, BOUNDS, "nothing is written behind the log",
			"a log of %llu bytes, writes to memory that it does not cover: byte %llu "
			"of its file changed",
			(unsigned long long)size,
			(unsigned long long)size +
				ck_not_value(l->map + size, (u32)behind, CANARY));
		return;
	}
	ckv_reachable(c, NEW_SESSION);
}

static void run_small(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	small(c, &l);
	ckl_free(&l);
}

CHECK(small, .id = "vu.log.bounds", .clauses = { BOUNDS, NEW_SESSION },
      .stimulus =
	      "a log that covers the first of three regions, canaries behind it; reads into all "
	      "three",
      .oracle = "nothing behind the log is written, and a new session is served", CKL_NEEDS,
      .disturbs = true, .run = run_small);

/* How the reply to SET_LOG_BASE looks: its payload is undefined, so it says little by itself. */
struct answer {
	int rc;
	u32 size;
	u64 value;
};

static struct answer send_log(struct ck *c, const struct vu_log *log, const int *fds, unsigned nfds)
{
	struct vu_frontend *fe = ckv(c);
	struct answer a = { .rc = vu_send(fe, VU_SET_LOG_BASE, VU_VERSION, log, sizeof(*log), fds,
					  nfds) };
	struct vu_reply r;

	if (a.rc == TP_OK)
		a.rc = vu_recv(fe, &r, fe->tp.timeout_ms);
	if (a.rc != TP_OK)
		return a;
	a.size = r.msg.hdr.size;
	a.value = a.size >= 8 ? r.msg.u64 : 0;
	vu_reply_release(&r);
	return a;
}

static void impossible_with(struct ck *c, struct ckl *l, int pipe_fd)
{
	const struct {
		struct vu_log log;
		int fds[2];
		unsigned nfds;
		const char *what;
	} rows[] = {
		{ { 0, 0 }, { l->fd }, 1, "size 0" },
		{ { l->size, ~0ull - 0xfff }, { l->fd }, 1, "offset plus size past 2^64" },
		{ { l->size, 0 }, { pipe_fd }, 1, "a pipe" },
		{ { l->size, 0 }, { -1 }, 0, "no descriptor" },
		{ { l->size, 0 }, { l->fd, l->fd }, 2, "two descriptors" },
	};
	const struct vu_log good = { l->size, 0 };
	struct answer fine = send_log(c, &good, &l->fd, 1);

	if (!ck_must(c, fine.rc, "SET_LOG_BASE"))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct answer a;

		if (!ckr_session(c))
			return;
		a = send_log(c, &rows[i].log, rows[i].fds, rows[i].nfds);
		ck_log(c, "  %s: %s, %u bytes, %llu", rows[i].what, tp_result_text(a.rc), a.size,
		       (unsigned long long)a.value);
		/* A target that says 0 when all is well is taken by its word; others cannot be. */
		if (a.rc == TP_OK && a.size == 8 && a.value == 0 && fine.size == 8 &&
		    fine.value == 0)
			ck_fail(c, IMPOSSIBLE, "refused or closed", "%s: answered with 0",
				rows[i].what);
		else if (a.rc != TP_OK && a.rc != TP_EGONE)
			ck_log(c, "  no answer");
	}
	ckv_reachable(c, NEW_SESSION);
}

static void impossible(struct ck *c)
{
	struct ckl l = { .fd = -1 };
	int ends[2];

	if (ckr_session(c) && ckv_pipe(c, ends)) {
		if (ckl_make(c, &l, ckl_bytes(c), 0, 0))
			impossible_with(c, &l, ends[1]);
		close(ends[0]);
		close(ends[1]);
	}
	ckl_free(&l);
}

CHECK(impossible, .id = "vu.log.impossible", .clauses = { IMPOSSIBLE, NEW_SESSION },
      .stimulus =
	      "SET_LOG_BASE with size 0, with an offset that wraps, with a pipe, without and with "
	      "two descriptors, each in a session of its own",
      .oracle = "refused or closed (a target whose good answer is not 0 cannot be judged by its "
		"answer); a new session is served",
      CKL_NEEDS, .run = impossible);

static void optional(struct ck *c)
{
	u64 base = 0x1000;
	enum ckv_reaction reaction;
	int fd;

	if (!ckr_session(c))
		return;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	reaction = ckv_provoke(c, VU_SET_LOG_FD, NULL, 0, &fd, 1);
	close(fd);
	if (reaction == CKV_BROKEN)
		return;
	if (reaction == CKV_NACK || reaction == CKV_CLOSED)
		ck_fail(c, LOG_FD, "the message is accepted", "SET_LOG_FD: %s",
			ckv_reaction_name(reaction));
	if (!ckr_session_with(c, 0, ~BIT_ULL(VU_PF_LOG_SHMFD)))
		return;
	/* Not with need_reply: that would ask for an answer by itself. */
	reaction = ckv_provoke_raw(c, VU_SET_LOG_BASE, VU_VERSION, &base, sizeof(base), NULL, 0);
	if (reaction == CKV_BROKEN)
		return;
	ck_log(c, "  SET_LOG_BASE without LOG_SHMFD: %s", ckv_reaction_name(reaction));
	if (reaction == CKV_ACK || reaction == CKV_NACK)
		ck_fail(c, NO_SHMFD, "no reply", "SET_LOG_BASE without LOG_SHMFD is answered");
	ckv_reachable(c, NEW_SESSION);
}

CHECK(optional, .id = "vu.log.optional", .clauses = { LOG_FD, NO_SHMFD, NEW_SESSION },
      .stimulus =
	      "SET_LOG_FD with an eventfd; in another session SET_LOG_BASE without a descriptor, "
	      "LOG_SHMFD not negotiated",
      .oracle =
	      "accepted, and not answered (info when otherwise: an optional message, and one that "
	      "cannot work over a socket); a new session is served",
      CKL_NEEDS, .run = optional);
