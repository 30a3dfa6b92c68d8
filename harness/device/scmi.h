/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of an SCMI device (VIRTIO 1.4, 5.17): commands and their responses, and what comes on the event
 * queue. Both are a header and words behind it.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_SCMI_H
#define HARNESS_DEVICE_SCMI_H

#include "harness/spec/scmi.h"
#include "harness/transport/transport.h"
#include "harness/virtqueue/vq.h"

#define SCMI_CMDQ	0
#define SCMI_EVENTQ	1
#define SCMI_P2A	0 /* VIRTIO_SCMI_F_P2A_CHANNELS */
#define SCMI_SHARED	1 /* VIRTIO_SCMI_F_SHARED_MEMORY */
#define SCMI_PARAMS_MAX 5

/* A header and `n` parameters into `to`; how many bytes that are. */
u32 scmi_command(u8 *to, u32 header, const u32 *params, u32 n);
/* Word `i` of a message, its header being word 0. */
u32 scmi_word(const u8 *message, u32 i);
u64 scmi_word64(const u8 *message, u32 i);

/* Messages that ask for notifications, and what with. */
struct scmi_notify {
	u8 protocol, message;
	u8 params; /* with the one that enables, which is the last */
	bool has_id;
};

#define SCMI_NOTIFIES 6
extern const struct scmi_notify scmi_notifies[SCMI_NOTIFIES];

#endif
