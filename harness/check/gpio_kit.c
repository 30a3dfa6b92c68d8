// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/gpio_kit.h"

#include <string.h>

#define SLOT	  64
#define AT_ANSWER 32 /* of a slot: after the message, with bytes between that nobody writes */
#define GUARD	  8

static bool config(struct ck *c, struct gk *k)
{
	struct virtio_gpio_config cfg;

	if (!ck_must(c, c->tp->ops->read_config(c->tp, 0, &cfg, sizeof(cfg)),
		     "reading the configuration"))
		return false;
	k->lines = le16(cfg.ngpio);
	k->names_size = le32(cfg.gpio_names_size);
	memcpy(k->padding, cfg.padding, sizeof(k->padding));
	return true;
}

bool gk_up(struct ck *c, struct gk *k, bool irq)
{
	*k = (struct gk){ 0 };
	if (irq && !(c->offered & GK_IRQ))
		return ck_error(c, "VIRTIO_GPIO_F_IRQ is not offered any more");
	return ck_negotiate(c, ck_ring_features() | (irq ? GK_IRQ : 0)) &&
	       ck_queue_start(c, GPIO_REQUESTQ, NULL) &&
	       (!irq || ck_queue_start(c, GPIO_EVENTQ, NULL)) &&
	       ck_alloc(c, GK_SLOTS * SLOT, 64, &k->area) &&
	       ck_alloc(c, GK_LOOK_AT * SLOT, 64, &k->events) && config(c, k) &&
	       ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") &&
	       (k->lines || ck_error(c, "the device says that it has no lines"));
}

static bool add(struct ck *c, struct gk *k, struct gk_msg *m, unsigned slot)
{
	u8 *at = k->area.hva + slot * SLOT;
	const struct gpa gpa = gpa_add(k->area.gpa, slot * SLOT);
	const struct vq_sg sg[] = { { gpa, GPIO_REQUEST },
				    { gpa_add(gpa, AT_ANSWER), GPIO_ANSWER } };

	memset(at, GK_UNSET, SLOT);
	memset(at + AT_ANSWER, m->unset ? m->unset : GK_UNSET, GPIO_ANSWER);
	gpio_message(at, m->type, m->line, m->value);
	return vq_add(&c->q[GPIO_REQUESTQ].vq, sg, 1, 1, m) >= 0 ||
	       ck_error(c, "the queue is full");
}

static bool take(struct ck *c, struct gk *k, struct gk_msg *m, unsigned slot)
{
	const u8 *answer = k->area.hva + slot * SLOT + AT_ANSWER;

	m->status = answer[0];
	m->out = answer[1];
	ck_log(c, "  message %u of line %u, value %u: status %u value %u", m->type, m->line,
	       m->value, m->status, m->out);
	if (ck_not_value(answer + GPIO_ANSWER, GUARD, GK_UNSET) < GUARD ||
	    ck_not_value(answer - GUARD, GUARD, GK_UNSET) < GUARD)
		return ck_error(c, "bytes outside of an answer were written");
	return true;
}

bool gk_run(struct ck *c, struct gk *k, struct gk_msg *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!add(c, k, &m[i], i))
			return false;
	if (!ck_publish(c, GPIO_REQUESTQ))
		return false;
	for (unsigned turn = 0; turn < n; turn++) {
		struct gk_msg *back;
		struct ck_used u;

		if (!ck_reap_of(c, GPIO_REQUESTQ, m, sizeof(*m), n, &u))
			return false;
		back = u.token;
		back->turn = turn;
		back->used_len = u.len;
	}
	for (unsigned i = 0; i < n; i++)
		if (!take(c, k, &m[i], i))
			return false;
	return true;
}

bool gk_do(struct ck *c, struct gk *k, u16 type, u16 line, u32 value, u8 *out)
{
	struct gk_msg m = { .type = type, .line = line, .value = value };

	if (!gk_run(c, k, &m, 1))
		return false;
	if (m.status != VIRTIO_GPIO_STATUS_OK)
		return ck_error(c, "message %u of line %u with value %u is answered with %u", type,
				line, value, m.status);
	if (out && m.used_len < sizeof(struct virtio_gpio_response))
		return ck_error(c, "the answer to message %u of line %u has %u bytes, and no value",
				type, line, m.used_len);
	if (out)
		*out = m.out;
	return true;
}

bool gk_output(struct ck *c, struct gk *k, u16 line, bool high)
{
	struct gk_msg out = { .type = VIRTIO_GPIO_MSG_SET_DIRECTION,
			      .line = line,
			      .value = VIRTIO_GPIO_DIRECTION_OUT };

	if (!gk_run(c, k, &out, 1))
		return false;
	if (out.status == VIRTIO_GPIO_STATUS_OK)
		return true;
	return gk_do(c, k, VIRTIO_GPIO_MSG_SET_DIRECTION, line, VIRTIO_GPIO_DIRECTION_NONE, NULL) &&
	       gk_do(c, k, VIRTIO_GPIO_MSG_SET_VALUE, line, high, NULL) &&
	       gk_do(c, k, VIRTIO_GPIO_MSG_SET_DIRECTION, line, VIRTIO_GPIO_DIRECTION_OUT, NULL);
}

/* --- pairs ------------------------------------------------------------------------------------------------ */

bool gk_drive(struct ck *c, struct gk *k, bool high)
{
	return gk_do(c, k, VIRTIO_GPIO_MSG_SET_VALUE, k->from, high, NULL);
}

bool gk_pulse(struct ck *c, struct gk *k)
{
	return gk_drive(c, k, true) && gk_drive(c, k, false);
}

/* Is `to` what `from` is? 1, 0, or -1: it is over. */
static int connected(struct ck *c, struct gk *k, u16 to)
{
	for (unsigned high = 0; high < 2; high++) {
		u8 seen;

		if (!gk_drive(c, k, !high) || !gk_do(c, k, VIRTIO_GPIO_MSG_GET_VALUE, to, 0, &seen))
			return -1;
		if (seen != !high)
			return 0;
	}
	return 1;
}

bool gk_pair(struct ck *c, struct gk *k)
{
	const u16 n = (u16)MIN((u32)k->lines, GK_LOOK_AT);

	for (u16 i = 0; i < n; i++)
		if (!gk_do(c, k, VIRTIO_GPIO_MSG_SET_DIRECTION, i, VIRTIO_GPIO_DIRECTION_IN, NULL))
			return false;
	for (k->from = 0; k->from < n; k->from++) {
		if (!gk_output(c, k, k->from, false))
			return false;
		for (k->to = 0; k->to < n; k->to++) {
			int rc = k->to == k->from ? 0 : connected(c, k, k->to);

			if (rc)
				return rc > 0;
		}
		if (!gk_do(c, k, VIRTIO_GPIO_MSG_SET_DIRECTION, k->from, VIRTIO_GPIO_DIRECTION_IN,
			   NULL))
			return false;
	}
	return ck_skip(c, "no two of its lines are connected to each other");
}

/* --- interrupts -------------------------------------------------------------------------------------------- */

int gk_try_irq(struct ck *c, struct gk *k, u16 line, u8 type)
{
	struct gk_msg m = { .type = VIRTIO_GPIO_MSG_IRQ_TYPE, .line = line, .value = type };

	if (!gk_do(c, k, VIRTIO_GPIO_MSG_SET_DIRECTION, line, VIRTIO_GPIO_DIRECTION_IN, NULL) ||
	    !gk_run(c, k, &m, 1))
		return -1;
	return m.status == VIRTIO_GPIO_STATUS_OK;
}

bool gk_irq(struct ck *c, struct gk *k, u16 line, u8 type)
{
	const int rc = gk_try_irq(c, k, line, type);

	if (rc == 0 && type & (VIRTIO_GPIO_IRQ_TYPE_LEVEL_HIGH | VIRTIO_GPIO_IRQ_TYPE_LEVEL_LOW))
		return ck_skip(c, "it refuses interrupts of a level");
	if (rc == 0)
		ck_error(c, "interrupt type %u of line %u is refused", type, line);
	return rc > 0;
}

bool gk_unmask(struct ck *c, struct gk *k, u16 line)
{
	const u32 at = (line % GK_LOOK_AT) * SLOT;
	const struct gpa gpa = gpa_add(k->events.gpa, at);
	const struct vq_sg sg[] = { { gpa, GPIO_EVENT }, { gpa_add(gpa, GPIO_EVENT), 1 } };

	gpio_event(k->events.hva + at, line);
	ck_log(c, "  line %u is unmasked", line);
	if (vq_add(&c->q[GPIO_EVENTQ].vq, sg, 1, 1, k->events.hva + at) < 0)
		return ck_error(c, "the event queue is full");
	return ck_publish(c, GPIO_EVENTQ);
}

int gk_event(struct ck *c, struct gk *k, u16 *line, u8 *status)
{
	struct ck_used u;
	const u8 *at;

	if (!ck_reap(c, GPIO_EVENTQ, &u))
		return 0;
	if (u.head < 0) {
		ck_error(c, "a buffer that is not outstanding came back");
		return -1;
	}
	at = u.token;
	*line = (u16)(at[0] | at[1] << 8);
	*status = at[GPIO_EVENT];
	ck_log(c, "  the buffer of line %u came back with status %u", *line, *status);
	return 1;
}

bool gk_must_come(struct ck *c, struct gk *k, u16 line, u8 status, const char *clause,
		  const char *when)
{
	u16 its;
	u8 got;
	int rc = gk_event(c, k, &its, &got);

	if (rc < 0)
		return false;
	if (!rc)
		return ck_fail(c, clause,
			       status ? "the buffer comes back, VALID"
				      : "the buffer comes back, INVALID",
			       "%s it does not within %u ms", when, c->tp->timeout_ms);
	return (its == line && got == status) ||
	       ck_fail(c, clause,
		       status ? "the buffer comes back, VALID" : "the buffer comes back, INVALID",
		       "%s that of line %u comes back with status %u", when, its, got);
}

bool gk_must_not_come(struct ck *c, struct gk *k, const char *clause, const char *when)
{
	u16 line;
	u8 status;

	ck_quiet(c);
	if (!vq_used_pending(&c->q[GPIO_EVENTQ].vq))
		return true;
	if (gk_event(c, k, &line, &status) < 0)
		return false;
	/* INVALID says that there was none. */
	return status == VIRTIO_GPIO_IRQ_STATUS_INVALID ||
	       ck_fail(c, clause, "no interrupt",
		       "%s the buffer of line %u comes back with status %u", when, line, status);
}

/* --- afterwards ---------------------------------------------------------------------------------------------- */

bool gk_alive(struct ck *c, struct gk *k, const char *clause, const char *after)
{
	struct gk_msg m = { .type = VIRTIO_GPIO_MSG_GET_DIRECTION };
	struct ck_used u;

	if (!add(c, k, &m, 0) || !ck_publish(c, GPIO_REQUESTQ))
		return false;
	/* What did not come back when it was asked for may come now. */
	do {
		if (!ck_reap(c, GPIO_REQUESTQ, &u))
			return ck_fail(c, clause, "a good message afterwards is answered",
				       "after %s it does not come back within %u ms", after,
				       c->tp->timeout_ms);
	} while (u.head >= 0 && u.token != &m);
	if (u.head < 0)
		return ck_error(c, "a buffer that is not outstanding came back");
	return take(c, k, &m, 0) && (m.status == VIRTIO_GPIO_STATUS_OK ||
				     ck_fail(c, clause, "a good message afterwards is obeyed",
					     "after %s its status is %u", after, m.status));
}
