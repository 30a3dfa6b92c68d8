/* SPDX-License-Identifier: BSD-3-Clause */
/* What the driver that does not notice is made of, and what its parts do for each other. */
#ifndef TESTS_E2E_RECOVERY_WORLD_H
#define TESTS_E2E_RECOVERY_WORLD_H

#include <sys/types.h>

#include "harness/device/blk.h"
#include "harness/transport/vhost_user/frontend.h"

#define QUEUES	     2u
#define RING	     64
#define DEPTH	     20 /* requests in flight per queue: chains of three fill the ring */
#define SLOTS	     96 /* places on the disk; one request at a time on each */
#define SLOT_SECTORS 8
#define SLOT_BYTES   (SLOT_SECTORS * VIRTIO_BLK_SECTOR)
#define IMAGE_BYTES  (SLOTS * SLOT_BYTES)
#define DEADLINE_NS  5000000000ull

enum end {
	END_KILL,
	END_TERM,
	END_DISCONNECT,
	ENDS
};

struct end_kind {
	const char *name;
	bool process; /* the process ends */
	int signal;
};

extern const struct end_kind ends[ENDS];

struct request {
	struct blk_req r; /* its parts in guest memory, for good */
	bool busy;
	u32 slot, sectors;
	u64 seq;
};

struct queue {
	struct vq_split vq;
	struct vq_layout layout;
	struct vq_slot slots[RING];
	struct request requests[DEPTH];
	unsigned busy;
};

struct world {
	const char *backend, *image, *socket;
	char **backend_options;
	unsigned rounds, load_us;
	enum end end;
	bool event_idx;

	struct vu_frontend fe;
	pid_t pid;
	u64 features;
	int image_fd, inflight_fd;
	struct vu_inflight inflight;
	u8 *inflight_map;
	struct queue q[QUEUES];
	bool sleeps; /* this round's driver waits for notifications */
	u64 rng;

	u64 acked[SLOTS][SLOT_SECTORS]; /* number of the write acknowledged last; 0: none */
	bool slot_busy[SLOTS];
	u64 seq;

	unsigned round;
	u64 submitted, acknowledged;
	u64 caught;    /* requests in flight when the back-end ended */
	u64 published; /* ... of these already in the used ring, not yet seen by the driver */
	u64 rewound;   /* ends that were moved into one of the windows below */
	u64 worst_gap; /* ns from an end to the next acknowledgement */
};

/* Ends the program, and the back-end with it. */
void fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));

/* --- session.c: the back-end, memory, rings ------------------------------------------------------- */

/* An operation of the front-end that has to succeed; `what` names it. */
void must(struct world *w, int rc, const char *what);
/* The next of a repeatable sequence of numbers, smaller than `n`. */
u32 below(struct world *w, u32 n);
void start_backend(struct world *w);
void connect_backend(struct world *w);
void make_queue(struct world *w, unsigned n, u32 *at);

/*
 * From a connected socket to running rings. A front-end that lost its back-end cannot ask where the
 * rings stood: QEMU takes the used index, here `base`, and leaves the rest to the in-flight region.
 */
enum step {
	TO_INFLIGHT,
	TO_FEATURES,
	TO_FIRST_RING,
	TO_RINGS,
	TO_FIRST_ENABLED,
	TO_SERVICE
};

/* ... as far as `last`. */
void start_session(struct world *w, const u16 base[QUEUES], enum step last);
void drop_connection(struct world *w);

/* --- requests.c ------------------------------------------------------------------------------------- */

/* What was acknowledged last is there, `where` it was read. */
void check_sector(struct world *w, const u8 *p, u64 seq, u32 slot, u32 sector, const char *where);
/* Up to `most` new requests into queue `n`. */
void submit(struct world *w, unsigned n, unsigned most);
/* Take what queue `n`, or any, has used: how many that was. */
unsigned reap(struct world *w, unsigned n);
unsigned reap_all(struct world *w);
/* Says whether a notification came before `end`. */
bool sleep_until_called(struct world *w, u64 end);

/* --- round.c ------------------------------------------------------------------------------------------ */

/* Without new requests: until all are back. */
void drain(struct world *w);
void verify_image(struct world *w);
void one_round(struct world *w);

#endif
