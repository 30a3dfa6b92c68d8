/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ground floor: integer and address types that both halves share.
 *
 * An address always says whose it is. A driver writes guest physical addresses into descriptors, a
 * vhost-user front-end writes its own user addresses into SET_VRING_ADDR, and a bug that mixes the
 * two must not compile.
 *
 * Freestanding.
 */
#ifndef HARNESS_SPEC_TYPES_H
#define HARNESS_SPEC_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* Guest physical address: what a descriptor holds. */
struct gpa {
	u64 v;
};

/* User address of a vhost-user front-end: what SET_VRING_ADDR holds. Opaque to the back-end. */
struct uva {
	u64 v;
};

static inline struct gpa gpa_add(struct gpa a, u64 off)
{
	return (struct gpa){ a.v + off };
}

static inline struct uva uva_add(struct uva a, u64 off)
{
	return (struct uva){ a.v + off };
}

#define ARRAY_SIZE(a)  (sizeof(a) / sizeof((a)[0]))
#define BIT_ULL(n)     (1ULL << (n))
#define MIN(a, b)      ((a) < (b) ? (a) : (b))
#define MAX(a, b)      ((a) > (b) ? (a) : (b))
#define ALIGN_UP(x, a) (((x) + (a)-1) & ~((u64)(a)-1))

/* Little endian on the wire since VIRTIO 1.0; free on the hosts that run us today. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define le16(x) ((u16)(x))
#define le32(x) ((u32)(x))
#define le64(x) ((u64)(x))
#else
#define le16(x) __builtin_bswap16(x)
#define le32(x) __builtin_bswap32(x)
#define le64(x) __builtin_bswap64(x)
#endif

#endif
