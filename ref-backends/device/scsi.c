// SPDX-License-Identifier: BSD-3-Clause
/*
 * A SCSI host (VIRTIO 1.4, 5.6) with one unit, a disk without a medium: TEST UNIT READY, INQUIRY and REPORT LUNS;
 * anything else is no command of it.
 */
#include <linux/virtio_scsi.h>
#include <string.h>

#include "ref-backends/device/message.h"
#include "ref-backends/device/plain.h"

enum {
	CONTROLQ,
	EVENTQ,
	REQUESTQ,
	QUEUES
};

#define CDB_AT	19u
#define REQUEST ((u32)sizeof(struct virtio_scsi_cmd_req))
#define BACK	((u32)sizeof(struct virtio_scsi_cmd_resp))

#define GOOD	  0x00
#define CHECK	  0x02
#define INQUIRED  36u
#define LUNS_HEAD 8u

static void sense(struct virtio_scsi_cmd_resp *r, u8 key, u8 code)
{
	r->status = CHECK;
	r->sense_len = le32(18);
	r->sense[0] = 0x70;
	r->sense[2] = key;
	r->sense[7] = 10;
	r->sense[12] = code;
}

/* Vendor, product and revision, without an end of their own. */
static const u8 who[28] = "RINGSIDEdisk            1   ";

/* How many bytes of data there are. */
static u32 command(const u8 *cdb, struct virtio_scsi_cmd_resp *r, u8 *data)
{
	switch (cdb[0]) {
	case 0x00: /* TEST UNIT READY */
		sense(r, 0x2, 0x3a);
		return 0;
	case 0x12: /* INQUIRY */
		data[2] = 5;
		data[4] = INQUIRED - 5;
		memcpy(data + 8, who, sizeof(who));
		return MIN(INQUIRED, (u32)(cdb[3] << 8 | cdb[4]));
	case 0xa0: /* REPORT LUNS: one, which is 0 */
		data[3] = 8;
		return LUNS_HEAD + 8;
	default:
		sense(r, 0x5, 0x20);
		return 0;
	}
}

static u32 answer(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer, u32 room)
{
	struct virtio_scsi_cmd_resp r = { 0 };
	u32 n = 0;

	if (queue == CONTROLQ) {
		/* A task management function, or a subscription; neither is known here. */
		if (room)
			answer[room - 1] = VIRTIO_SCSI_S_FUNCTION_REJECTED;
		return room;
	}
	if (room < BACK)
		return 0;
	if (len < REQUEST || request[0] != 1) {
		r.response = VIRTIO_SCSI_S_FAILURE;
	} else if (request[1] != 0) {
		r.response = VIRTIO_SCSI_S_BAD_TARGET;
	} else {
		n = command(request + CDB_AT, &r, answer + BACK);
		if (n > room - BACK) {
			r.response = VIRTIO_SCSI_S_OVERRUN;
			n = room - BACK;
		}
		r.resid = le32(room - BACK - n);
	}
	memcpy(answer, &r, BACK);
	return BACK + n;
}

static void config(struct rmessage *m, u8 *image)
{
	const struct virtio_scsi_config c = {
		.num_queues = le32(1),
		.seg_max = le32(126),
		.max_sectors = le32(0xffff),
		.cmd_per_lun = le32(128),
		.event_info_size = le32(sizeof(struct virtio_scsi_event)),
		.sense_size = le32(VIRTIO_SCSI_SENSE_DEFAULT_SIZE),
		.cdb_size = le32(VIRTIO_SCSI_CDB_DEFAULT_SIZE),
		.max_target = le16(255),
		.max_lun = le32(16383),
	};

	memcpy(image, &c, sizeof(c));
}

const struct message_ops scsi_message = { .answer = answer,
					  .config = config,
					  .idle = 1u << EVENTQ };

const struct rdev_ops scsi_ops = {
	.name = "scsi",
	.id = VIRTIO_ID_SCSI,
	.config_size = sizeof(struct virtio_scsi_config),
	.features = message_no_features,
	.config_write = plain_config_write,
	MESSAGE_OPS,
};
