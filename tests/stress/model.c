// SPDX-License-Identifier: BSD-3-Clause
#include "tests/stress/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Several of each, as often as they are to be drawn. */
enum what {
	ADD,
	PUBLISH,
	FETCH,
	PUSH,
	REAP,
	DRIVER_SLEEPS,
	DRIVER_POLLS,
	DEVICE_SLEEPS,
	DEVICE_POLLS,
	PUSH_BATCH,
	RESET,
	WHATS,
};

static const struct {
	const char *name;
	u16 weight;
} whats[WHATS] = {
	[ADD] = { "add", 64 },
	[PUBLISH] = { "publish, notify if due", 40 },
	[FETCH] = { "device fetches", 64 },
	[PUSH] = { "device returns, notifies if due", 64 },
	[REAP] = { "reap", 64 },
	[DRIVER_SLEEPS] = { "driver asks for notifications", 24 },
	[DRIVER_POLLS] = { "driver asks for none", 8 },
	[DEVICE_SLEEPS] = { "device asks for notifications", 24 },
	[DEVICE_POLLS] = { "device asks for none", 8 },
	[PUSH_BATCH] = { "device returns all by one entry, notifies if due", 24 },
	[RESET] = { "queue reset", 1 },
};

struct buffer {
	struct vq_sg sg[PAIR_SEGS];
	unsigned out, in;
	u32 slots;
	u32 len; /* as the device returned it */
	struct pair_chain chain;
};

/* Buffers in order; never more than the ring has entries. */
struct list {
	struct buffer **at;
	u32 count;
};

struct model {
	const struct pair_shape *shape;
	enum model_mistake mistake;
	struct pair *pair;
	struct buffer *buffers; /* one per entry */
	struct list idle, added, shown, fetched, used;
	u32 free; /* entries */
	u64 next_data;
	u32 serial; /* counts for "now and then" */
	/* Somebody sleeps and counts on being told. */
	bool driver_sleeps, device_sleeps;
	/* Somebody said that he wants nothing, in a way that leaves no doubt. */
	bool driver_silent, device_silent;
	struct model_result *r;
};

static bool failed(const struct model *m)
{
	return m->r->failure[0] != '\0';
}

__attribute__((format(printf, 2, 3))) static void fail(struct model *m, const char *fmt, ...)
{
	va_list ap;

	if (failed(m))
		return;
	va_start(ap, fmt);
	vsnprintf(m->r->failure, sizeof(m->r->failure), fmt, ap);
	va_end(ap);
}

/* Both are told of everything from the start, unless they say something else. */
static void begin(struct model *m)
{
	m->driver_sleeps = true;
	m->device_sleeps = !pair_kick_enable(m->pair);
	m->driver_silent = m->device_silent = false;
}

static void append(struct list *l, struct buffer *b)
{
	l->at[l->count++] = b;
}

static struct buffer *take(struct list *l, u32 i)
{
	struct buffer *b = l->at[i];

	l->count--;
	memmove(&l->at[i], &l->at[i + 1], (l->count - i) * sizeof(*l->at));
	return b;
}

static bool now_and_then(struct model *m, enum model_mistake mistake)
{
	return m->mistake == mistake && ++m->serial % 16 == 0;
}

static void add(struct model *m, const struct model_op *op)
{
	const bool indirect = op->b & 1;
	struct buffer *b;
	int rc;

	if (!m->idle.count)
		return;
	b = m->idle.at[0];
	b->out = op->a % 4;
	b->in = op->a / 4 % 5;
	if (b->out + b->in == 0)
		b->in = 1;
	b->slots = indirect ? 1 : b->out + b->in;
	for (unsigned i = 0; i < b->out + b->in; i++) {
		b->sg[i] = (struct vq_sg){ { PAIR_DATA + m->next_data }, 1u + op->b + i };
		m->next_data += 0x1000;
	}
	rc = pair_add(m->pair, b->sg, b->out, b->in, indirect, b);
	if ((rc >= 0) != (b->slots <= m->free)) {
		fail(m, "a buffer of %u entries, %u free: %s", b->slots, m->free,
		     rc >= 0 ? "taken" : "refused");
	} else if (rc >= 0) {
		m->free -= b->slots;
		append(&m->added, take(&m->idle, 0));
	}
}

static void publish(struct model *m)
{
	const u32 n = m->added.count;
	bool due;

	pair_publish(m->pair);
	while (m->added.count)
		append(&m->shown, take(&m->added, 0));
	due = pair_kick_due(m->pair);
	if (now_and_then(m, MISTAKE_NO_KICK))
		due = false;
	if (n && m->device_sleeps && !due)
		fail(m, "%u buffers shown to a device that sleeps, and it is not notified", n);
	if (n && m->device_silent && due)
		fail(m, "a device that asks for no notifications gets one");
	/* Whoever is told wakes up, and with the event index asks anew before it sleeps again. */
	if (n && due && m->shape->event_idx)
		m->device_sleeps = false;
}

static void fetch(struct model *m)
{
	struct pair_chain c;
	struct buffer *b;
	int rc = pair_fetch(m->pair, &c);

	if (rc < 0) {
		fail(m, "the device finds a broken ring or chain");
		return;
	}
	if (rc != (m->shown.count > 0)) {
		fail(m, "%u buffers are available, the device finds %s", m->shown.count,
		     rc ? "one" : "none");
		return;
	}
	if (!rc)
		return;
	b = take(&m->shown, 0);
	if (now_and_then(m, MISTAKE_LAST_PIECE))
		c.in -= c.in > 0;
	if (c.out != b->out || c.in != b->in || !pair_same_pieces(c.sg, b->sg, c.out + c.in))
		fail(m, "a buffer of %u+%u pieces was made available, the device finds %u+%u",
		     b->out, b->in, c.out, c.in);
	b->chain = c;
	append(&m->fetched, b);
}

static void notify(struct model *m)
{
	bool due = pair_notify_due(m->pair);

	if (now_and_then(m, MISTAKE_NO_CALL))
		due = false;
	if (m->driver_sleeps && !due)
		fail(m, "a buffer is returned to a driver that sleeps, and it is not notified");
	if (m->driver_silent && due)
		fail(m, "a driver that asks for no notifications gets one");
	if (due && m->shape->event_idx)
		m->driver_sleeps = false;
}

static void push(struct model *m, const struct model_op *op)
{
	struct buffer *b;

	if (!m->fetched.count)
		return;
	b = take(&m->fetched, m->shape->in_order ? 0 : op->a % m->fetched.count);
	b->len = b->in ? 1u + op->b : 0;
	if (!now_and_then(m, MISTAKE_LOST))
		pair_push(m->pair, &b->chain, b->len + (now_and_then(m, MISTAKE_LENGTH) ? 1 : 0));
	if (now_and_then(m, MISTAKE_TWICE))
		pair_push(m->pair, &b->chain, b->len);
	append(&m->used, b);
	notify(m);
}

/* With IN_ORDER: some of those fetched by the entry of the last. What the others hold is not told. */
static void push_batch(struct model *m, const struct model_op *op)
{
	struct pair_chain chains[256];
	struct buffer *b = NULL;
	u32 n = 0, count;

	if (!m->shape->in_order || !m->fetched.count)
		return;
	count = 1 + op->a % MIN(m->fetched.count, ARRAY_SIZE(chains));
	while (n < count) {
		b = take(&m->fetched, 0);
		b->len = 0;
		for (unsigned i = b->out; i < b->out + b->in; i++)
			b->len += b->sg[i].len;
		chains[n++] = b->chain;
		append(&m->used, b);
	}
	b->len = b->in ? 1u + op->b : 0;
	pair_stage_batch(m->pair, chains, n, b->len);
	pair_flush(m->pair);
	notify(m);
}

/* Whatever was under way is not any more. */
static void reset(struct model *m)
{
	struct list *lists[] = { &m->added, &m->shown, &m->fetched, &m->used };

	pair_reset(m->pair);
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
		while (lists[i]->count)
			append(&m->idle, take(lists[i], 0));
	m->free = m->shape->size;
	begin(m);
}

static void reap(struct model *m)
{
	void *token = NULL;
	struct buffer *b;
	u32 len = 0;
	int rc = pair_reap(m->pair, &len, &token);

	if (rc == VQ_BADID) {
		fail(m, "the driver is given a buffer that is not outstanding");
		return;
	}
	if ((rc >= 0) != (m->used.count > 0)) {
		fail(m, "%u buffers are used, the driver finds %s", m->used.count,
		     rc >= 0 ? "one" : "none");
		return;
	}
	if (rc < 0)
		return;
	b = take(&m->used, 0);
	if (token != b)
		fail(m, "another buffer than the one used first");
	else if (len != b->len)
		fail(m, "a used length of %u where the device said %u", len, b->len);
	m->free += b->slots;
	m->r->buffers++;
	append(&m->idle, b);
}

static void driver_sleeps(struct model *m)
{
	const bool missed = pair_enable_calls(m->pair);

	if (missed != (m->used.count > 0))
		fail(m, "before sleeping the driver sees %s, %u buffers are used",
		     missed ? "something" : "nothing", m->used.count);
	m->driver_sleeps = !missed;
	m->driver_silent = false;
}

static void device_sleeps(struct model *m)
{
	const bool missed = pair_kick_enable(m->pair);

	if (missed != (m->shown.count > 0))
		fail(m, "before sleeping the device sees %s, %u buffers are available",
		     missed ? "something" : "nothing", m->shown.count);
	m->device_sleeps = !missed;
	m->device_silent = false;
}

static void driver_polls(struct model *m)
{
	pair_disable_calls(m->pair);
	m->driver_sleeps = false;
	m->driver_silent = true;
}

static void device_polls(struct model *m)
{
	pair_kick_disable(m->pair);
	m->device_sleeps = false;
	/* The split ring has no word for it with the event index: what was asked for last holds. */
	m->device_silent = m->shape->packed || !m->shape->event_idx;
}

static enum what what_of(const struct model_op *op)
{
	unsigned sum = 0, at;

	for (unsigned i = 0; i < WHATS; i++)
		sum += whats[i].weight;
	at = (op->what | (unsigned)op->c << 8) % sum;
	for (unsigned i = 0; i < WHATS; i++) {
		if (at < whats[i].weight)
			return (enum what)i;
		at -= whats[i].weight;
	}
	return ADD;
}

static void step(struct model *m, const struct model_op *op)
{
	switch (what_of(op)) {
	case ADD:
		add(m, op);
		break;
	case PUBLISH:
		publish(m);
		break;
	case FETCH:
		fetch(m);
		break;
	case PUSH:
		push(m, op);
		break;
	case REAP:
		reap(m);
		break;
	case DRIVER_SLEEPS:
		driver_sleeps(m);
		break;
	case DRIVER_POLLS:
		driver_polls(m);
		break;
	case DEVICE_SLEEPS:
		device_sleeps(m);
		break;
	case DEVICE_POLLS:
		device_polls(m);
		break;
	case PUSH_BATCH:
		push_batch(m, op);
		break;
	case RESET:
	default:
		reset(m);
		break;
	}
	m->r->ops++;
}

/* Everything comes back. */
static void drain(struct model *m)
{
	const struct model_op op = { 0 };

	publish(m);
	while (!failed(m) && m->shown.count)
		fetch(m);
	while (!failed(m) && m->fetched.count)
		push(m, &op);
	while (!failed(m) && m->used.count)
		reap(m);
	if (failed(m))
		return;
	fetch(m);
	reap(m);
	if (!failed(m) && m->free != m->shape->size)
		fail(m, "%u of %u entries are free in the end", m->free, m->shape->size);
}

static bool set_up(struct model *m)
{
	const u32 size = m->shape->size;
	struct list *lists[] = { &m->idle, &m->added, &m->shown, &m->fetched, &m->used };
	bool ok;

	m->pair = pair_make(m->shape);
	m->buffers = calloc(size, sizeof(*m->buffers));
	ok = m->pair && m->buffers;
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
		ok = (lists[i]->at = calloc(size, sizeof(struct buffer *))) && ok;
	m->free = size;
	for (u32 i = 0; ok && i < size; i++)
		append(&m->idle, &m->buffers[i]);
	if (ok)
		begin(m);
	return ok;
}

void model_run(const struct pair_shape *shape, enum model_mistake mistake,
	       const struct model_op *ops, u64 count, struct model_result *r)
{
	struct model m = { .shape = shape, .mistake = mistake, .r = r };

	*r = (struct model_result){ 0 };
	if (!set_up(&m))
		fail(&m, "no memory");
	for (u64 i = 0; i < count && !failed(&m); i++) {
		r->at = i;
		step(&m, &ops[i]);
	}
	if (!failed(&m)) {
		r->at = count;
		drain(&m);
	}
	pair_free(m.pair);
	free(m.buffers);
	free(m.idle.at);
	free(m.added.at);
	free(m.shown.at);
	free(m.fetched.at);
	free(m.used.at);
}

u64 model_shrink(const struct pair_shape *shape, enum model_mistake mistake, struct model_op *ops,
		 u64 count)
{
	struct model_op *without = calloc(count, sizeof(*ops));
	struct model_result r;

	for (u64 cut = count / 2; without && cut > 0;) {
		bool less = false;

		for (u64 at = 0; at + cut <= count;) {
			memcpy(without, ops, at * sizeof(*ops));
			memcpy(without + at, ops + at + cut, (count - at - cut) * sizeof(*ops));
			model_run(shape, mistake, without, count - cut, &r);
			if (r.failure[0]) {
				count -= cut;
				memcpy(ops, without, count * sizeof(*ops));
				less = true;
			} else {
				at += cut;
			}
		}
		/* Once more with the same length only at the end, where one removal opens up another. */
		if (!less || cut > 1)
			cut /= 2;
	}
	free(without);
	return count;
}

void model_op_text(const struct model_op *op, char *text, size_t room)
{
	const enum what w = what_of(op);
	unsigned out = op->a % 4, in = op->a / 4 % 5;

	if (w == ADD)
		snprintf(text, room, "add %u+%u%s", out, out + in ? in : 1,
			 op->b & 1 ? " indirect" : "");
	else if (w == PUSH)
		snprintf(text, room, "%s (#%u, %u bytes)", whats[w].name, op->a, 1u + op->b);
	else
		snprintf(text, room, "%s", whats[w].name);
}
