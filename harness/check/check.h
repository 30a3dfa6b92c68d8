/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checks: what one is, how it registers, and how it says what it saw.
 *
 * A check is written once and runs over every transport that can carry it. It names the clauses it
 * exercises; every accusation is made against one of them, and its grade follows from the clause: a
 * MUST gives `fail`, a SHOULD `warn`, an ambiguous text `info`. What goes wrong outside those
 * clauses (a handshake that breaks, a set-up request that fails) is no accusation: the check could
 * not run, verdict `error`.
 *
 * Style of a check: functions that can end it return bool, false = it is over and why has been
 * recorded; the check just returns.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_CHECK_H
#define HARNESS_CHECK_CHECK_H

#include <stdarg.h>

#include "harness/spec/virtio14.h"
#include "harness/transport/transport.h"
#include "harness/virtqueue/vq.h"

enum verdict {
	VERDICT_PASS,
	VERDICT_INFO,	/* the text is ambiguous: what was seen */
	VERDICT_HAZARD, /* allowed, but known to break drivers */
	VERDICT_WARN,	/* a SHOULD broken */
	VERDICT_FAIL,	/* a MUST broken */
	VERDICT_SKIP,	/* not applicable, with the reason */
	VERDICT_ERROR,	/* the check itself could not run */
	VERDICTS,
};

struct ck;
struct vehicle;

#define CHECK_CLAUSES 8

enum check_ring {
	CHECK_RING_ANY,
	CHECK_RING_SPLIT,
	CHECK_RING_PACKED,
};

struct check {
	const char *id;			    /* "group.topic", stable */
	const char *clauses[CHECK_CLAUSES]; /* what it exercises, NULL-terminated */
	const char *stimulus;		    /* what is done to the target */
	const char *oracle;		    /* what must then be seen */
	void (*run)(struct ck *c);

	/* The one transport it goes with, or CHECK_REGISTERS; NULL: any that has the capabilities. */
	const char *transport;

	/* The ring layout it is about; CHECK_RING_ANY: that of the run. */
	enum check_ring ring;

	/* What it needs; otherwise it is skipped with the reason. */
	u32 caps;	  /* enum tp_cap */
	u32 device;	  /* virtio device id, 0 = any */
	bool vehicle;	  /* any whose type has one; queues count from that which takes it */
	u64 features;	  /* device features that must be offered */
	u64 lacks;	  /* device features that must not be offered */
	u64 pf;		  /* vhost-user protocol features that must be offered */
	unsigned queues;  /* at least so many, 0 = 1 */
	bool own_session; /* run() opens the session itself: none is open when it starts */
	bool disturbs;	  /* a target that survives may be damaged: start it anew where we can */
	bool fresh;	  /* wants one that no driver has been at yet, where we can start it anew */
};

/* For `transport`: both that have registers, MMIO and PCI. */
#define CHECK_REGISTERS "registers"

/* The build defines it for the folders whose checks go with one transport. */
#ifndef CHECK_TRANSPORT
#define CHECK_TRANSPORT NULL
#endif

/* A file whose checks look into a ring says which layout before it includes this. */
#ifndef CHECK_RING
#define CHECK_RING CHECK_RING_ANY
#endif

#define CHECK_OF(ident, transport_, ring_, ...)                                                    \
	static const struct check ident##_check = { .transport = transport_,                       \
						    .ring = ring_,                                 \
						    __VA_ARGS__ };                                 \
	__attribute__((used,                                                                       \
		       section("rs_checks"))) static const struct check *const ident##_entry =     \
		&ident##_check

#define CHECK(ident, ...) CHECK_OF(ident, CHECK_TRANSPORT, CHECK_RING, __VA_ARGS__)

/* One of a transport in a file of others. */
#define CHECK_OVER(ident, over, ...) CHECK_OF(ident, over, CHECK_RING, __VA_ARGS__)

/* One of packed rings in a file of others: the same function, over the other layout. */
#define CHECK_PACKED(ident, ...) CHECK_OF(ident, CHECK_TRANSPORT, CHECK_RING_PACKED, __VA_ARGS__)

extern const struct check *const __start_rs_checks[] __attribute__((weak));
extern const struct check *const __stop_rs_checks[] __attribute__((weak));

#define for_each_check(c)                                                                          \
	for (const struct check *const *c = __start_rs_checks; c < __stop_rs_checks; c++)

/* More of one thing than any target sends: a loop that takes what is pending ends there. */
#define CK_FLOOD 1000

/* Queues a check can have running at once. */
#define CK_QUEUES 8
/* Driver-side slots for all of them: one queue of the largest size. */
#define CK_SLOTS VIRTIO_QUEUE_SIZE_MAX

struct ck_queue {
	struct vq vq; /* those who look into it say which: CHECK_RING */
	struct vq_layout layout;
	bool started;
};

/* What the runner gives a check to talk to. Strings are formatted there, not in the check. */
struct ck_host {
	void (*vlog)(struct ck_host *h, const char *fmt, va_list ap);
	/* An accusation (verdict FAIL: graded by the clause), or INFO, HAZARD, SKIP, ERROR as they are. */
	void (*vrecord)(struct ck_host *h, enum verdict v, const char *clause, const char *expected,
			const char *fmt, va_list ap);
};

struct ck {
	struct tp *tp;
	const struct check *check;
	struct ck_host *host;
	bool accused; /* something was recorded against a clause */

	enum vq_ring ring; /* what ck_negotiate() goes for */
	u64 offered;	   /* device features, once the session is open */
	u64 features;	   /* what ck_negotiate() settled on */
	unsigned queues;
	u32 device; /* virtio device id */
	/* Of a check with .vehicle; else NULL. */
	const struct vehicle *vehicle;
	u64 requests;	     /* made with it in this session */
	bool before_started; /* the queues before that which takes it are there, idle */
	struct ck_queue q[CK_QUEUES];
	struct vq_slot *slots; /* CK_SLOTS of them */
	u32 slots_used;
	u32 mem_used[TP_MEM_MAX];
	u64 rng; /* of ck_random(): the same sequence in every run */
};

/* --- saying what was seen ---------------------------------------------------------------------- */

/* The target broke `clause`: what was expected, what was seen. Always false. */
bool ck_fail(struct ck *c, const char *clause, const char *expected, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Allowed, but known to break drivers. Always true: the check goes on. */
bool ck_hazard(struct ck *c, const char *clause, const char *expected, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The text leaves it open; say which way the target went. Always true. */
bool ck_info(struct ck *c, const char *clause, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Does not apply to this target. Always false. */
bool ck_skip(struct ck *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The check could not run. Always false. */
bool ck_error(struct ck *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Into the evidence. */
void ck_log(struct ck *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * A transport operation that must succeed in set-up; `what` names it. Where the transport or the device
 * cannot do it at all the check is skipped.
 */
bool ck_must(struct ck *c, int result, const char *what);

/* --- bringing a device up ---------------------------------------------------------------------- */

/* Open a session, or a new one in place of the old (all queues and memory are gone then). */
bool ck_open(struct ck *c);
/* What ck_open() does to the bookkeeping, for those who open a session by other means. */
void ck_forget(struct ck *c);

/*
 * Of what is offered, the features that a device may insist on: VIRTIO_F_VERSION_1, and what its type
 * says that drivers are to accept.
 */
u64 ck_demanded(const struct ck *c);

/*
 * Accept the features in `want` that are offered, always with ck_demanded(), and with what the ring
 * layout of this run takes. Queues are laid out by what was accepted.
 * ck_ring_features() is the usual want of a check that does not care.
 */
bool ck_negotiate(struct ck *c, u64 want);

static inline u64 ck_ring_features(void)
{
	return BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
}

struct ck_queue_opts {
	u16 size;	/* 0 = 128, or as large as the queue can be */
	u32 base;	/* where both sides start, as in struct tp_queue; 0: at the beginning */
	bool no_call;	/* poll: no used buffer notifications */
	bool scatter;	/* the three parts in different regions where there are several */
	bool not_start; /* lay out only */
};

/* `size`, or less where devices of this type do not take that many entries. */
u16 ck_queue_size(const struct ck *c, u16 size);
/*
 * Lay a queue out in guest memory and start it. `opts` NULL = the defaults. With the first of them come, where the
 * transport has them in order, the device's queues before that which takes the vehicle: idle ones.
 */
bool ck_queue_start(struct ck *c, unsigned q, const struct ck_queue_opts *opts);

/* ck_negotiate(), queue 0 with the defaults, DRIVER_OK. */
bool ck_start(struct ck *c, u64 want);

static inline bool ck_has(const struct ck *c, unsigned feature)
{
	return c->features & BIT_ULL(feature);
}

/* --- memory -------------------------------------------------------------------------------------- */

/* Zeroed guest memory from region 0, or from region `region`. False when there is no more. */
bool ck_alloc(struct ck *c, u32 len, u32 align, struct tp_buf *out);
bool ck_alloc_in(struct ck *c, unsigned region, u32 len, u32 align, struct tp_buf *out);

/* A guest address in no region. */
struct gpa ck_unmapped(const struct ck *c);

u32 ck_random(struct ck *c);
/* Deterministic bytes from a seed: what a check writes and compares. */
void ck_fill(u8 *p, u32 len, u32 seed);
/* Position of the first byte that differs from ck_fill()'s, or len. */
u32 ck_differs(const u8 *p, u32 len, u32 seed);
/* Position of the first byte that is not `value`, or len. */
u32 ck_not_value(const u8 *p, u32 len, u8 value);

/* --- waiting ------------------------------------------------------------------------------------- */

/* Let the time pass in which something must not happen. */
void ck_quiet(struct ck *c);

/* Of queue `q`: buffers added, and buffers used by the device; free running (vq_added(), vq_used()). */
u16 ck_added(const struct ck *c, unsigned q);
u16 ck_used(const struct ck *c, unsigned q);

/* Wait until ck_used() of queue `q` reaches `count`. Says whether it did. */
bool ck_wait_used(struct ck *c, unsigned q, u16 count);

struct ck_used {
	int head; /* VQ_BADID: the element names nothing outstanding */
	u32 id, len;
	void *token;
};

/* Take the next used element, waiting for it. Says whether one came; records nothing. */
bool ck_reap(struct ck *c, unsigned q, struct ck_used *u);

/*
 * The same where `n` tokens lie one behind the other from `first` on, `size` bytes each, and one of them is to
 * come. Another, or none, is an error of the check; says whether it was one of them.
 */
bool ck_reap_of(struct ck *c, unsigned q, const void *first, size_t size, unsigned n,
		struct ck_used *u);

/*
 * Make queue `q` one that no device can make sense of: an available index too far ahead, or in a packed
 * ring, all of which must be the driver's, a list that does not end. Nothing is notified.
 */
void ck_break_ring(struct ck *c, unsigned q);

/* Publish what was added to queue `q`, and notify as a correct driver does. */
bool ck_publish(struct ck *c, unsigned q);

#endif
