// SPDX-License-Identifier: BSD-3-Clause
/* Faults in GET_CONFIG and SET_CONFIG. */
#include "ref-backends/fault/vu_filter.h"

#include <linux/virtio_blk.h>

#define WCE ((u32)offsetof(struct virtio_blk_config, wce))

/* --- GET_CONFIG ---------------------------------------------------------------------------------------- */

static bool is_read(const struct vub_request *rq, u32 offset, u32 size)
{
	return vf_is(rq, VU_GET_CONFIG) && rq->msg.config.offset == offset &&
	       rq->msg.config.size == size;
}

static void rounded_size(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_CONFIG) && rep->msg.hdr.size == VU_CONFIG_HEADER + 1)
		rep->msg.hdr.size += 3;
}

FAULT(config_rounds_size, .name = "config-rounds-size", .clause = "VU.config.get.be.1",
      .summary = "answers a GET_CONFIG of one byte with four", .reply = rounded_size);

static void no_offset(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_CONFIG))
		rep->msg.config.offset = 0;
}

FAULT(config_no_offset, .name = "config-no-offset-in-reply", .clause = "VU.config.get.be.4",
      .summary = "leaves the offset out of GET_CONFIG's reply", .reply = no_offset);

static void swapped_words(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_CONFIG) && rep->msg.hdr.size > VU_CONFIG_HEADER) {
		rep->msg.config.offset = rq->msg.config.size;
		rep->msg.config.size = rq->msg.config.offset;
	}
}

FAULT(config_swapped_words, .name = "config-swapped-words", .clause = "VU.layout.config.be.1",
      .summary = "puts the size before the offset in GET_CONFIG's reply", .reply = swapped_words);

static enum fault_action even_offset(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_CONFIG))
		rq->msg.config.offset &= ~1u;
	return FAULT_PASS;
}

FAULT(config_even_offset, .name = "config-even-offset", .clause = "VU.config.get.be.3",
      .summary = "rounds the offset of GET_CONFIG down to a multiple of 2", .request = even_offset);

static void late_config(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_CONFIG) && s->features == 0 && !vub_has_pf(s, VU_PF_STATUS))
		rep->msg.hdr.size = 0;
}

FAULT(config_late, .name = "config-after-features", .clause = "VU.config.get.be.7",
      .summary = "has no configuration until SET_FEATURES, without STATUS", .reply = late_config);

static enum fault_action beyond_is_zero(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	const struct vu_config *c = &rq->msg.config;

	if (!vf_is(rq, VU_GET_CONFIG) || c->offset < 0x1000 ||
	    c->size != rq->msg.hdr.size - VU_CONFIG_HEADER)
		return FAULT_PASS;
	memset(rep->msg.bytes, 0, rq->msg.hdr.size);
	rep->msg.hdr.size = rq->msg.hdr.size;
	rep->send = true;
	return FAULT_DONE;
}

FAULT(config_beyond_is_zero, .name = "config-beyond-is-zero", .clause = "VU.config.get.be.2",
      .summary = "answers a GET_CONFIG behind the end with zeroes", .request = beyond_is_zero);

static void beyond_is_junk(struct vub_session *s, u8 *config, size_t len)
{
	memset(config + sizeof(struct virtio_blk_config), 0x5a,
	       len - sizeof(struct virtio_blk_config));
}

FAULT(config_beyond_is_junk, .name = "config-beyond-is-junk", .clause = "VU.config.get.be.6",
      .summary = "has something behind the end of the configuration space",
      .config = beyond_is_junk);

static enum fault_action wrap_kills(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	return is_read(rq, 0xffffffff, 1) ? vf_die() : FAULT_PASS;
}

FAULT(config_wrap_kills, .name = "config-wrap-kills", .clause = "ROB.config.bounds",
      .summary = "dies of a GET_CONFIG whose offset and size wrap", .request = wrap_kills);

/* Only who asks for it alone and first: others' capacity stays right. */
static void swapped_capacity(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	static bool asked;
	u64 capacity;

	if (vf_is(rq, VU_SET_OWNER))
		asked = false;
	if (!vf_is(rq, VU_GET_CONFIG))
		return;
	if (is_read(rq, 0, 8) && !asked && rq->msg.hdr.flags == VU_VERSION &&
	    !vub_has_pf(s, VU_PF_STATUS)) {
		memcpy(&capacity, rep->msg.config.data, 8);
		capacity = __builtin_bswap64(capacity);
		memcpy(rep->msg.config.data, &capacity, 8);
	}
	asked = true;
}

FAULT(config_big_endian, .name = "config-big-endian", .clause = "VU.config.get.be.5",
      .summary = "gives the capacity as big endian when a session first asks for it alone",
      .reply = swapped_capacity);

/* --- SET_CONFIG ---------------------------------------------------------------------------------------- */

static u8 altered; /* of the first byte */

static void forget(struct vub_session *s)
{
	altered = 0;
}

static void show_altered(struct vub_session *s, u8 *config, size_t len)
{
	config[0] ^= altered;
}

static enum fault_action alter(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep,
			       u32 flags)
{
	if (!vf_is(rq, VU_SET_CONFIG) || rq->msg.config.flags != flags ||
	    rq->msg.config.offset != 0 || rq->msg.config.size != 8)
		return FAULT_PASS;
	altered ^= 1;
	return vf_ack(s, rq, rep, 0);
}

static enum fault_action writes_capacity(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	return alter(s, rq, rep, 0);
}

FAULT(config_writes_capacity, .name = "config-writes-capacity", .clause = "VU.config.set.be.2",
      .summary = "lets SET_CONFIG change the capacity", .session_start = forget,
      .request = writes_capacity, .config = show_altered);

static enum fault_action any_flag(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	return alter(s, rq, rep, 0x80000000);
}

FAULT(config_any_flag, .name = "config-any-flag", .clause = "VU.config.set.be.1",
      .summary = "takes any flag of SET_CONFIG for that of a migration", .session_start = forget,
      .request = any_flag, .config = show_altered);

static bool writes_wce(const struct vub_session *s, const struct vub_request *rq)
{
	return vf_is(rq, VU_SET_CONFIG) && rq->msg.config.offset == WCE &&
	       rq->msg.config.size == 1 && rq->msg.hdr.size == VU_CONFIG_HEADER + 1 &&
	       !vub_has_pf(s, VU_PF_STATUS);
}

static enum fault_action wce_not_written(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	return writes_wce(s, rq) ? vf_ack(s, rq, rep, 0) : FAULT_PASS;
}

FAULT(config_not_written, .name = "config-not-written", .clause = "VU.config.set.be.4",
      .summary = "acknowledges SET_CONFIG and changes nothing, without STATUS",
      .request = wce_not_written);

static void neighbour(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (writes_wce(s, rq))
		altered = 1;
}

FAULT(config_writes_neighbour, .name = "config-writes-neighbour", .clause = "VU.config.set.be.5",
      .summary =
	      "changes the capacity's first byte, too, when writeback is written, without STATUS",
      .session_start = forget, .reply = neighbour, .config = show_altered);

static bool write_beyond(const struct vub_request *rq)
{
	return vf_is(rq, VU_SET_CONFIG) && rq->msg.config.offset >= 0x1000;
}

static enum fault_action beyond_written(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	return write_beyond(rq) ? vf_ack(s, rq, rep, 0) : FAULT_PASS;
}

FAULT(config_beyond_written, .name = "config-beyond-written", .clause = "VU.config.set.be.6",
      .summary = "acknowledges a SET_CONFIG behind the end", .request = beyond_written);

static enum fault_action beyond_kills(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return write_beyond(rq) ? vf_die() : FAULT_PASS;
}

FAULT(config_beyond_kills, .name = "config-write-beyond-kills", .clause = "ROB.config.bounds",
      .summary = "dies of a SET_CONFIG behind the end", .request = beyond_kills);
