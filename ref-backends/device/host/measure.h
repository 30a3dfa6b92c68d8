/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that is measured: a struct rdev in front of another. It stamps each request with the
 * processor's counter, when the device gets it, when it is done, and when the driver was notified of it,
 * into a file that is mapped, so that what was stamped outlives whatever happens to the process. And it
 * can make each request dearer by a known amount, to see that the measurement sees it.
 *
 * Stamps are of queue 0. The file: a struct measure_file. Whoever reads it takes the last requests, since a load has some that
 * it does not count.
 */
#ifndef REF_BACKENDS_DEVICE_HOST_MEASURE_H
#define REF_BACKENDS_DEVICE_HOST_MEASURE_H

#include "ref-backends/device/through.h"

#define MEASURE_MAGIC 0x31706d6174735352ull /* "RSstamp1" */
#define MEASURE_ROOM  65536u

struct measure_stamp {
	u64 begin, end, call; /* ticks; call 0: the driver was not notified for this one itself */
};

struct measure_file {
	u64 magic;
	u64 count; /* requests that were begun; what is beyond MEASURE_ROOM has no stamps */
	u64 calls; /* notifications of the driver */
	u64 reserved;
	struct measure_stamp stamp[MEASURE_ROOM];
};

struct measure {
	struct rthrough through;
	void (*done)(struct rdev_req *req); /* the binding's */
	u64 burn;			    /* loop iterations for each request */
};

/* `stamps`: a file to write, or NULL. Returns what to serve in place of `below`, or NULL with errno. */
struct rdev *measure_init(struct measure *m, struct rdev *below, const char *stamps, u64 burn);

extern struct measure_file *measure_file;

/* The driver was just notified. Nothing when nobody measures. */
void measure_call_slow(void);
static inline void measure_call(void)
{
	if (__builtin_expect(measure_file != NULL, 0))
		measure_call_slow();
}

#endif
