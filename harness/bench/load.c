// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/load.h"

#include <string.h>

/*
 * Headers, status bytes and tables first, those of a request apart from the next one's by whole cache lines;
 * then data, a whole number of pages in the distance, so that whole blocks are pages.
 */
enum {
	SLOT_STATUS = 16,
	SLOT_TABLE = 64,
	SLOT_HEAD = 128,
	PAGE = 4096,
};

/* Used buffers that are taken at once. */
#define TOGETHER 32

/* Into the ring, when polling, before the clock is read again. */
#define LOOKS 64

static u32 data_bytes(const struct load *l)
{
	return l->type == VIRTIO_BLK_T_FLUSH ? 0 : l->block_bytes;
}

static u32 data_apart(u32 block_bytes)
{
	return (u32)ALIGN_UP((u64)block_bytes, 64);
}

static u32 data_from(unsigned depth)
{
	return (u32)ALIGN_UP((u64)depth * SLOT_HEAD, PAGE);
}

u64 load_memory(unsigned depth, u32 block_bytes)
{
	return data_from(depth) + (u64)depth * data_apart(block_bytes);
}

static void frame_ask(const struct load_ask *a, struct load_slot *s)
{
	const struct tp_buf *d = &s->req.data;
	u32 at = (u32)ALIGN_UP((u64)a->out_len, 64);

	memcpy(d->hva, a->out, MIN(a->out_len, LOAD_ASK_MAX));
	s->sg[0] = (struct vq_sg){ d->gpa, a->out_len };
	s->out = 1;
	for (unsigned i = 0; i < 2 && a->in[i]; i++) {
		s->sg[1 + i] = (struct vq_sg){ gpa_add(d->gpa, at), a->in[i] };
		s->in++;
		s->req.status.hva = d->hva + at + a->status_at;
		at += (u32)ALIGN_UP((u64)a->in[i], 64);
	}
}

static void frame(const struct load *l, struct load_slot *s)
{
	struct vq_sg sg[BLK_FRAME_MAX];

	if (s->req.type == LOAD_ASK) {
		frame_ask(l->ask, s);
		return;
	}
	if (!load_is_blk(s->req.type)) {
		s->sg[0] = (struct vq_sg){ s->req.data.gpa, s->req.data.len };
		s->out = s->req.type == LOAD_NULL;
		s->in = s->req.type == LOAD_FILL;
		return;
	}
	blk_prepare(&s->req);
	blk_frame(&s->req, BLK_LAYOUT_USUAL, sg, &s->out, &s->in);
	memcpy(s->sg, sg, sizeof(s->sg));
}

int load_prepare(struct load *l, struct tp_buf area)
{
	if (load_memory(l->depth, l->block_bytes) > area.len || l->depth > LOAD_DEPTH_MAX)
		return LOAD_NOMEM;
	for (unsigned i = 0; i < l->depth; i++) {
		struct load_slot *s = &l->slots[i];
		const u32 at = i * SLOT_HEAD;
		const u32 data = data_from(l->depth) + i * data_apart(l->block_bytes);

		*s = (struct load_slot){
			.req = {
				.type = l->type,
				.hdr = { area.hva + at, gpa_add(area.gpa, at), 16 },
				.status = { area.hva + at + SLOT_STATUS,
					    gpa_add(area.gpa, at + SLOT_STATUS), 1 },
				.data = { area.hva + data, gpa_add(area.gpa, data), data_bytes(l) },
			},
			.table = area.hva + at + SLOT_TABLE,
			.table_at = gpa_add(area.gpa, at + SLOT_TABLE),
			.own = l->own ? l->own + (u64)i * l->block_bytes : NULL,
		};
		/* Incompressible enough, and not all the same block. */
		for (u32 k = 0; k < s->req.data.len; k += 64)
			memset(s->req.data.hva + k, (int)(i + k / 64 + 1),
			       MIN(64u, s->req.data.len - k));
		frame(l, s);
		if (s->own)
			memcpy(s->own, s->req.data.hva, s->req.data.len);
		l->free[i] = s;
	}
	l->free_count = l->depth;
	l->blocks = l->block_bytes ? l->sectors * VIRTIO_BLK_SECTOR / l->block_bytes : 0;
	l->rng = 0x9e3779b97f4a7c15ull;
	return LOAD_OK;
}

static u64 next_sector(struct load *l)
{
	const u32 block_sectors = l->block_bytes / VIRTIO_BLK_SECTOR;
	const u64 blocks = l->blocks;

	if (l->type == VIRTIO_BLK_T_FLUSH)
		return 0;
	if (l->sequential) {
		u64 block = l->next_block;

		l->next_block = block + 1 < blocks ? block + 1 : 0;
		return block * block_sectors;
	}
	l->rng ^= l->rng << 13;
	l->rng ^= l->rng >> 7;
	l->rng ^= l->rng << 17;
	/* Multiply and shift instead of a division in the loop. */
	return (u64)((unsigned __int128)l->rng * blocks >> 64) * block_sectors;
}

static void trace(struct load *l, u8 kind, u16 head, u64 seq, u32 len, u64 ticks)
{
	const struct trace_event e = {
		.ticks = ticks,
		.seq = seq,
		.len = len,
		.queue = l->queue,
		.head = head,
		.kind = kind,
		.cpu = 0xffff,
		.tid = l->tid,
	};

	trace_sink_add(l->events, &e);
}

/* Is there anything to be made of a request, or of what it brought? */
static inline bool has_status(const struct load *l)
{
	return load_is_blk(l->type) || (l->type == LOAD_ASK && (l->ask->status || l->ask->fill));
}

static void make_anew(const struct load *l, struct load_slot *s)
{
	const struct load_ask *a = l->ask;

	if (a->fill)
		a->fill(s->req.data.hva, l->seq);
	if (a->status)
		memset(s->req.status.hva, LOAD_UNSET, a->status);
}

/* What a message's answer says, 0 being yes. */
static u32 says(const struct load_ask *a, const struct load_slot *s)
{
	if (a->wrong)
		return a->wrong(s->req.data.hva, s->req.status.hva - a->status_at);
	for (u32 i = 0; i < a->status; i++)
		if (s->req.status.hva[i])
			return s->req.status.hva[i];
	return 0;
}

static void submit(struct load *l, u64 start)
{
	struct load_slot *s = l->free[--l->free_count];
	struct virtio_blk_outhdr *h = (struct virtio_blk_outhdr *)s->req.hdr.hva;
	int head;

	s->start = start;
	if (s->own && !blk_type_is_in(l->type))
		memcpy(s->req.data.hva, s->own, s->req.data.len);
	if (load_is_blk(l->type)) {
		h->sector = le64(next_sector(l));
		*s->req.status.hva = BLK_STATUS_UNSET;
	} else if (has_status(l)) {
		make_anew(l, s);
	}
	if (l->indirect)
		head = vq_add_indirect(l->vq, s->table, s->table_at, s->sg, s->out, s->in, s);
	else
		head = vq_add(l->vq, s->sg, s->out, s->in, s);
	s->head = (u16)head;
	s->seq = l->seq++;
	if (l->events)
		trace(l, TRACE_SUBMIT, s->head, s->seq, s->req.data.len, start);
}

/* Where there is nothing to be made of them: `n` of those that are free. */
static void submit_plain(struct load *l, unsigned n, u64 start)
{
	struct load_slot **free = l->free + l->free_count;

	for (unsigned i = 0; i < n; i++) {
		struct load_slot *s = *--free;

		s->start = start;
		vq_add(l->vq, s->sg, s->out, s->in, s);
	}
	l->free_count -= n;
	l->seq += n;
}

static void publish(struct load *l)
{
	vq_publish(l->vq);
	if (vq_kick_due(l->vq)) {
		l->kicks++;
		if (l->raw_room || l->events)
			l->kicked = clock_start(l->clock);
		l->ops.kick(l->ops.arg);
		if (l->events) {
			const u32 n = (u32)(l->seq - l->told);

			trace(l, TRACE_NOTIFY, 0, l->seq - 1, n, l->kicked);
			if (!l->in_guest)
				trace(l, TRACE_KICK, 0, l->seq - 1, n, clock_start(l->clock));
		}
	}
	l->told = l->seq;
}

/* Requests that were made available together, and found used together, took the same time. */
struct alike {
	u64 start;
	u64 count;
};

static void record(const struct load *l, const struct alike *a, u64 now)
{
	if (a->count)
		hist_record_n(l->latency, clock_ns(l->clock, now - a->start), a->count);
}

/* What a request has to say beside that it is done. */
static inline void look_at(struct load *l, const struct load_slot *s, u64 *now)
{
	u32 said = 0;

	if (l->events)
		trace(l, TRACE_REAP, s->head, s->seq, 0, *now);
	if (s->own && blk_type_is_in(l->type)) {
		memcpy(s->own, s->req.data.hva, s->req.data.len);
		*now = clock_stop(l->clock);
	}
	if (l->raw_count < l->raw_room)
		l->raw[l->raw_count++] = (struct load_stamp){ s->start, *now, l->kicked, l->woken };
	if (load_is_blk(l->type))
		said = blk_status(&s->req); /* VIRTIO_BLK_S_OK is 0 */
	else if (l->type == LOAD_ASK)
		said = says(l->ask, s);
	if (said && l->errors++ == 0)
		l->first_bad = said;
}

/* These were seen used together. Returns when. */
static u64 take(struct load *l, const struct vq_done *done, unsigned n)
{
	const bool plain = !has_status(l) && !l->own && !l->raw_room && !l->events;
	struct load_slot **free = l->free + l->free_count;
	u64 now = clock_stop(l->clock);
	struct alike alike = { 0 };

	for (unsigned i = 0; i < n; i++) {
		struct load_slot *s = done[i].token;

		if (s->start != alike.start || !plain) {
			record(l, &alike, now);
			alike = (struct alike){ .start = s->start };
			if (!plain)
				look_at(l, s, &now);
		}
		alike.count++;
		free[i] = s;
	}
	record(l, &alike, now);
	l->free_count += n;
	l->completed += n;
	return now;
}

/* Take what is used. Returns how many, or LOAD_BADID; with some, *now is when the last were seen. */
static int reap(struct load *l, u64 *now)
{
	struct vq_done done[TOGETHER];
	int n, all = 0;

	do {
		n = vq_reap_some(l->vq, done, TOGETHER);
		if (n < 0)
			break;
		*now = take(l, done, (unsigned)n);
		all += n;
	} while (n == TOGETHER);
	return n == VQ_BADID ? LOAD_BADID : all;
}

struct pace {
	u64 begin, end; /* ticks; end 0: by count */
	u64 last;	/* when something last completed */
	u64 stall;	/* ticks */
	u64 empty;	/* times that LOOKS looks found nothing, since */
	u64 due_count;	/* open loop: requests that were due up to now */
	u64 target;	/* stop when so many were submitted */
};

/* Open loop: when request n is due. */
static u64 due_at(const struct load *l, const struct pace *p, u64 n)
{
	return p->begin + (u64)((unsigned __int128)n * l->clock->hz / l->rate);
}

static bool more_wanted(const struct load *l, const struct pace *p, u64 now)
{
	return l->submitted < p->target && (!p->end || now < p->end) && !l->cancel;
}

/* How many are wanted now. */
static unsigned wanted(const struct load *l, const struct pace *p, u64 now)
{
	u64 n = MIN((u64)l->free_count, p->target - l->submitted);

	if (!more_wanted(l, p, now))
		return 0;
	/* A batch that is not full yet waits for what is outstanding, never for nothing. */
	return l->free_count < l->batch && l->free_count < l->depth ? 0 : (unsigned)n;
}

/* Make available all that is wanted at `now`. Returns how many. */
static unsigned fill(struct load *l, struct pace *p, u64 now)
{
	const unsigned most = wanted(l, p, now);
	unsigned n = 0;

	if (!most)
		return 0;
	/* The time it begins is read as late as can be: what was weighed before is no part of the request. */
	now = clock_start(l->clock);
	if (!l->rate && !has_status(l) && !l->own && !l->indirect && !l->events) {
		submit_plain(l, most, now);
		n = most;
	}
	for (; n < most; n++) {
		u64 start = now;

		if (l->rate) {
			start = due_at(l, p, p->due_count);
			if (start > now)
				break;
			p->due_count++;
		}
		submit(l, start);
	}
	l->submitted += n;
	if (n)
		publish(l);
	return n;
}

/* Until something may have changed. */
static void rest(struct load *l, struct pace *p, u64 now)
{
	u64 until = p->last + p->stall;

	if (!l->ops.sleep) {
		/* Reading the clock takes as long as many a look. */
		for (unsigned i = 0; i < LOOKS; i++) {
			if (vq_used_pending(l->vq))
				return;
			vq_used_expect(l->vq);
			/* What takes longer than memory does is not to be slowed by looking. */
			if (p->empty)
				l->ops.relax(l->ops.arg);
		}
		p->empty++;
		return;
	}
	if (l->rate && l->free_count && more_wanted(l, p, now))
		until = MIN(until, due_at(l, p, p->due_count));
	if (!l->notified && vq_enable_calls(l->vq))
		return;
	l->sleeps++;
	l->ops.sleep(l->ops.arg, until);
	/* It may have come before the sleep: with the notification itself, where one processor does everything. */
	if (l->events && l->woken != l->handled)
		trace(l, TRACE_HANDLE, 0, 0, 0, l->woken);
	l->handled = l->woken;
	/* With the event index what was asked for is passed, and nothing more will be told. */
	if (!l->notified && !vq_event_idx(l->vq))
		vq_disable_calls(l->vq);
}

int load_run(struct load *l)
{
	u64 now = clock_start(l->clock);
	struct pace p = {
		.begin = now,
		.end = l->duration_ns ? now + clock_ticks(l->clock, l->duration_ns) : 0,
		.last = now,
		.stall = clock_ticks(l->clock, l->stall_ns),
		.target = l->requests ? l->submitted + l->requests : ~0ull,
	};

	vq_disable_calls(l->vq);
	for (;;) {
		int n = reap(l, &now);
		bool busy;

		if (n < 0)
			return n;
		if (n > 0) {
			p.last = now;
			p.empty = 0;
		}
		if (l->free_count == l->depth && !more_wanted(l, &p, now))
			break;
		/* What came meanwhile will not be told. */
		if (l->notified && vq_enable_calls(l->vq))
			continue;
		busy = fill(l, &p, now) || n > 0;
		if (!l->notified && (busy || vq_used_pending(l->vq)))
			continue;
		now = clock_start(l->clock);
		/* Idle between two due requests of an open loop is no stall. */
		if (l->free_count == l->depth)
			p.last = now;
		if (now - p.last > p.stall)
			return LOAD_STALLED;
		rest(l, &p, now);
	}
	l->elapsed_ns = clock_ns(l->clock, now - p.begin);
	return LOAD_OK;
}
