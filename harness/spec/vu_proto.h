/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vhost-user wire format: header, payloads, feature bits. From QEMU's vhost-user.rst
 * ("Header", "Payload description", "Protocol features"). Everything is in host byte order.
 */
#ifndef HARNESS_SPEC_VU_PROTO_H
#define HARNESS_SPEC_VU_PROTO_H

#include "harness/spec/types.h"

#define VU_F_PROTOCOL_FEATURES 30 /* bit of GET_FEATURES/SET_FEATURES */
#define VU_F_LOG_ALL	       26

enum vu_protocol_feature {
	VU_PF_MQ = 0,
	VU_PF_LOG_SHMFD = 1,
	VU_PF_RARP = 2,
	VU_PF_REPLY_ACK = 3,
	VU_PF_MTU = 4,
	VU_PF_BACKEND_REQ = 5,
	VU_PF_CROSS_ENDIAN = 6,
	VU_PF_CRYPTO_SESSION = 7,
	VU_PF_PAGEFAULT = 8,
	VU_PF_CONFIG = 9,
	VU_PF_BACKEND_SEND_FD = 10,
	VU_PF_HOST_NOTIFIER = 11,
	VU_PF_INFLIGHT_SHMFD = 12,
	VU_PF_RESET_DEVICE = 13,
	VU_PF_INBAND_NOTIFICATIONS = 14,
	VU_PF_CONFIGURE_MEM_SLOTS = 15,
	VU_PF_STATUS = 16,
	VU_PF_XEN_MMAP = 17,
	VU_PF_SHARED_OBJECT = 18,
	VU_PF_DEVICE_STATE = 19,
	VU_PF_GET_VRING_BASE_INFLIGHT = 20,
	VU_PF_GPA_ADDRESSES = 21,
	VU_PF_SHMEM = 22,
	VU_PF_GET_VRING_BASE_SKIP_DRAIN = 23,
};

enum vu_request {
	VU_NONE = 0,
	VU_GET_FEATURES = 1,
	VU_SET_FEATURES = 2,
	VU_SET_OWNER = 3,
	VU_RESET_OWNER = 4,
	VU_SET_MEM_TABLE = 5,
	VU_SET_LOG_BASE = 6,
	VU_SET_LOG_FD = 7,
	VU_SET_VRING_NUM = 8,
	VU_SET_VRING_ADDR = 9,
	VU_SET_VRING_BASE = 10,
	VU_GET_VRING_BASE = 11,
	VU_SET_VRING_KICK = 12,
	VU_SET_VRING_CALL = 13,
	VU_SET_VRING_ERR = 14,
	VU_GET_PROTOCOL_FEATURES = 15,
	VU_SET_PROTOCOL_FEATURES = 16,
	VU_GET_QUEUE_NUM = 17,
	VU_SET_VRING_ENABLE = 18,
	VU_SEND_RARP = 19,
	VU_NET_SET_MTU = 20,
	VU_SET_BACKEND_REQ_FD = 21,
	VU_IOTLB_MSG = 22,
	VU_GET_CONFIG = 24,
	VU_SET_CONFIG = 25,
	VU_GET_INFLIGHT_FD = 31,
	VU_SET_INFLIGHT_FD = 32,
	VU_RESET_DEVICE = 34,
	VU_GET_MAX_MEM_SLOTS = 36,
	VU_ADD_MEM_REG = 37,
	VU_REM_MEM_REG = 38,
	VU_SET_STATUS = 39,
	VU_GET_STATUS = 40,
};

enum vu_backend_request {
	VU_BACKEND_IOTLB_MSG = 1,
	VU_BACKEND_CONFIG_CHANGE_MSG = 2,
	VU_BACKEND_VRING_HOST_NOTIFIER_MSG = 3,
	VU_BACKEND_VRING_CALL = 4,
	VU_BACKEND_VRING_ERR = 5,
};

#define VU_VERSION	   1u
#define VU_FLAG_VERSION	   0x3u
#define VU_FLAG_REPLY	   0x4u
#define VU_FLAG_NEED_REPLY 0x8u

#define VU_MAX_FDS     8
#define VU_MAX_REGIONS 8 /* in one SET_MEM_TABLE */
#define VU_MAX_CONFIG  256
#define VU_HEADER_SIZE 12
#define VU_MAX_PAYLOAD 4096 /* no message of a block session is longer */

#define VU_VRING_INDEX_MASK 0xffull
#define VU_VRING_NOFD	    0x100ull

#define VU_VRING_F_LOG 1u

struct vu_header {
	u32 request;
	u32 flags;
	u32 size;
};

struct vu_vring_state {
	u32 index;
	u32 num;
};

struct vu_vring_addr {
	u32 index;
	u32 flags;
	u64 desc;
	u64 used; /* before avail, unlike everywhere else */
	u64 avail;
	u64 log;
};

struct vu_mem_region {
	u64 gpa;
	u64 size;
	u64 uva;
	u64 mmap_offset;
};

struct vu_mem_table {
	u32 nregions;
	u32 padding;
	struct vu_mem_region regions[VU_MAX_REGIONS];
};

struct vu_mem_single {
	u64 padding;
	struct vu_mem_region region;
};

/* With VU_PF_XEN_MMAP a region is longer, in both messages, and says how it is mapped. */
#define VU_XEN_FOREIGN	  (1u << 0) /* the descriptor is privcmd's: `gpa` are frames of `domain` */
#define VU_XEN_GRANT	  (1u << 1) /* it is gntdev's: `gpa` without its top bit are references */
#define VU_XEN_NO_ADVANCE (1u << 8) /* not as a whole */
#define VU_XEN_GRANT_ADDR (1ull << 63)

struct vu_mem_region_xen {
	struct vu_mem_region region;
	u32 flags; /* VU_XEN_*; 0: mapped as without Xen */
	u32 domain;
};

struct vu_mem_table_xen {
	u32 nregions;
	u32 padding;
	struct vu_mem_region_xen regions[VU_MAX_REGIONS];
};

struct vu_mem_single_xen {
	u64 padding;
	struct vu_mem_region_xen region;
};

struct vu_log {
	u64 size;
	u64 offset;
};

/* Either way between front-end and back-end; what the type does not need is 0. */
struct vu_iotlb {
	u64 iova, size, uva;
	u8 perm; /* VU_IOTLB_READ and _WRITE */
	u8 type; /* VU_IOTLB_… */
	u8 padding[6];
};

#define VU_IOTLB_READ  1u
#define VU_IOTLB_WRITE 2u

enum vu_iotlb_type {
	VU_IOTLB_MISS = 1,
	VU_IOTLB_UPDATE = 2,
	VU_IOTLB_INVALIDATE = 3,
	VU_IOTLB_ACCESS_FAIL = 4,
};

struct vu_config {
	u32 offset;
	u32 size;
	u32 flags;
	u8 data[VU_MAX_CONFIG];
};

#define VU_CONFIG_HEADER 12

struct vu_inflight {
	u64 mmap_size;
	u64 mmap_offset;
	u16 num_queues;
	u16 queue_size;
	u8 padding[4]; /* the C ABI's; the text's fields sum to 20 */
};

/* "Inflight I/O tracking", split virtqueue: the text's format, each region 64-byte aligned. */
struct vu_inflight_desc {
	u8 inflight;
	u8 padding[5];
	u16 next;
	u64 counter;
};

struct vu_inflight_split {
	u64 features;
	u16 version;
	u16 desc_num;
	u16 last_batch_head;
	u16 used_idx;
	struct vu_inflight_desc desc[];
};

/* The same for packed virtqueues. */
struct vu_inflight_packed_desc {
	u8 inflight;
	u8 padding;
	u16 next;
	u16 last; /* of a head: the entry of its last descriptor */
	u16 num;  /* of a head: how many descriptors it has */
	u64 counter;
	u16 id;
	u16 flags;
	u32 len;
	u64 addr;
};

struct vu_inflight_packed {
	u64 features;
	u16 version;
	u16 desc_num;
	u16 free_head;
	u16 old_free_head;
	u16 used_idx;
	u16 old_used_idx;
	u8 used_wrap_counter;
	u8 old_used_wrap_counter;
	u8 padding[7];
	struct vu_inflight_packed_desc desc[];
};

/*
 * One message, without its descriptors. On the wire it begins at `hdr`: the word before it makes the
 * payload aligned and follow the header at once.
 */
struct vu_message {
	u32 unused;
	struct vu_header hdr;
	union {
		u64 u64;
		struct vu_vring_state state;
		struct vu_vring_addr addr;
		struct vu_mem_table mem_table;
		struct vu_mem_single mem_single;
		struct vu_mem_table_xen mem_table_xen;
		struct vu_mem_single_xen mem_single_xen;
		struct vu_log log;
		struct vu_iotlb iotlb;
		struct vu_config config;
		struct vu_inflight inflight;
		u8 bytes[VU_MAX_PAYLOAD];
	};
};

_Static_assert(sizeof(struct vu_header) == VU_HEADER_SIZE, "wire format");
_Static_assert(offsetof(struct vu_message, bytes) ==
		       offsetof(struct vu_message, hdr) + VU_HEADER_SIZE,
	       "header and payload are one piece");
_Static_assert(sizeof(struct vu_vring_addr) == 40, "wire format");
_Static_assert(sizeof(struct vu_mem_single) == 40, "wire format");
_Static_assert(sizeof(struct vu_mem_single_xen) == 48, "wire format");
_Static_assert(sizeof(struct vu_inflight) == 24, "wire format");
_Static_assert(sizeof(struct vu_iotlb) == 32, "wire format");
_Static_assert(sizeof(struct vu_inflight_desc) == 16, "wire format");
_Static_assert(offsetof(struct vu_inflight_split, desc) == 16, "wire format");
_Static_assert(sizeof(struct vu_inflight_packed_desc) == 32, "wire format");
_Static_assert(offsetof(struct vu_inflight_packed, desc) == 32, "wire format");

#endif
