// SPDX-License-Identifier: BSD-3-Clause
/* SET_CONFIG: what may be written, and what must not be. */
#include "harness/check/vhost_user/msg_kit.h"

#include <string.h>

#define FLAGS	    "VU.config.set.be.1"
#define READ_ONLY   "VU.config.set.be.2"
#define WRITABLE    "VU.config.set.be.4"
#define EXACT_BYTES "VU.config.set.be.5"
#define RANGE	    "VU.config.set.be.6"
#define BOUNDS	    "ROB.config.bounds"

#define HAS_CONFIG BIT_ULL(VU_PF_CONFIG)
#define ALL	   VIRTIO_BLK_CONFIG_SIZE
#define WRITEBACK  ((u32)offsetof(struct virtio_blk_config, wce))

static bool read_all(struct ck *c, u8 *full)
{
	return ck_must(c, vu_get_config(ckv(c), 0, ALL, full), "GET_CONFIG");
}

static u32 first_difference(const u8 *a, const u8 *b, u32 from)
{
	while (from < ALL && a[from] == b[from])
		from++;
	return from;
}

static enum ckv_reaction set(struct ck *c, u32 offset, u32 size, u32 flags, const u8 *data,
			     u32 sent, const char *clause)
{
	struct ckm_msg m = { .request = VU_SET_CONFIG, .size = VU_CONFIG_HEADER + sent };

	m.config.offset = offset;
	m.config.size = size;
	m.config.flags = flags;
	if (sent)
		memcpy(m.config.data, data, sent);
	return ckm_provoke(c, &m, clause);
}

/* Write other bytes than there are, and put back what was changed. */
static void must_not_change(struct ck *c, u32 flags, const char *clause)
{
	u8 before[ALL], after[ALL], data[8];
	enum ckv_reaction r;
	u32 at;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !read_all(c, before))
		return;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = before[i] ^ (i < 2);
	r = set(c, 0, sizeof(data), flags, data, sizeof(data), NULL);
	ck_log(c, "  SET_CONFIG of the capacity with flags 0x%x: %s", flags, ckv_reaction_name(r));
	if (r == CKV_BROKEN)
		return;
	if ((r == CKV_CLOSED || vu_barrier(ckv(c)) != TP_OK) && !ckm_session(c, CKM_PF_NO_STATUS))
		return;
	if (!read_all(c, after))
		return;
	at = first_difference(before, after, 0);
	if (at < ALL) {
		ck_fail(c, clause, "the capacity is read-only",
			"SET_CONFIG of the capacity with flags 0x%x: byte %u was 0x%02x and is "
			"0x%02x",
			flags, at, before[at], after[at]);
		set(c, 0, sizeof(data), flags, before, sizeof(data), NULL);
	}
}

static void read_only(struct ck *c)
{
	must_not_change(c, 0, READ_ONLY);
}

CHECK(config_read_only, .id = "vu.config.set.read-only", .clauses = { READ_ONLY },
      .stimulus = "SET_CONFIG of the capacity with flags 0",
      .oracle = "the configuration space is as it was", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .pf = HAS_CONFIG, .run = read_only, .own_session = true);

static void flags(struct ck *c)
{
	must_not_change(c, 0x80000000, FLAGS);
}

CHECK(config_flags, .id = "vu.config.set.flags", .clauses = { FLAGS },
      .stimulus = "SET_CONFIG of the capacity with flags 0x80000000",
      .oracle = "the configuration space is as it was: only flag value 1 stands for a migration",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_CONFIG, .run = flags,
      .own_session = true);

/* Turn the write cache off and on again. */
static bool toggle(struct ck *c, const u8 *before, u8 value)
{
	u8 after[ALL];
	u32 at;
	int rc = vu_set_config(ckv(c), WRITEBACK, 1, 0, &value);

	if (rc == TP_EREFUSED || rc == TP_EGONE)
		return ck_fail(c, WRITABLE, "the field can be written",
			       "SET_CONFIG writeback = %u: %s", value, c->tp->error);
	if (!ck_must(c, rc, "SET_CONFIG") || !read_all(c, after))
		return false;
	if (after[WRITEBACK] != value)
		return ck_fail(c, WRITABLE, "the field reads as written",
			       "SET_CONFIG writeback = %u, and it reads %u", value,
			       after[WRITEBACK]);
	at = first_difference(before, after, 0);
	if (at == WRITEBACK)
		at = first_difference(before, after, WRITEBACK + 1);
	return at == ALL || ck_fail(c, EXACT_BYTES, "no other byte changes",
				    "SET_CONFIG of byte %u: byte %u was 0x%02x and is 0x%02x",
				    WRITEBACK, at, before[at], after[at]);
}

static void writable(struct ck *c)
{
	u8 before[ALL];

	if (ckm_session(c, CKM_PF_NO_STATUS) && ckm_run(c, 0, 1) && read_all(c, before) &&
	    toggle(c, before, !before[WRITEBACK]))
		toggle(c, before, before[WRITEBACK]);
}

CHECK(config_writable, .id = "vu.config.set.writable", .clauses = { WRITABLE, EXACT_BYTES },
      .stimulus = "SET_CONFIG of one byte, writeback, to the other value and back",
      .oracle = "it reads as written, and all other bytes as before", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE), .pf = HAS_CONFIG,
      .run = writable, .own_session = true);

static bool out_of_range(struct ck *c, u32 offset, u32 size, u32 sent)
{
	static const u8 zeroes[VU_MAX_CONFIG];
	enum ckv_reaction r = set(c, offset, size, 0, zeroes, sent, BOUNDS);

	ck_log(c, "  offset 0x%x, size 0x%x, %u bytes really sent: %s", offset, size, sent,
	       ckv_reaction_name(r));
	if (r == CKV_ACK)
		ck_fail(c, RANGE, "a non-zero answer or a closed connection",
			"SET_CONFIG of %u bytes at 0x%x: %s", size, offset, ckv_reaction_name(r));
	return ckm_session_again(c, r, CKM_PF_NO_STATUS, BOUNDS);
}

static void range(struct ck *c)
{
	u8 before[ALL], after[ALL];
	u32 at;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !read_all(c, before) ||
	    !out_of_range(c, 0xffffffff, 1, 1) || !out_of_range(c, 0xfffffff8, 16, 16) ||
	    !out_of_range(c, 0x1000, 4, 4) || !out_of_range(c, WRITEBACK, 0xffffffff, 1) ||
	    !out_of_range(c, 0, 200, 0) || !read_all(c, after))
		return;
	at = first_difference(before, after, 0);
	if (at < ALL)
		ck_fail(c, BOUNDS, "nothing inside the space changes",
			"after SET_CONFIG out of range byte %u was 0x%02x and is 0x%02x", at,
			before[at], after[at]);
	else
		ckv_reachable(c, BOUNDS);
}

CHECK(config_range, .id = "vu.config.set.bounds", .clauses = { RANGE, BOUNDS },
      .stimulus =
	      "SET_CONFIG behind the end of the space, with offset and size that wrap, and with a "
	      "size field larger than the message",
      .oracle =
	      "a non-zero answer or a closed connection; the space is as it was; a new session is "
	      "served",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .pf = HAS_CONFIG, .run = range,
      .own_session = true);
