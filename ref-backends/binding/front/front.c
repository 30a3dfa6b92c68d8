// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/front/front.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "harness/spec/virtio14.h"

#define DEADLINE_MS 20000

#define PROTOCOL                                                                                   \
	(BIT_ULL(VU_PF_MQ) | BIT_ULL(VU_PF_REPLY_ACK) | BIT_ULL(VU_PF_BACKEND_REQ) |               \
	 BIT_ULL(VU_PF_CONFIG) | BIT_ULL(VU_PF_RESET_DEVICE))

static int __attribute__((format(printf, 2, 3))) broken(struct front *f, const char *fmt, ...)
{
	va_list ap;

	if (!f->broken) {
		va_start(ap, fmt);
		vsnprintf(f->error, sizeof(f->error), fmt, ap);
		va_end(ap);
	}
	f->broken = true;
	return -1;
}

static bool uses(const struct front *f, unsigned bit)
{
	return f->protocol & BIT_ULL(bit);
}

static u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

/* --- bytes --------------------------------------------------------------------------------------------- */

static int send_all(struct front *f, const struct vu_message *m, const int *fds, unsigned count)
{
	char control[CMSG_SPACE(sizeof(int) * VU_MAX_FDS)] = { 0 };
	struct iovec iov = { (void *)&m->hdr, VU_HEADER_SIZE + m->hdr.size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (count) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
	}
	while (iov.iov_len) {
		n = sendmsg(f->sock, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return broken(f, "the back-end took no message: %s", strerror(errno));
		iov.iov_base = (u8 *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
		/* They went with the first byte. */
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
	return 0;
}

int front_channel(struct front *f)
{
	const char *wrong = f->broken ? NULL : front_channel_read(&f->channel);

	return wrong ? broken(f, "the back-end: %s", wrong) : f->broken ? -1 : 0;
}

bool front_changed(struct front *f)
{
	const bool changed = f->channel.changed;

	f->channel.changed = false;
	return changed;
}

static int receive(struct front *f, void *to, size_t len)
{
	const u64 end = now_ms() + DEADLINE_MS;
	u8 *at = to;

	while (len) {
		/* A back-end may wait for its answer before it gives ours. */
		struct pollfd p[] = {
			{ .fd = f->sock, .events = POLLIN },
			{ .fd = f->channel.over ? -1 : f->channel.sock, .events = POLLIN },
		};
		const u64 now = now_ms();
		int ready = now < end ? poll(p, ARRAY_SIZE(p), (int)(end - now)) : 0;
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready > 0 && !p[0].revents) {
			if (front_channel(f))
				return -1;
			continue;
		}
		if (ready <= 0)
			return broken(f, "the back-end did not answer within %d s",
				      DEADLINE_MS / 1000);
		/* Descriptors that nobody asked for are dropped by the kernel: there is no room. */
		n = recv(f->sock, at, len, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return broken(f, "the back-end closed the connection");
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_reply(struct front *f, struct vu_message *m)
{
	const u32 request = m->hdr.request;

	if (receive(f, &m->hdr, VU_HEADER_SIZE))
		return -1;
	if (m->hdr.request != request || (m->hdr.flags & VU_FLAG_VERSION) != VU_VERSION ||
	    !(m->hdr.flags & VU_FLAG_REPLY) || m->hdr.size > sizeof(m->bytes))
		return broken(f, "the back-end's answer to request %u is none", request);
	return receive(f, m->bytes, m->hdr.size);
}

/* --- requests ---------------------------------------------------------------------------------------- */

/* One that the back-end answers with a payload of its own, of `size` bytes at least. */
static int ask(struct front *f, struct vu_message *m, u32 request, u32 len, u32 size)
{
	if (f->broken)
		return -1;
	m->hdr = (struct vu_header){ request, VU_VERSION, len };
	if (send_all(f, m, NULL, 0) || receive_reply(f, m))
		return -1;
	return m->hdr.size < size
		       ? broken(f, "the back-end's answer to request %u is too short", request)
		       : 0;
}

/* One without an answer of its own. */
static int tell(struct front *f, struct vu_message *m, u32 request, u32 len, const int *fds,
		unsigned count)
{
	if (f->broken)
		return -1;
	m->hdr = (struct vu_header){ request, VU_VERSION, len };
	if (uses(f, VU_PF_REPLY_ACK))
		m->hdr.flags |= VU_FLAG_NEED_REPLY;
	if (send_all(f, m, fds, count))
		return -1;
	if (!uses(f, VU_PF_REPLY_ACK))
		return 0;
	if (receive_reply(f, m))
		return -1;
	return m->hdr.size != 8 || m->u64 ? broken(f, "the back-end refused request %u", request)
					  : 0;
}

static int ask_u64(struct front *f, u32 request, u64 *value)
{
	struct vu_message m = { 0 };

	if (ask(f, &m, request, 0, 8))
		return -1;
	*value = m.u64;
	return 0;
}

static int tell_u64(struct front *f, u32 request, u64 value)
{
	struct vu_message m = { .u64 = value };

	return tell(f, &m, request, 8, NULL, 0);
}

static int tell_state(struct front *f, u32 request, u16 queue, u32 num)
{
	struct vu_message m = { .state = { queue, num } };

	return tell(f, &m, request, sizeof(m.state), NULL, 0);
}

static int tell_fd(struct front *f, u32 request, u16 queue, int fd)
{
	struct vu_message m = { .u64 = queue };

	return tell(f, &m, request, 8, &fd, 1);
}

/* --- the session ------------------------------------------------------------------------------------- */

static int connect_to(struct front *f, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sa.sun_path))
		return broken(f, "%.80s…: the path of a socket has 107 bytes at most", path);
	strcpy(sa.sun_path, path);
	f->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->sock < 0 || connect(f->sock, (struct sockaddr *)&sa, sizeof(sa)))
		return broken(f, "%.100s: %s", path, strerror(errno));
	return 0;
}

static int negotiate(struct front *f, u64 more)
{
	struct vu_message m = { 0 };
	u64 features, protocol = 0, queues = 1;

	/* There is no protocol feature yet, so there are no acknowledgements either. */
	if (tell(f, &m, VU_SET_OWNER, 0, NULL, 0) || ask_u64(f, VU_GET_FEATURES, &features))
		return -1;
	f->has_protocol = features & BIT_ULL(VU_F_PROTOCOL_FEATURES);
	/* It knows of no translations: the addresses that it gives are its own. */
	f->offered = features & ~(BIT_ULL(VU_F_PROTOCOL_FEATURES) | BIT_ULL(VU_F_LOG_ALL) |
				  BIT_ULL(VIRTIO_F_ACCESS_PLATFORM));
	f->num_queues = 1;
	if (!f->has_protocol)
		return 0;
	if (ask_u64(f, VU_GET_PROTOCOL_FEATURES, &protocol))
		return -1;
	protocol &= PROTOCOL | more;
	if (tell_u64(f, VU_SET_PROTOCOL_FEATURES, protocol))
		return -1;
	f->protocol = protocol;
	if (uses(f, VU_PF_MQ) && ask_u64(f, VU_GET_QUEUE_NUM, &queues))
		return -1;
	f->num_queues = (u16)MIN(MAX(queues, 1u), (u64)FRONT_QUEUES);
	return 0;
}

/* Without a configuration there is nothing to be told of. */
static int open_channel(struct front *f)
{
	struct vu_message m = { 0 };
	int theirs, rc;

	if (!uses(f, VU_PF_BACKEND_REQ) || !uses(f, VU_PF_CONFIG))
		return 0;
	theirs = front_channel_open(&f->channel);
	if (theirs < 0)
		return broken(f, "a channel for the back-end: %s", strerror(errno));
	rc = tell(f, &m, VU_SET_BACKEND_REQ_FD, 0, &theirs, 1);
	close(theirs);
	return rc;
}

int front_open(struct front *f, const char *path, u64 more)
{
	*f = (struct front){ .sock = -1, .channel.sock = -1 };
	if (connect_to(f, path) || negotiate(f, more) || open_channel(f))
		return -1;
	return 0;
}

void front_close(struct front *f)
{
	if (f->sock >= 0)
		close(f->sock);
	f->sock = -1;
	front_channel_close(&f->channel);
	f->broken = true;
}

/* With Xen's addition a region is longer. */
static u32 put_region(const struct front *f, struct vu_message *m, unsigned i,
		      const struct front_region *r)
{
	const struct vu_mem_region wire = {
		.gpa = r->gpa,
		.size = r->size,
		.uva = r->hva,
		.mmap_offset = r->offset,
	};

	if (!uses(f, VU_PF_XEN_MMAP)) {
		m->mem_table.regions[i] = wire;
		return sizeof(wire);
	}
	m->mem_table_xen.regions[i] = (struct vu_mem_region_xen){ wire, r->xen, r->domain };
	return sizeof(m->mem_table_xen.regions[i]);
}

int front_memory(struct front *f, const struct front_region *regions, unsigned count)
{
	struct vu_message m = { .mem_table.nregions = count };
	u32 size = offsetof(struct vu_mem_table, regions);
	int fds[VU_MAX_REGIONS];

	if (count > VU_MAX_REGIONS)
		return broken(f, "guest memory has more than %u pieces", VU_MAX_REGIONS);
	for (unsigned i = 0; i < count; i++) {
		size += put_region(f, &m, i, &regions[i]);
		fds[i] = regions[i].fd;
	}
	return tell(f, &m, VU_SET_MEM_TABLE, size, fds, count);
}

int front_features(struct front *f, u64 features)
{
	if (f->has_protocol)
		features |= BIT_ULL(VU_F_PROTOCOL_FEATURES);
	return tell_u64(f, VU_SET_FEATURES, features);
}

int front_queue_start(struct front *f, u16 queue, const struct front_ring *ring)
{
	struct vu_message m = {
		.addr = { .index = queue,
			  .desc = ring->desc,
			  .used = ring->used,
			  .avail = ring->avail },
	};

	if (tell_state(f, VU_SET_VRING_NUM, queue, ring->size) ||
	    tell_state(f, VU_SET_VRING_BASE, queue, ring->base) ||
	    tell(f, &m, VU_SET_VRING_ADDR, sizeof(m.addr), NULL, 0) ||
	    tell_fd(f, VU_SET_VRING_CALL, queue, ring->call) ||
	    (ring->err > 0 && tell_fd(f, VU_SET_VRING_ERR, queue, ring->err)) ||
	    tell_fd(f, VU_SET_VRING_KICK, queue, ring->kick))
		return -1;
	/* With protocol features a ring starts disabled; without them the kick descriptor starts it. */
	return f->has_protocol ? tell_state(f, VU_SET_VRING_ENABLE, queue, 1) : 0;
}

int front_queue_stop(struct front *f, u16 queue, u16 *base)
{
	struct vu_message m = { .state = { queue, 0 } };

	if (ask(f, &m, VU_GET_VRING_BASE, sizeof(m.state), sizeof(m.state)))
		return -1;
	if (m.state.index != queue || m.state.num > 0xffff)
		return broken(f, "the back-end stopped another queue than %u", queue);
	*base = (u16)m.state.num;
	return 0;
}

int front_config_read(struct front *f, u8 *image, u32 len)
{
	struct vu_message m = { .config = { .size = len } };

	if (!uses(f, VU_PF_CONFIG) || len > VU_MAX_CONFIG)
		return broken(f, "the back-end has no configuration space");
	if (ask(f, &m, VU_GET_CONFIG, VU_CONFIG_HEADER + len, VU_CONFIG_HEADER))
		return -1;
	if (m.hdr.size != VU_CONFIG_HEADER + len || m.config.size != len)
		return broken(f, "the back-end does not tell its configuration");
	memcpy(image, m.config.data, len);
	return 0;
}

int front_config_write(struct front *f, u32 offset, const u8 *data, u32 len)
{
	struct vu_message m = { .config = { .offset = offset, .size = len } };

	if (!uses(f, VU_PF_CONFIG) || len > VU_MAX_CONFIG)
		return broken(f, "the back-end has no configuration space");
	memcpy(m.config.data, data, len);
	return tell(f, &m, VU_SET_CONFIG, VU_CONFIG_HEADER + len, NULL, 0);
}

int front_reset(struct front *f)
{
	struct vu_message m = { 0 };

	return uses(f, VU_PF_RESET_DEVICE) ? tell(f, &m, VU_RESET_DEVICE, 0, NULL, 0) : 0;
}
