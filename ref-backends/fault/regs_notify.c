// SPDX-License-Identifier: BSD-3-Clause
/* Faults of available buffer notifications in the register model. */
#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/fault/fault.h"

static enum fault_action whole_value(struct rreg *r, unsigned reg, u32 *value)
{
	return reg == RREG_NOTIFY && rreg_negotiated(r, VIRTIO_F_NOTIFICATION_DATA) && *value >> 16
		       ? FAULT_DONE
		       : FAULT_PASS;
}

FAULT(reg_notification_data, .name = "reg-notification-data-index",
      .clause = "v14.basic.feature-bits.dev.4", .transport = "registers",
      .summary = "takes all 32 bits of a notification with NOTIFICATION_DATA for the queue's index",
      .reg_write = whole_value);

static enum fault_action only_indices(struct rreg *r, unsigned reg, u32 *value)
{
	return reg == RREG_NOTIFY && rreg_negotiated(r, VIRTIO_F_NOTIF_CONFIG_DATA) &&
			       (*value & 0xffff) >= r->num_queues
		       ? FAULT_DONE
		       : FAULT_PASS;
}

FAULT(pci_notif_config_data, .name = "pci-notif-config-data-unknown",
      .clause = "v14.basic.feature-bits.dev.4", .transport = "pci",
      .summary = "does not know its own queue_notif_config_data in a notification",
      .reg_write = only_indices);
