// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/kvm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CPUID_MAX	 256
#define CPUID_HYPERVISOR (1u << 31)
#define TSS_ADDR	 0xfffbd000ul /* three pages that a processor without real mode needs */

char vm_error[200];

int vm_failed(const char *what)
{
	snprintf(vm_error, sizeof(vm_error), "%s: %s", what, strerror(errno));
	return -1;
}

static int open_memory(struct vm *v, u64 size)
{
	struct kvm_userspace_memory_region region = { .memory_size = size };

	v->ram_fd = memfd_create("ringside-guest", MFD_CLOEXEC);
	if (v->ram_fd < 0 || ftruncate(v->ram_fd, (off_t)size))
		return vm_failed("guest memory");
	v->ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, v->ram_fd, 0);
	if (v->ram == MAP_FAILED) {
		v->ram = NULL;
		return vm_failed("guest memory");
	}
	v->ram_size = size;
	region.userspace_addr = (u64)(uintptr_t)v->ram;
	return ioctl(v->vm, KVM_SET_USER_MEMORY_REGION, &region) ? vm_failed("guest memory") : 0;
}

static int set_cpuid(struct vm *v)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + CPUID_MAX * sizeof(struct kvm_cpuid_entry2));
	int status = -1;

	if (!c)
		return vm_failed("CPUID");
	c->nent = CPUID_MAX;
	if (ioctl(v->kvm, KVM_GET_SUPPORTED_CPUID, c))
		vm_failed("CPUID");
	else
		status = 0;
	/* Guests ask for KVM's own leaves, its clock among them, when they see a hypervisor. */
	for (u32 i = 0; !status && i < c->nent; i++)
		if (c->entries[i].function == 1)
			c->entries[i].ecx |= CPUID_HYPERVISOR;
	if (!status && ioctl(v->vcpu, KVM_SET_CPUID2, c))
		status = vm_failed("CPUID");
	free(c);
	return status;
}

static int open_processor(struct vm *v)
{
	int size;

	v->vcpu = ioctl(v->vm, KVM_CREATE_VCPU, 0);
	if (v->vcpu < 0)
		return vm_failed("KVM_CREATE_VCPU");
	size = ioctl(v->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < 0)
		return vm_failed("KVM_GET_VCPU_MMAP_SIZE");
	v->run_size = (size_t)size;
	v->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->vcpu, 0);
	if (v->run == MAP_FAILED) {
		v->run = NULL;
		return vm_failed("the processor's page");
	}
	return set_cpuid(v);
}

int vm_open(struct vm *v, u64 ram_size, bool irqchip)
{
	*v = (struct vm){ .vm = -1, .vcpu = -1, .ram_fd = -1 };
	v->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (v->kvm < 0)
		return vm_failed("/dev/kvm");
	v->vm = ioctl(v->kvm, KVM_CREATE_VM, 0);
	if (v->vm < 0)
		return vm_failed("KVM_CREATE_VM");
	ioctl(v->vm, KVM_SET_TSS_ADDR, TSS_ADDR);
	if (irqchip && ioctl(v->vm, KVM_CREATE_IRQCHIP, 0))
		return vm_failed("KVM_CREATE_IRQCHIP");
	if (open_memory(v, ram_size))
		return -1;
	return open_processor(v);
}

void vm_close(struct vm *v)
{
	if (v->run)
		munmap(v->run, v->run_size);
	if (v->vcpu >= 0)
		close(v->vcpu);
	if (v->vm >= 0)
		close(v->vm);
	if (v->kvm >= 0)
		close(v->kvm);
	if (v->ram)
		munmap(v->ram, v->ram_size);
	if (v->ram_fd >= 0)
		close(v->ram_fd);
}

void *vm_memory(const struct vm *v, u64 gpa, u64 len)
{
	return gpa < v->ram_size && len <= v->ram_size - gpa ? v->ram + gpa : NULL;
}

/* --- the processor ------------------------------------------------------------------------------------- */

static struct kvm_segment flat(u8 type, u16 selector)
{
	return (struct kvm_segment){ .limit = 0xffffffff,
				     .selector = selector,
				     .type = type,
				     .present = 1,
				     .db = 1,
				     .s = 1,
				     .g = 1 };
}

int vm_start_at(struct vm *v, u32 entry, u32 info)
{
	struct kvm_regs regs = { .rip = entry, .rbx = info, .rflags = 2 };
	struct kvm_sregs s;

	if (ioctl(v->vcpu, KVM_GET_SREGS, &s))
		return vm_failed("KVM_GET_SREGS");
	s.cs = flat(11, 0x08);
	s.ds = s.es = s.fs = s.gs = s.ss = flat(3, 0x10);
	s.tr = (struct kvm_segment){ .limit = 0x67, .type = 11, .present = 1 };
	s.ldt = (struct kvm_segment){ .unusable = 1 };
	s.cr0 = 0x11; /* PE, ET */
	s.cr3 = s.cr4 = s.efer = 0;
	if (ioctl(v->vcpu, KVM_SET_SREGS, &s))
		return vm_failed("KVM_SET_SREGS");
	return ioctl(v->vcpu, KVM_SET_REGS, &regs) ? vm_failed("KVM_SET_REGS") : 0;
}

bool vm_share_counter(struct vm *v)
{
#ifdef KVM_VCPU_TSC_CTRL
	u64 offset = 0;
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL,
					.attr = KVM_VCPU_TSC_OFFSET,
					.addr = (u64)(uintptr_t)&offset };

	return ioctl(v->vcpu, KVM_SET_DEVICE_ATTR, &attr) == 0;
#else
	return false;
#endif
}

/* --- events -------------------------------------------------------------------------------------------- */

int vm_line(struct vm *v, u32 line, bool level)
{
	struct kvm_irq_level irq = { .irq = line, .level = level };

	return ioctl(v->vm, KVM_IRQ_LINE, &irq);
}

static int ioeventfd(struct vm *v, struct kvm_ioeventfd e, bool on)
{
	if (!on)
		e.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	return ioctl(v->vm, KVM_IOEVENTFD, &e) ? vm_failed("KVM_IOEVENTFD") : 0;
}

int vm_ioeventfd(struct vm *v, u64 addr, bool match, u32 value, int fd, bool on)
{
	const struct kvm_ioeventfd e = {
		.addr = addr,
		.len = 4,
		.fd = fd,
		.datamatch = match ? value : 0,
		.flags = match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0,
	};

	return ioeventfd(v, e, on);
}

int vm_ioeventfd_any(struct vm *v, u64 addr, int fd, bool on)
{
	return ioeventfd(v, (struct kvm_ioeventfd){ .addr = addr, .fd = fd }, on);
}

int vm_msi(struct vm *v, u64 addr, u32 data)
{
	struct kvm_msi m = { .address_lo = (u32)addr,
			     .address_hi = (u32)(addr >> 32),
			     .data = data };

	return ioctl(v->vm, KVM_SIGNAL_MSI, &m) < 0 ? vm_failed("KVM_SIGNAL_MSI") : 0;
}

/* The table is replaced as a whole: the pins of the kernel's controllers are in it, too. */
static unsigned pins(struct kvm_irq_routing_entry *e)
{
	unsigned n = 0;

	for (u32 pin = 0; pin < VM_GSI_MSI; pin++) {
		e[n++] = (struct kvm_irq_routing_entry){
			.gsi = pin,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { KVM_IRQCHIP_IOAPIC, pin },
		};
		if (pin < 16)
			e[n++] = (struct kvm_irq_routing_entry){
				.gsi = pin,
				.type = KVM_IRQ_ROUTING_IRQCHIP,
				.u.irqchip = { pin < 8 ? KVM_IRQCHIP_PIC_MASTER
						       : KVM_IRQCHIP_PIC_SLAVE,
					       pin % 8 },
			};
	}
	return n;
}

static int set_routes(struct vm *v)
{
	struct kvm_irq_routing *table;
	unsigned n;
	int rc;

	table = calloc(1, sizeof(*table) + (VM_GSI_MSI + 16 + VM_MSIS) * sizeof(table->entries[0]));
	if (!table)
		return vm_failed("KVM_SET_GSI_ROUTING");
	n = pins(table->entries);
	for (u32 m = 0; m < v->msis; m++)
		table->entries[n++] = (struct kvm_irq_routing_entry){
			.gsi = VM_GSI_MSI + m,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { (u32)v->msi[m].addr,
				   (u32)(v->msi[m].addr >> 32),
				   v->msi[m].data,
				   { 0 } },
		};
	table->nr = n;
	rc = ioctl(v->vm, KVM_SET_GSI_ROUTING, table) ? vm_failed("KVM_SET_GSI_ROUTING") : 0;
	free(table);
	return rc;
}

int vm_msi_route(struct vm *v, u32 gsi, u64 addr, u32 data)
{
	const u32 i = gsi - VM_GSI_MSI;
	const unsigned were = v->msis;
	struct vm_message was;

	if (i >= VM_MSIS) {
		errno = ENOSPC;
		return vm_failed("KVM_SET_GSI_ROUTING");
	}
	was = v->msi[i];
	if (i < were && was.addr == addr && was.data == data)
		return 0;
	v->msi[i] = (struct vm_message){ addr, data };
	v->msis = MAX(were, i + 1);
	if (set_routes(v) == 0)
		return 0;
	/* What KVM has is as it was: it is to be told the next time. */
	v->msi[i] = was;
	v->msis = were;
	return -1;
}

int vm_irqfd(struct vm *v, u32 line, int fd, bool on)
{
	struct kvm_irqfd e = { .fd = (u32)fd,
			       .gsi = line,
			       .flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN };

	return ioctl(v->vm, KVM_IRQFD, &e) ? vm_failed("KVM_IRQFD") : 0;
}
