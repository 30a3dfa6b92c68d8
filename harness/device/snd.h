/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a sound device's control queue (VIRTIO 1.4, 5.14.6): what there is of jacks, streams and
 * channel maps.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_SND_H
#define HARNESS_DEVICE_SND_H

#include <linux/virtio_snd.h>

#include "harness/device/vehicle.h"

#define SND_CONTROLQ 0

/* A query of `count` items of `size` bytes each, from `start` on. */
void snd_query(u8 *to, u32 code, u32 start, u32 count, u32 size);

static inline u32 snd_status(const u8 *answer)
{
	return vehicle_u32(answer);
}

/* Is this one of the codes of an answer? */
static inline bool snd_is_status(u32 code)
{
	return code >= VIRTIO_SND_S_OK && code <= VIRTIO_SND_S_IO_ERR;
}

#endif
