// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/ride.h"

#include <string.h>

bool ride_make(struct ck *c, struct ride *r)
{
	const struct vehicle *v = vehicle_with_data(c->device);
	struct tp_buf area;
	u32 at = 0, len[RIDE_PARTS];

	*r = (struct ride){ .v = v };
	if (!v)
		return ck_skip(c, "no request of this type of device is known");
	if (!ck_alloc(c, v->readable + v->writable, 64, &area))
		return false;
	len[RIDE_OUT] = v->readable;
	len[RIDE_IN] = v->writable - v->tail;
	len[RIDE_TAIL] = v->tail;
	for (unsigned i = 0; i < RIDE_PARTS; at += len[i], i++)
		r->part[i] = (struct tp_buf){ area.hva + at, gpa_add(area.gpa, at), len[i] };
	return true;
}

void ride_prepare(struct ck *c, struct ride *r)
{
	u8 readable[VEHICLE_BYTES_MAX] = { 0 };

	if (r->v->fill)
		r->v->fill(readable, c->requests);
	c->requests++;
	memcpy(r->part[RIDE_OUT].hva, readable, r->part[RIDE_OUT].len);
	memset(r->part[RIDE_IN].hva, VEHICLE_UNSET, r->part[RIDE_IN].len);
	memset(r->part[RIDE_TAIL].hva, VEHICLE_UNSET, r->part[RIDE_TAIL].len);
}

void ride_cut(const struct ride *r, struct vq_sg sg[RIDE_PARTS], unsigned *out, unsigned *in)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RIDE_PARTS; i++)
		if (r->part[i].len)
			sg[n++] = (struct vq_sg){ r->part[i].gpa, r->part[i].len };
	*out = r->part[RIDE_OUT].len != 0;
	*in = n - *out;
}

unsigned ride_pieces(const struct ride *r)
{
	struct vq_sg sg[RIDE_PARTS];
	unsigned out, in;

	ride_cut(r, sg, &out, &in);
	return out + in;
}

u32 ride_readable(const struct ride *r, u8 *to)
{
	memcpy(to, r->part[RIDE_OUT].hva, r->part[RIDE_OUT].len);
	return r->part[RIDE_OUT].len;
}

u32 ride_writable(const struct ride *r, u8 *to)
{
	const struct tp_buf *in = &r->part[RIDE_IN], *tail = &r->part[RIDE_TAIL];

	memcpy(to, in->hva, in->len);
	memcpy(to + in->len, tail->hva, tail->len);
	return in->len + tail->len;
}

bool ride_answered(const struct ride *r)
{
	u8 readable[VEHICLE_BYTES_MAX], writable[VEHICLE_BYTES_MAX];

	ride_readable(r, readable);
	ride_writable(r, writable);
	return vehicle_answered(r->v, readable, writable);
}

bool ride_touched(const struct ride *r)
{
	for (unsigned i = RIDE_IN; i < RIDE_PARTS; i++)
		if (ck_not_value(r->part[i].hva, r->part[i].len, VEHICLE_UNSET) != r->part[i].len)
			return true;
	return false;
}

static int added(struct ck *c, unsigned q, const struct ride *r, int head, unsigned out,
		 unsigned in, const char *how)
{
	if (head < 0)
		ck_error(c, "queue %u has no room for a chain of %u", q, out + in);
	else
		ck_log(c, "  q%u head %d: %s, %u readable + %u writable%s", q, head, r->v->name,
		       out, in, how);
	return head;
}

int ride_add(struct ck *c, unsigned q, struct ride *r)
{
	struct vq_sg sg[RIDE_PARTS];
	unsigned out, in;

	ride_prepare(c, r);
	ride_cut(r, sg, &out, &in);
	return added(c, q, r, vq_add(&c->q[q].vq, sg, out, in, r), out, in, "");
}

int ride_add_indirect(struct ck *c, unsigned q, struct ride *r)
{
	struct vq_sg sg[RIDE_PARTS];
	struct tp_buf table;
	unsigned out, in;

	ride_prepare(c, r);
	ride_cut(r, sg, &out, &in);
	if (!ck_alloc(c, (out + in) * (u32)sizeof(struct vring_desc), 16, &table))
		return VQ_EMPTY;
	return added(c, q, r, vq_add_indirect(&c->q[q].vq, table.hva, table.gpa, sg, out, in, r),
		     out, in, ", indirect");
}

bool ride_do(struct ck *c, unsigned q, struct ride *r, const char *clause)
{
	struct ck_used u;

	if (ride_add(c, q, r) < 0 || !ck_publish(c, q))
		return false;
	if (!ck_reap(c, q, &u)) {
		if (clause)
			return ck_fail(c, clause, "the request comes back in the used ring",
				       "%s not used within %u ms", r->v->name, c->tp->timeout_ms);
		return ck_error(c, "%s not used within %u ms", r->v->name, c->tp->timeout_ms);
	}
	if (u.head == VQ_BADID || u.token != r) {
		if (clause)
			return ck_fail(c, clause, "the head that was made available comes back",
				       "used element with id %u", u.id);
		return ck_error(c, "used element with id %u is not the head made available", u.id);
	}
	if (ride_answered(r))
		return true;
	if (clause)
		return ck_fail(c, clause, "a good request is answered",
			       "%s came back without a good answer", r->v->name);
	return ck_error(c, "%s came back without a good answer", r->v->name);
}

bool ride_ok(struct ck *c, unsigned q, struct ride *r)
{
	return ride_do(c, q, r, NULL);
}

bool ride_alive(struct ck *c, unsigned q, const char *clause)
{
	struct ride r;

	ck_log(c, "  a good request:");
	return ride_make(c, &r) && ride_do(c, q, &r, clause);
}

bool ride_alive_after_reopen(struct ck *c, const char *clause)
{
	int rc;

	ck_log(c, "  a new session:");
	c->tp->ops->close(c->tp);
	rc = c->tp->ops->open(c->tp);
	if (rc != TP_OK)
		return ck_fail(c, clause, "a new session can be opened", "%s", c->tp->error);
	return ck_open(c) && ck_start(c, ck_ring_features()) && ride_alive(c, 0, clause);
}

/* Of the second: what it is may be part of its answer, as the first's number is. */
#define FAR_NUMBER 0x5555555555555555

bool ride_learn(struct ck *c, unsigned q, struct ride *r, struct ride_answer *a)
{
	u8 byte[VEHICLE_BYTES_MAX];
	u64 next;

	/* The first of a session may be another one than those behind it. */
	if (!c->requests && !ride_ok(c, q, r))
		return false;
	if (!ride_ok(c, q, r))
		return false;
	a->len = ride_writable(r, a->byte);
	next = c->requests;
	c->requests = FAR_NUMBER;
	if (!ride_ok(c, q, r))
		return false;
	c->requests = next;
	ride_writable(r, byte);
	for (u32 i = 0; i < a->len; i++)
		a->stable[i] = !r->v->varies && byte[i] == a->byte[i];
	return true;
}

u32 ride_differs(const struct ride *r, const struct ride_answer *a)
{
	u8 byte[VEHICLE_BYTES_MAX];
	u32 at = 0;

	ride_writable(r, byte);
	while (at < a->len && (!a->stable[at] || byte[at] == a->byte[at]))
		at++;
	return at;
}
