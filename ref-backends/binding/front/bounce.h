/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user back-end that cannot map the guest's memory, as a device: a struct rdev which copies each
 * request into a memory file that it shares with the back-end, gives it there in a split ring of its own,
 * and copies the answer back. What it costs is what direct access saves; what it needs of the back-end is
 * nothing but the protocol.
 *
 * All of a device-writable part goes both ways, so that what the back-end did not write stays as the driver
 * had it. A request longer than the file is returned with a used length of 0. One thread.
 */
#ifndef REF_BACKENDS_BINDING_FRONT_BOUNCE_H
#define REF_BACKENDS_BINDING_FRONT_BOUNCE_H

#include "ref-backends/binding/front/front.h"
#include "ref-backends/binding/registers/rreg.h"
#include "ref-backends/device/device.h"

#define BOUNCE_SIZE  1024 /* of each ring; it holds a request of as many pieces */
#define BOUNCE_BYTES (96ull << 20)

struct bounce_req;

struct bounce_queue {
	int kick, call;
	bool running, stuck;
	u8 *ring; /* desc, avail, used; in the file */
	u16 avail, used;
	u16 free_head, free_count;
	u16 next[BOUNCE_SIZE];
	struct bounce_req *by_head[BOUNCE_SIZE];
	/* Requests in the order of their places in the file; and those that wait for room. */
	struct bounce_req *placed;
	struct bounce_req *waiting, **waiting_end;
};

struct bounce {
	struct rdev dev; /* what the register file serves */
	struct rdev_ops ops;
	struct front front;
	u8 *file;
	int fd;
	u64 room; /* of the file, behind its rings, for each queue */
	u64 features;
	bool told;
	struct bounce_queue *queues;
};

/*
 * `front` is connected and has no memory yet; it is this one's from here on. `id` and `config_size` are
 * those of the device that the driver is to see. 0, or -1 after a line on stderr.
 */
int bounce_init(struct bounce *b, const struct front *front, u32 id, u32 config_size, u16 queues);
void bounce_exit(struct bounce *b);

/* As remote_channel(). */
void bounce_channel(struct bounce *b, struct rreg *r);

/* The back-end called for this queue: take what it has used. */
void bounce_called(struct bounce *b, u16 queue);

#endif
