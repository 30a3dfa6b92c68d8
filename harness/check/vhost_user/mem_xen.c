// SPDX-License-Identifier: BSD-3-Clause
/*
 * XEN_MMAP: regions are 40 bytes and say how they are mapped. What can be seen without Xen: that the longer
 * layout is read as such, with no way of mapping named, which is that of an ordinary descriptor.
 */
#include "harness/check/vhost_user/mem_kit.h"

#include <string.h>

#define LAYOUT "VU.layout.mem-region-xen.be.1"
#define SINGLE "VU.layout.mem-single.be.1"

#define HAS_XEN	  BIT_ULL(VU_PF_XEN_MMAP)
#define HAS_SLOTS BIT_ULL(VU_PF_CONFIGURE_MEM_SLOTS)

/* A usual session, but with XEN_MMAP, up to where the table would be sent. */
static bool session(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	u64 saved = fe->pf_mask;
	bool ok;

	fe->pf_mask |= HAS_XEN;
	ok = ckm_session(c, CKM_PF_NO_STATUS);
	fe->pf_mask = saved;
	return ok;
}

static struct vu_mem_region_xen longer(const struct vu_mem_region *r)
{
	return (struct vu_mem_region_xen){ .region = *r };
}

/* The set-up, its table in the longer layout; `first` regions are in it. */
static bool start(struct ck *c, unsigned first)
{
	for (unsigned i = 0; i < ckm_setup_count; i++) {
		struct vu_mem_table_xen t = { .nregions = first };
		struct ckm_msg m;
		int rc;

		if (ckm_order[i] == VU_SET_LOG_BASE || !ckm_make(c, ckm_order[i], &m))
			continue;
		if (m.request != VU_SET_MEM_TABLE) {
			rc = vu_cmd(ckv(c), m.request, m.bytes, m.size, m.fds, m.nfds);
			ckm_done(&m);
			if (!ck_must(c, rc, m.spec->name))
				return false;
			continue;
		}
		for (unsigned r = 0; r < first; r++)
			t.regions[r] = longer(&m.table.regions[r]);
		rc = vu_cmd(ckv(c), m.request, &t, (u32)(8 + first * sizeof(t.regions[0])), m.fds,
			    first);
		ckm_done(&m);
		if (rc == TP_EREFUSED || rc == TP_EGONE)
			return ck_fail(c, LAYOUT, "SET_MEM_TABLE is carried out",
				       "%u regions of 40 bytes: %s", first, c->tp->error);
		if (!ck_must(c, rc, m.spec->name))
			return false;
	}
	return true;
}

static void in_each_region(struct ck *c)
{
	if (!ckg_usual_serves(c) || !session(c) || !start(c, ckv(c)->region_count))
		return;
	/* With the shorter layout the second region and those behind it are read from elsewhere. */
	for (unsigned i = 0; i < ckv(c)->region_count; i++) {
		struct tp_buf at;

		if (!ckg_room(c, i, &at) || !ckg_read_at(c, at, "a request in a region", LAYOUT))
			return;
	}
}

CHECK(mem_xen_table, .id = "vu.mem.xen.table", .clauses = { LAYOUT },
      .stimulus = "with XEN_MMAP, a table of regions of 40 bytes that name no way of mapping; a "
		  "request in each of them",
      .oracle = "every request is served", .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_VHOST_USER,
      .pf = HAS_XEN, .run = in_each_region, .own_session = true);

static void one_more(struct ck *c)
{
	static const struct vu_region_spec spec = { 0x200000000, 0x7d0000000000, 2 << 20, 0 };
	struct ckm_msg m = { .request = VU_ADD_MEM_REG, .nfds = 1 };
	struct vu_mem_single_xen single = { 0 };
	enum ckv_reaction reaction;
	struct vu_mem_region wire;
	struct vu_region r;

	if (!session(c) || !start(c, ckv(c)->region_count) || !ckg_extra_make(c, &spec, &r))
		return;
	wire = vu_region_wire(&r);
	single.region = longer(&wire);
	memcpy(m.bytes, &single, sizeof(single));
	m.size = sizeof(single);
	m.fds[0] = r.fd;
	reaction = ckm_provoke(c, &m, NULL);
	if (reaction == CKV_NACK || reaction == CKV_CLOSED)
		ck_fail(c, SINGLE, "ADD_MEM_REG is carried out", "a payload of 48 bytes: %s",
			ckv_reaction_name(reaction));
	else if (reaction != CKV_BROKEN)
		ckg_read_at(c, ckg_buf(&r, 4096), "a request in the region added", SINGLE);
	vu_region_destroy(&r);
}

CHECK(mem_xen_single, .id = "vu.mem.xen.single", .clauses = { SINGLE },
      .stimulus = "with XEN_MMAP, ADD_MEM_REG with a payload of 48 bytes; a request in that region",
      .oracle = "the request is served", .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_VHOST_USER,
      .pf = HAS_XEN | HAS_SLOTS, .run = one_more, .own_session = true);
