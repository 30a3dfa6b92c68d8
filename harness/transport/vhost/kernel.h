/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that are Linux's: a vDPA device behind /dev/vhost-vdpa-N, be it a simulated one, one in user
 * space (VDUSE) or hardware; and the halves of net, vsock and scsi that vhost has in the kernel. Both take
 * vhost's ioctls: rings with eventfds, and our own memory as the guest's.
 *
 * vdpa: is a whole device, with status, configuration and features. vhost: is the data path of one; the
 * rest of the device is the virtual machine monitor's, and that is us: it is not there to be judged.
 *
 * Single-threaded.
 */
#ifndef HARNESS_TRANSPORT_VHOST_KERNEL_H
#define HARNESS_TRANSPORT_VHOST_KERNEL_H

#include <linux/vhost.h>

#include "harness/spec/virtio14.h"
#include "harness/transport/host/clock.h"
#include "harness/transport/transport.h"
#include "harness/transport/vhost_user/memory.h"

#define KDEV_RINGS 64

/* A target: "PATH", "PATH,tap=NAME", "PATH,cid=N" or "PATH,wwpn=NAME". */
struct kdev_where {
	char path[108];
	char tap[16];  /* net: the TAP device whose frames these are, made when there is none */
	u64 cid;       /* vsock: the guest's address */
	char wwpn[64]; /* scsi: the name of what stands for it in the kernel's configfs */
};

struct kdev_ring {
	int kick, call, err; /* -1: none */
	bool started;
};

struct kdev {
	struct tp tp; /* first: a struct tp * of these transports is a struct kdev * */
	struct kdev_where where;
	int fd;		 /* of the character device, -1: no session */
	int tap;	 /* net */
	int config_call; /* vdpa: signalled when the configuration changes */
	u64 offered, features;
	u64 backend_features; /* vdpa: those of vhost-vdpa itself that are in use */
	u32 device_id;
	unsigned queues;
	bool running; /* vsock and scsi: the kernel looks into the rings */
	bool told,
		mapped; /* vdpa: of guest memory, in this session; and it has not been taken away */
	struct vu_region regions[TP_MEM_MAX];
	unsigned region_count;
	struct kdev_ring rings[KDEV_RINGS];
	struct host_pace pace;
};

static inline struct kdev *kdev_from_tp(struct tp *t)
{
	return (struct kdev *)t;
}

/* Nothing is opened before open(). `where` is copied. */
void vdpa_transport_init(struct kdev *k, const struct kdev_where *where);
void vhost_transport_init(struct kdev *k, const struct kdev_where *where);

/* --- what both are made of ------------------------------------------------------------------------- */

/* Everything closed and nothing known, but for `where` and the deadlines. */
void kdev_clear(struct kdev *k);
/* Open the character device, own it, and lay out guest memory. */
int kdev_begin(struct kdev *k);
/* Close everything. Safe at any time. */
void kdev_end(struct tp *t);

/* Into tp.error; returns `rc`. */
int kdev_error(struct kdev *k, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* TP_OK, or with `what` and errno in tp.error: TP_EREFUSED, or TP_EUNSUPPORTED for a request it lacks. */
int kdev_ioctl(struct kdev *k, const char *what, unsigned long request, void *arg);

/*
 * Size, base, addresses (guest addresses, or with `hva` our own), eventfds of the ring that the device calls
 * `number`: tp_number().
 */
int kdev_ring_start(struct kdev *k, unsigned number, const struct tp_queue *cfg, bool hva);
/* Our own address of a guest address; 0: it is in no region. */
u64 kdev_hva(const struct kdev *k, struct gpa gpa);

int kdev_num_queues(struct tp *t, unsigned *n);
int kdev_notify(struct tp *t, unsigned q);
int kdev_wait_call(struct tp *t, unsigned q, unsigned ms);
unsigned kdev_take_calls(struct tp *t, unsigned q);
bool kdev_queue_error(struct tp *t, unsigned q);
/* Wait for an eventfd, and take what is there: 1 it was signalled, 0 it was not. */
int kdev_wait_event(int fd, u64 deadline);
u64 kdev_now_ns(struct tp *t);
void kdev_relax(struct tp *t);
/* There is no process to look at, and nothing that makes a configuration change. */
int kdev_no_process(struct tp *t, struct tp_process *p);
int kdev_no_trigger(struct tp *t);

#endif
