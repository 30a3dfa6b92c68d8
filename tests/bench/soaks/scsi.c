// SPDX-License-Identifier: BSD-3-Clause
/* What the unit is, whether it is ready, what units there are; a target that is not there; and a unit is reset. */
#include <linux/virtio_scsi.h>
#include <string.h>

#include "harness/device/scsi.h"
#include "tests/bench/soaks/soak.h"

#define CONTROLQ 0
#define DATA	 64u
#define NOBODY	 99

/* A command, and what comes back of it. */
static const struct {
	u8 cdb[12], target, response, status;
	u32 data;
} commands[] = {
	{ { SCSI_TEST_UNIT_READY }, 0, VIRTIO_SCSI_S_OK, 2, 0 },
	{ { SCSI_INQUIRY, [4] = 36 }, 0, VIRTIO_SCSI_S_OK, 0, 36 },
	{ { SCSI_REPORT_LUNS, [9] = 16 }, 0, VIRTIO_SCSI_S_OK, 0, 16 },
	{ { SCSI_INQUIRY, [4] = 36 }, NOBODY, VIRTIO_SCSI_S_BAD_TARGET, 0, 0 },
};

static bool is_reset(u64 n)
{
	return n % 16 == 15;
}

static void request(struct soak *s, struct soak_req *r)
{
	const unsigned i = r->n % ARRAY_SIZE(commands);

	if (is_reset(r->n)) {
		const struct virtio_scsi_ctrl_tmf_req q = {
			.type = VIRTIO_SCSI_T_TMF,
			.subtype = le32(VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET),
			.lun = { 1, 0, 0x40 },
		};

		memcpy(r->out.hva, &q, sizeof(q));
		r->out.len = sizeof(q);
		r->in.len = 1;
		r->in.hva[0] = 0xa5;
		r->queue = CONTROLQ;
		return;
	}
	scsi_write_request(r->out.hva, commands[i].target, 0, r->n, commands[i].cdb,
			   sizeof(commands[i].cdb));
	r->out.len = SCSI_REQUEST;
	r->in.len = SCSI_RESPONSE + DATA;
	memset(r->in.hva, 0xa5, SCSI_RESPONSE);
}

static bool good(struct soak *s, const struct soak_req *r)
{
	const unsigned i = r->n % ARRAY_SIZE(commands);
	const struct scsi_response a = scsi_read_response(r->in.hva);

	if (is_reset(r->n))
		return (r->used_len == 1 && r->in.hva[0] == VIRTIO_SCSI_S_OK) ||
		       soak_wrong(s, "a reset: length %u, response %u", r->used_len, r->in.hva[0]);
	if (a.response != commands[i].response || a.status != commands[i].status ||
	    r->used_len != SCSI_RESPONSE + commands[i].data)
		return soak_wrong(s, "length %u, response %u, status %u", r->used_len, a.response,
				  a.status);
	return a.response || a.residual == DATA - commands[i].data ||
	       soak_wrong(s, "%u bytes were not written", a.residual);
}

const struct soak_device soak_scsi = {
	.name = "scsi", .queues = 3, .queue = SCSI_REQUESTQ, .request = request, .good = good
};
