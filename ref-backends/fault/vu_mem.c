// SPDX-License-Identifier: BSD-3-Clause
/* Faults in memory tables, slots and addresses. */
#include <sys/mman.h>
#include <sys/stat.h>

#include "ref-backends/fault/vu_filter.h"

#define MIB	 (1ull << 20)
#define USER_TOP (1ull << 47)

/* A table in which as many regions are listed as counted, each with a descriptor. */
static struct vu_mem_table *table_of(struct vub_request *rq, u32 n)
{
	struct vu_mem_table *t = &rq->msg.mem_table;

	return vf_is(rq, VU_SET_MEM_TABLE) && t->nregions == n && rq->nfds == n ? t : NULL;
}

static struct vu_mem_table *any_table(struct vub_request *rq)
{
	return rq->msg.mem_table.nregions <= VU_MAX_REGIONS
		       ? table_of(rq, rq->msg.mem_table.nregions)
		       : NULL;
}

/* --- tables that are refused --------------------------------------------------------------------------- */

static enum fault_action four_at_most(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	struct vu_mem_table *t = any_table(rq);

	return t && t->nregions > 4 ? vf_ack(s, rq, rep, 1) : FAULT_PASS;
}

FAULT(four_regions, .name = "four-regions-at-most", .clause = "VU.mem.table.be.5",
      .summary = "refuses tables of more than four regions", .request = four_at_most);

static enum fault_action no_low_region(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	struct vu_mem_table *t = table_of(rq, 1);

	return t && t->regions[0].gpa == MIB ? vf_ack(s, rq, rep, 1) : FAULT_PASS;
}

FAULT(no_low_region, .name = "one-low-region-refused", .clause = "VU.layout.mem-table.be.1",
      .summary = "refuses a table of one region at 1 MiB", .request = no_low_region);

static enum fault_action large_pages(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	struct vu_mem_table *t = any_table(rq);

	for (u32 i = 0; t && i < t->nregions; i++)
		if (t->regions[i].size % (64 << 10))
			return vf_ack(s, rq, rep, 1);
	return FAULT_PASS;
}

FAULT(large_pages, .name = "regions-of-64k", .clause = "VU.mem.table.be.6",
      .summary = "refuses regions that are no multiple of 64 KiB", .request = large_pages);

static enum fault_action user_addresses(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	struct vu_mem_table *t = any_table(rq);

	for (u32 i = 0; t && i < t->nregions; i++)
		if (t->regions[i].uva >= USER_TOP)
			return vf_ack(s, rq, rep, 1);
	return FAULT_PASS;
}

FAULT(user_addresses, .name = "plausible-user-addresses", .clause = "VU.mem.addr.be.6",
      .summary = "refuses user addresses that no process of this machine has",
      .request = user_addresses);

/* --- tables that are misread ----------------------------------------------------------------------------- */

static enum fault_action fds_mixed(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	struct vu_mem_table *t = table_of(rq, 4);

	if (t && t->regions[1].size == t->regions[2].size) {
		int fd = rq->fds[1];

		rq->fds[1] = rq->fds[2];
		rq->fds[2] = fd;
	}
	return FAULT_PASS;
}

FAULT(fds_mixed, .name = "descriptors-mixed-up", .clause = "VU.mem.table.be.2",
      .summary = "takes the second descriptor of four for the third region and the other way round",
      .request = fds_mixed);

static enum fault_action fields_mixed(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	struct vu_mem_table *t = table_of(rq, 2);

	for (u32 i = 0; t && i < t->nregions; i++) {
		struct vu_mem_region *r = &t->regions[i];

		if (r->mmap_offset > r->size) {
			u64 size = r->size;

			r->size = r->mmap_offset;
			r->mmap_offset = size;
		}
	}
	return FAULT_PASS;
}

FAULT(fields_mixed, .name = "size-and-offset-mixed-up", .clause = "VU.layout.mem-region.be.1",
      .summary = "takes an offset that is larger than the region's size for the size",
      .request = fields_mixed);

static enum fault_action offset_rounded(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	struct vu_mem_table *t = table_of(rq, 2);

	for (u32 i = 0; t && i < t->nregions; i++)
		if (t->regions[i].mmap_offset < 2 * MIB)
			t->regions[i].mmap_offset = 0;
	return FAULT_PASS;
}

FAULT(offset_rounded, .name = "mmap-offset-rounded", .clause = "VU.mem.table.be.3",
      .summary = "rounds the offset of a region down to 2 MiB", .request = offset_rounded);

static void *third_missing(struct vub_session *s, u64 gpa, u64 len, void *hva)
{
	const struct vub_mem *m = s->mem;

	return m->n == 3 && m->regions[0].gpa >= 16 * MIB && m->regions[2].size == 2 * MIB &&
			       gpa >= m->regions[2].gpa
		       ? NULL
		       : hva;
}

FAULT(third_missing, .name = "third-region-missing", .clause = "VU.mem.table.be.1",
      .summary = "finds nothing in the last of three regions of 2 MiB above 16 MiB",
      .translate = third_missing);

static enum fault_action first_stays(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	const struct vu_mem_table *t = table_of(rq, 2);
	const struct vub_mem *m = s->mem;

	if (t && m->n == 2 && m->regions[0].gpa == t->regions[0].gpa &&
	    m->regions[1].uva == t->regions[1].uva)
		return vf_ack(s, rq, rep, 0);
	return FAULT_PASS;
}

FAULT(first_table_stays, .name = "first-table-stays", .clause = "VU.mem.table.be.4",
      .summary = "keeps a table of two regions when the next one has the same addresses",
      .request = first_stays);

/* A mapping that nobody undoes. */
static void map_for_good(int fd)
{
	if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED) {
		/* Then there is nothing to see of this fault. */
	}
}

static enum fault_action table_stays_mapped(struct vub_session *s, struct vub_request *rq,
					    struct vub_reply *rep)
{
	if (table_of(rq, 2))
		map_for_good(rq->fds[1]);
	return FAULT_PASS;
}

FAULT(table_stays_mapped, .name = "table-stays-mapped", .clause = "ROB.leak.mappings",
      .summary = "never unmaps a page of each table of two regions", .request = table_stays_mapped);

/* --- tables that cannot be ------------------------------------------------------------------------------- */

static enum fault_action fewer_fds(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	struct vu_mem_table *t = &rq->msg.mem_table;

	if (vf_is(rq, VU_SET_MEM_TABLE) && t->nregions == 2 && rq->nfds == 1 &&
	    rq->msg.hdr.size == 8 + 2 * 32) {
		t->nregions = 1;
		rq->msg.hdr.size = 8 + 32;
	}
	return FAULT_PASS;
}

FAULT(fewer_fds, .name = "fewer-descriptors-done", .clause = "VU.mem.table.be.7",
      .summary = "maps as many regions as there are descriptors", .request = fewer_fds);

static enum fault_action many_regions_kill(struct vub_session *s, struct vub_request *rq,
					   struct vub_reply *rep)
{
	return vf_is(rq, VU_SET_MEM_TABLE) && rq->msg.mem_table.nregions > 0xffff ? vf_die()
										  : FAULT_PASS;
}

FAULT(many_regions_kill, .name = "many-regions-kill", .clause = "ROB.msg.mem-table",
      .summary = "dies of a count of regions above 65535", .request = many_regions_kill);

static enum fault_action empty_region(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	struct vu_mem_table *t = table_of(rq, 1);

	return t && t->regions[0].size == 0 ? vf_ack(s, rq, rep, 0) : FAULT_PASS;
}

FAULT(empty_region, .name = "empty-region-done", .clause = "VU.mem.table.be.8",
      .summary = "acknowledges a region of no bytes", .request = empty_region);

static enum fault_action wrap_kills(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	struct vu_mem_table *t = table_of(rq, 1);

	return t && t->regions[0].gpa + t->regions[0].size < t->regions[0].gpa ? vf_die()
									       : FAULT_PASS;
}

FAULT(region_wrap_kills, .name = "region-wrap-kills", .clause = "ROB.msg.mem-table",
      .summary = "dies of a region whose guest addresses wrap", .request = wrap_kills);

static enum fault_action short_file_kills(struct vub_session *s, struct vub_request *rq,
					  struct vub_reply *rep)
{
	struct vu_mem_table *t = table_of(rq, 2);
	struct stat st;

	for (u32 i = 0; t && i < t->nregions; i++)
		if (fstat(rq->fds[i], &st) == 0 && S_ISREG(st.st_mode) &&
		    t->regions[i].mmap_offset + t->regions[i].size > (u64)st.st_size)
			return vf_die();
	return FAULT_PASS;
}

FAULT(short_file_kills, .name = "short-file-kills", .clause = "ROB.mem.short-file",
      .summary = "dies of a table of two regions, one larger than its file",
      .request = short_file_kills);

/* --- addresses -------------------------------------------------------------------------------------------- */

static u64 taken_for_gpa(const struct vub_mem *m, u64 addr)
{
	for (u32 i = 0; i < m->n; i++)
		if (addr - m->regions[i].gpa < m->regions[i].size)
			return m->regions[i].uva + (addr - m->regions[i].gpa);
	return addr;
}

static enum fault_action ring_by_gpa(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	struct vu_vring_addr *a = &rq->msg.addr;

	if (vf_is(rq, VU_SET_VRING_ADDR) && rq->msg.hdr.size == sizeof(*a)) {
		a->desc = taken_for_gpa(s->mem, a->desc);
		a->avail = taken_for_gpa(s->mem, a->avail);
		a->used = taken_for_gpa(s->mem, a->used);
	}
	return FAULT_PASS;
}

FAULT(ring_by_gpa, .name = "ring-by-guest-address", .clause = "VU.mem.addr.be.1",
      .summary = "takes ring addresses for guest addresses where they could be",
      .request = ring_by_gpa);

static void *buffer_by_uva(struct vub_session *s, u64 gpa, u64 len, void *hva)
{
	void *other = vub_mem_uva(s->mem, gpa, 1);

	return hva && other ? other : hva;
}

FAULT(buffer_by_uva, .name = "buffer-by-user-address", .clause = "VU.mem.addr.be.2",
      .summary = "takes addresses in descriptors for user addresses where they could be",
      .translate = buffer_by_uva);

static enum fault_action outside_kills(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	return vf_is(rq, VU_SET_VRING_ADDR) && s->mem->n == 3 &&
			       rq->msg.addr.used == s->mem->regions[1].uva + s->mem->regions[1].size
		       ? vf_die()
		       : FAULT_PASS;
}

FAULT(outside_kills, .name = "ring-outside-kills", .clause = "VU.mem.addr.be.5",
      .summary = "dies of a used ring right behind the second of three regions",
      .request = outside_kills);
