/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A well-formed instance of every message of a block session, for checks that go through the message
 * table: as they are, cut short, with descriptors too many or too few.
 */
#ifndef HARNESS_CHECK_VHOST_USER_MSG_KIT_H
#define HARNESS_CHECK_VHOST_USER_MSG_KIT_H

#include "harness/check/vhost_user/vu_io.h"

#define CKM_PF_ALL (~0ull)
/* Without device status: rings serve as soon as they are set up. */
#define CKM_PF_NO_STATUS (~BIT_ULL(VU_PF_STATUS))

/* A message ready to be sent. */
struct ckm_msg {
	const struct vu_msg_spec *spec;
	u32 request;
	u32 size;
	union {
		u64 u64;
		struct vu_vring_state state;
		struct vu_vring_addr addr;
		struct vu_mem_table table;
		struct vu_mem_single single;
		struct vu_log log;
		struct vu_config config;
		struct vu_inflight inflight;
		u8 bytes[512];
	};
	int fds[VU_MAX_FDS];
	unsigned nfds;
	bool own_fds; /* made for this message: ckm_done() closes them */
};

/*
 * Connect, negotiate at most the protocol features in `pf_mask`, lay ring 0 out and make its event
 * descriptors. Nothing of it has been told to the back-end yet.
 */
bool ckm_session(struct ck *c, u64 pf_mask);

/*
 * The messages that make a session, in their order: those of a usual set-up, then those that change
 * something meanwhile. SET_OWNER and SET_PROTOCOL_FEATURES are ckm_session()'s; deprecated and
 * optional messages are left out.
 */
extern const u32 ckm_order[];
extern const unsigned ckm_order_count;
/* The set-up's share of them. */
extern const unsigned ckm_setup_count;

/* Messages that only ask. */
extern const u32 ckm_queries[];
extern const unsigned ckm_query_count;

/*
 * An instance that a correct back-end carries out. False: this session has no such message (its
 * feature was not negotiated), or an error was recorded: see c->host. On true the caller ends with
 * ckm_done().
 */
bool ckm_make(struct ck *c, u32 request, struct ckm_msg *m);
void ckm_done(struct ckm_msg *m);

/* Send it; TP_OK or what went wrong. */
int ckm_send(struct ck *c, const struct ckm_msg *m, u32 flags);
/* The same as set-up: acknowledged, or with a round trip behind it. */
bool ckm_cmd(struct ck *c, const struct ckm_msg *m);
/* ckv_provoke_or_hang(), need_reply set when REPLY_ACK is negotiated. */
enum ckv_reaction ckm_provoke(struct ck *c, const struct ckm_msg *m, const char *clause);

/* A message that has a reply of its own is "answered", neither acknowledged nor refused. */
const char *ckm_reaction_name(const struct ckm_msg *m, enum ckv_reaction r);

/* All messages of ckm_order from `from` up to `to`, as set-up. */
bool ckm_run(struct ck *c, unsigned from, unsigned to);

/* A request on ring 0 of a block device, as set-up: it is served. */
bool ckm_serves(struct ck *c);

/* What came back for a message, up to the answer of a question that was sent behind it. */
struct ckm_answers {
	unsigned count;
	struct vu_message first;
	unsigned first_fds; /* descriptors that came with it; they are closed */
	int end;	    /* TP_OK: the question behind was answered, otherwise why not */
};

void ckm_exchange(struct ck *c, const struct ckm_msg *m, u32 flags, struct ckm_answers *a);

/* A memfd of `len` bytes, -1 with an error recorded. */
int ckm_memfd(struct ck *c, u64 len);

/* ckm_session() after something hostile: a back-end that does not take it breaks `clause`. */
bool ckm_session_or_fail(struct ck *c, u64 pf_mask, const char *clause);
/* Go on in the session if it is still there, else in a new one. False: it is over. */
bool ckm_session_again(struct ck *c, enum ckv_reaction r, u64 pf_mask, const char *clause);

#endif
