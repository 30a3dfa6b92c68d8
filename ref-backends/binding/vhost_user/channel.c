// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/vhost_user/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

const char *vub_channel_set(struct vub_session *s, int fd)
{
	socklen_t len = sizeof(int);
	int type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_STREAM)
		return "not a stream socket";
	vub_channel_close(s);
	s->backend_fd = fd;
	__atomic_store_n(&s->deaf, !vub_has_pf(s, VU_PF_BACKEND_REQ), __ATOMIC_RELEASE);
	return NULL;
}

void vub_channel_close(struct vub_session *s)
{
	vub_set_fd(&s->backend_fd, -1);
	s->announce_pending = s->announce_deferred = s->iotlb_pending = false;
	s->answer_have = 0;
	s->iotlb_answered = false;
	__atomic_store_n(&s->deaf, true, __ATOMIC_RELEASE);
	vub_iotlb_no_channel(s);
}

short vub_channel_events(const struct vub_session *s)
{
	return s->announce_pending || s->iotlb_pending ? POLLIN | POLLOUT : POLLIN;
}

bool vub_channel_send(struct vub_session *s, struct vub_reply *msg)
{
	size_t done = 0;
	int sent;

	if (fault_active && fault_active->channel)
		fault_active->channel(s, msg);
	if (!msg->send)
		return true;
	/* A stream socket takes so few bytes whole or not at all. */
	sent = vub_conn_send(s->backend_fd, msg, &done);
	if (msg->fd >= 0)
		close(msg->fd);
	if (sent < 0)
		vub_channel_close(s);
	return sent > 0;
}

static void send_config_change(struct vub_session *s)
{
	struct vub_reply msg = {
		.msg.hdr = { .request = VU_BACKEND_CONFIG_CHANGE_MSG, .flags = VU_VERSION },
		.fd = -1,
		.send = true,
	};

	if (vub_has_pf(s, VU_PF_REPLY_ACK))
		msg.msg.hdr.flags |= VU_FLAG_NEED_REPLY;
	s->announce_pending = !vub_channel_send(s, &msg) && s->backend_fd >= 0;
}

/* Can the front-end be told of a change, and may it be now? */
static bool announce_due(struct vub_session *s)
{
	if (s->backend_fd < 0 || !vub_has_pf(s, VU_PF_CONFIG) || !vub_has_pf(s, VU_PF_BACKEND_REQ))
		return false;
	/* 2.4.1: after a reset no notification until the driver initialises the device again. */
	if (vub_has_pf(s, VU_PF_STATUS) && __atomic_load_n(&s->status, __ATOMIC_RELAXED) == 0)
		return false;
	/* "Suspended device state": no message while all rings are stopped. */
	s->announce_deferred = !vub_any_started(s);
	return !s->announce_deferred;
}

void vub_announce_config(struct vub_session *s)
{
	bool due = announce_due(s);

	if (fault_active && fault_active->announce)
		due = fault_active->announce(s, due);
	if (due)
		send_config_change(s);
}

void vub_channel_resume(struct vub_session *s)
{
	if (s->announce_deferred)
		vub_announce_config(s);
}

/*
 * An answer is about what was sent on the main channel before it, and the two sockets have no order between
 * them: what was there when the answer was read comes first.
 */
void vub_channel_settle(struct vub_session *s)
{
	if (!s->iotlb_answered || s->conn.received < s->iotlb_after)
		return;
	s->iotlb_answered = false;
	if (judge_active)
		judge_active->miss_answered(s, s->iotlb_answer);
	vub_iotlb_answered(s);
}

/* Answers: a header and a u64 each. */
static void read_answers(struct vub_session *s)
{
	struct vu_header hdr;
	size_t whole = sizeof(hdr) + sizeof(u64);

	for (;;) {
		ssize_t n = recv(s->backend_fd, s->answer + s->answer_have, whole - s->answer_have,
				 MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			vub_channel_close(s);
			return;
		}
		s->answer_have += (size_t)n;
		if (s->answer_have < whole)
			continue;
		s->answer_have = 0;
		memcpy(&hdr, s->answer, sizeof(hdr));
		if (judge_active)
			judge_active->answer(s, &hdr);
		if (hdr.size == sizeof(u64) && hdr.request == VU_BACKEND_IOTLB_MSG) {
			memcpy(&s->iotlb_answer, s->answer + sizeof(hdr), sizeof(u64));
			s->iotlb_after = vub_conn_so_far(&s->conn);
			s->iotlb_answered = true;
			continue;
		}
		if (hdr.size != sizeof(u64) || hdr.request != VU_BACKEND_CONFIG_CHANGE_MSG) {
			vub_complain(s, "back-end channel closed: not an answer");
			vub_channel_close(s);
			return;
		}
	}
}

void vub_channel_handle(struct vub_session *s)
{
	if (s->announce_pending)
		send_config_change(s);
	if (s->iotlb_pending)
		vub_iotlb_ask(s);
	if (s->backend_fd >= 0)
		read_answers(s);
}
