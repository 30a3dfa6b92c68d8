// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/scmi_time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define S 1000000000ull

static u64 time_now(struct scmi_hw *hw)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * S + (u64)ts.tv_nsec;
}

static void time_alarm(struct scmi_hw *hw, u64 at)
{
	struct scmi_time *t = (struct scmi_time *)hw;
	struct itimerspec when = { 0 };

	if (at == t->at && at == SCMI_NEVER)
		return;
	t->at = at;
	/* 0 would be never. */
	if (at != SCMI_NEVER)
		when.it_value = (struct timespec){ (time_t)(at / S), (long)(at % S ? at % S : 1) };
	timerfd_settime(t->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void readable(struct reactor_watch *w)
{
	struct scmi_time *t = (struct scmi_time *)((char *)w - offsetof(struct scmi_time, watch));
	u64 times;

	if (read(t->fd, &times, sizeof(times)) != sizeof(times))
		return;
	if (t->sim.hw.scmi)
		rscmi_alarm(t->sim.hw.scmi);
}

static void time_guard(struct scmi_hw *hw, bool enter)
{
	struct scmi_time *t = (struct scmi_time *)hw;

	if (enter)
		pthread_mutex_lock(&t->lock);
	else
		pthread_mutex_unlock(&t->lock);
}

static int time_watch(struct scmi_hw *hw, struct reactor *reactor)
{
	struct scmi_time *t = (struct scmi_time *)hw;

	reactor_watch_add(reactor, &t->watch, readable);
	t->watch.fd = t->fd;
	return 0;
}

int scmi_time_open(struct scmi_time *t, const struct scmi_platform *p)
{
	memset(t, 0, sizeof(*t));
	scmi_sim_init(&t->sim, p);
	t->sim.ops.now = time_now;
	t->sim.ops.alarm = time_alarm;
	t->sim.ops.guard = time_guard;
	t->sim.ops.open = time_watch;
	pthread_mutex_init(&t->lock, NULL);
	t->at = SCMI_NEVER;
	t->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->fd >= 0)
		return 0;
	fprintf(stderr, "ringside-backend: scmi: %s\n", strerror(errno));
	return -1;
}

void scmi_time_close(struct scmi_time *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	pthread_mutex_destroy(&t->lock);
}
