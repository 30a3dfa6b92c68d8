/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A great many requests for one vhost-user back-end, whose process is looked at before and after them: what a
 * request leaves behind, a descriptor, a thread or a few bytes, shows. Each answer is looked at, too.
 *
 * A device is a file here with a `struct soak_device`, and a line in main.c.
 */
#ifndef TESTS_BENCH_SOAKS_SOAK_H
#define TESTS_BENCH_SOAKS_SOAK_H

#include "harness/transport/vhost_user/frontend.h"
#include "harness/virtqueue/vq.h"

#define SOAK_BYTES  4096u /* of either piece of a request */
#define SOAK_DEPTH  32u	  /* requests outstanding at once */
#define SOAK_RING   256u
#define SOAK_QUEUES 8u
#define SOAK_POSTED 128u /* buffers on a queue of `posted` */

/* One request: a piece for the device to read, and one for it to write, of SOAK_BYTES each. */
struct soak_req {
	u64 n;		       /* which it is, from 0 */
	struct tp_buf out, in; /* how much of either is used: request() shortens them; 0: nothing */
	u16 queue;	       /* the device's `queue`, if request() says no other */
	u32 used_len;	       /* as the device told, for good() */
};

struct soak;

struct soak_device {
	const char *name;
	u64 features; /* beside VERSION_1, where they are offered */
	u16 queues;   /* to start: the first ones */
	u16 queue;    /* that requests go to */
	u32 posted; /* queues, as bits, that have device-writable buffers lying on them at all times */
	/* Lay the request out: its pieces are whole, and to be shortened. */
	void (*request)(struct soak *s, struct soak_req *r);
	/* It is back: is the answer right? */
	bool (*good)(struct soak *s, const struct soak_req *r);
	/* A posted buffer is back, with this in it: is that right? NULL where none is posted. */
	bool (*came)(struct soak *s, u16 queue, const u8 *bytes, u32 len);
	/* May the next request be sent? For flow control. NULL: always. */
	bool (*may)(struct soak *s);
	/* All requests are back: and has all come that has to? NULL: it has. */
	bool (*complete)(struct soak *s);
};

struct soak {
	struct vu_frontend fe;
	const struct soak_device *device;
	struct vq vq[SOAK_QUEUES];
	struct vq_slot slots[SOAK_QUEUES][SOAK_RING];
	struct soak_req req[SOAK_DEPTH];
	struct soak_req *free[SOAK_DEPTH];
	unsigned n_free;
	u32 taken; /* of guest memory */
	u64 sent, returned;
	u64 count[8];  /* the device's own */
	char why[160]; /* what is wrong */
};

/* "No", and why. */
bool soak_wrong(struct soak *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

extern const struct soak_device soak_blk, soak_rng, soak_net, soak_i2c, soak_gpio, soak_console,
	soak_vsock, soak_scmi, soak_fs, soak_sound, soak_gpu, soak_input, soak_can, soak_spi,
	soak_scsi;

#endif
