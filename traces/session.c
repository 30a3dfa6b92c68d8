// SPDX-License-Identifier: BSD-3-Clause
#include "traces/session.h"

#include <stdio.h>

#ifndef RINGSIDE_HAVE_LTTNG_CTL

int trace_session_open(struct trace_session **out, const struct trace_session_options *options,
		       char *err, size_t len)
{
	snprintf(err, len, "built without liblttng-ctl: install liblttng-ctl-dev and build again");
	return -1;
}

int trace_session_start(struct trace_session *s, char *err, size_t len)
{
	return -1;
}

int trace_session_stop(struct trace_session *s, u64 *discarded, char *err, size_t len)
{
	return -1;
}

void trace_session_close(struct trace_session *s)
{
}

#else

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <lttng/lttng.h>

#include "traces/daemon.h"

#define CHANNEL	       "requests"
#define EVENTS	       "ringside:*"
#define EVENT_PREFIX   "ringside:"
#define SUB_BUFFERS    8
#define SUB_BUFFER_MIN (4u << 10)
#define SUB_BUFFER_MAX (8u << 20)
#define BUFFER_BYTES   (128ull << 20)
#define FLUSH_MS       30000

struct trace_session {
	struct trace_daemon daemon;
	struct lttng_handle *handle;
	char name[64];
	bool created;
	bool started;
};

static u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

static void sleep_ms(unsigned ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static int fail(const char *what, int code, char *err, size_t len)
{
	snprintf(err, len, "LTTng cannot %s: %s", what, lttng_strerror(code));
	return -1;
}

/* Make the folder, or see that it is empty: two traces in one folder would be read as one. */
static int prepare_dir(const char *dir, char *real, char *err, size_t len)
{
	struct dirent *entry;
	DIR *d;
	int n = 0;

	if (mkdir(dir, 0777) && errno != EEXIST) {
		snprintf(err, len, "cannot make '%s': %s", dir, strerror(errno));
		return -1;
	}
	d = opendir(dir);
	if (!d || !realpath(dir, real)) {
		snprintf(err, len, "cannot open '%s': %s", dir, strerror(errno));
		if (d)
			closedir(d);
		return -1;
	}
	while ((entry = readdir(d)))
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(d);
	if (n) {
		snprintf(err, len, "'%s' is not empty: a trace needs a folder of its own", dir);
		return -1;
	}
	return 0;
}

/* The part of `bytes` that one of SUB_BUFFERS gets on one of the CPUs: a power of two. */
static u64 sub_buffer_size(u64 bytes)
{
	long cpus = MAX(sysconf(_SC_NPROCESSORS_CONF), 1);
	struct statvfs shm;
	u64 share, size = SUB_BUFFER_MIN;

	if (!bytes)
		bytes = BUFFER_BYTES;
	/* The buffers live in shared memory, which containers like to keep small. */
	if (statvfs("/dev/shm", &shm) == 0)
		bytes = MIN(bytes, (u64)shm.f_bavail * shm.f_frsize / 2);
	share = bytes / (u64)cpus / SUB_BUFFERS;
	while (size * 2 <= share && size < SUB_BUFFER_MAX)
		size *= 2;
	return size;
}

/* Does the process (0: any) offer our tracepoints yet? -1 when the daemon is gone. */
static int is_registered(int pid)
{
	struct lttng_domain domain = { .type = LTTNG_DOMAIN_UST };
	struct lttng_handle *handle = lttng_create_handle(NULL, &domain);
	struct lttng_event *events = NULL;
	int n, found = 0;

	if (!handle)
		return -1;
	n = lttng_list_tracepoints(handle, &events);
	for (int i = 0; i < n && !found; i++)
		found = strncmp(events[i].name, EVENT_PREFIX, strlen(EVENT_PREFIX)) == 0 &&
			(!pid || events[i].pid == pid);
	free(events);
	lttng_destroy_handle(handle);
	return n < 0 ? -1 : found;
}

static int await_registration(int pid, unsigned wait_ms, char *err, size_t len)
{
	u64 deadline = now_ms() + (wait_ms ? wait_ms : 5000);
	int found;

	while ((found = is_registered(pid)) != 1) {
		if (found < 0) {
			snprintf(err, len, "LTTng's session daemon does not answer");
			return -1;
		}
		if (now_ms() > deadline)
			break;
		sleep_ms(20);
	}
	if (found)
		return 0;
	if (pid)
		snprintf(err, len,
			 "process %d has no tracepoints of Ringside: is it started with --trace?",
			 pid);
	else
		snprintf(err, len,
			 "no process has tracepoints of Ringside: start the back-end with --trace");
	return -1;
}

static int track(struct trace_session *s, int pid, char *err, size_t len)
{
	struct lttng_process_attr_tracker_handle *tracker = NULL;
	enum lttng_process_attr_tracker_handle_status status;

	if (lttng_session_get_tracker_handle(s->name, LTTNG_DOMAIN_UST,
					     LTTNG_PROCESS_ATTR_VIRTUAL_PROCESS_ID,
					     &tracker) != LTTNG_OK) {
		snprintf(err, len, "LTTng cannot select a process");
		return -1;
	}
	status = lttng_process_attr_tracker_handle_set_tracking_policy(
		tracker, LTTNG_TRACKING_POLICY_INCLUDE_SET);
	if (status == LTTNG_PROCESS_ATTR_TRACKER_HANDLE_STATUS_OK)
		status = lttng_process_attr_virtual_process_id_tracker_handle_add_pid(tracker, pid);
	lttng_process_attr_tracker_handle_destroy(tracker);
	if (status == LTTNG_PROCESS_ATTR_TRACKER_HANDLE_STATUS_OK)
		return 0;
	snprintf(err, len, "LTTng cannot select process %d", pid);
	return -1;
}

static int add_channel(struct trace_session *s, u64 buffer_bytes, char *err, size_t len)
{
	struct lttng_channel *channel = lttng_channel_create(&s->handle->domain);
	struct lttng_event *event = lttng_event_create();
	int ret = -1;

	if (!channel || !event) {
		snprintf(err, len, "out of memory");
		goto out;
	}
	snprintf(channel->name, sizeof(channel->name), CHANNEL);
	channel->enabled = 1;
	channel->attr.overwrite = 0;
	channel->attr.subbuf_size = sub_buffer_size(buffer_bytes);
	channel->attr.num_subbuf = SUB_BUFFERS;
	ret = lttng_enable_channel(s->handle, channel);
	if (ret) {
		ret = fail("make a channel", ret, err, len);
		goto out;
	}
	event->type = LTTNG_EVENT_TRACEPOINT;
	event->loglevel_type = LTTNG_EVENT_LOGLEVEL_ALL;
	event->loglevel = -1;
	snprintf(event->name, sizeof(event->name), EVENTS);
	ret = lttng_enable_event(s->handle, event, CHANNEL);
	if (ret)
		ret = fail("enable the events", ret, err, len);
out:
	if (channel)
		lttng_channel_destroy(channel);
	if (event)
		lttng_event_destroy(event);
	return ret;
}

static int create(struct trace_session *s, const struct trace_session_options *o, const char *real,
		  char *err, size_t len)
{
	struct lttng_domain domain = {
		.type = LTTNG_DOMAIN_UST,
		.buf_type = LTTNG_BUFFER_PER_PID,
	};
	static unsigned count;
	char url[PATH_MAX + 16];
	int ret;

	snprintf(s->name, sizeof(s->name), TRACE_SESSION_PREFIX "%d-%u", (int)getpid(), count++);
	snprintf(url, sizeof(url), "file://%s", real);
	ret = lttng_create_session(s->name, url);
	if (ret < 0)
		return fail("make a session", ret, err, len);
	s->created = true;
	s->handle = lttng_create_handle(s->name, &domain);
	if (!s->handle) {
		snprintf(err, len, "out of memory");
		return -1;
	}
	if (add_channel(s, o->buffer_bytes, err, len))
		return -1;
	return o->pid ? track(s, o->pid, err, len) : 0;
}

int trace_session_open(struct trace_session **out, const struct trace_session_options *o, char *err,
		       size_t len)
{
	char real[PATH_MAX];
	struct trace_session *s;

	*out = NULL;
	if (prepare_dir(o->dir, real, err, len))
		return -1;
	s = calloc(1, sizeof(*s));
	if (!s) {
		snprintf(err, len, "out of memory");
		return -1;
	}
	if (trace_daemon_acquire(&s->daemon, err, len)) {
		free(s);
		return -1;
	}
	if (await_registration(o->pid, o->wait_ms, err, len) || create(s, o, real, err, len)) {
		trace_session_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

int trace_session_start(struct trace_session *s, char *err, size_t len)
{
	int ret = lttng_start_tracing(s->name);

	if (ret < 0)
		return fail("start recording", ret, err, len);
	s->started = true;
	return 0;
}

/* What the buffers had no room for, over all processes and CPUs. */
static u64 discarded_events(struct trace_session *s)
{
	struct lttng_channel *channels = NULL;
	int n = lttng_list_channels(s->handle, &channels);
	u64 sum = 0;

	for (int i = 0; i < n; i++) {
		u64 discarded = 0;

		if (lttng_channel_get_discarded_event_count(&channels[i], &discarded) == 0)
			sum += discarded;
	}
	free(channels);
	return sum;
}

int trace_session_stop(struct trace_session *s, u64 *discarded, char *err, size_t len)
{
	u64 deadline = now_ms() + FLUSH_MS;
	int ret, pending;

	*discarded = 0;
	/* Not the call that waits by itself: it would wait for ever. */
	ret = lttng_stop_tracing_no_wait(s->name);
	if (ret < 0)
		return fail("stop recording", ret, err, len);
	s->started = false;
	while ((pending = lttng_data_pending(s->name)) == 1) {
		if (now_ms() > deadline) {
			snprintf(err, len, "LTTng did not write the trace within %d s",
				 FLUSH_MS / 1000);
			return -1;
		}
		sleep_ms(5);
	}
	if (pending < 0)
		return fail("write the trace", pending, err, len);
	*discarded = discarded_events(s);
	return 0;
}

void trace_session_close(struct trace_session *s)
{
	if (!s)
		return;
	if (s->started)
		lttng_stop_tracing_no_wait(s->name);
	if (s->created)
		lttng_destroy_session(s->name);
	if (s->handle)
		lttng_destroy_handle(s->handle);
	trace_daemon_release(&s->daemon);
	free(s);
}

#endif
