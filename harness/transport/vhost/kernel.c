// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/vhost/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* With gaps between them, one above 4 GiB, and none where we have it ourselves. */
static const struct vu_region_spec usual_regions[] = {
	{ .gpa = 0x00100000, .size = 8 << 20 },
	{ .gpa = 0x40000000, .size = 4 << 20, .mmap_offset = 2 << 20 },
	{ .gpa = 0x100000000, .size = 4 << 20 },
};

int kdev_error(struct kdev *k, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(k->tp.error, sizeof(k->tp.error), fmt, ap);
	va_end(ap);
	return rc;
}

int kdev_ioctl(struct kdev *k, const char *what, unsigned long request, void *arg)
{
	if (ioctl(k->fd, request, arg) >= 0)
		return TP_OK;
	return kdev_error(k, errno == ENOTTY || errno == EOPNOTSUPP ? TP_EUNSUPPORTED : TP_EREFUSED,
			  "%s: %s", what, strerror(errno));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void kdev_clear(struct kdev *k)
{
	k->fd = k->tap = k->config_call = -1;
	for (unsigned q = 0; q < KDEV_RINGS; q++)
		k->rings[q] = (struct kdev_ring){ -1, -1, -1, false };
}

static int make_memory(struct kdev *k)
{
	for (unsigned i = 0; i < ARRAY_SIZE(usual_regions); i++) {
		struct vu_region *r = &k->regions[i];

		if (vu_region_create(r, &usual_regions[i]) < 0)
			return kdev_error(k, TP_ELOCAL, "guest memory: %s", strerror(errno));
		k->region_count++;
		k->tp.mem[i] = (struct tp_buf){ r->hva, r->gpa, (u32)r->size };
		k->tp.mem_count++;
	}
	return TP_OK;
}

int kdev_begin(struct kdev *k)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int rc;

	kdev_end(&k->tp);
	/* Guest memory is pinned. Where that is not granted, the kernel says so below. */
	setrlimit(RLIMIT_MEMLOCK, &all);
	k->fd = open(k->where.path, O_RDWR | O_CLOEXEC);
	if (k->fd < 0)
		return kdev_error(k, TP_EGONE, "cannot open '%s': %s", k->where.path,
				  strerror(errno));
	rc = kdev_ioctl(k, "VHOST_SET_OWNER", VHOST_SET_OWNER, NULL);
	return rc == TP_OK ? make_memory(k) : rc;
}

void kdev_end(struct tp *t)
{
	struct kdev *k = kdev_from_tp(t);

	/* First: then the kernel has let go of the rings, and of the memory. */
	close_fd(&k->fd);
	close_fd(&k->tap);
	close_fd(&k->config_call);
	for (unsigned q = 0; q < KDEV_RINGS; q++) {
		close_fd(&k->rings[q].kick);
		close_fd(&k->rings[q].call);
		close_fd(&k->rings[q].err);
	}
	for (unsigned i = 0; i < k->region_count; i++)
		vu_region_destroy(&k->regions[i]);
	k->region_count = 0;
	t->mem_count = 0;
	t->caps = 0;
	k->offered = k->features = k->backend_features = 0;
	k->queues = 0;
	k->told = k->mapped = k->running = false;
	kdev_clear(k);
}

u64 kdev_hva(const struct kdev *k, struct gpa gpa)
{
	for (unsigned i = 0; i < k->region_count; i++) {
		const struct vu_region *r = &k->regions[i];

		if (gpa.v - r->gpa.v < r->size)
			return (u64)(uintptr_t)r->hva + (gpa.v - r->gpa.v);
	}
	return 0;
}

static int make_events(struct kdev *k, struct kdev_ring *r)
{
	close_fd(&r->kick);
	close_fd(&r->call);
	close_fd(&r->err);
	r->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->kick < 0 || r->call < 0 || r->err < 0)
		return kdev_error(k, TP_ELOCAL, "eventfd: %s", strerror(errno));
	return TP_OK;
}

int kdev_ring_start(struct kdev *k, unsigned number, const struct tp_queue *cfg, bool hva)
{
	struct vhost_vring_state size = { number, cfg->size }, base = { number, cfg->base };
	struct vhost_vring_addr addr = {
		.index = number,
		.desc_user_addr = hva ? kdev_hva(k, cfg->desc) : cfg->desc.v,
		.avail_user_addr = hva ? kdev_hva(k, cfg->driver) : cfg->driver.v,
		.used_user_addr = hva ? kdev_hva(k, cfg->device) : cfg->device.v,
	};
	struct kdev_ring *r = &k->rings[number];
	struct vhost_vring_file kick, call, err;
	int rc = make_events(k, r);

	if (rc != TP_OK)
		return rc;
	kick = (struct vhost_vring_file){ number, r->kick };
	call = (struct vhost_vring_file){ number, cfg->no_call ? VHOST_FILE_UNBIND : r->call };
	err = (struct vhost_vring_file){ number, r->err };
	rc = kdev_ioctl(k, "VHOST_SET_VRING_NUM", VHOST_SET_VRING_NUM, &size);
	if (rc == TP_OK)
		rc = kdev_ioctl(k, "VHOST_SET_VRING_BASE", VHOST_SET_VRING_BASE, &base);
	if (rc == TP_OK)
		rc = kdev_ioctl(k, "VHOST_SET_VRING_ADDR", VHOST_SET_VRING_ADDR, &addr);
	if (rc == TP_OK)
		rc = kdev_ioctl(k, "VHOST_SET_VRING_ERR", VHOST_SET_VRING_ERR, &err);
	if (rc == TP_OK)
		rc = kdev_ioctl(k, "VHOST_SET_VRING_CALL", VHOST_SET_VRING_CALL, &call);
	if (rc == TP_OK)
		rc = kdev_ioctl(k, "VHOST_SET_VRING_KICK", VHOST_SET_VRING_KICK, &kick);
	r->started = rc == TP_OK;
	return rc;
}

int kdev_num_queues(struct tp *t, unsigned *n)
{
	*n = kdev_from_tp(t)->queues;
	return TP_OK;
}

/* NULL: there are not so many. */
static struct kdev_ring *ring_of(struct kdev *k, unsigned q)
{
	const unsigned number = tp_number(&k->tp, q);

	return number < KDEV_RINGS ? &k->rings[number] : NULL;
}

int kdev_notify(struct tp *t, unsigned q)
{
	struct kdev *k = kdev_from_tp(t);
	const struct kdev_ring *r = ring_of(k, q);

	if (!r || r->kick < 0)
		return TP_OK;
	if (eventfd_write(r->kick, 1) < 0)
		return kdev_error(k, TP_ELOCAL, "kick: %s", strerror(errno));
	return TP_OK;
}

static unsigned take(int fd)
{
	eventfd_t n;

	return fd >= 0 && eventfd_read(fd, &n) == 0 ? (unsigned)n : 0;
}

int kdev_wait_event(int fd, u64 deadline)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	for (;;) {
		const u64 now = host_now_ns();
		const int ms = now < deadline ? (int)((deadline - now + 999999) / 1000000) : 0;
		const int rc = poll(&pfd, 1, ms);

		if (rc > 0 || ms == 0 || (rc < 0 && errno != EINTR))
			return take(fd) > 0;
	}
}

int kdev_wait_call(struct tp *t, unsigned q, unsigned ms)
{
	const struct kdev_ring *r = ring_of(kdev_from_tp(t), q);

	return r && kdev_wait_event(r->call, tp_deadline(t, ms));
}

unsigned kdev_take_calls(struct tp *t, unsigned q)
{
	const struct kdev_ring *r = ring_of(kdev_from_tp(t), q);

	return r ? take(r->call) : 0;
}

bool kdev_queue_error(struct tp *t, unsigned q)
{
	const struct kdev_ring *r = ring_of(kdev_from_tp(t), q);
	struct pollfd pfd = { .fd = r ? r->err : -1, .events = POLLIN };

	/* Left signalled: an error does not go away by being seen. */
	return pfd.fd >= 0 && poll(&pfd, 1, 0) > 0;
}

u64 kdev_now_ns(struct tp *t)
{
	return host_now_ns();
}

void kdev_relax(struct tp *t)
{
	host_relax(&kdev_from_tp(t)->pace);
}

int kdev_no_process(struct tp *t, struct tp_process *p)
{
	return kdev_error(kdev_from_tp(t), TP_EUNSUPPORTED,
			  "a device in the kernel has no process");
}

int kdev_no_trigger(struct tp *t)
{
	return kdev_error(kdev_from_tp(t), TP_EUNSUPPORTED, "nothing changes its configuration");
}
