/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For checks that speak the vhost-user socket itself. They sit on the same `struct ck`; the calls
 * here accuse only under the clause they are given.
 */
#ifndef HARNESS_CHECK_VHOST_USER_VU_IO_H
#define HARNESS_CHECK_VHOST_USER_VU_IO_H

#include "harness/check/blk_io.h"
#include "harness/transport/vhost_user/frontend.h"

static inline struct vu_frontend *ckv(struct ck *c)
{
	return vu_from_tp(c->tp);
}

/* Connected, not a message sent yet (checks with .own_session). */
bool ckv_connect(struct ck *c);
/* ckv_connect() and the usual handshake, with at most the protocol features in `pf_mask`. */
bool ckv_handshake(struct ck *c, u64 pf_mask);

/*
 * Send a request whose reply is the subject. False = `clause` is broken (no answer, wrong id, not
 * a reply). On true the caller looks at *r and releases it.
 */
bool ckv_call(struct ck *c, u32 request, u32 flags, const void *payload, u32 size,
	      struct vu_reply *r, const char *clause);

/* How a back-end answered something it should refuse. */
enum ckv_reaction {
	CKV_SILENT, /* nothing, and the connection goes on */
	CKV_ACK,    /* acknowledged with 0 */
	CKV_NACK,   /* answered, not 0 */
	CKV_CLOSED,
	CKV_BROKEN, /* an answer that is none, or out of step: recorded as an error */
};

/*
 * Send a message (need_reply set when REPLY_ACK is negotiated) and see how the back-end takes it.
 * A GET_FEATURES behind it tells silence from slowness. The raw form takes the flags as they are.
 */
enum ckv_reaction ckv_provoke(struct ck *c, u32 request, const void *payload, u32 size,
			      const int *fds, unsigned nfds);
enum ckv_reaction ckv_provoke_raw(struct ck *c, u32 request, u32 flags, const void *payload,
				  u32 size, const int *fds, unsigned nfds);
/* The raw form for a check that asks for an end in any case: to hang breaks `clause`. */
enum ckv_reaction ckv_provoke_or_hang(struct ck *c, u32 request, u32 flags, const void *payload,
				      u32 size, const int *fds, unsigned nfds, const char *clause);
const char *ckv_reaction_name(enum ckv_reaction r);

/*
 * For what should be refused: NACK and CLOSED are fine, silence is where there is no REPLY_ACK;
 * an acknowledgement with 0 breaks `clause`.
 */
bool ckv_refused(struct ck *c, enum ckv_reaction r, const char *what, const char *clause);

/*
 * A new session works and serves a request (block devices), else `clause` is broken. Ends with that
 * session open.
 */
bool ckv_reachable(struct ck *c, const char *clause);

/* A pipe whose ends tell who still holds the other: [0] is kept by us. */
bool ckv_pipe(struct ck *c, int ends[2]);
/* Does everybody close the write end within the deadline? `fd` is the read end. */
bool ckv_reaches_eof(struct ck *c, int fd);

/* Number of descriptors the target has open; false without TP_CAP_PROCESS (nothing recorded). */
bool ckv_count_fds(struct ck *c, u32 *n);

/* Is the call or err eventfd of a ring signalled within `ms`? Takes the signal. */
bool ckv_signalled(int eventfd, unsigned ms);
/* The same, where it has to be: within the deadline. */
bool ckv_must_signal(struct ck *c, int eventfd);
/* Does the other side close this socket within the deadline? */
bool ckv_is_closed(struct ck *c, int sock);

/*
 * With VIRTIO_F_ACCESS_PLATFORM: guest memory, and the rings in it, are so much higher for the device. It is
 * told in answer to misses only.
 */
void ckv_elsewhere(struct ck *c, u64 by);

#endif
