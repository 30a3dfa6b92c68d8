// SPDX-License-Identifier: BSD-3-Clause
/* A connection from accept to close. What each message does is in handlers_*.c. */
#include "ref-backends/binding/vhost_user/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/channel.h"
#include "ref-backends/binding/vhost_user/dispatch.h"
#include "ref-backends/binding/vhost_user/serve.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

#define MAX_COMPLAINTS 50   /* lines on stderr per connection */
#define GIVE_UP_MS     2000 /* after SIGTERM, for requests in flight */

void vub_complain(struct vub_session *s, const char *fmt, ...)
{
	unsigned n = __atomic_fetch_add(&s->complaints, 1, __ATOMIC_RELAXED);
	char line[200];
	va_list ap;

	if (n > MAX_COMPLAINTS)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "ringside-backend: %s\n",
		n == MAX_COMPLAINTS ? "more complaints about this connection are not shown" : line);
}

void vub_set_fd(int *slot, int fd)
{
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

/* SIGTERM and its like end the program; SIGUSR1 says that the outside of the device changed. */
static void read_signals(struct vub_session *s)
{
	struct signalfd_siginfo si;

	while (read(s->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGUSR1)
			s->resized = true;
		else if (!s->stop) {
			s->stop = true;
			s->stop_at = now_ms();
		}
	}
}

void vub_session_signals(struct vub_session *s)
{
	read_signals(s);
	if (!s->resized)
		return;
	s->resized = false;
	if (s->dev->ops->resized(s->dev))
		vub_announce_config(s);
}

void vub_session_wait(struct vub_session *s, int done_fd)
{
	struct pollfd p[2] = { { .fd = done_fd, .events = POLLIN },
			       { .fd = s->signal_fd, .events = POLLIN } };
	u64 value;

	while (read(done_fd, &value, sizeof(value)) < 0) {
		int timeout = -1;

		if (s->stop) {
			u64 gone = now_ms() - s->stop_at;

			if (gone >= GIVE_UP_MS) {
				fprintf(stderr,
					"ringside-backend: gave up on requests in flight\n");
				_exit(0);
			}
			timeout = (int)(GIVE_UP_MS - gone);
		}
		if (poll(p, 2, timeout) > 0 && p[1].revents)
			read_signals(s);
	}
}

void vub_hold_all(struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings; i++)
		vub_ring_hold(&s->rings[i]);
}

void vub_release_all(struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings; i++)
		vub_ring_release(&s->rings[i]);
}

bool vub_any_started(const struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings; i++)
		if (s->rings[i].started)
			return true;
	return false;
}

bool vub_driver_ok(struct vub_session *s)
{
	return !vub_has_pf(s, VU_PF_STATUS) ||
	       __atomic_load_n(&s->status, __ATOMIC_RELAXED) & VIRTIO_CONFIG_S_DRIVER_OK;
}

void vub_needs_reset(struct vub_session *s)
{
	u64 one = 1;

	__atomic_fetch_or(&s->status, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_RELEASE);
	__atomic_store_n(&s->needs_reset_announce, true, __ATOMIC_RELEASE);
	if (write(s->event_fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: already awake. */
	}
}

void vub_device_reset(struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings; i++) {
		vub_ring_enable(&s->rings[i], false);
		vub_ring_stop(&s->rings[i]);
		s->rings[i].base = 0;
		s->rings[i].has_base = false;
	}
	vub_hold_all(s);
	vub_inflight_clear(&s->inflight);
	/* They are the last driver's; what the next one means is asked for anew. */
	s->iotlb.n = 0;
	/* Bit 30 is the front-end's, not the driver's: QEMU goes on with SET_VRING_ENABLE. */
	s->features &= BIT_ULL(VU_F_PROTOCOL_FEATURES);
	s->features_refused = false;
	s->announce_deferred = false; /* the driver reads all of it anew */
	__atomic_store_n(&s->status, 0, __ATOMIC_RELEASE);
	s->dev->ops->reset(s->dev);
	vub_release_all(s);
}

/* Everything that belongs to one connection. */
static void session_begin(struct vub_session *s, int sock)
{
	vub_conn_open(&s->conn, sock);
	s->complaints = 0;
	vub_map_vanished();
	s->dev->ops->reset(s->dev);
	if (judge_active)
		judge_active->session_start(s);
	if (fault_active && fault_active->session_start)
		fault_active->session_start(s);
}

static void session_end(struct vub_session *s)
{
	if (fault_active && fault_active->session_end)
		fault_active->session_end(s);
	if (judge_active)
		judge_active->session_end(s);
	/* Close last what the front-end sees first: when it reads the end, all else is done. */
	vub_hold_all(s);
	for (u16 i = 0; i < s->num_rings; i++) {
		vub_ring_stop(&s->rings[i]);
		vub_ring_forget(&s->rings[i]);
	}
	vub_mem_clear(s->mem);
	vub_log_clear(&s->log);
	vub_inflight_clear(&s->inflight);
	vub_set_fd(&s->log_fd, -1);
	vub_channel_close(s);
	for (u16 i = 0; i < s->num_rings; i++)
		s->rings[i].miss.state = VUB_MISS_NONE;
	s->iotlb.n = 0;
	s->features = 0;
	s->protocol_features = 0;
	s->features_refused = false;
	s->needs_reset_announce = false;
	__atomic_store_n(&s->status, 0, __ATOMIC_RELEASE);
	vub_conn_close(&s->conn);
}

/* A ring's thread has something for us. */
static void read_events(struct vub_session *s)
{
	u64 value;

	if (read(s->event_fd, &value, sizeof(value)) < 0)
		return;
	if (__atomic_exchange_n(&s->needs_reset_announce, false, __ATOMIC_ACQ_REL) &&
	    vub_has_pf(s, VU_PF_STATUS) && vub_driver_ok(s))
		vub_announce_config(s);
	vub_iotlb_ask(s);
}

int vub_session_send(struct vub_session *s, const struct vub_reply *rep)
{
	struct pollfd p[2] = { { .fd = s->conn.fd, .events = POLLOUT },
			       { .fd = s->signal_fd, .events = POLLIN } };
	size_t done = 0;
	int sent;

	while ((sent = vub_conn_send(s->conn.fd, rep, &done)) == 0) {
		/* The front-end does not read. It may take its time, unless we are to end. */
		if (poll(p, 2, -1) > 0 && p[1].revents)
			read_signals(s);
		if (s->stop)
			return -1;
	}
	return sent < 0 ? -1 : 0;
}

static bool receive(struct vub_session *s)
{
	enum vub_recv got = vub_conn_recv(&s->conn);

	if (fault_active && fault_active->received)
		got = (enum vub_recv)fault_active->received(s, (int)got);
	switch (got) {
	case VUB_RECV_MORE:
		return true;
	case VUB_RECV_MESSAGE:
		if (!vub_dispatch(s, &s->conn.in))
			return false;
		vub_conn_next(&s->conn);
		return true;
	case VUB_RECV_ERROR:
		vub_complain(s, "connection closed: %s", strerror(errno));
		return false;
	case VUB_RECV_END:
		break;
	}
	return false;
}

void vub_session_run(struct vub_session *s, int sock)
{
	bool open = true;

	session_begin(s, sock);
	while (open && !s->stop) {
		struct pollfd p[] = {
			{ .fd = s->conn.fd, .events = POLLIN },
			{ .fd = s->signal_fd, .events = POLLIN },
			{ .fd = s->event_fd, .events = POLLIN },
			{ .fd = s->backend_fd, .events = vub_channel_events(s) },
		};

		if (poll(p, ARRAY_SIZE(p), -1) < 0)
			continue;
		if (p[1].revents)
			vub_session_signals(s);
		if (p[2].revents)
			read_events(s);
		if (p[3].revents)
			vub_channel_handle(s);
		if (vub_map_vanished()) {
			vub_complain(s, "connection closed: mapped memory vanished");
			open = false;
		} else if (p[0].revents) {
			open = receive(s);
		}
		vub_channel_settle(s);
	}
	session_end(s);
}

static void wake(struct rdev *dev, u16 queue)
{
	struct vub_session *s = dev->binding;

	vub_serve_wake(&s->rings[queue]);
}

int vub_session_open(struct vub_session *s, struct rdev *dev, int signal_fd, bool poll)
{
	memset(s, 0, sizeof(*s));
	s->dev = dev;
	dev->wake = wake;
	dev->binding = s;
	s->num_rings = dev->num_queues;
	s->signal_fd = signal_fd;
	s->poll = poll;
	s->mem = &s->mems[0];
	s->log_fd = s->backend_fd = -1;
	s->deaf = true;
	s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->rings = calloc(s->num_rings, sizeof(*s->rings));
	if (s->event_fd < 0 || !s->rings) {
		perror("ringside-backend");
		return -1;
	}
	vub_map_guard(s->event_fd);
	for (u16 i = 0; i < s->num_rings; i++)
		if (vub_ring_open(&s->rings[i], s, i, &s->rings[dev->ops->one_thread ? 0 : i]))
			return -1;
	for (u16 i = 0; i < s->num_rings; i++)
		if (s->rings[i].lead == &s->rings[i] && vub_ring_run(&s->rings[i]))
			return -1;
	return 0;
}

void vub_session_close(struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings; i++)
		vub_ring_close(&s->rings[i]);
	close(s->event_fd);
	free(s->rings);
}
