/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a CAN device (VIRTIO 1.4, 5.20): frames to send, and starting and stopping the
 * controller.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_CAN_H
#define HARNESS_DEVICE_CAN_H

#include "harness/device/vehicle.h"

#define CAN_TXQ	  0
#define CAN_RXQ	  1
#define CAN_CTRLQ 2

#define CAN_F_CLASSIC	  0
#define CAN_F_FD	  1
#define CAN_F_LATE_TX_ACK 2
#define CAN_F_RTR_FRAMES  3

#define CAN_TX		   0x0001
#define CAN_RX		   0x0101
#define CAN_SET_CTRL_START 0x0201
#define CAN_SET_CTRL_STOP  0x0202

#define CAN_RESULT_OK	  0
#define CAN_RESULT_NOT_OK 1

#define CAN_FLAG_EXTENDED 0x8000
#define CAN_FLAG_FD	  0x4000
#define CAN_FLAG_RTR	  0x2000

/* msg_type, length, 4 reserved bytes, flags, can_id; the frame's data behind it. */
#define CAN_HEAD     16
#define CAN_DATA_MAX 8

struct can_frame_head {
	u16 msg_type, length;
	u32 flags, id;
};

void can_write_head(u8 *to, const struct can_frame_head *h);

#endif
