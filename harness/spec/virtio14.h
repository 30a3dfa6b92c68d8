/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Constants of VIRTIO 1.4 that the kernel's installed headers may not have yet. Ring and device
 * structures themselves come from <linux/virtio_ring.h> and <linux/virtio_blk.h>.
 */
#ifndef HARNESS_SPEC_VIRTIO14_H
#define HARNESS_SPEC_VIRTIO14_H

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "harness/spec/types.h"

#ifndef VIRTIO_ID_SPI
#define VIRTIO_ID_SPI 45
#endif
#ifndef VIRTIO_F_NOTIFICATION_DATA
#define VIRTIO_F_NOTIFICATION_DATA 38
#endif
#ifndef VIRTIO_F_NOTIF_CONFIG_DATA
#define VIRTIO_F_NOTIF_CONFIG_DATA 39
#endif
#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET 40
#endif
#ifndef VIRTIO_F_ADMIN_VQ
#define VIRTIO_F_ADMIN_VQ 41
#endif
#ifndef VIRTIO_F_SR_IOV
#define VIRTIO_F_SR_IOV 37
#endif
#ifndef VIRTIO_F_SUSPEND
#define VIRTIO_F_SUSPEND 43
#endif
#ifndef VIRTIO_CONFIG_S_SUSPEND
#define VIRTIO_CONFIG_S_SUSPEND 16
#endif
#ifndef VIRTIO_F_IN_ORDER
#define VIRTIO_F_IN_ORDER 35
#endif

/* Highest queue size a split ring may have (2.7). */
#define VIRTIO_QUEUE_SIZE_MAX 32768

#ifndef VIRTIO_BLK_F_LIFETIME
#define VIRTIO_BLK_F_LIFETIME 15
#endif
#ifndef VIRTIO_BLK_F_ZONED
#define VIRTIO_BLK_F_ZONED 17
#endif
#ifndef VIRTIO_BLK_T_GET_LIFETIME
#define VIRTIO_BLK_T_GET_LIFETIME 10
#endif
#ifndef VIRTIO_BLK_T_ZONE_APPEND
#define VIRTIO_BLK_T_ZONE_APPEND    15
#define VIRTIO_BLK_T_ZONE_REPORT    16
#define VIRTIO_BLK_T_ZONE_OPEN	    18
#define VIRTIO_BLK_T_ZONE_CLOSE	    20
#define VIRTIO_BLK_T_ZONE_FINISH    22
#define VIRTIO_BLK_T_ZONE_RESET	    24
#define VIRTIO_BLK_T_ZONE_RESET_ALL 26
#endif

#define VIRTIO_BLK_SECTOR      512
#define VIRTIO_BLK_ID_LEN      20
#define VIRTIO_BLK_CONFIG_SIZE 60 /* up to unused1, without secure erase and zoned fields */

#endif
