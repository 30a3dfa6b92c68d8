/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The socket: whole messages with their descriptors in, replies out. Borders come from the size
 * field alone, so a message may arrive in any number of pieces and several in one. No more than
 * what is missing of the current message is ever read, so that descriptors cannot be taken for
 * those of the next.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_CONN_H
#define REF_BACKENDS_BINDING_VHOST_USER_CONN_H

#include "harness/spec/vu_proto.h"

/* The kernel's limit (SCM_MAX_FD): with room for all of them none is lost unseen. */
#define VUB_MAX_RECV_FDS 253

/* A received message. Descriptors that no handler took (set to -1) are closed after it. */
struct vub_request {
	struct vu_message msg;
	int fds[VUB_MAX_RECV_FDS];
	u32 nfds;
};

/* What is about to be sent. */
struct vub_reply {
	struct vu_message msg;
	int fd; /* -1: none. Closed after sending. */
	bool send;
};

struct vub_conn {
	int fd;
	size_t have;  /* bytes of `in` */
	u64 received; /* in all */
	struct vub_request in;
};

enum vub_recv {
	VUB_RECV_MORE,	  /* not whole yet */
	VUB_RECV_MESSAGE, /* conn->in is a whole message */
	VUB_RECV_END,	  /* the front-end closed its end */
	VUB_RECV_ERROR,	  /* errno, or a header that cannot be right */
};

void vub_conn_open(struct vub_conn *c, int fd);
void vub_conn_close(struct vub_conn *c);

/* Read what is there without blocking. */
enum vub_recv vub_conn_recv(struct vub_conn *c);

/* The message was handled: close what is left of its descriptors, begin the next. */
void vub_conn_next(struct vub_conn *c);

/* Bytes that were received when all that is there now is. */
u64 vub_conn_so_far(const struct vub_conn *c);

/* Give a descriptor of the request away. */
static inline int vub_take_fd(struct vub_request *rq, u32 i)
{
	int fd = rq->fds[i];

	rq->fds[i] = -1;
	return fd;
}

/*
 * Send header, payload and descriptor from byte *done on, without blocking. Returns 1 when all of
 * it is gone, 0 when the socket is full, -1 on error.
 */
int vub_conn_send(int sock, const struct vub_reply *rep, size_t *done);

#endif
