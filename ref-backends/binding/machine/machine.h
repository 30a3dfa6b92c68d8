/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine without a processor: memory, and one device with registers in its address space. A test
 * drives it over a socket, in the line protocol of QEMU's qtest:
 *
 *	read{b,w,l,q} ADDR		OK 0xVALUE
 *	write{b,w,l,q} ADDR VALUE	OK
 *
 * Guest memory is a memory file that the test has, too. What is where is fixed (MACHINE_*).
 */
#ifndef REF_BACKENDS_BINDING_MACHINE_MACHINE_H
#define REF_BACKENDS_BINDING_MACHINE_MACHINE_H

#include "ref-backends/device/device.h"

/* RAM begins at 0. Configuration space of PCI bus 0, device 1, function 0 is behind MACHINE_ECAM. */
#define MACHINE_ECAM	 0xb0000000u
#define MACHINE_PCI_SLOT 1
#define MACHINE_MMIO	 0xfeb00000u
#define MACHINE_SHM	 0x900000000ull

struct machine {
	const char *socket_path; /* somebody listens there */
	const char *ram; /* path of the memory file, or the number of an inherited descriptor */
	bool pci;	 /* else virtio-mmio */
	u16 queue_size;
	u64 hidden;	     /* features that are not offered */
	bool shm;	     /* two shared memory regions */
	unsigned latency_ms; /* that every request takes at least */
};

/*
 * Serve until the socket closes or SIGTERM; SIGUSR1 is a change of the device from the outside.
 * Returns the program's exit status, after a line on stderr if it is not 0.
 */
int machine_serve(const struct machine *m, struct rdev *dev);

#endif
