// SPDX-License-Identifier: BSD-3-Clause
/*
 * Faults in the form of replies. They show at GET_MAX_MEM_SLOTS, which no set-up needs: a fault in
 * what every session begins with would leave nothing to look at.
 */
#include <sys/eventfd.h>

#include "ref-backends/fault/vu_filter.h"

#define VICTIM VU_GET_MAX_MEM_SLOTS

static void no_reply_bit(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VICTIM))
		rep->msg.hdr.flags &= ~VU_FLAG_REPLY;
}

FAULT(reply_bit_missing, .name = "reply-bit-missing", .clause = "VU.hdr.reply.be.1",
      .summary = "answers GET_MAX_MEM_SLOTS without the reply bit", .reply = no_reply_bit);

static void no_version(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VICTIM))
		rep->msg.hdr.flags &= ~VU_FLAG_VERSION;
}

FAULT(reply_no_version, .name = "reply-version-0", .clause = "VU.hdr.version.be.1",
      .summary = "answers GET_MAX_MEM_SLOTS with version 0", .reply = no_version);

static void more_flags(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VICTIM))
		rep->msg.hdr.flags |= 0x10;
}

FAULT(reply_more_flags, .name = "reply-more-flags", .clause = "VU.hdr.reply.be.3",
      .summary = "answers GET_MAX_MEM_SLOTS with flags 0x15", .reply = more_flags);

static void other_id(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VICTIM))
		rep->msg.hdr.request = VICTIM + 1;
}

FAULT(reply_other_id, .name = "reply-other-id", .clause = "VU.hdr.request.be.1",
      .summary = "answers GET_MAX_MEM_SLOTS with the id of another message", .reply = other_id);

static void four_bytes(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VICTIM))
		rep->msg.hdr.size = 4;
}

FAULT(reply_four_bytes, .name = "reply-four-bytes", .clause = "VU.hdr.size.be.2",
      .summary = "answers GET_MAX_MEM_SLOTS with a u32", .reply = four_bytes);

/* Not one that hostile checks have made of it. */
static bool good_question(const struct vub_request *rq)
{
	return vf_is(rq, VICTIM) && rq->msg.hdr.size == 0 && rq->nfds == 0;
}

static enum fault_action size_too_large(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	struct {
		struct vu_header hdr;
		u64 value;
	} __attribute__((packed)) m = { { VICTIM, VU_VERSION | VU_FLAG_REPLY, 16 }, VUB_MEM_SLOTS };

	if (!good_question(rq))
		return FAULT_PASS;
	vf_send(s, &m, sizeof(m));
	return FAULT_DONE;
}

FAULT(reply_size_too_large, .name = "reply-size-too-large", .clause = "VU.hdr.size.be.1",
      .summary = "says 16 bytes in the header of GET_MAX_MEM_SLOTS' reply and sends 8",
      .request = size_too_large);

/* Behind the reply, which has gone out when the next message comes. */
static enum fault_action stray_bytes(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	static bool due;
	const u32 stray = 0;

	if (due && vf_is(rq, VU_GET_FEATURES))
		vf_send(s, &stray, sizeof(stray));
	due = good_question(rq);
	return FAULT_PASS;
}

FAULT(reply_stray_bytes, .name = "reply-stray-bytes", .clause = "VU.hdr.layout.be.1",
      .summary = "sends four more bytes behind the reply to GET_MAX_MEM_SLOTS",
      .request = stray_bytes);

static void surplus_descriptor(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VICTIM) && rep->fd < 0)
		rep->fd = eventfd(0, EFD_CLOEXEC);
}

FAULT(reply_surplus_descriptor, .name = "reply-surplus-descriptor",
      .clause = "VU.fds.main-replies.be.1",
      .summary = "attaches a descriptor to the reply to GET_MAX_MEM_SLOTS",
      .reply = surplus_descriptor);

static void swapped_number(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (vf_is(rq, VICTIM))
		rep->msg.u64 = __builtin_bswap64(rep->msg.u64);
}

FAULT(reply_swapped, .name = "reply-swapped", .clause = "VU.sock.byteorder.be.1",
      .summary = "answers GET_MAX_MEM_SLOTS in the other byte order", .reply = swapped_number);

/* Before the features are set: later the position belongs to a ring that is to work. */
static enum fault_action swapped_position(struct vub_session *s, struct vub_request *rq,
					  struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_VRING_BASE) && s->features == 0)
		rq->msg.state.num = __builtin_bswap16((u16)rq->msg.state.num);
	return FAULT_PASS;
}

FAULT(base_swapped, .name = "vring-base-swapped", .clause = "VU.sock.byteorder.be.2",
      .summary = "reads SET_VRING_BASE in the other byte order until features are set",
      .request = swapped_position);
