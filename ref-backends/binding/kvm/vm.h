/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtual machine itself: descriptors, memory, the processor, and what it exits with. */
#ifndef REF_BACKENDS_BINDING_KVM_VM_H
#define REF_BACKENDS_BINDING_KVM_VM_H

#include <linux/kvm.h>
#include <pthread.h>

#include "ref-backends/binding/kvm/kvm.h"

/* Behind the pins of the kernel's I/O APIC. */
#define VM_GSI_MSI 24u
#define VM_MSIS	   64u

/* A message to a local APIC. */
struct vm_message {
	u64 addr;
	u32 data;
};

struct vm {
	int kvm, vm, vcpu, ram_fd;
	struct kvm_run *run;
	size_t run_size;
	u8 *ram;
	u64 ram_size;
	struct vm_message msi[VM_MSIS]; /* that a GSI stands for, as KVM has them */
	unsigned msis;
};

/* 0, or -1 with one line in vm_error. */
int vm_open(struct vm *v, u64 ram_size, bool irqchip);
void vm_close(struct vm *v);
extern char vm_error[200];
int vm_failed(const char *what);

/* Guest memory, or NULL when the range is not wholly in it. */
void *vm_memory(const struct vm *v, u64 gpa, u64 len);

/* 32-bit protected mode without paging at `entry`, with `info` in EBX: what PVH asks for. */
int vm_start_at(struct vm *v, u32 entry, u32 info);
/* The guest's counter becomes the host's. False: this kernel cannot. */
bool vm_share_counter(struct vm *v);

/* Level of an interrupt line. */
int vm_line(struct vm *v, u32 line, bool level);
/* A write of `value` (with `match`) or of anything of 4 bytes to `addr` signals `fd`. */
int vm_ioeventfd(struct vm *v, u64 addr, bool match, u32 value, int fd, bool on);
/* The same for writes of any size and value. */
int vm_ioeventfd_any(struct vm *v, u64 addr, int fd, bool on);
/* A message to the local APIC, now; or whenever the irqfd of `gsi` is signalled (VM_GSI_MSI and further ones). */
int vm_msi(struct vm *v, u64 addr, u32 data);
int vm_msi_route(struct vm *v, u32 gsi, u64 addr, u32 data);
/* `fd` signalled is an edge on `line`. */
int vm_irqfd(struct vm *v, u32 line, int fd, bool on);

/*
 * load.c: an ELF file with a PVH note, its command line (with `window` also where that is) and memory map; the
 * processor is set up.
 */
int vm_load(struct vm *v, const char *kernel, const char *append, bool window);

#endif
