/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a SCSI host (VIRTIO 1.4, 5.6): commands on a request queue.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_SCSI_H
#define HARNESS_DEVICE_SCSI_H

#include "harness/device/vehicle.h"

#define SCSI_REQUESTQ 2

/* With the sizes that a device begins with (5.6.4). */
#define SCSI_CDB      32
#define SCSI_SENSE    96
#define SCSI_REQUEST  (19 + SCSI_CDB)
#define SCSI_RESPONSE (12 + SCSI_SENSE)

#define SCSI_TEST_UNIT_READY 0x00
#define SCSI_INQUIRY	     0x12
#define SCSI_REPORT_LUNS     0xa0

/* The command whose CDB is so long, to target and unit; the response lies behind what is written to. */
void scsi_write_request(u8 *to, u8 target, u16 lun, u64 tag, const u8 *cdb, u32 len);

struct scsi_response {
	u32 sense_len, residual;
	u8 status, response;
};

struct scsi_response scsi_read_response(const u8 *from);

#endif
