// SPDX-License-Identifier: BSD-3-Clause
/* What a notification calls a queue over PCI (4.1.5.2). */
#include "harness/check/pci/pci_kit.h"

#define HONOUR "v14.basic.feature-bits.dev.4"

/* queue_notif_config_data, behind what older headers know of the structure. */
#define NOTIF_CONFIG_DATA 56

static void config_data(struct ck *c)
{
	const u64 alone = BIT_ULL(VIRTIO_F_NOTIF_CONFIG_DATA);
	const u64 sets[] = { alone, alone | BIT_ULL(VIRTIO_F_NOTIFICATION_DATA) };
	u32 name;

	if (!rk_can_work(c))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(sets); i++) {
		if ((sets[i] & c->offered) != sets[i])
			continue;
		if ((i && !ck_open(c)) || !ck_start(c, ck_ring_features() | sets[i]) ||
		    !pk_queue_read(c, 0, NOTIF_CONFIG_DATA, 2, &name))
			return;
		ck_log(c, "  queue 0 is to be called 0x%04x", name);
		if (!rk_work_or_fail(c, HONOUR,
				     i ? "with NOTIF_CONFIG_DATA and NOTIFICATION_DATA"
				       : "with NOTIF_CONFIG_DATA"))
			return;
	}
}

CHECK(config_data, .id = "pci.notify.config-data", .clauses = { HONOUR },
      .stimulus =
	      "a request with VIRTIO_F_NOTIF_CONFIG_DATA, notified with queue_notif_config_data; "
	      "another with NOTIFICATION_DATA as well",
      .oracle = "it is served", .features = BIT_ULL(VIRTIO_F_NOTIF_CONFIG_DATA),
      .run = config_data);
