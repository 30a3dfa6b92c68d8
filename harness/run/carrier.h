/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a target is reached by: the transport that fits its URI, and the process that is to be there
 * for it.
 */
#ifndef HARNESS_RUN_CARRIER_H
#define HARNESS_RUN_CARRIER_H

#include "harness/run/qemu_uri.h"
#include "harness/run/target.h"
#include "harness/transport/host/peer_socket.h"
#include "harness/transport/mmio/mmio.h"
#include "harness/transport/pci/pci.h"
#include "harness/transport/vhost/kernel.h"
#include "harness/transport/vhost_user/frontend.h"

struct carrier {
	struct target *target;
	struct tp *tp;		/* one of those below */
	struct vu_frontend *fe; /* NULL: not vhost-user */
	union {
		struct vu_frontend frontend;
		struct mmio mmio;
		struct pci pci;
		struct kdev kernel;
	};
	struct qtest qtest; /* of a qemu: or machine: target */
	bool machine_runs;
	struct peer_socket peer; /* of a socket device whose other side is known */
};

void carrier_init(struct carrier *c, struct target *t);
void carrier_destroy(struct carrier *c);

/*
 * The target's process, if it is ours, and the back-end behind a QEMU. As target_start(), _stop(),
 * _lost(); what was lost is still to be stopped.
 */
int carrier_start(struct carrier *c, char *error, size_t room);
/* Can we start it again? */
bool carrier_ours(const struct carrier *c);
void carrier_stop(struct carrier *c);
bool carrier_lost(struct carrier *c);
/* Has the back-end behind a QEMU closed the connection? QEMU does not connect again. */
bool carrier_severed(const struct carrier *c);
/* Who it is that target->death tells of. */
const char *carrier_subject(const struct carrier *c);
/* What the machine printed since this was last asked: qtest_printed(). Others are not listened to. */
void carrier_printed(struct carrier *c, void (*line)(void *arg, const char *text), void *arg);

/* Is anybody there? TP_OK, or an error in tp->error. Leaves no session open. */
int carrier_reach(struct carrier *c);

/* All features as the target offers them, with those that belong to the protocol. */
u64 carrier_offered(const struct carrier *c);
u64 carrier_protocol_features(const struct carrier *c);
/* The device id that the transport tells; 0: it does not (vhost-user). */
u32 carrier_device(const struct carrier *c);

#endif
