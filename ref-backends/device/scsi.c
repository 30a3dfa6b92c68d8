// SPDX-License-Identifier: BSD-3-Clause
/*
 * A SCSI host (VIRTIO 1.4, 5.6) with one target of one unit, a disk without a medium: TEST UNIT READY, INQUIRY and
 * REPORT LUNS; anything else is no command of it. Each is done before the next is looked at, so that a task
 * management function finds nothing to end.
 */
#include <linux/virtio_scsi.h>
#include <stddef.h>
#include <string.h>

#include "ref-backends/device/message.h"
#include "ref-backends/device/plain.h"

enum {
	CONTROLQ,
	EVENTQ,
	REQUESTQ,
	QUEUES
};

#define CDB_AT	 19u
#define SENSE_AT 12u
#define CDB	 32u /* what is looked at of one */

/* What a driver may set sense_size and cdb_size to: what is asked and answered stays short. */
#define SENSE_MAX 252u
#define CDB_MIN	  6u
#define CDB_MAX	  255u

#define GOOD	  0x00
#define CHECK	  0x02
#define INQUIRED  36u
#define LUNS_HEAD 8u

#define NOT_READY	0x2
#define ILLEGAL_REQUEST 0x5
#define NO_COMMAND	0x20
#define NO_UNIT		0x25
#define BAD_FIELD	0x24
#define NO_MEDIUM	0x3a

/* Which unit an address means (5.6.6.1). */
enum unit {
	UNIT_0,
	UNIT_REPORTS, /* the well-known one that answers REPORT LUNS */
	UNIT_ABSENT,
	UNIT_NO_TARGET,
	UNIT_MALFORMED
};

static enum unit unit_of(const u8 *lun)
{
	static const u8 reports[] = { 0xc1, 0x01 };

	if (memcmp(lun, reports, sizeof(reports)) == 0)
		return UNIT_REPORTS;
	if (lun[0] != 1 || lun[2] >> 6 > 1)
		return UNIT_MALFORMED;
	if (lun[1] != 0)
		return UNIT_NO_TARGET;
	return lun[2] & 0x3f || lun[3] ? UNIT_ABSENT : UNIT_0;
}

struct outcome {
	u8 status, sense[18];
	u32 data; /* bytes */
};

static void sense(struct outcome *o, u8 key, u8 code)
{
	o->status = CHECK;
	o->sense[0] = 0x70;
	o->sense[2] = key;
	o->sense[7] = sizeof(o->sense) - 8;
	o->sense[12] = code;
}

/* Vendor, product and revision, without an end of their own. */
static const u8 who[28] = "RINGSIDEdisk            1   ";

static u32 big(const u8 *at, u32 n)
{
	u32 v = 0;

	for (u32 i = 0; i < n; i++)
		v = v << 8 | at[i];
	return v;
}

static void inquiry(enum unit unit, const u8 *cdb, struct outcome *o, u8 *data)
{
	/* No page of vital product data is known. */
	if (cdb[1] & 1 || cdb[2]) {
		sense(o, ILLEGAL_REQUEST, BAD_FIELD);
		return;
	}
	if (unit != UNIT_0)
		data[0] = unit == UNIT_REPORTS ? 0x1e : 0x7f; /* well-known; none at all */
	data[2] = 5;
	data[4] = INQUIRED - 5;
	memcpy(data + 8, who, sizeof(who));
	o->data = MIN(INQUIRED, big(cdb + 3, 2));
}

static void command(enum unit unit, const u8 *cdb, struct outcome *o, u8 *data)
{
	switch (cdb[0]) {
	case 0x12: /* INQUIRY */
		inquiry(unit, cdb, o, data);
		return;
	case 0xa0: /* REPORT LUNS: one, which is 0 */
		if (big(cdb + 6, 4) < LUNS_HEAD + 8) {
			sense(o, ILLEGAL_REQUEST, BAD_FIELD);
			return;
		}
		data[3] = 8;
		o->data = LUNS_HEAD + 8;
		return;
	case 0x00: /* TEST UNIT READY */
		if (unit == UNIT_0)
			sense(o, NOT_READY, NO_MEDIUM);
		else if (unit == UNIT_ABSENT)
			sense(o, ILLEGAL_REQUEST, NO_UNIT);
		return;
	default:
		sense(o, ILLEGAL_REQUEST, unit == UNIT_ABSENT ? NO_UNIT : NO_COMMAND);
	}
}

/* A request of the size that cdb_size makes it, with data for one direction at most. */
static u8 refusal(const struct rmessage *m, enum unit unit, u32 len, u32 back)
{
	const u32 size = CDB_AT + m->cdb_size;

	if (len < size || unit == UNIT_MALFORMED)
		return VIRTIO_SCSI_S_FAILURE;
	if (m->len > size && m->room > back)
		return VIRTIO_SCSI_S_FAILURE;
	return unit == UNIT_NO_TARGET ? VIRTIO_SCSI_S_BAD_TARGET : VIRTIO_SCSI_S_OK;
}

static u32 request_answer(const struct rmessage *m, const u8 *request, u32 len, u8 *answer,
			  u32 room)
{
	const u32 back = SENSE_AT + m->sense_size;
	const enum unit unit = len >= 8 ? unit_of(request) : UNIT_MALFORMED;
	struct virtio_scsi_cmd_resp r = { 0 };
	struct outcome o = { 0 };
	u8 cdb[CDB] = { 0 };

	if (room < back)
		return 0;
	r.response = refusal(m, unit, len, back);
	if (r.response == VIRTIO_SCSI_S_OK) {
		memcpy(cdb, request + CDB_AT, MIN(m->cdb_size, CDB));
		command(unit, cdb, &o, answer + back);
		if (o.data > room - back) {
			r.response = VIRTIO_SCSI_S_OVERRUN;
			o.data = room - back;
		}
		r.resid = le32(m->room - back - o.data);
		r.status = o.status;
		r.sense_len = o.status ? le32(MIN((u32)sizeof(o.sense), m->sense_size)) : 0;
	}
	memcpy(answer, &r, SENSE_AT);
	memcpy(answer + SENSE_AT, o.sense, le32(r.sense_len));
	return back + o.data;
}

/* --- the control queue ------------------------------------------------------------------------------------------ */

static u8 tmf(const u8 *request)
{
	const u32 function = message_u32(request + 4);

	if (function > VIRTIO_SCSI_T_TMF_QUERY_TASK_SET)
		return VIRTIO_SCSI_S_FUNCTION_REJECTED;
	switch (unit_of(request + 8)) {
	case UNIT_NO_TARGET:
		return VIRTIO_SCSI_S_BAD_TARGET;
	case UNIT_0:
	case UNIT_REPORTS:
		return VIRTIO_SCSI_S_OK; /* FUNCTION_COMPLETE */
	case UNIT_ABSENT:
		return function == VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET ? VIRTIO_SCSI_S_OK
								     : VIRTIO_SCSI_S_INCORRECT_LUN;
	default:
		return VIRTIO_SCSI_S_FAILURE;
	}
}

static u32 control_answer(const u8 *request, u32 len, u8 *answer, u32 room)
{
	const u32 type = len >= 4 ? message_u32(request) : ~0u;
	const bool events = type == VIRTIO_SCSI_T_AN_QUERY || type == VIRTIO_SCSI_T_AN_SUBSCRIBE;
	const u32 size = events ? sizeof(struct virtio_scsi_ctrl_an_req)
				: sizeof(struct virtio_scsi_ctrl_tmf_req);
	/* Before it a query or a subscription has the events, of which there are none. */
	const u32 at = events ? offsetof(struct virtio_scsi_ctrl_an_resp, response) : 0;

	if (room <= at)
		return 0;
	if (len < size || (!events && type != VIRTIO_SCSI_T_TMF))
		answer[at] = VIRTIO_SCSI_S_FAILURE;
	else if (events)
		answer[at] = unit_of(request + 4) == UNIT_NO_TARGET ? VIRTIO_SCSI_S_BAD_TARGET
								    : VIRTIO_SCSI_S_OK;
	else
		answer[at] = tmf(request);
	return at + 1;
}

static u32 answer(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer, u32 room)
{
	if (queue == CONTROLQ)
		return control_answer(request, len, answer, room);
	return request_answer(m, request, len, answer, room);
}

/* --- the configuration space ------------------------------------------------------------------------------------ */

static void config(struct rmessage *m, u8 *image)
{
	const struct virtio_scsi_config c = {
		.num_queues = le32(1),
		.seg_max = le32(126),
		.max_sectors = le32(0xffff),
		.cmd_per_lun = le32(128),
		.event_info_size = le32(sizeof(struct virtio_scsi_event)),
		.sense_size = le32(m->sense_size),
		.cdb_size = le32(m->cdb_size),
		.max_target = le16(255),
		.max_lun = le32(16383),
	};

	memcpy(image, &c, sizeof(c));
}

/* sense_size and cdb_size, each as a whole. */
static bool config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	struct rmessage *m = (struct rmessage *)dev;
	u32 value;

	if (len != 4)
		return false;
	value = message_u32(data);
	if (off == offsetof(struct virtio_scsi_config, sense_size) && value <= SENSE_MAX)
		m->sense_size = value;
	else if (off == offsetof(struct virtio_scsi_config, cdb_size) && value >= CDB_MIN &&
		 value <= CDB_MAX)
		m->cdb_size = value;
	else
		return false;
	return true;
}

const struct message_ops scsi_message = { .answer = answer,
					  .config = config,
					  .idle = 1u << EVENTQ };

const struct rdev_ops scsi_ops = {
	.name = "scsi",
	.id = VIRTIO_ID_SCSI,
	.config_size = sizeof(struct virtio_scsi_config),
	.features = message_no_features,
	.config_write = config_write,
	MESSAGE_OPS,
};
