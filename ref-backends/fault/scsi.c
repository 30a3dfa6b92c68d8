// SPDX-License-Identifier: BSD-3-Clause
/* SCSI host: what is said of a command, and is not so. */
#include <linux/virtio_scsi.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/device/message.h"
#include "ref-backends/fault/fault.h"

#define REQUEST	  51u
#define REQUESTQ  2
#define STATUS	  10
#define RESPONSE  11
#define OPERATION 19

/* One of the request queue that has an answer. */
static bool is_request(const struct rmessage *m, const struct rdev_req *req)
{
	return m->dev.ops->id == VIRTIO_ID_SCSI && req->queue == REQUESTQ && req->used_len &&
	       req->chain.readable >= REQUEST;
}

static bool refused(const struct rmessage *m, const struct rdev_req *req, const u8 *answer,
		    u8 response)
{
	return is_request(m, req) && answer[RESPONSE] == response;
}

static void odd_status(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	/* The key of the sense data, where a status is to be. */
	if (is_request(m, req) && request[OPERATION] == 0xff && answer[STATUS])
		answer[STATUS] = answer[12 + 2];
}

FAULT(odd_status, .name = "scsi-status-is-sense-key", .clause = "v14.scsi.request.dev.1",
      .summary = "gives the sense key for a status", .message_answer = odd_status);

static void check_fails(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (is_request(m, req) && answer[STATUS])
		answer[RESPONSE] = VIRTIO_SCSI_S_FAILURE;
}

FAULT(check_fails, .name = "scsi-check-condition-fails", .clause = "v14.scsi.request.dev.2a",
      .summary = "says FAILURE of a command that ended with CHECK CONDITION",
      .message_answer = check_fails);

static void no_overrun(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (refused(m, req, answer, VIRTIO_SCSI_S_OVERRUN))
		answer[RESPONSE] = VIRTIO_SCSI_S_OK;
}

FAULT(no_overrun, .name = "scsi-overrun-ok", .clause = "v14.scsi.request.dev.2b",
      .summary = "cuts off data that there is no room for, and says OK",
      .message_answer = no_overrun);

static void other_target(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (refused(m, req, answer, VIRTIO_SCSI_S_BAD_TARGET))
		answer[RESPONSE] = VIRTIO_SCSI_S_FAILURE;
}

FAULT(other_target, .name = "scsi-no-target-fails", .clause = "v14.scsi.request.dev.2d",
      .summary = "says FAILURE of a target that is not there", .message_answer = other_target);

static void any_address(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (refused(m, req, answer, VIRTIO_SCSI_S_FAILURE) && request[0] != 1)
		answer[RESPONSE] = VIRTIO_SCSI_S_OK;
}

FAULT(any_address, .name = "scsi-any-address", .clause = "v14.scsi.request.dev.2g",
      .summary = "says OK whatever an address begins with", .message_answer = any_address);

static void both_ways(struct rmessage *m, struct rdev_req *req, const u8 *request, u8 *answer)
{
	if (refused(m, req, answer, VIRTIO_SCSI_S_FAILURE) && req->chain.readable > REQUEST)
		answer[RESPONSE] = VIRTIO_SCSI_S_OK;
}

FAULT(both_ways, .name = "scsi-both-ways", .clause = "v14.scsi.request.dev.2h",
      .summary = "takes data for both directions without INOUT", .message_answer = both_ways);

/* What a driver has set is what is seen from then on. */
static void keep(struct rmessage *m, u8 *at, u32 now, u32 first)
{
	static u32 kept[2];
	u32 *mine = &kept[first == VIRTIO_SCSI_CDB_DEFAULT_SIZE];

	if (m->dev.ops->id != VIRTIO_ID_SCSI)
		return;
	if (now != first)
		*mine = now;
	if (*mine)
		message_put32(at, *mine);
}

static void keep_sense(struct rmessage *m, u8 *image)
{
	keep(m, image + 20, m->sense_size, VIRTIO_SCSI_SENSE_DEFAULT_SIZE);
}

FAULT(keep_sense, .name = "scsi-sense-size-kept", .clause = "v14.scsi.cfg.dev.1a",
      .summary = "keeps sense_size over a reset", .message_config = keep_sense);

static void keep_cdb(struct rmessage *m, u8 *image)
{
	keep(m, image + 24, m->cdb_size, VIRTIO_SCSI_CDB_DEFAULT_SIZE);
}

FAULT(keep_cdb, .name = "scsi-cdb-size-kept", .clause = "v14.scsi.cfg.dev.1b",
      .summary = "keeps cdb_size over a reset", .message_config = keep_cdb);
