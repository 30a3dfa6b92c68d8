// SPDX-License-Identifier: BSD-3-Clause
/* SCSI host: what is said of a command, and of one that cannot be (5.6.6.1). */
#include <linux/virtio_scsi.h>
#include <string.h>

#include "harness/check/message_kit.h"
#include "harness/device/scsi.h"

#define STATUS	   "v14.scsi.request.dev.1"
#define IS_OK	   "v14.scsi.request.dev.2a"
#define OVERRUN	   "v14.scsi.request.dev.2b"
#define BAD_TARGET "v14.scsi.request.dev.2d"
#define FAILURE	   "v14.scsi.request.dev.2g"
#define BOTH_WAYS  "v14.scsi.request.dev.2h"

#define INQUIRED 36u
#define DATA	 64u
#define NOBODY	 255 /* the highest target that there may be (5.6.4) */

static const u8 ready[6] = { SCSI_TEST_UNIT_READY };
static const u8 inquiry[6] = { SCSI_INQUIRY, [4] = INQUIRED };
static const u8 no_command[6] = { 0xff };

static bool command(struct ck *c, struct mk *m, u8 target, const u8 *cdb, u32 len, u32 room)
{
	scsi_write_request(m->out.hva, target, 0, 1, cdb, len);
	m->queue = SCSI_REQUESTQ;
	return mk_ask(c, m, SCSI_REQUEST, SCSI_RESPONSE + room);
}

/* A session in which target 0 has a unit: what is asked of it depends on nothing else. */
static bool start(struct ck *c, struct mk *m)
{
	struct scsi_response r;

	if (!mk_start_queues(c, m, 0, SCSI_REQUESTQ + 1))
		return false;
	/* QEMU takes the first descriptor for all of the response, and the second for the data. */
	m->out_head = SCSI_REQUEST;
	m->in_head = SCSI_RESPONSE;
	if (!command(c, m, 0, inquiry, sizeof(inquiry), DATA))
		return false;
	r = scsi_read_response(m->in.hva);
	if (r.response != VIRTIO_SCSI_S_OK || r.status)
		return ck_skip(c, "INQUIRY of target 0 has response %u, status %u: no unit there",
			       r.response, r.status);
	return true;
}

/* What the device server says at all (SAM). */
static bool is_sam_status(u8 status)
{
	static const u8 known[] = { 0x00, 0x02, 0x04, 0x08, 0x18, 0x28, 0x30, 0x40 };

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i] == status)
			return true;
	return false;
}

static void status(struct ck *c)
{
	static const struct {
		const char *what;
		const u8 *cdb;
	} commands[] = {
		{ "INQUIRY", inquiry },
		{ "TEST UNIT READY", ready },
		{ "a command that is none", no_command },
	};
	struct scsi_response r;
	struct mk m;

	if (!start(c, &m))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!command(c, &m, 0, commands[i].cdb, sizeof(inquiry), DATA))
			return;
		r = scsi_read_response(m.in.hva);
		if (r.response != VIRTIO_SCSI_S_OK) {
			ck_fail(c, IS_OK, "response OK, whatever the status", "%s: response %u",
				commands[i].what, r.response);
			return;
		}
		if (!is_sam_status(r.status)) {
			ck_fail(c, STATUS, "a status that SAM has", "%s: status 0x%02x",
				commands[i].what, r.status);
			return;
		}
	}
}

CHECK(status, .id = "scsi.request.status", .clauses = { STATUS, IS_OK },
      .stimulus = "INQUIRY, TEST UNIT READY and operation code 0xff",
      .oracle = "response OK each time, and a status that SAM has", .device = VIRTIO_ID_SCSI,
      .run = status);

static void overrun(struct ck *c)
{
	struct scsi_response r;
	struct mk m;

	if (!start(c, &m) || !command(c, &m, 0, inquiry, sizeof(inquiry), INQUIRED / 2))
		return;
	r = scsi_read_response(m.in.hva);
	if (r.response != VIRTIO_SCSI_S_OVERRUN)
		ck_fail(c, OVERRUN, "response OVERRUN",
			"INQUIRY of %u bytes into a buffer of %u: response %u", INQUIRED,
			INQUIRED / 2, r.response);
}

CHECK(overrun, .id = "scsi.request.overrun", .clauses = { OVERRUN },
      .stimulus = "INQUIRY of 36 bytes with room for 18", .oracle = "response OVERRUN",
      .device = VIRTIO_ID_SCSI, .run = overrun);

static void bad_target(struct ck *c)
{
	struct scsi_response r;
	struct mk m;

	if (!start(c, &m) || !command(c, &m, NOBODY, inquiry, sizeof(inquiry), DATA))
		return;
	r = scsi_read_response(m.in.hva);
	if (r.response == VIRTIO_SCSI_S_OK && !r.status && m.in.hva[SCSI_RESPONSE] >> 5 == 0)
		ck_skip(c, "there is a target %u", NOBODY);
	else if (r.response != VIRTIO_SCSI_S_BAD_TARGET)
		ck_fail(c, BAD_TARGET, "response BAD_TARGET",
			"INQUIRY of target %u: response %u, status %u", NOBODY, r.response,
			r.status);
}

CHECK(bad_target, .id = "scsi.request.bad-target", .clauses = { BAD_TARGET },
      .stimulus = "INQUIRY of target 255", .oracle = "response BAD_TARGET",
      .device = VIRTIO_ID_SCSI, .run = bad_target);

static void malformed(struct ck *c)
{
	struct scsi_response r;
	struct mk m;

	if (!start(c, &m))
		return;
	scsi_write_request(m.out.hva, 0, 0, 1, inquiry, sizeof(inquiry));
	m.out.hva[0] = 2;
	if (!mk_ask(c, &m, SCSI_REQUEST, SCSI_RESPONSE + DATA))
		return;
	r = scsi_read_response(m.in.hva);
	/* Where nobody lives there is no target either. */
	if (r.response != VIRTIO_SCSI_S_FAILURE && r.response != VIRTIO_SCSI_S_BAD_TARGET)
		ck_fail(c, FAILURE, "response FAILURE, or BAD_TARGET",
			"INQUIRY of an address that begins with 2: response %u", r.response);
}

CHECK(malformed, .id = "scsi.request.address", .clauses = { FAILURE },
      .stimulus = "INQUIRY of an address whose first byte is 2, not 1",
      .oracle = "response FAILURE, or BAD_TARGET", .device = VIRTIO_ID_SCSI, .run = malformed);

static void both_ways(struct ck *c)
{
	struct scsi_response r;
	struct mk m;

	if (!start(c, &m))
		return;
	scsi_write_request(m.out.hva, 0, 0, 1, inquiry, sizeof(inquiry));
	memset(m.out.hva + SCSI_REQUEST, 0, DATA);
	if (!mk_ask(c, &m, SCSI_REQUEST + DATA, SCSI_RESPONSE + DATA))
		return;
	r = scsi_read_response(m.in.hva);
	if (r.response != VIRTIO_SCSI_S_FAILURE)
		ck_fail(c, BOTH_WAYS, "response FAILURE",
			"INOUT not accepted, %u bytes to write and %u to read: response %u", DATA,
			DATA, r.response);
}

CHECK(both_ways, .id = "scsi.request.both-ways", .clauses = { BOTH_WAYS },
      .stimulus = "do not accept INOUT; INQUIRY with 64 bytes of data out beside those in",
      .oracle = "response FAILURE", .device = VIRTIO_ID_SCSI, .run = both_ways);
