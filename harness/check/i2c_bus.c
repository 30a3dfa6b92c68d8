// SPDX-License-Identifier: BSD-3-Clause
/* I2C adapter: messages, their bytes and their order (5.16.6.4). */
#include <string.h>

#include "harness/check/i2c_kit.h"

#define HARDWARE IK_OP(3)
#define HEADER	 IK_OP(4)
#define WRITTEN	 IK_OP(5)
#define READ	 IK_OP(6)
#define ORDER	 IK_OP(7)
#define FIRST	 IK_OP(8)
#define REST	 IK_OP(9)
#define USED_LEN "v14.split-ring.used-ring.dev.2"

static const u32 lengths[] = { 1, 2, 3, 8, 16, 64, 255, 256, IK_DATA };

/* Twice, over different bytes: what the device does not write is what was there, each time. */
static bool read_twice(struct ck *c, struct ik *k, u32 len, u8 first[IK_DATA], struct ik_msg *m)
{
	static const u8 unset[2] = { IK_UNSET, (u8)~IK_UNSET };

	for (unsigned i = 0; i < 2; i++) {
		*m = (struct ik_msg){
			.addr = k->chip, .read = true, .len = len, .unset = unset[i]
		};
		if (!ik_run(c, k, m, 1))
			return false;
		if (m->status != VIRTIO_I2C_MSG_OK)
			return ck_error(c, "a read of %u bytes has status %u", len, m->status);
		if (i == 0)
			memcpy(first, m->req.data.hva, len);
	}
	return true;
}

static void whole(struct ck *c)
{
	u8 first[IK_DATA];
	struct ik_msg m;
	struct ik k;

	if (!ik_up(c, &k))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		const u32 len = lengths[i];

		if (!read_twice(c, &k, len, first, &m))
			return;
		for (u32 at = 0; at < len; at++) {
			if (first[at] != IK_UNSET || m.req.data.hva[at] != (u8)~IK_UNSET)
				continue;
			ck_fail(c, READ, "the whole buffer is filled",
				"status 0, and byte %u of %u was not written", at, len);
			return;
		}
	}
}

CHECK(whole, .id = "i2c.read.whole", .clauses = { READ },
      .stimulus = "reads of 1 to 512 bytes, each over 0xa5 and over 0x5a",
      .oracle = "each that succeeds has written every byte", .device = VIRTIO_ID_I2C_ADAPTER,
      .run = whole);

static void used_len(struct ck *c)
{
	struct ik k;

	if (!ik_up(c, &k))
		return;
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(lengths); i++) {
		struct ik_msg m = { .addr = i & 1 ? k.absent : k.chip,
				    .read = true,
				    .len = lengths[i / 2] };
		u32 untouched = 0;

		if (!ik_run(c, &k, &m, 1))
			return;
		if (m.used_len > m.len + 1) {
			ck_fail(c, USED_LEN, "at most the size of the buffers",
				"%u bytes and a status came back with length %u", m.len,
				m.used_len);
			return;
		}
		/* A chip may hold that byte; 16 of them in a row, hardly one that just was read. */
		while (untouched < m.len && m.req.data.hva[m.len - 1 - untouched] == IK_UNSET)
			untouched++;
		if (m.used_len > m.len - untouched + 1 && untouched >= 16 &&
		    m.status != VIRTIO_I2C_MSG_OK) {
			ck_fail(c, USED_LEN, "as many bytes written as said",
				"length %u of a read that failed, and the last %u of %u bytes "
				"are untouched",
				m.used_len, untouched, m.len);
			return;
		}
	}
}

CHECK(used_len, .id = "i2c.read.used-len", .clauses = { USED_LEN, "ROB.packed.used-len" },
      .stimulus = "reads of 1 to 512 bytes, from a chip and from nobody",
      .oracle = "the used length is at most what was written, bytes and status",
      .device = VIRTIO_ID_I2C_ADAPTER, .run = used_len);

/* --- what belongs to the driver --------------------------------------------------------------------------- */

/* Messages of every kind; what the driver wrote is compared when they are back. */
static bool compare(struct ck *c, struct ik *k, struct ik_msg *m, bool of_header)
{
	struct virtio_i2c_out_hdr hdr = {
		.addr = le16(i2c_addr_field(m->addr)),
		.flags = le32(m->read ? (u32)VIRTIO_I2C_FLAGS_M_RD : 0),
	};

	if (!ik_run(c, k, m, 1))
		return false;
	if (of_header && memcmp(m->req.hdr.hva, &hdr, sizeof(hdr)) != 0)
		return ck_fail(c, HEADER, "the header is as the driver wrote it",
			       "after a %s of %u bytes it is not", m->read ? "read" : "write",
			       m->len);
	if (!of_header && !m->read && memcmp(m->req.data.hva, m->out, m->len) != 0)
		return ck_fail(c, WRITTEN, "what is written stays as it is",
			       "after a write of %u bytes it is not", m->len);
	return true;
}

static void unchanged(struct ck *c, bool of_header)
{
	u8 out[10] = { 0 };
	struct ik k;

	if (!ik_up(c, &k) || !ik_memory(c, &k))
		return;
	ck_fill(out + ik_place(&k, 16, out), 8, 5);
	for (unsigned i = 0; i < 3; i++) {
		struct ik_msg m[] = {
			{ .addr = k.memory, .out = out, .len = k.addr_bytes + 8u },
			{ .addr = k.absent, .out = out, .len = 4 },
			{ .addr = k.chip, .read = true, .len = 8 },
		};

		if (!compare(c, &k, &m[i], of_header) || !ik_settle(c, &k))
			return;
	}
}

static void header_unchanged(struct ck *c)
{
	unchanged(c, true);
}

CHECK(header_unchanged, .id = "i2c.driver.header", .clauses = { HEADER },
      .stimulus = "a read and writes that succeed and fail",
      .oracle = "address and flags are what the driver wrote", .device = VIRTIO_ID_I2C_ADAPTER,
      .run = header_unchanged);

static void data_unchanged(struct ck *c)
{
	unchanged(c, false);
}

CHECK(data_unchanged, .id = "i2c.driver.data", .clauses = { WRITTEN },
      .stimulus = "writes that succeed and fail", .oracle = "their bytes are what the driver wrote",
      .device = VIRTIO_ID_I2C_ADAPTER, .run = data_unchanged);

/* --- failures ----------------------------------------------------------------------------------------------- */

static bool must_fail(struct ck *c, const struct ik_msg *m, const char *what)
{
	return m->status == VIRTIO_I2C_MSG_ERR ||
	       ck_fail(c, FIRST, "status VIRTIO_I2C_MSG_ERR (1)", "%s at 0x%02x has status %u",
		       what, m->addr, m->status);
}

static void nobody(struct ck *c)
{
	static const u8 zeroes[8];
	struct ik k;

	if (!ik_up(c, &k))
		return;
	for (u32 len = 1; len <= 8; len++) {
		struct ik_msg r = { .addr = k.absent, .read = true, .len = len };
		struct ik_msg w = { .addr = k.absent, .out = zeroes, .len = len };

		if (!ik_run(c, &k, &r, 1) || !must_fail(c, &r, "a read from nobody") ||
		    !ik_run(c, &k, &w, 1) || !must_fail(c, &w, "a write to nobody"))
			return;
	}
}

CHECK(nobody, .id = "i2c.error.nobody", .clauses = { FIRST },
      .stimulus = "reads and writes of 1 to 8 bytes at an address that nobody answers at",
      .oracle = "each has status VIRTIO_I2C_MSG_ERR", .device = VIRTIO_ID_I2C_ADAPTER,
      .run = nobody);

static void in_between(struct ck *c)
{
	struct ik k;
	struct ik_msg *m;

	if (!ik_up(c, &k))
		return;
	m = (struct ik_msg[]){
		{ .addr = k.chip, .read = true, .len = 1 },
		{ .addr = k.absent, .read = true, .len = 1 },
		{ .addr = k.chip, .read = true, .len = 1 },
	};
	if (!ik_run(c, &k, m, 3) || !must_fail(c, &m[1], "the second of three requests"))
		return;
	/* The text lets a device fail what follows; of another transfer no driver expects it. */
	if (m[0].status != VIRTIO_I2C_MSG_OK)
		ck_hazard(c, FIRST, "requests before the one that fails succeed",
			  "the first of three has status %u, the second is to nobody", m[0].status);
	else if (m[2].status != VIRTIO_I2C_MSG_OK)
		ck_hazard(c, REST, "a transfer of its own is not failed",
			  "the third of three has status %u, the second is to nobody", m[2].status);
}

CHECK(in_between, .id = "i2c.error.in-between", .clauses = { FIRST, REST },
      .stimulus = "three transfers at once, of which the second is to nobody",
      .oracle = "the second fails, the others do not", .device = VIRTIO_ID_I2C_ADAPTER,
      .run = in_between);

static void rest_of_group(struct ck *c)
{
	u8 before[8], out[2 + 8], after[8];
	u32 place;
	struct ik k;
	struct ik_msg *m;

	if (!ik_up(c, &k) || !ik_memory(c, &k))
		return;
	ck_fill(before, 8, 1);
	if (!ik_write(c, &k, 8, before, 8))
		return;
	place = ik_place(&k, 8, out);
	ck_fill(out + place, 8, 2);
	m = (struct ik_msg[]){
		{ .addr = k.chip, .read = true, .len = 1, .next = true },
		{ .addr = k.absent, .read = true, .len = 1, .next = true },
		{ .addr = k.memory, .out = out, .len = place + 8 },
	};
	if (!ik_run(c, &k, m, 3) || !must_fail(c, &m[1], "the second of a group") ||
	    !ik_settle(c, &k) || !ik_read(c, &k, 8, after, 8))
		return;
	if (m[0].status != VIRTIO_I2C_MSG_OK)
		ck_hazard(c, FIRST, "requests before the one that fails succeed",
			  "the first of a group has status %u, the second is to nobody",
			  m[0].status);
	if (memcmp(before, after, 8) != 0)
		ck_hazard(c, REST, "what follows a failure in a group is not carried out",
			  "a write with FAIL_NEXT in front of it was, and has status %u",
			  m[2].status);
}

CHECK(rest_of_group, .id = "i2c.error.rest-of-group", .clauses = { FIRST, REST },
      .stimulus = "a group: a read, a read from nobody, a write to an EEPROM",
      .oracle = "the second fails, the first does not, and nothing is written",
      .device = VIRTIO_ID_I2C_ADAPTER, .run = rest_of_group);

/* --- order ---------------------------------------------------------------------------------------------------- */

#define PAIRS 6

static void order(struct ck *c)
{
	static const u8 places[PAIRS] = { 3, 0, 7, 1, 6, 2 };
	u8 bytes[8], place[PAIRS][2];
	struct ik_msg m[2 * PAIRS];
	unsigned pairs;
	struct ik k;

	if (!ik_up(c, &k) || !ik_memory(c, &k))
		return;
	pairs = ik_room(c, 2 * PAIRS) / 2;
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (u8)(0x30 + 17 * i);
	if (!ik_write(c, &k, 16, bytes, 8))
		return;
	for (unsigned i = 0; i < pairs; i++) {
		m[2 * i] = (struct ik_msg){ .addr = k.memory, .out = place[i], .next = true };
		m[2 * i].len = ik_place(&k, 16u + places[i], place[i]);
		m[2 * i + 1] = (struct ik_msg){ .addr = k.memory, .read = true, .len = 1 };
	}
	if (!ik_run(c, &k, m, 2 * pairs))
		return;
	for (unsigned i = 0; i < 2 * pairs; i++) {
		const u8 got = m[i].req.data.hva[0], want = bytes[places[i / 2]];

		if (!ik_must(c, &m[i], "one of several transfers"))
			return;
		if (m[i].turn != i) {
			ck_fail(c, ORDER, "requests are processed in order",
				"request %u came back as number %u", i, m[i].turn);
			return;
		}
		if (m[i].read && got != want) {
			ck_fail(c, ORDER, "requests are processed in order",
				"byte %u of the EEPROM is 0x%02x, and request %u, behind one that "
				"addresses it, reads 0x%02x",
				16u + places[i / 2], want, i, got);
			return;
		}
	}
}

CHECK(order, .id = "i2c.bus.order", .clauses = { ORDER },
      .stimulus = "up to six transfers at once, each a write of an address to an EEPROM and a read",
      .oracle = "they come back in order, each with the byte of its own address",
      .device = VIRTIO_ID_I2C_ADAPTER, .run = order);

static void round_trip(struct ck *c)
{
	u8 out[8], in[16];
	struct ik k;

	if (!ik_up(c, &k) || !ik_memory(c, &k))
		return;
	for (u32 seed = 1; seed <= 3; seed++) {
		ck_fill(out, 8, seed);
		if (!ik_write(c, &k, 32 + 8 * seed, out, 8) ||
		    !ik_read(c, &k, 32 + 8 * seed, in, 8))
			return;
		if (memcmp(in, out, 8) != 0) {
			ck_fail(c, HARDWARE, "an EEPROM keeps what is written",
				"8 bytes were written at %u and acknowledged, and are not read "
				"again",
				32 + 8 * seed);
			return;
		}
	}
	/* It counts on behind the last byte, from one page into the next. */
	ck_fill(out, 8, 2);
	if (!ik_read(c, &k, 40, in, 16))
		return;
	if (memcmp(in + 8, out, 8) != 0)
		ck_fail(c, HARDWARE, "a read goes on from page to page",
			"16 bytes at 40 do not end with those that are at 48");
}

CHECK(round_trip, .id = "i2c.bus.round-trip", .clauses = { HARDWARE },
      .stimulus = "pages written to an EEPROM and read again, with a repeated START between",
      .oracle = "it holds them", .device = VIRTIO_ID_I2C_ADAPTER, .run = round_trip);
