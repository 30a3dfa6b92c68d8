/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a transport with registers needs of the machine it runs on: reads and writes of device
 * memory, PCI configuration space, and a clock. A guest does them with its own instructions, the host
 * through QEMU's qtest socket; the transports above cannot tell.
 *
 * All operations return TP_OK, or TP_EGONE when the machine is.
 *
 * Freestanding.
 */
#ifndef HARNESS_TRANSPORT_ACCESS_H
#define HARNESS_TRANSPORT_ACCESS_H

#include "harness/transport/transport.h"

struct access;

struct access_ops {
	/* Device memory; `size` is 1, 2, 4 or 8. Values are as the processor has them. */
	int (*read)(struct access *a, u64 addr, unsigned size, u64 *value);
	int (*write)(struct access *a, u64 addr, unsigned size, u64 value);

	/* PCI configuration space of bus 0; `size` is 1, 2 or 4. NULL on a machine without PCI. */
	int (*cfg_read)(struct access *a, u8 devfn, u16 offset, unsigned size, u32 *value);
	int (*cfg_write)(struct access *a, u8 devfn, u16 offset, unsigned size, u32 value);

	/*
	 * Where a message-signalled interrupt writes what, so that word `slot` of `msi` becomes anything
	 * but 0. NULL, or false: the message may go to that word itself.
	 */
	bool (*msi_message)(struct access *a, unsigned slot, struct gpa *addr, u32 *data);

	/* All of `ram` and `msi` reads as zeroes again. */
	void (*clear_ram)(struct access *a);
	/* What can be seen of the process that has the device; NULL in a guest. */
	int (*process)(struct access *a, struct tp_process *p);
	/* As in struct tp_ops; NULL in a guest. */
	bool (*gone)(struct access *a);
	bool (*busy)(struct access *a);

	u64 (*now_ns)(struct access *a);
	void (*relax)(struct access *a);
};

struct access {
	const struct access_ops *ops;
	char error[256]; /* what was wrong, after anything but TP_OK */
	/* Make the device change its configuration; NULL: nothing does. Set by the runner. */
	int (*config_trigger)(struct access *a);
	/* Has what stands behind the device gone, with no way back? NULL: nothing does. Set by the runner. */
	bool (*severed)(struct access *a);

	/* Guest memory that devices reach, and free address space for what is mapped by us. */
	struct tp_buf ram[TP_MEM_MAX];
	unsigned ram_count;
	struct tp_buf msi; /* where message-signalled interrupts may write: RAM of their own */
	u64 bar_base;	   /* for base address registers, 32 bit */
	u64 bar_base64;	   /* and above 4 GiB; 0: none */

	/* virtio-mmio windows of the machine. */
	u64 mmio_base;
	u32 mmio_stride;
	unsigned mmio_count;
};

#endif
