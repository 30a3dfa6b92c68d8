/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Vehicles: of a device type one harmless request, which its device answers at once. Through it the checks of
 * rings move real traffic on any device whose type has one; what the request asks for is the business of the
 * type's own checks.
 *
 * A request is device-readable bytes and device-writable ones behind them, either of which may be none.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_VEHICLE_H
#define HARNESS_DEVICE_VEHICLE_H

#include "harness/spec/types.h"

/* What the device-writable bytes hold before. */
#define VEHICLE_UNSET 0xee
/* More than any has on one side. */
#define VEHICLE_BYTES_MAX 256

struct vehicle {
	u32 device;
	const char *name; /* of the request */
	/* The queue it goes to; how many queues from there on take it (0: all). */
	unsigned queue, queues;
	u16 size;     /* of a queue that all known devices of this type take; 0: 128 at least */
	u64 features; /* that a driver accepts who uses several of them */
	u32 readable, writable;
	/* The device-readable bytes, zero before, of request `n` of a session; `n` is 0 of the first. */
	void (*fill)(u8 *readable, u64 n);
	/* Is there an answer to the request? One that says no is one, too. NULL: it has none to look at. */
	bool (*answered)(const u8 *readable, const u8 *writable);
	/* With an answer: how many bytes it has, which is what the used length says. NULL: all. */
	u32 (*length)(const u8 *writable);
};

/* NULL: no request of this type is known. */
const struct vehicle *vehicle_of(u32 device);

/*
 * How many queues can be used, of the `queues` that a device has: one at least, since who cannot say how many
 * there are says one.
 */
unsigned vehicle_queues(const struct vehicle *v, unsigned queues);

static inline bool vehicle_answered(const struct vehicle *v, const u8 *readable, const u8 *writable)
{
	return !v->answered || v->answered(readable, writable);
}

static inline u32 vehicle_length(const struct vehicle *v, const u8 *writable)
{
	return v->length ? v->length(writable) : v->writable;
}

/* Little endian, wherever it lies. */
static inline u16 vehicle_u16(const u8 *at)
{
	return (u16)(at[0] | at[1] << 8);
}

static inline u32 vehicle_u32(const u8 *at)
{
	return vehicle_u16(at) | (u32)vehicle_u16(at + 2) << 16;
}

static inline u64 vehicle_u64(const u8 *at)
{
	return vehicle_u32(at) | (u64)vehicle_u32(at + 4) << 32;
}

extern const struct vehicle blk_vehicle, fs_vehicle, snd_vehicle, gpu_vehicle, input_vehicle,
	can_vehicle, spi_vehicle, scsi_vehicle;

#endif
