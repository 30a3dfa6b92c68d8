// SPDX-License-Identifier: BSD-3-Clause
/* GET_INFLIGHT_FD. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/inflight_io.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWERED   "VU.inflight.get.be.1"
#define ONE_FD	   "VU.inflight.get.be.2"
#define LARGE	   "VU.inflight.get.be.3"
#define EMPTY	   "VU.inflight.get.be.4"
#define DIMENSIONS "VU.inflight.get.be.5"
#define FAILURE	   "VU.inflight.get.be.6"
#define EACH_NEW   "VU.inflight.get.be.7"
#define ABSURD	   "ROB.msg.inflight"

#define QUEUE_SIZE 128

/*
 * The first queue of a buffer, copied: a file that is shorter than it should be kills who maps it.
 */
struct first_queue {
	_Alignas(struct vu_inflight_split) u8 bytes[sizeof(struct vu_inflight_split) +
						    QUEUE_SIZE * sizeof(struct vu_inflight_desc)];
};

static bool fetch(int fd, const struct vu_inflight *d, struct first_queue *q)
{
	return pread(fd, q, sizeof(*q), (off_t)d->mmap_offset) == sizeof(*q);
}

/* Version 0, or version 1 with nothing in flight. */
static bool is_empty(struct ck *c, const struct first_queue *q, const char *which,
		     const char *clause)
{
	const struct vu_inflight_split *s = (const struct vu_inflight_split *)q->bytes;

	if (s->version == 0)
		return ck_not_value(q->bytes, sizeof(*s), 0) == sizeof(*s) ||
		       ck_fail(c, clause, "an empty buffer",
			       "%s: version 0, and a header that is not 0", which);
	if (s->used_idx != 0)
		return ck_fail(c, clause, "an empty buffer", "%s: used_idx is %u", which,
			       s->used_idx);
	for (u32 i = 0; i < QUEUE_SIZE; i++)
		if (s->desc[i].inflight)
			return ck_fail(c, clause, "an empty buffer", "%s: head %u is in flight",
				       which, i);
	return true;
}

static bool look_at(struct ck *c, const struct vu_reply *r, u16 queues)
{
	const struct vu_inflight *d = &r->msg.inflight;
	u64 least = queues * (sizeof(struct vu_inflight_split) +
			      QUEUE_SIZE * sizeof(struct vu_inflight_desc));
	struct first_queue first;
	u8 *map;

	/* The fields sum to 20 bytes, the C structure has 24. */
	if (r->msg.hdr.size < 20)
		return ck_fail(c, ANSWERED, "an inflight description", "a reply of %u bytes",
			       r->msg.hdr.size);
	if (r->nfds + r->surplus_fds != 1)
		return ck_fail(c, ONE_FD, "one descriptor", "%u came with the reply",
			       r->nfds + r->surplus_fds);
	if (d->mmap_size < least)
		return ck_fail(c, LARGE, "room for all queues",
			       "%u queues of %u entries: %llu bytes, at least %llu are needed",
			       queues, QUEUE_SIZE, (unsigned long long)d->mmap_size,
			       (unsigned long long)least);
	if (d->num_queues != queues || d->queue_size != QUEUE_SIZE)
		ck_fail(c, DIMENSIONS, "as in the request",
			"asked for %u queues of %u: the reply says %u of %u", queues, QUEUE_SIZE,
			d->num_queues, d->queue_size);
	map = mmap(NULL, d->mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fds[0],
		   (off_t)d->mmap_offset);
	if (map == MAP_FAILED)
		return ck_fail(c, ONE_FD, "a descriptor that can be mapped", "%s", strerror(errno));
	munmap(map, d->mmap_size);
	if (!fetch(r->fds[0], d, &first))
		return ck_fail(c, LARGE, "a file of that size",
			       "the file ends before the first queue does");
	return is_empty(c, &first, "a fresh buffer", EMPTY);
}

static void get(struct ck *c)
{
	for (u16 queues = 1; queues <= 2 && queues <= c->queues; queues++) {
		struct vu_inflight ask = { .num_queues = queues, .queue_size = QUEUE_SIZE };
		struct vu_reply r;
		struct stat st;
		bool ok;

		if (!ckr_session(c) ||
		    !ckv_call(c, VU_GET_INFLIGHT_FD, VU_VERSION, &ask, sizeof(ask), &r, ANSWERED))
			return;
		ok = look_at(c, &r, queues);
		if (ok && fstat(r.fds[0], &st) == 0 && S_ISREG(st.st_mode) &&
		    (u64)st.st_size < r.msg.inflight.mmap_offset + r.msg.inflight.mmap_size)
			ok = ck_fail(c, LARGE, "a file of that size",
				     "the file has %llu bytes, the reply says %llu",
				     (unsigned long long)st.st_size,
				     (unsigned long long)r.msg.inflight.mmap_size);
		vu_reply_release(&r);
		if (!ok)
			return;
	}
}

CHECK(get, .id = "vu.inflight.get", .clauses = { ANSWERED, ONE_FD, LARGE, EMPTY, DIMENSIONS },
      .stimulus = "GET_INFLIGHT_FD for one queue and for two, of 128 entries",
      .oracle = "a description with the same dimensions and one descriptor of a buffer that can be "
		"mapped, is large enough, and has nothing in flight",
      CKI_NEEDS, .run = get);

static void each_new(struct ck *c)
{
	struct cki first = { .fd = -1 }, second = { .fd = -1 };
	struct first_queue q, full;

	memset(&full, 0xff, sizeof(full));
	if (!ckr_session(c) || !cki_get(c, &first, 1, QUEUE_SIZE))
		goto out;
	if (pwrite(first.fd, &full, sizeof(full), (off_t)first.desc.mmap_offset) != sizeof(full)) {
		ck_error(c, "writing to an in-flight buffer: %s", strerror(errno));
		goto out;
	}
	if (!cki_get(c, &second, 1, QUEUE_SIZE))
		goto out;
	if (!fetch(second.fd, &second.desc, &q))
		ck_error(c, "the second in-flight buffer is shorter than it should be");
	else if (is_empty(c, &q, "the second buffer", EACH_NEW) &&
		 (!fetch(first.fd, &first.desc, &q) || memcmp(&q, &full, sizeof(q)) != 0))
		ck_fail(c, EACH_NEW, "a buffer of its own",
			"the first buffer changed when the second was made");
out:
	cki_free(&first);
	cki_free(&second);
}

CHECK(each_new, .id = "vu.inflight.get-again", .clauses = { EACH_NEW, EMPTY },
      .stimulus = "GET_INFLIGHT_FD, the buffer filled with 0xff, GET_INFLIGHT_FD again",
      .oracle = "the second buffer is empty, the first one still full", CKI_NEEDS, .run = each_new);

static void absurd(struct ck *c)
{
	static const struct {
		u16 queues, size;
	} rows[] = { { 65535, 65535 }, { 0, 128 }, { 1, 0 }, { 0, 0 } };

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vu_inflight ask = { .num_queues = rows[i].queues,
					   .queue_size = rows[i].size };
		struct vu_frontend *fe = ckv(c);
		struct vu_reply r;
		int rc;

		if (!ckr_next_session(c, "impossible dimensions", ABSURD))
			return;
		rc = vu_call(fe, VU_GET_INFLIGHT_FD, &ask, sizeof(ask), &r);
		ck_log(c, "  %u queues of %u: %s", rows[i].queues, rows[i].size,
		       rc == TP_OK ? "answered" : fe->tp.error);
		if (rc != TP_OK)
			continue;
		/* Where it cannot be, a size other than 0 promises something. */
		if (i == 0 && r.msg.inflight.mmap_size != 0 &&
		    r.msg.inflight.mmap_size < 65535ull * 16)
			ck_fail(c, FAILURE, "mmap size 0",
				"65535 queues of 65535 entries: a buffer of %llu bytes",
				(unsigned long long)r.msg.inflight.mmap_size);
		vu_reply_release(&r);
	}
	ckv_reachable(c, ABSURD);
}

CHECK(absurd, .id = "vu.inflight.get-absurd", .clauses = { FAILURE, ABSURD },
      .stimulus =
	      "GET_INFLIGHT_FD for 65535 queues of 65535, for no queue, for queues of no entries",
      .oracle = "closed, or answered with size 0 or a size that is true (info otherwise); a new "
		"session is served",
      CKI_NEEDS, .run = absurd);
