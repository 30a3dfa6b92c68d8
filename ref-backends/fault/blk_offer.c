// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the block device: what is offered, configuration space, cache mode. */
#include <string.h>

#include "ref-backends/binding/vhost_user/dispatch.h"
#include "ref-backends/fault/blk_kit.h"

#define WCE_AT RBLK_CONFIG_WCE_OFF

/* --- features ------------------------------------------------------------------------------------ */

static u64 no_flush(u64 offered)
{
	return offered & ~(FB_FEATURE(FLUSH) | FB_FEATURE(CONFIG_WCE));
}

FAULT(flush_not_offered, .name = "blk-flush-not-offered", .clause = "v14.blk.init.dev.1",
      .summary = "does not offer FLUSH", .features = no_flush);

static u64 wce_alone(u64 offered)
{
	return offered & ~FB_FEATURE(FLUSH);
}

FAULT(wce_without_flush, .name = "blk-wce-without-flush", .clause = "v14.blk.init.dev.2",
      .summary = "offers CONFIG_WCE without FLUSH", .features = wce_alone);

static enum fault_action discard_unsupp(struct rblk *blk, struct rblk_req *req)
{
	if (req->type == VIRTIO_BLK_T_DISCARD && fb_plain(req, 0))
		return fb_finish(req, VIRTIO_BLK_S_UNSUPP);
	return FAULT_PASS;
}

FAULT(discard_not_done, .name = "blk-discard-not-done", .clause = "v14.basic.feature-bits.dev.4",
      .summary = "offers DISCARD, and answers every DISCARD with UNSUPP",
      .blk_request = discard_unsupp);

static enum fault_action flush_ioerr(struct rblk *blk, struct rblk_req *req)
{
	if (req->type == VIRTIO_BLK_T_FLUSH && blk->read_only && blk->features & FB_FEATURE(FLUSH))
		return fb_finish(req, VIRTIO_BLK_S_IOERR);
	return FAULT_PASS;
}

FAULT(flush_read_only, .name = "blk-flush-read-only", .clause = "v14.basic.feature-bits.dev.4",
      .summary = "read-only: offers FLUSH, and fails it", .blk_request = flush_ioerr);

/* --- lifetime -------------------------------------------------------------------------------------- */

struct lifetime {
	u16 pre_eol_info, est_typ_a, est_typ_b;
};

static u64 with_lifetime(u64 offered)
{
	return offered | FB_FEATURE(LIFETIME);
}

static enum fault_action tell_lifetime(struct rblk *blk, struct rblk_req *req, struct lifetime l)
{
	if (req->type != VIRTIO_BLK_T_GET_LIFETIME || !(blk->features & FB_FEATURE(LIFETIME)))
		return FAULT_PASS;
	fb_answer(req, &l, sizeof(l));
	return fb_finish(req, VIRTIO_BLK_S_OK);
}

static enum fault_action lifetime_reserved(struct rblk *blk, struct rblk_req *req)
{
	return tell_lifetime(blk, req, (struct lifetime){ le16(1), le16(12), le16(1) });
}

FAULT(lifetime_reserved, .name = "blk-lifetime-reserved", .clause = "v14.blk.operation.dev.17",
      .summary = "GET_LIFETIME gives a reserved estimate (12)", .features = with_lifetime,
      .blk_request = lifetime_reserved);

static enum fault_action lifetime_undefined(struct rblk *blk, struct rblk_req *req)
{
	return tell_lifetime(blk, req, (struct lifetime){ 0 });
}

FAULT(lifetime_undefined, .name = "blk-lifetime-undefined", .clause = "v14.blk.operation.dev.16",
      .summary = "offers LIFETIME, and all that GET_LIFETIME gives is undefined",
      .features = with_lifetime, .blk_request = lifetime_undefined);

/* --- configuration --------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct virtio_blk_config, field)

static void put16(u8 *config, size_t at, u16 v)
{
	v = le16(v);
	memcpy(config + at, &v, sizeof(v));
}

static void put32(u8 *config, size_t at, u32 v)
{
	v = le32(v);
	memcpy(config + at, &v, sizeof(v));
}

static void padding1(struct vub_session *s, u8 *config, size_t len)
{
	config[AT(unused1) + 2] = 1;
}

FAULT(config_padding1, .name = "blk-config-padding1", .clause = "v14.blk.init.dev.4b",
      .summary = "leaves rubbish in the padding bytes unused1", .config = padding1);

static void odd_block(struct vub_session *s, u8 *config, size_t len)
{
	put32(config, AT(blk_size), 520);
}

FAULT(config_blk_size, .name = "blk-config-blk-size", .clause = "ROB.blk.config",
      .summary = "blk_size is 520", .config = odd_block);

static void many_queues(struct vub_session *s, u8 *config, size_t len)
{
	put16(config, AT(num_queues), (u16)(s->num_rings + 1));
}

FAULT(config_num_queues, .name = "blk-config-num-queues", .clause = "ROB.blk.config",
      .summary = "num_queues is one more than there are", .config = many_queues);

#define SEGMENTS 100

static enum fault_action few_segments(struct rblk *blk, struct rblk_req *req)
{
	/* As drivers cut them: of a sector each, or more. */
	if (((req->type == VIRTIO_BLK_T_IN && req->n_in > SEGMENTS) ||
	     (req->type == VIRTIO_BLK_T_OUT && req->n_out > SEGMENTS)) &&
	    fb_sectors(req) > SEGMENTS)
		return fb_finish(req, VIRTIO_BLK_S_IOERR);
	return FAULT_PASS;
}

FAULT(seg_max_broken, .name = "blk-seg-max-broken", .clause = "ROB.blk.config",
      .summary = "announces seg_max 126, and fails requests of more than 100 segments",
      .blk_request = few_segments);

/* --- cache mode ------------------------------------------------------------------------------------ */

static void writeback_on(struct vub_session *s, u8 *config, size_t len)
{
	if (s->features & FB_FEATURE(CONFIG_WCE) && !(s->features & FB_FEATURE(FLUSH)))
		config[WCE_AT] = 1;
}

FAULT(writeback_starts_on, .name = "blk-writeback-starts-on", .clause = "v14.blk.init.dev.3",
      .summary = "writeback is 1 with CONFIG_WCE and without FLUSH", .config = writeback_on);

static enum fault_action ignore_write(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	const struct vu_config *c = &rq->msg.config;

	if (rq->msg.hdr.request != VU_SET_CONFIG || rq->msg.hdr.size != VU_CONFIG_HEADER + 1 ||
	    c->offset != WCE_AT || c->size != 1 || c->flags || c->data[0] > 1 ||
	    !(s->features & FB_FEATURE(CONFIG_WCE)))
		return FAULT_PASS;
	if (vub_has_pf(s, VU_PF_REPLY_ACK) && rq->msg.hdr.flags & VU_FLAG_NEED_REPLY)
		vub_reply_u64(rep, 0);
	return FAULT_DONE;
}

FAULT(writeback_ignored, .name = "blk-writeback-ignored", .clause = "VU.config.set.be.4",
      .summary = "acknowledges a write to writeback, and keeps the old value",
      .request = ignore_write);

static enum fault_action lose_write(struct rblk *blk, struct rblk_req *req)
{
	const u64 both = FB_FEATURE(CONFIG_WCE) | FB_FEATURE(FLUSH);

	if (req->type == VIRTIO_BLK_T_OUT && (blk->features & both) == both && !blk->writeback &&
	    !blk->read_only)
		return fb_finish(req, VIRTIO_BLK_S_OK);
	return FAULT_PASS;
}

FAULT(writethrough_loses, .name = "blk-writethrough-loses", .clause = "ROB.blk.data",
      .summary = "loses writes once the driver has switched to writethrough",
      .blk_request = lose_write);

/* --- a capacity that changes ----------------------------------------------------------------------- */

static unsigned announced;

static void none_announced(struct vub_session *s)
{
	announced = 0;
}

static bool announce_once(struct vub_session *s, bool due)
{
	return due && announced++ == 0;
}

FAULT(resize_once, .name = "blk-resize-once", .clause = "v14.blk.operation.dev.2",
      .summary = "announces the first change of its capacity in a session, and no other",
      .session_start = none_announced, .announce = announce_once);
