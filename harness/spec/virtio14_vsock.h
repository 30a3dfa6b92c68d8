/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Constants of VIRTIO 1.4's socket device (5.10) that the kernel's installed headers do not have.
 *
 * Freestanding.
 */
#ifndef HARNESS_SPEC_VIRTIO14_VSOCK_H
#define HARNESS_SPEC_VIRTIO14_VSOCK_H

#include <linux/virtio_vsock.h>

#include "harness/spec/types.h"

#ifndef VIRTIO_VSOCK_F_STREAM
#define VIRTIO_VSOCK_F_STREAM 0
#endif
#ifndef VIRTIO_VSOCK_F_NO_IMPLIED_STREAM
#define VIRTIO_VSOCK_F_NO_IMPLIED_STREAM 2
#endif

/* The first three and the last of these are nobody's (5.10.4). */
#define VSOCK_CID_HYPERVISOR 0
#define VSOCK_CID_LOCAL	     1
#define VSOCK_CID_HOST	     2
#define VSOCK_CID_ANY	     0xffffffffu

#define VSOCK_SHUTDOWN_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

#endif
