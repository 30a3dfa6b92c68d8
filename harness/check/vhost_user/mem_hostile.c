// SPDX-License-Identifier: BSD-3-Clause
/* SET_MEM_TABLE: tables that contradict themselves, and regions that cannot be mapped. */
#include "harness/check/vhost_user/mem_kit.h"

#include <string.h>
#include <unistd.h>

#define COUNTS	   "VU.mem.table.be.7"
#define UNMAPPABLE "VU.mem.table.be.8"
#define MSG_TABLE  "ROB.msg.mem-table"
#define SHORT_FILE "ROB.mem.short-file"

#define MIB (1ull << 20)

struct table {
	const char *what;
	u32 nregions, listed, nfds; /* what the count says, what is sent */
	struct vu_mem_region region;
};

#define USUAL                                                                                      \
	{                                                                                          \
		0x10000000, 2 * MIB, 0x7c0030000000, 0                                             \
	}

/* Send it; anything but an acknowledgement with 0 is a refusal. */
static bool send_table(struct ck *c, const struct table *t, int fd, const char *accepted)
{
	struct ckm_msg m = { .request = VU_SET_MEM_TABLE,
			     .size = 8 + 32 * t->listed,
			     .nfds = t->nfds };
	enum ckv_reaction r;

	m.table.nregions = t->nregions;
	for (u32 i = 0; i < t->listed && i < VU_MAX_REGIONS; i++) {
		m.table.regions[i] = t->region;
		m.table.regions[i].gpa += i * 16 * MIB;
		m.table.regions[i].uva += i * 16 * MIB;
	}
	for (u32 i = 0; i < t->nfds; i++)
		m.fds[i] = fd;
	r = ckm_provoke(c, &m, MSG_TABLE);
	ck_log(c, "  %s: %s", t->what, ckv_reaction_name(r));
	if (r == CKV_ACK && accepted)
		ck_fail(c, accepted, "a non-zero answer or a closed connection", "%s: %s", t->what,
			ckv_reaction_name(r));
	return ckm_session_again(c, r, CKM_PF_NO_STATUS, MSG_TABLE);
}

static void contradictions(struct ck *c)
{
	static const struct table tables[] = {
		{ "two regions, one descriptor", 2, 2, 1, USUAL },
		{ "one region, two descriptors", 1, 1, 2, USUAL },
		{ "a count of 2, one region", 2, 1, 1, USUAL },
		{ "a count of 9 and nine regions", 9, 9, 8, USUAL },
		{ "a count of 0xffffffff", 0xffffffff, 1, 1, USUAL },
		{ "a count of 0x08000001", 0x08000001, 1, 1, USUAL },
	};
	static const struct table none = { "no region", 0, 0, 0, USUAL };
	static const struct table full = { "one region, and room for eight", 1, 8, 1, USUAL };
	int fd = ckm_memfd(c, 2 * MIB);
	bool ok = fd >= 0 && ckm_session(c, CKM_PF_NO_STATUS) && ckm_run(c, 0, 1);

	for (unsigned i = 0; ok && i < ARRAY_SIZE(tables); i++)
		ok = send_table(c, &tables[i], fd, COUNTS);
	/* May be taken or not. */
	ok = ok && send_table(c, &none, fd, NULL) && send_table(c, &full, fd, NULL);
	if (fd >= 0)
		close(fd);
	if (ok)
		ckv_reachable(c, MSG_TABLE);
}

CHECK(mem_contradictions, .id = "vu.mem.table.contradictions", .clauses = { COUNTS, MSG_TABLE },
      .stimulus =
	      "counts of regions that differ from the regions or the descriptors sent, none, nine, "
	      "0xffffffff; a table padded to eight regions",
      .oracle =
	      "a non-zero answer or a closed connection (none, or padded: anything); a new session is "
	      "served",
      .caps = TP_CAP_VHOST_USER, .run = contradictions, .own_session = true);

static void unmappable(struct ck *c)
{
	static const struct table tables[] = {
		{ "a region of no bytes", 1, 1, 1, { 0x10000000, 0, 0x7c0030000000, 0 } },
		{ "guest addresses that wrap",
		  1,
		  1,
		  1,
		  { 0xfffffffffff00000, 2 * MIB, 0x7c0030000000, 0 } },
		{ "user addresses that wrap",
		  1,
		  1,
		  1,
		  { 0x10000000, 2 * MIB, 0xfffffffffff00000, 0 } },
		{ "an offset that wraps with the size",
		  1,
		  1,
		  1,
		  { 0x10000000, 2 * MIB, 0x7c0030000000, 0xfffffffffff00000 } },
		{ "a size of 2^63", 1, 1, 1, { 0x10000000, 1ull << 63, 0x7c0030000000, 0 } },
	};
	static const struct table pipe = {
		"a pipe instead of memory", 1, 1, 1, { 0x10000000, 2 * MIB, 0x7c0030000000, 0 }
	};
	int fd = ckm_memfd(c, 2 * MIB), ends[2];
	bool ok = fd >= 0 && ckm_session(c, CKM_PF_NO_STATUS) && ckm_run(c, 0, 1);

	for (unsigned i = 0; ok && i < ARRAY_SIZE(tables); i++)
		ok = send_table(c, &tables[i], fd, UNMAPPABLE);
	if (ok && ckv_pipe(c, ends)) {
		ok = send_table(c, &pipe, ends[0], UNMAPPABLE);
		close(ends[0]);
		close(ends[1]);
	}
	if (fd >= 0)
		close(fd);
	if (ok)
		ckv_reachable(c, MSG_TABLE);
}

CHECK(mem_unmappable, .id = "vu.mem.table.unmappable", .clauses = { UNMAPPABLE, MSG_TABLE },
      .stimulus = "a region of no bytes; guest address, user address or offset that wrap with the "
		  "size; a pipe in place of memory",
      .oracle = "a non-zero answer or a closed connection; a new session is served",
      .caps = TP_CAP_VHOST_USER, .run = unmappable, .own_session = true);

/* A request comes back, or the connection ends, or the time is up. */
static void wait_for_either(struct ck *c)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	while (!vq_used_pending(&c->q[0].vq) && !tp_late(c->tp, end))
		if (vu_wire_closed(ckv(c)->sock, tp_deadline(c->tp, 1)))
			return;
}

/*
 * A file of one page, a region of two. To refuse it is best; a back-end that takes it must live
 * through a request into the page that is not there.
 */
static void short_file(struct ck *c)
{
	static const struct vu_region_spec specs[] = {
		{ 0x10000000, 0x7c0030000000, 2 * MIB, 0 },
		{ 0x30000000, 0x7c0010000000, 2 * MIB, 0 },
	};
	struct vu_region *r = ckv(c)->regions;
	struct ckm_msg m;
	struct blk_req req;
	enum ckv_reaction reaction;
	int fd;

	if (!ckg_usual_serves(c) || !ckg_session(c, specs, 2) || !ckm_run(c, 0, 1))
		return;
	fd = ckm_memfd(c, 4096);
	if (fd < 0 || !ckm_make(c, VU_SET_MEM_TABLE, &m))
		return;
	m.fds[1] = fd;
	reaction = ckm_provoke(c, &m, SHORT_FILE);
	close(fd);
	ck_log(c, "  a region of 2 MiB in a file of 4 KiB: %s", ckv_reaction_name(reaction));
	if (reaction == CKV_BROKEN)
		return;
	if (reaction == CKV_ACK || reaction == CKV_SILENT) {
		if (!ckm_run(c, 4, ckm_setup_count))
			return;
		blk_carve(&req, ckg_buf(&r[1], 1 << 20), VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR);
		if (ckb_add(c, 0, &req, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
			return;
		wait_for_either(c);
		c->tp->ops->close(c->tp);
		/* Front-ends are trusted by most back-ends: they may well die of this, here. */
		if (c->tp->ops->open(c->tp) != TP_OK) {
			ck_hazard(
				c, SHORT_FILE, "a new session is served",
				"a region behind the end of its file is taken, and a request there "
				"ends the back-end: %s",
				c->tp->error);
			return;
		}
	}
	ckv_reachable(c, SHORT_FILE);
}

CHECK(mem_short_file, .id = "vu.mem.table.short-file", .clauses = { SHORT_FILE },
      .stimulus = "a region of 2 MiB in a file of 4 KiB; where that is taken, a request behind the "
		  "file's end",
      .oracle =
	      "refused, or the request does no harm: a new session is served (a back-end that dies of the "
	      "request, not of the message: hazard)",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .run = short_file, .own_session = true);
