/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A front-end for tests of the vhost-user binding: the session runs in a thread of this process, at the
 * other end of a socket pair; memory is one region, and messages are sent one by one.
 */
#ifndef TESTS_UNIT_VUB_FRONT_H
#define TESTS_UNIT_VUB_FRONT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/transport/vhost_user/wire.h"
#include "ref-backends/binding/vhost_user/session.h"

#define FRONT_BYTES (1u << 20)
#define FRONT_GPA   0x40000000ull
#define FRONT_UVA   0x7000000000ull
#define FRONT_NS    20000000000ull /* on a busy machine; what is missing is missed after that */
#define FRONT_RINGS 2

static struct front {
	struct vub_session session;
	pthread_t thread;
	int sock, peer, signals, memory;
	u8 *ram;
	int kick[FRONT_RINGS], call[FRONT_RINGS];
} front;

static void *front_serve(void *arg)
{
	vub_session_run(&front.session, front.peer);
	return NULL;
}

static inline void front_send(u32 request, const void *payload, u32 size, const int *fds,
			      unsigned n)
{
	struct vu_message m = { .hdr = { request, VU_VERSION, size } };

	memcpy(m.bytes, payload, size);
	assert_int_equal(vu_wire_send(front.sock, &m.hdr, VU_HEADER_SIZE + size, fds, n,
				      host_now_ns() + FRONT_NS),
			 TP_OK);
}

static inline void front_u64(u32 request, u64 value)
{
	front_send(request, &value, sizeof(value), NULL, 0);
}

static inline void front_state(u32 request, u32 index, u32 num)
{
	struct vu_vring_state state = { index, num };

	front_send(request, &state, sizeof(state), NULL, 0);
}

static inline void front_fd(u32 request, u64 ring, int fd)
{
	front_send(request, &ring, sizeof(ring), &fd, 1);
}

/* The caller releases it. */
static inline void front_reply(u32 request, struct vu_reply *r)
{
	assert_int_equal(vu_wire_recv(front.sock, r, host_now_ns() + FRONT_NS), TP_OK);
	assert_int_equal(r->msg.hdr.request, request);
}

static inline u64 front_get_u64(u32 request)
{
	struct vu_reply r;

	front_send(request, "", 0, NULL, 0);
	front_reply(request, &r);
	vu_reply_release(&r);
	return r.msg.u64;
}

static inline u32 front_get_base(u32 ring)
{
	struct vu_reply r;

	front_state(VU_GET_VRING_BASE, ring, 0);
	front_reply(VU_GET_VRING_BASE, &r);
	vu_reply_release(&r);
	return r.msg.state.num;
}

/* Connect; owner, features, memory. */
static inline void front_connect(u64 features)
{
	struct vu_mem_table t = { .nregions = 1,
				  .regions = { { FRONT_GPA, FRONT_BYTES, FRONT_UVA, 0 } } };
	int pair[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	front.sock = pair[0];
	front.peer = pair[1];
	assert_int_equal(pthread_create(&front.thread, NULL, front_serve, NULL), 0);
	front_send(VU_SET_OWNER, "", 0, NULL, 0);
	front_u64(VU_SET_FEATURES, features);
	front_send(VU_SET_MEM_TABLE, &t,
		   offsetof(struct vu_mem_table, regions) + sizeof(t.regions[0]), &front.memory, 1);
}

static inline void front_disconnect(void)
{
	close(front.sock);
	pthread_join(front.thread, NULL);
}

static inline void front_addr(u32 ring, u32 desc, u32 avail, u32 used)
{
	struct vu_vring_addr a = { .index = ring,
				   .desc = FRONT_UVA + desc,
				   .avail = FRONT_UVA + avail,
				   .used = FRONT_UVA + used };

	front_send(VU_SET_VRING_ADDR, &a, sizeof(a), NULL, 0);
}

/* Size, base, addresses (offsets into memory) and descriptors; the ring then runs. */
static inline void front_ring(u32 ring, u32 num, u32 base, u32 desc, u32 avail, u32 used)
{
	front_state(VU_SET_VRING_NUM, ring, num);
	front_state(VU_SET_VRING_BASE, ring, base);
	front_addr(ring, desc, avail, used);
	front_fd(VU_SET_VRING_CALL, ring, front.call[ring]);
	front_fd(VU_SET_VRING_KICK, ring, front.kick[ring]);
	/* All of it has been handled when this is answered. */
	front_get_u64(VU_GET_FEATURES);
}

static inline void front_kick(u32 ring)
{
	u64 one = 1;

	assert_int_equal(write(front.kick[ring], &one, sizeof(one)), sizeof(one));
}

/* Wait for a notification of the driver. */
static inline void front_called(u32 ring)
{
	struct pollfd p = { .fd = front.call[ring], .events = POLLIN };
	u64 n;

	assert_int_equal(poll(&p, 1, (int)(FRONT_NS / 1000000)), 1);
	assert_int_equal(read(front.call[ring], &n, sizeof(n)), sizeof(n));
}

static inline int front_open(struct rdev *dev)
{
	sigset_t none;

	sigemptyset(&none);
	front.signals = signalfd(-1, &none, SFD_CLOEXEC | SFD_NONBLOCK);
	front.memory = memfd_create("guest", MFD_CLOEXEC);
	if (front.signals < 0 || front.memory < 0 || ftruncate(front.memory, FRONT_BYTES))
		return -1;
	front.ram = mmap(NULL, FRONT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, front.memory, 0);
	if (front.ram == MAP_FAILED)
		return -1;
	for (unsigned i = 0; i < FRONT_RINGS; i++) {
		front.kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		front.call[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	return vub_session_open(&front.session, dev, front.signals, false);
}

static inline void front_close(void)
{
	vub_session_close(&front.session);
	for (unsigned i = 0; i < FRONT_RINGS; i++) {
		close(front.kick[i]);
		close(front.call[i]);
	}
	munmap(front.ram, FRONT_BYTES);
	close(front.memory);
	close(front.signals);
}

#endif
