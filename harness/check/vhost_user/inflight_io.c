// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/vhost_user/inflight_io.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* More than any buffer has for the few queues that are asked for here. */
#define BYTES_MAX (16u << 20)

static bool map(struct ck *c, struct cki *i)
{
	i->map = mmap(NULL, i->desc.mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED, i->fd,
		      (off_t)i->desc.mmap_offset);
	if (i->map != MAP_FAILED)
		return true;
	i->map = NULL;
	return ck_error(c, "mapping an in-flight buffer: %s", strerror(errno));
}

bool cki_get(struct ck *c, struct cki *i, u16 queues, u16 size)
{
	struct vu_inflight ask = { .num_queues = queues, .queue_size = size };
	u64 least = queues *
		    (sizeof(struct vu_inflight_split) + size * sizeof(struct vu_inflight_desc));
	struct vu_reply r;

	*i = (struct cki){ .fd = -1 };
	if (!ck_must(c, vu_call(ckv(c), VU_GET_INFLIGHT_FD, &ask, sizeof(ask), &r),
		     "GET_INFLIGHT_FD"))
		return false;
	/* Whether the dimensions come back as they went is another matter. */
	i->desc = r.msg.inflight;
	i->desc.num_queues = queues;
	i->desc.queue_size = size;
	if (r.nfds == 1) {
		i->fd = r.fds[0];
		r.nfds = 0;
	}
	vu_reply_release(&r);
	if (i->fd < 0 || i->desc.mmap_size < least || i->desc.mmap_size > BYTES_MAX)
		return ck_error(c, "GET_INFLIGHT_FD gives no buffer for %u queues of %u", queues,
				size);
	return true;
}

bool cki_make(struct ck *c, struct cki *i, u16 queues, u16 size)
{
	struct vu_inflight desc;

	if (!cki_get(c, i, queues, size))
		return false;
	desc = i->desc;
	cki_free(i);
	i->desc = desc;
	i->desc.mmap_offset = 0;
	i->fd = memfd_create("ringside-inflight", MFD_CLOEXEC);
	if (i->fd < 0 || ftruncate(i->fd, (off_t)desc.mmap_size) < 0)
		return ck_error(c, "an in-flight buffer: %s", strerror(errno));
	return map(c, i);
}

bool cki_send(struct ck *c, const struct cki *i)
{
	return ck_must(c, vu_cmd(ckv(c), VU_SET_INFLIGHT_FD, &i->desc, sizeof(i->desc), &i->fd, 1),
		       "SET_INFLIGHT_FD");
}

void cki_free(struct cki *i)
{
	if (i->map)
		munmap(i->map, i->desc.mmap_size);
	if (i->fd >= 0)
		close(i->fd);
	*i = (struct cki){ .fd = -1 };
}

bool cki_prepare(struct ck *c, struct cki *i, u16 size, u32 base)
{
	return ckr_session(c) && cki_make(c, i, 1, size) && ckr_lay(c, 0, size, base);
}

void cki_books(struct cki *i, u16 used)
{
	struct vu_inflight_split *s = cki_queue(i);

	s->version = 1;
	s->desc_num = i->desc.queue_size;
	s->used_idx = used;
}

void cki_mark(struct cki *i, u16 head, u64 counter)
{
	struct vu_inflight_split *s = cki_queue(i);

	s->desc[head].counter = counter;
	s->desc[head].inflight = 1;
}

bool cki_chain(struct ck *c, struct blk_req *r, u16 head)
{
	struct vq_split *vq = &c->q[0].vq.split;
	const u64 up = ckv(c)->ring_iova;

	if (!ckr_read_req(c, r, VIRTIO_BLK_SECTOR))
		return false;
	blk_prepare(r);
	vq_split_raw_desc(vq, head, up + r->hdr.gpa.v, r->hdr.len, VRING_DESC_F_NEXT, head + 1);
	vq_split_raw_desc(vq, head + 1, up + r->data.gpa.v, r->data.len,
			  VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, head + 2);
	vq_split_raw_desc(vq, head + 2, up + r->status.gpa.v, 1, VRING_DESC_F_WRITE, 0);
	return true;
}

void cki_available(struct ck *c, const u16 *heads, unsigned n, u16 at)
{
	struct vq_split *vq = &c->q[0].vq.split;

	for (unsigned i = 0; i < n; i++)
		vq_split_raw_avail(vq, (u16)(at + i), heads[i]);
	vq->avail_idx = (u16)(at + n);
	vq_split_raw_publish(vq, vq->avail_idx);
}

bool cki_resubmits(struct ck *c, struct cki *i, u16 used, u16 base, const char *when,
		   const char *clause)
{
	static const u16 heads[] = { 6, 3, 9 };
	const struct vq_split *vq = &c->q[0].vq.split;
	struct blk_req reqs[ARRAY_SIZE(heads)];
	unsigned seen[16] = { 0 };
	u16 back;

	for (unsigned n = 0; n < ARRAY_SIZE(heads); n++)
		if (!cki_chain(c, &reqs[n], heads[n]))
			return false;
	cki_available(c, heads, ARRAY_SIZE(heads), used);
	cki_books(i, used);
	cki_mark(i, 6, 100);
	cki_mark(i, 3, 101);
	if (!cki_send(c, i) || !ckr_send(c, 0, CKR_ALL, base) || !ckr_kick(c, 0))
		return false;
	ck_wait_used(c, 0, (u16)(used + ARRAY_SIZE(heads)));
	back = (u16)(vq_split_raw_used_idx(vq) - used);
	if (back < ARRAY_SIZE(heads))
		return ck_fail(c, clause, "the two in flight and the one behind them are returned",
			       "%s: %u were", when, back);
	ck_quiet(c);
	back = (u16)(vq_split_raw_used_idx(vq) - used);
	for (u16 n = 0; n < back && n < ARRAY_SIZE(seen); n++) {
		const u32 id = le32(vq->used->ring[(u16)(used + n) & vq->mask].id);

		if (id < ARRAY_SIZE(seen))
			seen[id]++;
	}
	for (unsigned n = 0; n < ARRAY_SIZE(heads); n++)
		if (seen[heads[n]] != 1)
			return ck_fail(c, clause, "each once", "%s: head %u was returned %u times",
				       when, heads[n], seen[heads[n]]);
	for (unsigned n = 0; n < ARRAY_SIZE(heads); n++)
		if (blk_status(&reqs[n]) != VIRTIO_BLK_S_OK)
			return ck_fail(c, clause, "each is carried out",
				       "%s: head %u has status %u", when, heads[n],
				       blk_status(&reqs[n]));
	return true;
}

bool cki_format_known(struct ck *c)
{
	struct cki i = { .fd = -1 };
	bool known = false, ok;
	struct blk_req r;
	u32 base;

	ok = cki_prepare(c, &i, 16, 0) && cki_send(c, &i) && ckr_send(c, 0, CKR_ALL, 0) &&
	     ckr_kick(c, 0) && ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) && ckb_ok(c, 0, &r) &&
	     ckr_stop(c, 0, &base);
	if (ok) {
		const struct vu_inflight_split *s = cki_queue(&i);

		known = s->version == 1 && s->desc_num == 16 && s->used_idx == 1;
		ok = known || ck_skip(c, "the target's in-flight region is not in the format that "
					 "the text suggests");
	}
	cki_free(&i);
	return ok;
}
