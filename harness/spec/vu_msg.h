/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vhost-user message table: one row per message, generated from data/vhost-user-messages.tsv.
 * It drives the front-end's encoder, the back-end's validator, the hostile checks, the fuzzers'
 * mutators and the documentation.
 */
#ifndef HARNESS_SPEC_VU_MSG_H
#define HARNESS_SPEC_VU_MSG_H

#include "harness/spec/types.h"
#include "harness/spec/vu_proto.h"

/* A size that the table gives in words only: as the request, by content, or undefined. */
#define VU_SIZE_OPEN 0xffffffffu

enum vu_chan {
	VU_CHAN_MAIN,	 /* front-end to back-end */
	VU_CHAN_BACKEND, /* back-end to front-end, over SET_BACKEND_REQ_FD's socket */
	VU_CHAN_GPU,
};

enum vu_reply_when {
	VU_REPLY_NEVER,
	VU_REPLY_ALWAYS,
	VU_REPLY_CONDITIONAL, /* `reply_cond` says when */
};

enum vu_reply_ack {
	VU_ACK_NONE, /* REPLY_ACK does not concern it */
	VU_ACK_U64,  /* need_reply asks for a u64 */
	VU_ACK_BODY, /* it has its own reply; need_reply adds nothing */
};

struct vu_msg_spec {
	const char *name;
	const char *old_name;
	const char *req_layout; /* "index:u32 num:u32" */
	const char *reply_layout;
	const char *reply_cond;
	const char *gate;    /* other gates, in words */
	const char *edition; /* first edition that has it, A to D */
	const char *error;   /* what the text says about errors */
	const char *note;
	u64 gate_pf; /* protocol feature bits that must be negotiated */
	u32 id;
	u32 req_size_min, req_size_max;
	u32 reply_size; /* the last two may be VU_SIZE_OPEN */
	u8 chan;	/* enum vu_chan */
	u8 req_fds_min, req_fds_max;
	u8 reply_when; /* enum vu_reply_when */
	u8 reply_fds_min, reply_fds_max;
	u8 reply_ack; /* enum vu_reply_ack */
};

extern const struct vu_msg_spec vu_msg_table[];
extern const size_t vu_msg_count;

/* NULL when the document has no such message. */
const struct vu_msg_spec *vu_msg_find(enum vu_chan chan, u32 id);

/*
 * "GET_FEATURES", or "request-<id>" for what the document does not have: never NULL. The latter
 * lives in a buffer of the thread that four more calls overwrite.
 */
const char *vu_msg_name(enum vu_chan chan, u32 id);

#define for_each_vu_msg(m)                                                                         \
	for (const struct vu_msg_spec *m = vu_msg_table; m < vu_msg_table + vu_msg_count; m++)

#endif
