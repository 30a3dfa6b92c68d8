/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VIRTIO_F_ACCESS_PLATFORM ("IOMMU support"): what the driver gives are addresses of the platform's, which the
 * front-end translates, piece by piece, when it is asked to.
 *
 * The table is bounded and changes only while rings are held, so that they read it without a lock, and
 * nothing is in flight to a range when its invalidation is acknowledged. A ring that misses something
 * leaves the chain where it is and waits: it is asked for over the back-end's channel by the session's
 * thread, one miss at a time where answers come. So no thread ever waits for the front-end.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_IOTLB_H
#define REF_BACKENDS_BINDING_VHOST_USER_IOTLB_H

#include "harness/spec/vu_proto.h"
#include "ref-backends/binding/vhost_user/mem.h"

#define VUB_IOTLB_ENTRIES 1024 /* the oldest gives way */

struct vub_iotlb_entry {
	u64 iova, last; /* both of it */
	u64 uva;
	u8 perm;
};

struct vub_iotlb {
	struct vub_iotlb_entry entries[VUB_IOTLB_ENTRIES]; /* sorted, apart from one another */
	u32 n, victim;
};

/* UPDATE and INVALIDATE. NULL, or why not. */
const char *vub_iotlb_update(struct vub_iotlb *t, const struct vub_mem *m,
			     const struct vu_iotlb *msg);
const char *vub_iotlb_invalidate(struct vub_iotlb *t, const struct vu_iotlb *msg);

enum vub_iotlb_found {
	VUB_IOTLB_HIT,
	VUB_IOTLB_ABSENT,
	VUB_IOTLB_DENIED, /* it is there, without this permission */
};

/* *len is shortened to what is contiguous here. *hva only with a hit. */
enum vub_iotlb_found vub_iotlb_find(const struct vub_iotlb *t, const struct vub_mem *m, u64 iova,
				    u64 *len, u8 perm, void **hva);

/* What a ring waits for. The ring's thread posts it, the session's does the rest. */
enum vub_miss_state {
	VUB_MISS_NONE,
	VUB_MISS_WANTED,  /* to be sent */
	VUB_MISS_SENT,	  /* and not answered */
	VUB_MISS_REFUSED, /* it was answered, and there is no translation */
};

struct vub_miss {
	u64 iova;
	u8 perm, type;
	bool satisfied; /* sent, and a translation for it came, be it gone again; the session's thread */
	int state;	/* atomic */
};

struct vub_session;
struct vub_ring;

/* The ring's thread. NULL: not there; r->missed says whether it is waited for. */
void *vub_iotlb_translate(struct vub_ring *r, u64 iova, u64 *len, u8 perm);
/* All of a ring's part, in one piece; the same. r->scattered: it is there, in several. */
void *vub_iotlb_part(struct vub_ring *r, u64 iova, u64 bytes, u8 perm);
/* Is a miss under way? */
bool vub_iotlb_waits(const struct vub_ring *r);

/* The session's thread: send what rings are waiting for; */
void vub_iotlb_ask(struct vub_session *s);
/* the answer to the last came; */
void vub_iotlb_answered(struct vub_session *s);
/* a message about the table came: this one, or NULL when it was refused; */
void vub_iotlb_changed(struct vub_session *s, const struct vu_iotlb *msg);
/* nobody can be asked any more. */
void vub_iotlb_no_channel(struct vub_session *s);

#endif
