/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The front-end's side of a vhost-user session, for a hypervisor's shim: it stands before an unchanged
 * back-end and gives it the guest's memory, rings and events (vhost-user.rst).
 *
 * The back-end is not trusted: each answer has a deadline, what makes no sense ends the session. Every
 * function returns 0, or -1 with one line in `error`; after that the session is broken and all others
 * fail, too. One thread.
 */
#ifndef REF_BACKENDS_BINDING_FRONT_FRONT_H
#define REF_BACKENDS_BINDING_FRONT_FRONT_H

#include "harness/spec/types.h"
#include "harness/spec/vu_proto.h"
#include "ref-backends/binding/front/channel.h"

#define FRONT_QUEUES 256

/* A piece of guest memory: `fd` from `offset` on is mapped at `hva`. */
struct front_region {
	u64 gpa, size;
	u64 hva;
	u64 offset;
	int fd;
	u32 xen, domain; /* VU_XEN_*, when VU_PF_XEN_MMAP is in use */
};

struct front {
	int sock;
	u64 offered;  /* the back-end's features, without VHOST_USER_F_PROTOCOL_FEATURES */
	u64 protocol; /* protocol features in use */
	bool has_protocol;
	u16 num_queues;
	bool broken;
	char error[160];
	struct front_channel channel; /* where the back-end takes one and has a configuration */
};

/* Connect, and negotiate all but the driver's features. `more` are further protocol features to use. */
int front_open(struct front *f, const char *path, u64 more);
void front_close(struct front *f);

int front_memory(struct front *f, const struct front_region *regions, unsigned count);
int front_features(struct front *f, u64 features);

/* Addresses are the front-end's own (hva). Descriptors stay the caller's; `err`, which the back-end signals
 * when it cannot go on with the ring, may be 0: none. */
struct front_ring {
	u16 size, base;
	u64 desc, avail, used;
	int kick, call, err;
};

int front_queue_start(struct front *f, u16 queue, const struct front_ring *ring);
/* All that was in flight is done when this returns. */
int front_queue_stop(struct front *f, u16 queue, u16 *base);

/* Configuration space; without VHOST_USER_PROTOCOL_F_CONFIG there is none, and these fail. */
int front_config_read(struct front *f, u8 *image, u32 len);
int front_config_write(struct front *f, u32 offset, const u8 *data, u32 len);

/*
 * There is something to read from the channel; also without that. An answer that is waited for elsewhere does not
 * keep the channel waiting: channel.changed may be true behind any of these functions.
 */
int front_channel(struct front *f);
/* Has it changed since this was asked? */
bool front_changed(struct front *f);

/* Back to the initial state, where the back-end can be told so. */
int front_reset(struct front *f);

#endif
