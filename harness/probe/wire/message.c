// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/wire/message.h"

#include <string.h>

void wire_write(struct wire *w, struct frame *f, enum wire_kind kind)
{
	w->writing = true;
	w->bad = false;
	w->at = w->text_used = 0;
	w->f = f;
	f->kind = (u16)kind;
	f->length = 0;
}

void wire_read(struct wire *w, struct frame *f)
{
	w->writing = w->bad = false;
	w->at = w->text_used = 0;
	w->f = f;
}

static void bytes(struct wire *w, void *p, u32 len)
{
	const u32 room = w->writing ? FRAME_PAYLOAD_MAX : w->f->length;

	if (w->bad || len > room - w->at) {
		w->bad = true;
		if (!w->writing)
			memset(p, 0, len);
		return;
	}
	if (w->writing)
		memcpy(w->f->payload + w->at, p, len);
	else
		memcpy(p, w->f->payload + w->at, len);
	w->at += len;
	if (w->writing)
		w->f->length = (u16)w->at;
}

static void number(struct wire *w, u64 *v, unsigned size)
{
	u8 raw[8];

	for (unsigned i = 0; i < size; i++)
		raw[i] = (u8)(*v >> 8 * i);
	bytes(w, raw, size);
	*v = 0;
	for (unsigned i = 0; i < size; i++)
		*v |= (u64)raw[i] << 8 * i;
}

/* An integer of any width, in as many bytes as it has. */
#define NUMBER(w, field)                                                                           \
	do {                                                                                       \
		u64 v_ = (field);                                                                  \
		number(w, &v_, sizeof(field));                                                     \
		(field) = (__typeof__(field))v_;                                                   \
	} while (0)

/* A text that is too long is cut: better than no message. */
static void text(struct wire *w, const char **s)
{
	u64 len = 0;

	if (w->writing) {
		const u32 room = FRAME_PAYLOAD_MAX - w->at;

		if (!*s)
			*s = "";
		while ((*s)[len])
			len++;
		len = MIN(len, room < 2 ? 0 : room - 2);
		number(w, &len, 2);
		bytes(w, (void *)(uintptr_t)*s, (u32)len);
		return;
	}
	number(w, &len, 2);
	*s = "";
	if (w->bad || len > w->f->length - w->at || w->text_used + len + 1 > sizeof(w->text)) {
		w->bad = true;
		return;
	}
	*s = w->text + w->text_used;
	bytes(w, w->text + w->text_used, (u32)len);
	w->text_used += (u32)len;
	w->text[w->text_used++] = '\0';
}

bool wire_hello(struct wire *w, struct wire_hello *m)
{
	NUMBER(w, m->version);
	text(w, &m->ringside);
	text(w, &m->arch);
	text(w, &m->machine);
	text(w, &m->clock);
	NUMBER(w, m->hz);
	NUMBER(w, m->error_ppm);
	text(w, &m->job);
	return !w->bad;
}

bool wire_job(struct wire *w, struct wire_job *m)
{
	NUMBER(w, m->number);
	NUMBER(w, m->kind);
	text(w, &m->uri);
	text(w, &m->device);
	text(w, &m->transport);
	NUMBER(w, m->features);
	NUMBER(w, m->queues);
	NUMBER(w, m->checks);
	NUMBER(w, m->first);
	return !w->bad;
}

bool wire_plan(struct wire *w, struct wire_plan *m)
{
	NUMBER(w, m->first);
	text(w, &m->ids);
	return !w->bad;
}

bool wire_start(struct wire *w, struct wire_start *m)
{
	NUMBER(w, m->index);
	return !w->bad;
}

bool wire_log(struct wire *w, struct wire_log *m)
{
	NUMBER(w, m->index);
	text(w, &m->line);
	return !w->bad;
}

bool wire_result(struct wire *w, struct wire_result *m)
{
	NUMBER(w, m->index);
	NUMBER(w, m->verdict);
	NUMBER(w, m->duration_ns);
	text(w, &m->clause);
	text(w, &m->reason);
	text(w, &m->expected);
	return !w->bad;
}

bool wire_bench(struct wire *w, struct wire_bench *m)
{
	NUMBER(w, m->type);
	NUMBER(w, m->block_size);
	NUMBER(w, m->depth);
	NUMBER(w, m->poll);
	NUMBER(w, m->sequential);
	NUMBER(w, m->event_idx);
	NUMBER(w, m->packed);
	NUMBER(w, m->in_order);
	NUMBER(w, m->indirect);
	NUMBER(w, m->batch);
	NUMBER(w, m->rate);
	NUMBER(w, m->requests);
	NUMBER(w, m->errors);
	NUMBER(w, m->first_bad);
	NUMBER(w, m->elapsed_ns);
	NUMBER(w, m->kicks);
	NUMBER(w, m->calls);
	NUMBER(w, m->sum);
	NUMBER(w, m->min);
	NUMBER(w, m->max);
	NUMBER(w, m->clamped);
	NUMBER(w, m->hz);
	NUMBER(w, m->error_ppm);
	NUMBER(w, m->notification_data);
	return !w->bad;
}

bool wire_hist(struct wire *w, struct wire_hist *m)
{
	NUMBER(w, m->count);
	if (m->count > WIRE_HIST_MAX)
		w->bad = true;
	for (u32 i = 0; !w->bad && i < m->count; i++) {
		NUMBER(w, m->bucket[i]);
		NUMBER(w, m->value[i]);
	}
	return !w->bad;
}

bool wire_raw(struct wire *w, struct wire_raw *m)
{
	NUMBER(w, m->count);
	if (m->count > WIRE_RAW_MAX)
		w->bad = true;
	for (u32 i = 0; !w->bad && i < m->count; i++) {
		NUMBER(w, m->start[i]);
		NUMBER(w, m->end[i]);
		NUMBER(w, m->kicked[i]);
		NUMBER(w, m->woken[i]);
	}
	return !w->bad;
}

bool wire_trace(struct wire *w, struct wire_trace *m)
{
	NUMBER(w, m->events);
	NUMBER(w, m->lost);
	NUMBER(w, m->hz);
	NUMBER(w, m->error_ppm);
	return !w->bad;
}

bool wire_events(struct wire *w, struct wire_events *m)
{
	NUMBER(w, m->queue);
	NUMBER(w, m->ticks);
	NUMBER(w, m->seq);
	NUMBER(w, m->count);
	if (m->count > WIRE_EVENTS_MAX)
		w->bad = true;
	for (u32 i = 0; !w->bad && i < m->count; i++) {
		NUMBER(w, m->kind[i]);
		NUMBER(w, m->ticks_by[i]);
		NUMBER(w, m->seq_by[i]);
		NUMBER(w, m->head[i]);
		NUMBER(w, m->len[i]);
	}
	return !w->bad;
}

/* Does the difference of two numbers fit into 32 bits, whichever is the larger one? */
static bool near(u64 a, u64 b)
{
	return a - b + 0x80000000u <= 0xffffffffu;
}

bool wire_events_add(struct wire_events *m, const struct trace_event *e)
{
	const bool counted = e->kind != TRACE_HANDLE;
	const u32 i = m->count;

	if (i == WIRE_EVENTS_MAX)
		return false;
	if (i == 0) {
		m->queue = e->queue;
		m->ticks = e->ticks;
		m->seq = e->seq;
	}
	if (e->queue != m->queue || !near(e->ticks, m->ticks) || (counted && !near(e->seq, m->seq)))
		return false;
	m->kind[i] = e->kind;
	m->ticks_by[i] = (u32)(e->ticks - m->ticks);
	m->seq_by[i] = counted ? (u32)(e->seq - m->seq) : 0;
	m->head[i] = e->head;
	m->len[i] = e->len;
	m->count++;
	return true;
}

/* The same sign in 64 bits. */
static u64 wide(u32 v)
{
	return (u64)(int64_t)(int32_t)v;
}

struct trace_event wire_events_get(const struct wire_events *m, u32 i)
{
	return (struct trace_event){
		.ticks = m->ticks + wide(m->ticks_by[i]),
		.seq = m->seq + wide(m->seq_by[i]),
		.len = m->len[i],
		.queue = m->queue,
		.head = m->head[i],
		.kind = m->kind[i],
		.cpu = 0xffff,
	};
}

bool wire_job_end(struct wire *w, struct wire_job_end *m)
{
	NUMBER(w, m->number);
	NUMBER(w, m->results);
	NUMBER(w, m->duration_ns);
	return !w->bad;
}

bool wire_figure(struct wire *w, struct wire_figure *m)
{
	text(w, &m->what);
	NUMBER(w, m->count);
	NUMBER(w, m->min);
	NUMBER(w, m->median);
	NUMBER(w, m->max);
	NUMBER(w, m->sum);
	return !w->bad;
}

bool wire_mark(struct wire *w, struct wire_mark *m)
{
	text(w, &m->what);
	NUMBER(w, m->ticks);
	return !w->bad;
}

bool wire_text(struct wire *w, struct wire_text *m)
{
	text(w, &m->text);
	return !w->bad;
}

bool wire_end(struct wire *w, struct wire_end *m)
{
	NUMBER(w, m->failed);
	NUMBER(w, m->frames);
	NUMBER(w, m->restart);
	NUMBER(w, m->number);
	NUMBER(w, m->next);
	return !w->bad;
}
