// SPDX-License-Identifier: BSD-3-Clause
/* File system device: configuration space (5.11.4). */
#include "harness/check/check.h"
#include "harness/device/vehicle.h"

#define QUEUES	  "v14.fs.cfg.dev.1"
#define QUEUES_AT 36

static void queues(struct ck *c)
{
	u8 n[4];

	if (!ck_must(c, c->tp->ops->read_config(c->tp, QUEUES_AT, n, sizeof(n)),
		     "reading the configuration"))
		return;
	if (vehicle_u32(n) == 0)
		ck_fail(c, QUEUES, "one or more", "num_request_queues is 0");
}

CHECK(queues, .id = "fs.config.queues", .clauses = { QUEUES },
      .stimulus = "num_request_queues is read", .oracle = "at least 1", .device = VIRTIO_ID_FS,
      .caps = TP_CAP_CONFIG, .run = queues);
