/* SPDX-License-Identifier: BSD-3-Clause */
/* Simulated hardware under an SCMI device, at the host's time: CLOCK_MONOTONIC and a timer. */
#ifndef REF_BACKENDS_DEVICE_HOST_SCMI_TIME_H
#define REF_BACKENDS_DEVICE_HOST_SCMI_TIME_H

#include <pthread.h>

#include "ref-backends/device/host/reactor.h"
#include "ref-backends/device/scmi_sim.h"

struct scmi_time {
	struct scmi_sim sim; /* first */
	struct reactor_watch watch;
	int fd;
	u64 at; /* what the timer is set to */
	pthread_mutex_t lock;
};

/* 0, or -1 after a line on stderr. */
int scmi_time_open(struct scmi_time *t, const struct scmi_platform *p);
void scmi_time_close(struct scmi_time *t);

#endif
