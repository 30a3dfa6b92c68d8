/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a sound device (VIRTIO 1.4, 5.14.6): on its control queue what there is of jacks, streams and
 * channel maps, and the states of a stream.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_SND_H
#define HARNESS_DEVICE_SND_H

#include <linux/virtio_snd.h>

#include "harness/device/vehicle.h"

#define SND_CONTROLQ 0
#define SND_EVENTQ   1
#define SND_TXQ	     2
#define SND_RXQ	     3

/* A query of `count` items of `size` bytes each, from `start` on. */
void snd_query(u8 *to, u32 code, u32 start, u32 count, u32 size);

/* The request to bring a stream into another state; SET_PARAMS has parameters behind that, as below. */
void snd_pcm(u8 *to, u32 code, u32 stream);
/* Two channels of 16 bits at 48 kHz, which every sound card has: PERIOD bytes at a time. */
#define SND_PERIOD 4096
void snd_set_params(u8 *to, u32 stream);

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
