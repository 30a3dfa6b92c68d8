// SPDX-License-Identifier: BSD-3-Clause
/* Faults in memory slots: GET_MAX_MEM_SLOTS, ADD_MEM_REG, REM_MEM_REG. */
#include <sys/mman.h>

#include "ref-backends/fault/vu_filter.h"

#define MIB (1ull << 20)

/* Regions from here on in user addresses are far from those of the table. */
#define FAR 0x7d0000000000ull

static const struct vu_mem_region *region_of(const struct vub_request *rq, u32 id)
{
	return vf_is(rq, id) && rq->msg.hdr.size == sizeof(struct vu_mem_single)
		       ? &rq->msg.mem_single.region
		       : NULL;
}

static const struct vub_region *find(const struct vub_session *s, const struct vu_mem_region *r)
{
	for (u32 i = 0; r && i < s->mem->n; i++) {
		const struct vub_region *have = &s->mem->regions[i];

		if (have->gpa == r->gpa && have->uva == r->uva && have->size == r->size)
			return have;
	}
	return NULL;
}

/* --- how many -------------------------------------------------------------------------------------------- */

static void no_slots(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_MAX_MEM_SLOTS))
		rep->msg.u64 = 0;
}

FAULT(no_slots, .name = "no-mem-slots", .clause = "VU.mem.slots.be.1",
      .summary = "answers GET_MAX_MEM_SLOTS with 0", .reply = no_slots);

static void slots_shrink(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	static u32 last;

	if (vf_is(rq, VU_GET_MAX_MEM_SLOTS) && last == VU_GET_MAX_MEM_SLOTS)
		rep->msg.u64--;
	last = rq->msg.hdr.request;
}

FAULT(slots_shrink, .name = "mem-slots-shrink", .clause = "VU.mem.slots.be.3",
      .summary = "answers a second GET_MAX_MEM_SLOTS in a row with one less",
      .reply = slots_shrink);

static enum fault_action fewer_slots(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	return region_of(rq, VU_ADD_MEM_REG) && s->mem->n >= 32 ? vf_ack(s, rq, rep, 1)
								: FAULT_PASS;
}

FAULT(fewer_slots, .name = "fewer-mem-slots", .clause = "VU.mem.slots.be.2",
      .summary = "refuses the 33rd region, and promises more", .request = fewer_slots);

static enum fault_action full_is_done(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return region_of(rq, VU_ADD_MEM_REG) && s->mem->n == VUB_MEM_SLOTS ? vf_ack(s, rq, rep, 0)
									   : FAULT_PASS;
}

FAULT(full_is_done, .name = "full-slots-done", .clause = "VU.mem.add.be.4",
      .summary = "acknowledges ADD_MEM_REG when all slots are taken", .request = full_is_done);

static enum fault_action full_kills(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	return region_of(rq, VU_ADD_MEM_REG) && s->mem->n == VUB_MEM_SLOTS ? vf_die() : FAULT_PASS;
}

FAULT(full_kills, .name = "full-slots-kill", .clause = "ROB.msg.mem-table",
      .summary = "dies of ADD_MEM_REG when all slots are taken", .request = full_kills);

/* --- ADD_MEM_REG ------------------------------------------------------------------------------------------ */

static const struct vu_mem_region *far_region(const struct vub_request *rq, u32 id)
{
	const struct vu_mem_region *r = region_of(rq, id);

	return r && r->uva == FAR && r->size == 2 * MIB ? r : NULL;
}

static bool has_far_region(const struct vub_session *s)
{
	for (u32 i = 0; i < s->mem->n; i++)
		if (s->mem->regions[i].uva == FAR && s->mem->regions[i].size == 2 * MIB)
			return true;
	return false;
}

static enum fault_action single_refused(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	return far_region(rq, VU_ADD_MEM_REG) && rq->nfds == 1 ? vf_ack(s, rq, rep, 1) : FAULT_PASS;
}

FAULT(single_refused, .name = "single-region-refused", .clause = "VU.layout.mem-single.be.1",
      .summary = "refuses an ADD_MEM_REG of 2 MiB far from the table", .request = single_refused);

static void *not_there(struct vub_session *s, u64 gpa, u64 len, void *hva)
{
	return has_far_region(s) && gpa >= 0x200000000 ? NULL : hva;
}

FAULT(added_not_there, .name = "added-region-not-there", .clause = "VU.mem.add.be.1",
      .summary = "finds nothing in an added region of 2 MiB", .translate = not_there);

static void *others_gone(struct vub_session *s, u64 gpa, u64 len, void *hva)
{
	return has_far_region(s) && gpa < 0x200000000 ? NULL : hva;
}

FAULT(others_gone, .name = "earlier-regions-gone", .clause = "VU.mem.add.be.2",
      .summary = "finds nothing in the earlier regions once one of 2 MiB was added",
      .translate = others_gone);

static enum fault_action two_fds(struct vub_session *s, struct vub_request *rq,
				 struct vub_reply *rep)
{
	if (region_of(rq, VU_ADD_MEM_REG) && rq->nfds == 2) {
		close(rq->fds[1]);
		rq->nfds = 1;
	}
	return FAULT_PASS;
}

FAULT(two_fds, .name = "second-descriptor-ignored", .clause = "VU.mem.add.be.3",
      .summary = "carries out an ADD_MEM_REG with two descriptors", .request = two_fds);

static enum fault_action two_fds_kill(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return region_of(rq, VU_ADD_MEM_REG) && rq->nfds == 2 ? vf_die() : FAULT_PASS;
}

FAULT(two_fds_kill, .name = "second-descriptor-kills", .clause = "ROB.msg.mem-table",
      .summary = "dies of an ADD_MEM_REG with two descriptors", .request = two_fds_kill);

/* A region that begins inside the far one. */
static bool overlaps(const struct vub_session *s, const struct vub_request *rq)
{
	const struct vu_mem_region *r = region_of(rq, VU_ADD_MEM_REG);

	return r && r->uva == FAR + MIB && has_far_region(s);
}

static enum fault_action overlap_done(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return overlaps(s, rq) ? vf_ack(s, rq, rep, 0) : FAULT_PASS;
}

FAULT(overlap_done, .name = "overlap-done", .clause = "VU.mem.add.be.5",
      .summary = "acknowledges a region that overlaps another", .request = overlap_done);

static enum fault_action overlap_kills(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	return overlaps(s, rq) ? vf_die() : FAULT_PASS;
}

FAULT(overlap_kills, .name = "overlap-kills", .clause = "ROB.msg.mem-table",
      .summary = "dies of a region that overlaps another", .request = overlap_kills);

/* The second one of a session, near the table. */
static void body_on_second(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	static unsigned n;

	if (vf_is(rq, VU_SET_OWNER))
		n = 0;
	if (!vf_is(rq, VU_ADD_MEM_REG) || rq->msg.mem_single.region.uva >= FAR || ++n != 2 ||
	    !rep->send || rep->msg.u64 != 0)
		return;
	rep->msg.mem_single = rq->msg.mem_single;
	rep->msg.hdr.size = sizeof(rep->msg.mem_single);
}

FAULT(body_on_second, .name = "add-answered-with-region", .clause = "VU.mem.add.be.6",
      .summary = "answers the second ADD_MEM_REG of a session with the region",
      .reply = body_on_second);

/* --- REM_MEM_REG ------------------------------------------------------------------------------------------ */

static enum fault_action not_removed(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	const struct vu_mem_region *r = far_region(rq, VU_REM_MEM_REG);

	return r && find(s, r) ? vf_ack(s, rq, rep, 0) : FAULT_PASS;
}

FAULT(not_removed, .name = "region-not-removed", .clause = "VU.mem.rem.be.1",
      .summary = "acknowledges REM_MEM_REG of a region of 2 MiB and keeps it",
      .request = not_removed);

static enum fault_action stays_mapped(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (far_region(rq, VU_ADD_MEM_REG) && rq->nfds == 1 &&
	    mmap(NULL, 4096, PROT_READ, MAP_SHARED, rq->fds[0], 0) == MAP_FAILED) {
		/* Then there is nothing to see of this fault. */
	}
	return FAULT_PASS;
}

FAULT(removed_stays_mapped, .name = "removed-stays-mapped", .clause = "ROB.leak.mappings",
      .summary = "never unmaps a page of each region that was added", .request = stays_mapped);

static enum fault_action by_gpa_and_size(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	struct vu_mem_region *r = &rq->msg.mem_single.region;

	for (u32 i = 0; region_of(rq, VU_REM_MEM_REG) && i < s->mem->n; i++)
		if (s->mem->regions[i].gpa == r->gpa && s->mem->regions[i].size == r->size)
			r->uva = s->mem->regions[i].uva;
	return FAULT_PASS;
}

FAULT(removed_by_gpa, .name = "removed-whatever-user-address", .clause = "VU.mem.rem.be.2",
      .summary = "does not look at the user address in REM_MEM_REG", .request = by_gpa_and_size);

static enum fault_action part_kills(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	const struct vu_mem_region *r = region_of(rq, VU_REM_MEM_REG);

	return r && r->uva == FAR && r->size == MIB ? vf_die() : FAULT_PASS;
}

FAULT(part_kills, .name = "removing-part-kills", .clause = "ROB.msg.mem-table",
      .summary = "dies of REM_MEM_REG with half the size of a region", .request = part_kills);

static enum fault_action offset_counts(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	const struct vu_mem_region *r = region_of(rq, VU_REM_MEM_REG);

	return r && r->mmap_offset ? vf_ack(s, rq, rep, 1) : FAULT_PASS;
}

FAULT(offset_counts, .name = "removal-needs-offset", .clause = "VU.mem.rem.be.3",
      .summary = "refuses REM_MEM_REG with an mmap offset", .request = offset_counts);

static enum fault_action fd_kept(struct vub_session *s, struct vub_request *rq,
				 struct vub_reply *rep)
{
	if (vf_is(rq, VU_REM_MEM_REG) && rq->nfds == 1)
		vf_keep(rq->fds[0]);
	return FAULT_PASS;
}

FAULT(removal_fd_kept, .name = "removal-keeps-descriptor", .clause = "VU.mem.rem.be.5",
      .summary = "keeps a descriptor that comes with REM_MEM_REG", .request = fd_kept);

static bool unknown(const struct vub_session *s, const struct vub_request *rq)
{
	const struct vu_mem_region *r = region_of(rq, VU_REM_MEM_REG);

	return r && r->gpa >= 0x300000000 && !find(s, r);
}

static enum fault_action unknown_done(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return unknown(s, rq) ? vf_ack(s, rq, rep, 0) : FAULT_PASS;
}

FAULT(unknown_removed, .name = "unknown-region-removed", .clause = "VU.mem.rem.be.6",
      .summary = "acknowledges REM_MEM_REG of a region above 12 GiB that it does not have",
      .request = unknown_done);

static enum fault_action unknown_kills(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	return unknown(s, rq) ? vf_die() : FAULT_PASS;
}

FAULT(unknown_kills, .name = "removing-unknown-kills", .clause = "ROB.msg.mem-table",
      .summary = "dies of REM_MEM_REG of a region above 12 GiB that it does not have",
      .request = unknown_kills);

/* --- under a running ring ----------------------------------------------------------------------------------- */

static bool under_a_ring(const struct vub_session *s, const struct vub_request *rq)
{
	const struct vu_mem_region *r = region_of(rq, VU_REM_MEM_REG);
	u64 desc = s->rings[0].addr.desc;

	return r && s->rings[0].started && desc - r->uva < r->size;
}

static enum fault_action under_ring_kills(struct vub_session *s, struct vub_request *rq,
					  struct vub_reply *rep)
{
	return under_a_ring(s, rq) ? vf_die() : FAULT_PASS;
}

FAULT(under_ring_kills, .name = "removing-under-ring-kills", .clause = "ROB.live.new-session",
      .summary = "dies of REM_MEM_REG of a region with a running ring",
      .request = under_ring_kills);

static bool dead;

static void alive_again(struct vub_session *s)
{
	dead = false;
}

static enum fault_action under_ring_stops(struct vub_session *s, struct vub_request *rq,
					  struct vub_reply *rep)
{
	if (under_a_ring(s, rq))
		dead = true;
	return FAULT_PASS;
}

static bool never_again(struct vub_ring *ring, bool allowed)
{
	return allowed && !dead;
}

FAULT(under_ring_stops, .name = "removing-under-ring-stops", .clause = "VU.mem.rem.be.7",
      .summary = "runs no ring any more once a running one lost its region",
      .session_start = alive_again, .request = under_ring_stops, .may_run = never_again);
