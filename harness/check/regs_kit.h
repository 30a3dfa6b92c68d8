/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the checks of registers share, on MMIO and on PCI: raw status writes, one request that every
 * device of a type that we know serves, a device driven into an error.
 *
 * Freestanding.
 */
#ifndef HARNESS_CHECK_REGS_KIT_H
#define HARNESS_CHECK_REGS_KIT_H

/* Checks that include this go with both transports, unless their folder says which. */
#ifndef CHECK_TRANSPORT
#define CHECK_TRANSPORT CHECK_REGISTERS
#endif

#include "harness/check/check.h"
#include "harness/transport/regs/regs.h"

#define RK_ACK	       VIRTIO_CONFIG_S_ACKNOWLEDGE
#define RK_DRIVER      (RK_ACK | VIRTIO_CONFIG_S_DRIVER)
#define RK_FEATURES_OK (RK_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define RK_DRIVER_OK   (RK_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

static inline struct regs *rk_regs(struct ck *c)
{
	return regs_from_tp(c->tp);
}

static inline bool rk_is_pci(const struct ck *c)
{
	return c->tp->caps & TP_CAP_PCI;
}

/* The same rule stands in both transports' chapters. */
static inline const char *rk_clause(const struct ck *c, const char *pci, const char *mmio)
{
	return rk_is_pci(c) ? pci : mmio;
}

/* Write the status register, and nothing else. */
bool rk_set_status(struct ck *c, u8 status);
bool rk_status(struct ck *c, u8 *status);
/* Wait, within the deadline, until the status is 0; *status is what it was last. */
bool rk_wait_reset(struct ck *c, u8 *status);
bool rk_enabled(struct ck *c, unsigned q, u32 *value);
/* What the device makes of the state that is wanted: a set-up in steps from a reset. */
bool rk_go_to(struct ck *c, u8 status);

/* --- requests ------------------------------------------------------------------------------------ */

/* Do we know a request that this type of device serves at once, on queue 0? */
static inline bool rk_knows_work(const struct ck *c)
{
	return c->device == VIRTIO_ID_BLOCK || c->device == VIRTIO_ID_RNG;
}

/* The same, for a check that is over otherwise. */
bool rk_can_work(struct ck *c);

/* What the device's data goes to holds this before. */
#define RK_UNTOUCHED 0xa5

/* Make one available on queue 0, without a notification. */
bool rk_offer(struct ck *c);
/* The same; *data is where the device writes. */
bool rk_offer_in(struct ck *c, struct tp_buf *data);
/* One of 64 KiB, which takes a while. */
bool rk_offer_large(struct ck *c);
/* All that was made available on queue 0 is used, within the deadline; records nothing. */
bool rk_served(struct ck *c);
/* One request, with a notification, which must be served: set-up. */
bool rk_work(struct ck *c);
/* The same where being served is what is asked. */
bool rk_work_or_fail(struct ck *c, const char *clause, const char *when);

/* Of all guest memory in use, rings and buffers: to be looked at twice. */
u64 rk_digest(const struct ck *c);

/*
 * An event of the configuration kind that every device with a queue can be made to have: it needs a
 * reset, because of an available index that runs too far ahead. The check is over (skipped) where the
 * device does not notice. Queue 0 runs.
 */
bool rk_break(struct ck *c);

#endif
