// SPDX-License-Identifier: BSD-3-Clause
/* CAN controller: frames that it must refuse (5.20.5.2). */
#include "harness/check/message_kit.h"
#include "harness/device/can.h"

#include <string.h>

#define TYPES  "v14.can.tx.dev.1"
#define RANGES "v14.can.tx.dev.3"

#define QUEUES	   3
#define UNDEFINED  0x1
#define TOO_LONG   9
#define ID	   0x123
#define BEYOND	   0x800
#define BEYOND_EXT 0x20000000

static bool result(struct ck *c, struct mk *m, unsigned queue, u32 len)
{
	m->queue = queue;
	if (!mk_ask(c, m, len, 1))
		return false;
	return m->used == 1 || ck_error(c, "an answer of %u bytes to a request with one", m->used);
}

static bool control(struct ck *c, struct mk *m, u16 type)
{
	can_write_head(m->out.hva, &(struct can_frame_head){ .msg_type = type });
	if (!result(c, m, CAN_CTRLQ, 2))
		return false;
	return m->in.hva[0] == CAN_RESULT_OK ||
	       ck_skip(c, "the controller does not %s: result %u",
		       type == CAN_SET_CTRL_START ? "start" : "stop", m->in.hva[0]);
}

static bool frame(struct ck *c, struct mk *m, u16 length, u32 flags, u32 id)
{
	memset(m->out.hva, 0, CAN_HEAD + 64);
	can_write_head(m->out.hva, &(struct can_frame_head){ CAN_TX, length, flags, id });
	return result(c, m, CAN_TXQ, CAN_HEAD + (flags & CAN_FLAG_RTR ? 0 : length));
}

/* Classic frames alone, and one of them goes: what is refused after it is refused for itself. */
static bool start(struct ck *c, struct mk *m)
{
	if (!mk_start_queues(c, m, BIT_ULL(CAN_F_CLASSIC), QUEUES) ||
	    !control(c, m, CAN_SET_CTRL_START) || !frame(c, m, CAN_DATA_MAX, 0, ID))
		return false;
	return m->in.hva[0] == CAN_RESULT_OK ||
	       ck_skip(c, "a usual frame has result %u: there is no bus", m->in.hva[0]);
}

static bool refused(struct ck *c, const struct mk *m, const char *clause, const char *what)
{
	return m->in.hva[0] == CAN_RESULT_NOT_OK ||
	       ck_fail(c, clause, "RESULT_NOT_OK", "%s: result %u", what, m->in.hva[0]);
}

struct bad {
	const char *what;
	u16 length;
	u32 flags, id;
};

static void refuse(struct ck *c, const char *clause, const struct bad *bad, unsigned n)
{
	struct mk m;

	if (!start(c, &m))
		return;
	for (unsigned i = 0; i < n; i++)
		if (!frame(c, &m, bad[i].length, bad[i].flags, bad[i].id) ||
		    !refused(c, &m, clause, bad[i].what))
			return;
}

static void types(struct ck *c)
{
	static const struct bad bad[] = {
		{ "a CAN FD frame", 12, CAN_FLAG_FD, ID },
		{ "an RTR frame", 0, CAN_FLAG_RTR, ID },
		{ "flag bit 0, which has no meaning", CAN_DATA_MAX, UNDEFINED, ID },
	};

	refuse(c, TYPES, bad, ARRAY_SIZE(bad));
}

CHECK(types, .id = "can.tx.types", .clauses = { TYPES },
      .stimulus = "accept classic frames alone; a CAN FD frame, an RTR frame, one with flag bit 0",
      .oracle = "RESULT_NOT_OK each time", .device = VIRTIO_ID_CAN,
      .features = BIT_ULL(CAN_F_CLASSIC), .run = types);

static void ranges(struct ck *c)
{
	static const struct bad bad[] = {
		{ "can_id 0x800 in a frame that is not extended", CAN_DATA_MAX, 0, BEYOND },
		{ "can_id 0x20000000", CAN_DATA_MAX, CAN_FLAG_EXTENDED, BEYOND_EXT },
		{ "a classic frame of 9 bytes", TOO_LONG, 0, ID },
	};

	refuse(c, RANGES, bad, ARRAY_SIZE(bad));
}

CHECK(ranges, .id = "can.tx.ranges", .clauses = { RANGES },
      .stimulus = "frames with can_id 0x800 and 0x20000000, and one of 9 bytes",
      .oracle = "RESULT_NOT_OK each time", .device = VIRTIO_ID_CAN,
      .features = BIT_ULL(CAN_F_CLASSIC), .run = ranges);

static void stopped(struct ck *c)
{
	struct mk m;

	if (!start(c, &m) || !control(c, &m, CAN_SET_CTRL_STOP) ||
	    !frame(c, &m, CAN_DATA_MAX, 0, ID))
		return;
	refused(c, &m, RANGES, "a frame for a controller that is stopped");
}

CHECK(stopped, .id = "can.tx.stopped", .clauses = { RANGES },
      .stimulus = "the controller is started, sends a frame, and is stopped; another frame",
      .oracle = "RESULT_NOT_OK", .device = VIRTIO_ID_CAN, .features = BIT_ULL(CAN_F_CLASSIC),
      .run = stopped);
