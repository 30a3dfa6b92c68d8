// SPDX-License-Identifier: BSD-3-Clause
/* Available buffer notifications that say more than a queue's index (2.9). */
#include "harness/check/regs_kit.h"

#define HONOUR "v14.basic.feature-bits.dev.4"

#define ROUNDS 5

static void data(struct ck *c)
{
	if (!rk_can_work(c) ||
	    !ck_start(c, ck_ring_features() | BIT_ULL(VIRTIO_F_NOTIFICATION_DATA)))
		return;
	/* The available index goes along, and grows: by one, and by several for one notification. */
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned more = 0; more < i; more++)
			if (!rk_offer(c))
				return;
		if (!rk_work_or_fail(c, HONOUR, "with NOTIFICATION_DATA"))
			return;
	}
}

CHECK(data, .id = "regs.notify.data", .clauses = { HONOUR },
      .stimulus =
	      "requests with VIRTIO_F_NOTIFICATION_DATA: the queue's index and the available index "
	      "in one notification of 32 bits",
      .oracle = "each is served", .features = BIT_ULL(VIRTIO_F_NOTIFICATION_DATA), .run = data);
