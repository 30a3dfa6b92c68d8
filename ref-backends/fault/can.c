// SPDX-License-Identifier: BSD-3-Clause
/* CAN controller: frames that are sent and must not be. */
#include "harness/spec/virtio14.h"
#include "ref-backends/device/message.h"
#include "ref-backends/fault/fault.h"

#define EXTENDED 0x8000u
#define FD	 0x4000u
#define RTR	 0x2000u

static bool is_frame(const struct rmessage *m, const struct rdev_req *req)
{
	return m->dev.ops->id == VIRTIO_ID_CAN && req->queue == 0 && req->used_len &&
	       req->chain.readable >= 16;
}

static void sent(struct rmessage *m, const struct rdev_req *req, u8 *answer, bool one)
{
	if (m->on && is_frame(m, req) && one)
		answer[0] = 0;
}

static void fd(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	sent(m, req, answer, message_u32(request + 8) == FD);
}

FAULT(can_fd, .name = "can-fd-not-negotiated", .clause = "v14.can.tx.dev.1",
      .summary = "sends CAN FD frames that were not negotiated", .message_answer = fd);

static void rtr(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	sent(m, req, answer, message_u32(request + 8) == RTR);
}

FAULT(can_rtr, .name = "can-rtr-not-negotiated", .clause = "v14.can.tx.dev.1",
      .summary = "sends RTR frames that were not negotiated", .message_answer = rtr);

static void any_flag(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	sent(m, req, answer, message_u32(request + 8) & 0x1fff);
}

FAULT(can_any_flag, .name = "can-any-flag", .clause = "v14.can.tx.dev.1",
      .summary = "sends frames with flags that have no meaning", .message_answer = any_flag);

static void any_id(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	sent(m, req, answer, message_u32(request + 12) > 0x7ff && !message_u32(request + 8));
}

FAULT(can_any_id, .name = "can-standard-id-29-bits", .clause = "v14.can.tx.dev.3",
      .summary = "sends a frame that is not extended with an id that has more than 11 bits",
      .message_answer = any_id);

static void any_extended(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	sent(m, req, answer, message_u32(request + 8) == EXTENDED);
}

FAULT(can_any_extended, .name = "can-extended-id-32-bits", .clause = "v14.can.tx.dev.3",
      .summary = "sends extended frames with any id", .message_answer = any_extended);

static void any_length(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	sent(m, req, answer, message_u16(request + 2) > 8 && !message_u32(request + 8));
}

FAULT(can_any_length, .name = "can-long-frame", .clause = "v14.can.tx.dev.3",
      .summary = "sends classic frames of more than 8 bytes", .message_answer = any_length);

static void stopped(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (!m->on && is_frame(m, req))
		answer[0] = 0;
}

FAULT(can_stopped, .name = "can-sends-stopped", .clause = "v14.can.tx.dev.3",
      .summary = "sends frames when it is stopped", .message_answer = stopped);
