// SPDX-License-Identifier: BSD-3-Clause
/* SCSI host: sizes that a driver may set, and a reset (5.6.4). */
#include <linux/virtio_scsi.h>

#include "harness/check/regs_kit.h"
#include "harness/device/scsi.h"

#define SENSE "v14.scsi.cfg.dev.1a"
#define CDB   "v14.scsi.cfg.dev.1b"

struct sizes {
	u32 sense, cdb; /* as they lie there */
};

#define AT offsetof(struct virtio_scsi_config, sense_size)

static bool read(struct ck *c, struct sizes *s)
{
	u8 raw[sizeof(*s)];

	if (!ck_must(c, c->tp->ops->read_config(c->tp, AT, raw, sizeof(raw)), "reading the sizes"))
		return false;
	*s = (struct sizes){ vehicle_u32(raw), vehicle_u32(raw + 4) };
	return true;
}

static void reset(struct ck *c)
{
	const u32 shorter[] = { le32(SCSI_SENSE / 2), le32(SCSI_CDB / 2) };
	struct sizes s;
	u8 status;

	if (!ck_start(c, ck_ring_features()) ||
	    !ck_must(c, c->tp->ops->write_config(c->tp, AT, &shorter[0], 4),
		     "writing sense_size") ||
	    !ck_must(c, c->tp->ops->write_config(c->tp, AT + 4, &shorter[1], 4),
		     "writing cdb_size") ||
	    !read(c, &s))
		return;
	if (s.sense != SCSI_SENSE / 2 || s.cdb != SCSI_CDB / 2) {
		ck_skip(c, "half of either is not taken: sense_size %u, cdb_size %u", s.sense,
			s.cdb);
		return;
	}
	if (!rk_set_status(c, 0) || !rk_wait_reset(c, &status) || !read(c, &s))
		return;
	if (s.sense != SCSI_SENSE)
		ck_fail(c, SENSE, "96", "sense_size is %u after a reset", s.sense);
	else if (s.cdb != SCSI_CDB)
		ck_fail(c, CDB, "32", "cdb_size is %u after a reset", s.cdb);
}

CHECK_OVER(reset, CHECK_REGISTERS, .id = "scsi.config.reset", .clauses = { SENSE, CDB },
	   .stimulus = "48 written to sense_size and 16 to cdb_size, and a reset",
	   .oracle = "they are 96 and 32", .device = VIRTIO_ID_SCSI,
	   .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE, .run = reset);
