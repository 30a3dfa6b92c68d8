/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults: small filters laid over the reference back-end, each of which breaks exactly one clause.
 *
 * The back-end calls a hook at every place where behaviour can be bent; with no fault selected that
 * is one predictable branch. A fault fills in the hooks it needs and registers itself with FAULT().
 * Hooks see the back-end's own structures and may do anything with them that shows the fault.
 */
#ifndef REF_BACKENDS_FAULT_FAULT_H
#define REF_BACKENDS_FAULT_FAULT_H

#include "harness/spec/types.h"

struct vub_session;
struct vub_ring;
struct vub_request; /* a received message with its descriptors */
struct vub_reply;   /* what is about to be sent; `send` says whether */
struct dvq_split;
struct dvq_chain;
struct rblk;
struct rblk_req;

enum fault_action {
	FAULT_PASS,  /* go on as if nothing had happened (the hook may have edited its argument) */
	FAULT_DONE,  /* the hook did it: skip the correct handling */
	FAULT_CLOSE, /* end the connection */
};

struct fault {
	const char *name;    /* kebab-case, for --fault */
	const char *clause;  /* id of the one clause it breaks */
	const char *summary; /* one line: what it does wrong */

	/* What is offered. */
	u64 (*features)(u64 offered);
	u64 (*protocol_features)(u64 offered);
	/* The configuration space image before a read is answered. */
	void (*config)(struct vub_session *s, u8 *config, size_t len);
	/* The configuration changed. Returns whether to tell the front-end, where that is possible. */
	bool (*announce)(struct vub_session *s);

	/* Connection. */
	void (*session_start)(struct vub_session *s);
	void (*session_end)(struct vub_session *s);

	/* Messages: before handling, and before the reply (or no reply) goes out. */
	enum fault_action (*request)(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep);
	void (*reply)(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep);
	/* A request of the back-end's own is about to go out on its channel; `send` may be cleared. */
	void (*channel)(struct vub_session *s, struct vub_reply *msg);

	/* Ring state: may the ring process requests now? `allowed` is the right answer. */
	bool (*may_run)(struct vub_ring *ring, bool allowed);
	/* A ring starts (`base` is editable), a ring was stopped. */
	void (*ring_start)(struct vub_ring *ring, u16 *base);
	void (*ring_stop)(struct vub_ring *ring);

	/* Memory: result of a translation of guest address and length (NULL: not in a region). */
	void *(*translate)(struct vub_session *s, u64 gpa, u64 len, void *hva);
	/* A write by the device to guest memory was done: dirty log. Returns whether to log it. */
	bool (*log_write)(struct vub_session *s, u64 gpa, u64 len);

	/* Ring: every value read or about to be written. */
	u16 (*avail_idx)(struct dvq_split *vq, u16 idx);
	u16 (*head)(struct dvq_split *vq, u16 head);
	enum fault_action (*chain)(struct dvq_split *vq, struct dvq_chain *c);
	/* A malformed chain was found. FAULT_DONE: the hook dealt with it. */
	enum fault_action (*bad_chain)(struct dvq_split *vq, u16 head);
	/* Before a used element is published; `id` and `len` editable; FAULT_DONE: not published. */
	enum fault_action (*used)(struct dvq_split *vq, u32 *id, u32 *len);
	void (*after_used)(struct dvq_split *vq, u32 id, u32 len);
	/* Should the driver be notified? `due` is the right answer. */
	bool (*notify)(struct dvq_split *vq, bool due);
	/* used->flags and avail_event as about to be stored. */
	u16 (*used_flags)(struct dvq_split *vq, u16 flags);
	u16 (*avail_event)(struct dvq_split *vq, u16 event);

	/* Block device: a parsed request before it is carried out, and before it is completed. */
	enum fault_action (*blk_request)(struct rblk *blk, struct rblk_req *req);
	void (*blk_complete)(struct rblk *blk, struct rblk_req *req);
};

/* The selected fault, or NULL. Set once before any thread runs. */
extern const struct fault *fault_active;

#define FAULT(ident, ...)                                                                          \
	static const struct fault ident##_fault = { __VA_ARGS__ };                                 \
	static const struct fault *const ident##_entry                                             \
		__attribute__((used, section("rb_faults"))) = &ident##_fault

/* NULL when there is none of that name. */
const struct fault *fault_find(const char *name);

extern const struct fault *const __start_rb_faults[];
extern const struct fault *const __stop_rb_faults[];

#define for_each_fault(f)                                                                          \
	for (const struct fault *const *f = __start_rb_faults; f < __stop_rb_faults; f++)

#endif
