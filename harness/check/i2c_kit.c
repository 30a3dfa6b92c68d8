// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/i2c_kit.h"

#include <string.h>

/* A slot: header, message and status, with bytes between them that nobody is to write. */
#define GUARD	  32
#define AT_DATA	  64
#define AT_STATUS (AT_DATA + IK_DATA + GUARD)
#define SLOT	  1024

#define ADDR_MIN   0x08
#define ADDR_END   0x78
#define MEMORY_MIN 0x50
#define MEMORY_END 0x58
#define PAGE	   8 /* the smallest there is */

static struct tp_buf part(const struct ik *k, unsigned slot, u32 at, u32 len)
{
	at += slot * SLOT;
	return (struct tp_buf){ k->area.hva + at, gpa_add(k->area.gpa, at), len };
}

bool ik_start(struct ck *c, struct ik *k)
{
	*k = (struct ik){ 0 };
	return ck_start(c, ck_ring_features() | BIT_ULL(VIRTIO_I2C_F_ZERO_LENGTH_REQUEST)) &&
	       ck_alloc(c, IK_SLOTS * SLOT, 64, &k->area) &&
	       ck_alloc(c, IK_SLOTS * IK_TABLE * VQ_TABLE_ENTRY, 64, &k->tables);
}

/* QEMU gives its adapter a queue of four entries: then each message needs a table. */
unsigned ik_room(const struct ck *c, unsigned want)
{
	const unsigned size = vq_size(&c->q[0].vq);

	return MIN(want, ck_has(c, VIRTIO_RING_F_INDIRECT_DESC) ? size : size / I2C_PARTS);
}

bool ik_add(struct ck *c, struct ik *k, unsigned i, const struct vq_sg *sg, unsigned out,
	    unsigned in, bool table, void *token)
{
	const u32 at = i * IK_TABLE * VQ_TABLE_ENTRY;
	struct vq *vq = &c->q[0].vq;
	int rc;

	if (table && ck_has(c, VIRTIO_RING_F_INDIRECT_DESC))
		rc = vq_add_indirect(vq, k->tables.hva + at, gpa_add(k->tables.gpa, at), sg, out,
				     in, token);
	else
		rc = vq_add(vq, sg, out, in, token);
	return rc >= 0 || ck_error(c, "%u descriptors are more than a queue of %u has room for",
				   out + in, vq_size(vq));
}

void ik_prepare(struct ik *k, struct ik_msg *m, unsigned i, struct vq_sg sg[I2C_PARTS],
		unsigned *out, unsigned *in)
{
	const u8 unset = m->unset ? m->unset : IK_UNSET;

	memset(k->area.hva + i * SLOT, IK_UNSET, SLOT);
	m->req = (struct i2c_req){
		.addr = m->addr,
		.read = m->read,
		.next = m->next,
		.hdr = part(k, i, 0, I2C_HEADER),
		.data = part(k, i, AT_DATA, m->len),
		.status = part(k, i, AT_STATUS, 1),
	};
	if (m->read)
		memset(m->req.data.hva, unset, m->len);
	else if (m->len)
		memcpy(m->req.data.hva, m->out, m->len);
	i2c_prepare(&m->req, sg, out, in);
}

static bool guards(struct ck *c, const struct ik_msg *m)
{
	const u8 *data = m->req.data.hva, *status = m->req.status.hva;

	if (ck_not_value(data - GUARD, GUARD, IK_UNSET) < GUARD ||
	    ck_not_value(data + m->len, GUARD, IK_UNSET) < GUARD ||
	    ck_not_value(status + 1, GUARD, IK_UNSET) < GUARD)
		return ck_error(c, "bytes outside of a message were written");
	return true;
}

bool ik_run(struct ck *c, struct ik *k, struct ik_msg *m, unsigned n)
{
	const bool tables = n * I2C_PARTS > vq_size(&c->q[0].vq);

	for (unsigned i = 0; i < n; i++) {
		struct vq_sg sg[I2C_PARTS];
		unsigned out, in;

		ik_prepare(k, &m[i], i, sg, &out, &in);
		if (!ik_add(c, k, i, sg, out, in, tables, &m[i]))
			return false;
	}
	if (!ck_publish(c, 0))
		return false;
	for (unsigned turn = 0; turn < n; turn++) {
		struct ck_used u;
		struct ik_msg *back;

		if (!ck_reap_of(c, 0, m, sizeof(*m), n, &u))
			return false;
		back = u.token;
		back->turn = turn;
		back->used_len = u.len;
		back->status = back->req.status.hva[0];
	}
	for (unsigned i = 0; i < n; i++) {
		ck_log(c, "  0x%02x %s %u bytes%s: status %u", m[i].addr,
		       m[i].read ? "read" : "write", m[i].len, m[i].next ? ", more" : "",
		       m[i].status);
		if (!guards(c, &m[i]))
			return false;
	}
	return true;
}

bool ik_must(struct ck *c, const struct ik_msg *m, const char *what)
{
	return m->status == VIRTIO_I2C_MSG_OK || ck_error(c, "%s: status %u", what, m->status);
}

/* Look at addresses from..to - 1, as long as there is something to be found. */
static bool look(struct ck *c, struct ik *k, u8 from, u8 to)
{
	for (u8 addr = from; addr < to && !(k->chip && k->absent); addr++) {
		struct ik_msg m = { .addr = addr, .read = true, .len = 1 };

		if (!ik_run(c, k, &m, 1))
			return false;
		if (m.status == VIRTIO_I2C_MSG_OK && !k->chip)
			k->chip = addr;
		if (m.status == VIRTIO_I2C_MSG_ERR && !k->absent)
			k->absent = addr;
	}
	return true;
}

bool ik_up(struct ck *c, struct ik *k)
{
	if (!ik_start(c, k))
		return false;
	/* An EEPROM that was written to right before does not answer: then once more. */
	for (unsigned again = 0; again < 2 && !k->chip; again++) {
		if (again)
			ck_quiet(c);
		/* Where sensors and EEPROMs are, first: one of them is on most boards. */
		if (!look(c, k, 0x48, MEMORY_END) || !look(c, k, ADDR_MIN, ADDR_END))
			return false;
	}
	if (!k->chip)
		return ck_skip(c, "no chip answers on this bus");
	if (!k->absent)
		return ck_skip(c, "a chip answers at every address of this bus");
	return true;
}

/* --- EEPROM ------------------------------------------------------------------------------------------------- */

u32 ik_place(const struct ik *k, u32 at, u8 *to)
{
	if (k->addr_bytes == 2)
		to[0] = (u8)(at >> 8);
	to[k->addr_bytes - 1] = (u8)at;
	return k->addr_bytes;
}

bool ik_settle(struct ck *c, struct ik *k)
{
	const u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	/* It does not answer while it writes; nobody knows for how long. */
	for (;;) {
		struct ik_msg m = { .addr = k->memory, .read = true, .len = 1 };

		if (!ik_run(c, k, &m, 1))
			return false;
		if (m.status == VIRTIO_I2C_MSG_OK)
			return true;
		if (tp_late(c->tp, end))
			return ck_error(c, "the chip at 0x%02x does not answer any more",
					k->memory);
	}
}

bool ik_write(struct ck *c, struct ik *k, u32 at, const u8 *bytes, u32 len)
{
	u8 out[2 + 16];
	struct ik_msg m = { .addr = k->memory, .out = out };

	m.len = ik_place(k, at, out) + len;
	memcpy(out + m.len - len, bytes, len);
	return ik_run(c, k, &m, 1) && ik_must(c, &m, "writing to the EEPROM") && ik_settle(c, k);
}

bool ik_read(struct ck *c, struct ik *k, u32 at, u8 *bytes, u32 len)
{
	u8 place[2];
	struct ik_msg m[] = {
		{ .addr = k->memory, .out = place, .next = true },
		{ .addr = k->memory, .read = true, .len = len },
	};

	m[0].len = ik_place(k, at, place);
	if (!ik_run(c, k, m, 2) || !ik_must(c, &m[0], "addressing the EEPROM") ||
	    !ik_must(c, &m[1], "reading the EEPROM"))
		return false;
	memcpy(bytes, m[1].req.data.hva, len);
	return true;
}

/* Does what is written there with addresses of so many bytes stay? 1, 0, or -1: it is over. */
static int keeps(struct ck *c, struct ik *k, u8 addr_bytes)
{
	u8 bytes[PAGE / 2], got[PAGE / 2];

	k->addr_bytes = addr_bytes;
	ck_fill(bytes, sizeof(bytes), ck_random(c));
	if (!ik_write(c, k, 0, bytes, sizeof(bytes)) || !ik_read(c, k, 0, got, sizeof(got)))
		return -1;
	return memcmp(bytes, got, sizeof(bytes)) == 0;
}

/* Is there one? 1, 0, or -1: it is over. */
static int find_memory(struct ck *c, struct ik *k)
{
	for (u8 addr = MEMORY_MIN; addr < MEMORY_END; addr++) {
		struct ik_msg m = { .addr = addr, .read = true, .len = 1 };

		if (!ik_run(c, k, &m, 1))
			return -1;
		k->memory = addr;
		for (u8 n = 1; n <= 2 && m.status == VIRTIO_I2C_MSG_OK; n++) {
			int kept = keeps(c, k, n);

			if (kept)
				return kept;
		}
	}
	return 0;
}

bool ik_memory(struct ck *c, struct ik *k)
{
	int found = find_memory(c, k);

	if (found == 0) {
		ck_quiet(c);
		found = find_memory(c, k);
	}
	if (found == 0)
		ck_skip(c, "no EEPROM of the 24C family at 0x50 to 0x57");
	return found > 0;
}

/* --- afterwards --------------------------------------------------------------------------------------------- */

/* One good read: 1 it has status 0, 0 another one, -1 it is over. */
static int good(struct ck *c, struct ik *k, const char *clause, const char *after)
{
	struct ik_msg m = { .addr = k->chip, .read = true, .len = 1 };
	struct vq_sg sg[I2C_PARTS];
	unsigned out, in;
	struct ck_used u;

	ik_prepare(k, &m, 0, sg, &out, &in);
	if (!ik_add(c, k, 0, sg, out, in, false, k) || !ck_publish(c, 0))
		return -1;
	/* What did not come back when it was asked for may come now. */
	do {
		if (ck_reap(c, 0, &u))
			continue;
		ck_fail(c, clause, "a good request afterwards succeeds",
			"after %s it does not come back within %u ms", after, c->tp->timeout_ms);
		return -1;
	} while (u.head >= 0 && u.token != k);
	if (u.head < 0) {
		ck_error(c, "a buffer that is not outstanding came back");
		return -1;
	}
	return m.req.status.hva[0] == VIRTIO_I2C_MSG_OK;
}

bool ik_alive(struct ck *c, struct ik *k, const char *clause, const char *after)
{
	const u64 end = tp_deadline(c->tp, c->tp->timeout_ms);
	int rc;

	/* An EEPROM that was written to answers when it is done. */
	do
		rc = good(c, k, clause, after);
	while (rc == 0 && !tp_late(c->tp, end));
	if (rc == 0)
		ck_fail(c, clause, "a good request afterwards succeeds", "after %s it fails",
			after);
	return rc == 1;
}
