/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user session: one front-end's connection and all that its messages have set up. The same
 * structure serves one connection after the other; each begins from the initial state.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_SESSION_H
#define REF_BACKENDS_BINDING_VHOST_USER_SESSION_H

#include "harness/spec/virtio14.h"
#include "harness/spec/vu_msg.h"
#include "harness/spec/vu_proto.h"
#include "ref-backends/binding/vhost_user/conn.h"
#include "ref-backends/binding/vhost_user/iotlb.h"
#include "ref-backends/binding/vhost_user/log.h"
#include "ref-backends/binding/vhost_user/mem.h"
#include "ref-backends/binding/vhost_user/ring.h"

#define VUB_PROTOCOL_FEATURES                                                                      \
	(BIT_ULL(VU_PF_MQ) | BIT_ULL(VU_PF_LOG_SHMFD) | BIT_ULL(VU_PF_REPLY_ACK) |                 \
	 BIT_ULL(VU_PF_BACKEND_REQ) | BIT_ULL(VU_PF_CONFIG) | BIT_ULL(VU_PF_INFLIGHT_SHMFD) |      \
	 BIT_ULL(VU_PF_RESET_DEVICE) | BIT_ULL(VU_PF_CONFIGURE_MEM_SLOTS) |                        \
	 BIT_ULL(VU_PF_STATUS) | BIT_ULL(VU_PF_XEN_MMAP))

struct vub_session {
	struct rdev *dev;
	struct vub_ring *rings;
	u16 num_rings;
	struct vub_conn conn;

	u64 features;	       /* SET_FEATURES */
	u64 protocol_features; /* SET_PROTOCOL_FEATURES */
	bool features_refused; /* the last SET_FEATURES was: FEATURES_OK cannot be set */
	u8 status;	       /* atomic: a ring's thread sets DEVICE_NEEDS_RESET */
	struct vub_mem *mem;   /* one of mems */
	struct vub_mem mems[2];
	struct vub_iotlb iotlb;
	struct vub_log log;
	int log_fd; /* SET_LOG_FD */
	struct vub_inflight inflight;

	int backend_fd;		 /* the back-end's own channel, -1: none */
	bool deaf;		 /* atomic: there is none to ask for translations */
	bool iotlb_pending;	 /* a miss did not fit into it */
	struct vub_ring *asking; /* whose miss is not answered */
	bool iotlb_answered; /* it is, with this, when so many bytes were received on the main channel */
	u64 iotlb_answer, iotlb_after;
	bool announce_pending;	/* a config change message did not fit into the channel */
	bool announce_deferred; /* one waits for a ring to start */
	u8 answer[VU_HEADER_SIZE + sizeof(u64)]; /* being read from it */
	size_t answer_have;

	/* Rings' threads to the session's: an eventfd, and what for. */
	int event_fd;
	bool needs_reset_announce; /* atomic */

	int signal_fd;
	bool poll; /* rings are looked at all the time */
	bool stop; /* SIGTERM came: end */
	u64 stop_at;
	bool resized;	     /* SIGUSR1 came */
	unsigned complaints; /* atomic: lines written to stderr about this connection */
};

/* A ring-independent view of the state. */
static inline bool vub_has_pf(const struct vub_session *s, enum vu_protocol_feature bit)
{
	return s->protocol_features & BIT_ULL(bit);
}

/* Protocol features that are not to be offered (VU_PF_*, as bits). Set once before any thread runs. */
extern u64 vub_hidden_features, vub_hidden_protocol_features;

/* What is offered. */
u64 vub_features(struct vub_session *s);
u64 vub_protocol_features(struct vub_session *s);

/*
 * Starts the rings' threads. signal_fd is a signalfd: SIGUSR1 is "the outside of the device
 * changed", any other ends the program (s->stop). 0, or -1 after a line on stderr.
 */
int vub_session_open(struct vub_session *s, struct rdev *dev, int signal_fd, bool poll);
void vub_session_close(struct vub_session *s);

/* Serve one connection until it ends, which closes the socket, or until a signal ends it. */
void vub_session_run(struct vub_session *s, int sock);

/* Act on signals; also to be called while no connection is open. */
void vub_session_signals(struct vub_session *s);

/* 0, or -1 when the connection is to be closed. */
int vub_session_send(struct vub_session *s, const struct vub_reply *rep);

/*
 * Wait until an eventfd of a ring's thread is written, and consume it. A request that never
 * completes must not keep the program from ending: some time after SIGTERM it exits here.
 */
void vub_session_wait(struct vub_session *s, int done_fd);

/* Hold or release all rings around a change of what they read. */
void vub_hold_all(struct vub_session *s);
void vub_release_all(struct vub_session *s);

/* Back to the state before the driver came: rings stopped and disabled, features and status gone;
 * memory, protocol features, channel and call descriptors stay. */
void vub_device_reset(struct vub_session *s);

/* The configuration space changed: tell the front-end if it can be told. */
void vub_announce_config(struct vub_session *s);

/* Any thread: an error that only a reset cures. */
void vub_needs_reset(struct vub_session *s);

/* Something the front-end did wrong: a line on stderr, not more than a few per connection. */
void vub_complain(struct vub_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Else the device is suspended. */
bool vub_any_started(const struct vub_session *s);

/* VIRTIO_F_ACCESS_PLATFORM: addresses are the platform's. */
static inline bool vub_has_iommu(const struct vub_session *s)
{
	return s->features & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
}

/* DRIVER_OK, where the front-end tells of it. */
bool vub_driver_ok(struct vub_session *s);

/* Replace a descriptor the session owns. */
void vub_set_fd(int *slot, int fd);

#endif
