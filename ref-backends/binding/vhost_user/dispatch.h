/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a received message to its handler and its answer.
 *
 * What the message table of harness/spec says of a message (size, descriptors, gate) is checked
 * here, before its handler sees it. A message that is refused gets a non-zero acknowledgement where
 * one can be given (REPLY_ACK negotiated, need_reply set, no reply of its own); otherwise the
 * connection is closed, as the text allows, so that a front-end never goes on in error.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_DISPATCH_H
#define REF_BACKENDS_BINDING_VHOST_USER_DISPATCH_H

#include "ref-backends/binding/vhost_user/session.h"

/*
 * Carry a message out. NULL, or why it is refused: then nothing was changed. A handler of a message
 * that has a reply fills in its payload and rep->msg.hdr.size.
 */
typedef const char *vub_handler_fn(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep);

struct vub_handler {
	u32 id;
	vub_handler_fn *fn;
};

/* One table per file of handlers; each ends with a row without fn. */
extern const struct vub_handler vub_session_handlers[];
extern const struct vub_handler vub_device_handlers[];
extern const struct vub_handler vub_memory_handlers[];
extern const struct vub_handler vub_ring_handlers[];

/* False when the connection is to be closed. */
bool vub_dispatch(struct vub_session *s, struct vub_request *rq);

/* A reply with a u64. */
void vub_reply_u64(struct vub_reply *rep, u64 value);

#endif
