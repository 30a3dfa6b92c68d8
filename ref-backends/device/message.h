/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices of small messages: a request is read as a whole, an answer written as a whole. What they are for is to
 * show how a ring behaves with requests of their type, and what an answer looks like; each is as small as that.
 * Freestanding.
 */
#ifndef REF_BACKENDS_DEVICE_MESSAGE_H
#define REF_BACKENDS_DEVICE_MESSAGE_H

#include "ref-backends/device/device.h"

/* What is looked at of a request, and the most that is written in answer to it. */
#define MESSAGE_MAX 512

struct rmessage;

struct message_ops {
	/*
	 * The answer, zero before, to a request of `len` bytes: how long it is; the device-writable bytes are
	 * `room`. 0 where there is none. Either is MESSAGE_MAX at most; how much there is in all m->len and
	 * m->room say.
	 */
	u32 (*answer)(struct rmessage *m, u16 queue, const u8 *request, u32 len, u8 *answer,
		      u32 room);
	/*
	 * So many bytes of an answer that takes all there is to write to are at the end of that, how long it may
	 * be; what comes before them and is not looked at is zero.
	 */
	u32 tail;
	/* A bit for each queue whose buffers wait for what never comes. */
	u32 idle;
	void (*config)(struct rmessage *m, u8 *image);
};

struct rmessage {
	struct rdev dev;
	const struct message_ops *ops;
	bool on;		  /* fs: FUSE_INIT came; can: the controller is started */
	u8 select, subsel;	  /* input */
	u8 stage;		  /* sound: of the stream */
	u32 sense_size, cdb_size; /* scsi */
	u64 features;
	u32 len, room; /* of the request at hand */
};

extern const struct rdev_ops fs_ops, snd_ops, gpu_ops, input_ops, can_ops, spi_ops, scsi_ops;
extern const struct message_ops fs_message, snd_message, gpu_message, input_message, can_message,
	spi_message, scsi_message;

void rmessage_init(struct rmessage *m, const struct rdev_ops *ops,
		   const struct message_ops *message, u16 queues);

/* Of their tables. */
u64 message_no_features(struct rdev *dev);
void message_negotiated(struct rdev *dev, u64 features);
void message_reset(struct rdev *dev);
void message_config(struct rdev *dev, u8 *image);
bool message_ready(struct rdev *dev, u16 queue);
void message_serve(struct rdev *dev, struct rdev_req *req);

#define MESSAGE_OPS                                                                                \
	.req_size = sizeof(struct rdev_req), .one_thread = true, .negotiated = message_negotiated, \
	.reset = message_reset, .config = message_config, .resized = plain_resized,                \
	.queue_open = plain_queue_open, .queue_close = plain_queue_close, .ready = message_ready,  \
	.serve = message_serve

/* Little endian, wherever it lies. */
static inline u16 message_u16(const u8 *at)
{
	return (u16)(at[0] | at[1] << 8);
}

static inline u32 message_u32(const u8 *at)
{
	return message_u16(at) | (u32)message_u16(at + 2) << 16;
}

static inline void message_put16(u8 *at, u16 v)
{
	at[0] = (u8)v;
	at[1] = (u8)(v >> 8);
}

static inline void message_put32(u8 *at, u32 v)
{
	message_put16(at, (u16)v);
	message_put16(at + 2, (u16)(v >> 16));
}

#endif
