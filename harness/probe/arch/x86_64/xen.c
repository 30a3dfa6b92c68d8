// SPDX-License-Identifier: BSD-3-Clause
/*
 * A guest of Xen: what the hypervisor tells by CPUID, interrupts by an event channel, and memory that is
 * granted. Nothing else of Xen's is used: no console, no store, no hypercall while a check or a load is under
 * way.
 */
#include "harness/probe/arch/x86_64/x86.h"

#define LEAF_FIRST 0x40000000u
#define LEAF_LAST  0x40010000u

#define HC_MEMORY_OP 12
#define HC_HVM_OP    34

#define XENMEM_ADD_TO_PHYSMAP 7
#define XENMAPSPACE_SHARED    0
#define XENMAPSPACE_GRANTS    1
#define HVMOP_SET_PARAM	      0
#define HVM_PARAM_CALLBACK    0
#define CALLBACK_VECTOR	      (2ull << 56)

#define DOMID_SELF     0x7ff0
#define DOMID_DEVICE   0 /* who may map what is granted */
#define MSR_TSC_ADJUST 0x3b

/* What is shared with the hypervisor: per processor 64 bytes, then bits of event channels. */
struct shared_info {
	struct {
		u8 upcall_pending, upcall_mask;
		u64 pending_sel;
		u8 rest[48];
	} vcpu[32];
	u64 pending[64], mask[64];
	u8 rest[4096 - 32 * 64 - 2 * 64 * 8];
};

static struct shared_info shared __attribute__((aligned(4096)));
static u8 hypercalls[4096] __attribute__((aligned(4096)));
static void (*handler)(void *arg);
static void *arg;
static bool ready;

/* The first of the hypervisor's leaves, or 0. */
static u32 leaves(void)
{
	u32 max, b, c, d;

	cpuid(1, &max, &b, &c, &d);
	if (!(c & 1u << 31))
		return 0;
	/* Xen may show other hypervisors' leaves first. */
	for (u32 base = LEAF_FIRST; base < LEAF_LAST; base += 0x100) {
		cpuid(base, &max, &b, &c, &d);
		/* "XenVMMXenVMM" */
		if (b == 0x566e6558 && c == 0x65584d4d && d == 0x4d4d566e && max >= base + 2)
			return base;
	}
	return 0;
}

u64 x86_xen_hz(void)
{
	static u32 base = ~0u;
	u32 a, b, khz, d, max;

	if (base == ~0u)
		base = leaves();
	if (!base)
		return 0;
	cpuid(base, &max, &b, &khz, &d);
	if (max < base + 3)
		return 0;
	cpuid(base + 3, &a, &b, &khz, &d); /* sub-leaf 0: the counter's rate as the guest sees it */
	return (u64)khz * 1000;
}

/* The page with the hypercalls' code, written by the hypervisor. */
static bool has_hypercalls(void)
{
	static bool written;
	const u32 base = leaves();
	u32 a, msr, c, d;

	if (!base)
		return false;
	if (!written) {
		cpuid(base + 2, &a, &msr, &c, &d);
		wrmsr(msr, (u64)hypercalls);
		written = true;
	}
	return true;
}

static long hypercall(unsigned number, u64 first, u64 second)
{
	u64 at = (u64)hypercalls + 32ull * number;
	long rc;

	__asm__ volatile("call *%1"
			 : "=a"(rc), "+r"(at), "+D"(first), "+S"(second)
			 :
			 : "memory", "rcx", "rdx", "r8", "r9", "r10", "r11");
	return rc;
}

/* A page of the hypervisor's at `at`. */
static bool map_page(u32 space, u64 index, u64 at)
{
	const struct {
		u16 domain, size;
		u32 space;
		u64 index, frame;
	} map = { DOMID_SELF, 0, space, index, at >> 12 };

	return hypercall(HC_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, (u64)&map) == 0;
}

static bool set_up(void)
{
	const struct {
		u16 domain, pad;
		u32 index;
		u64 value;
	} callback = { DOMID_SELF, 0, HVM_PARAM_CALLBACK, CALLBACK_VECTOR | X86_VECTOR_XEN };

	return has_hypercalls() && map_page(XENMAPSPACE_SHARED, 0, (u64)&shared) &&
	       hypercall(HC_HVM_OP, HVMOP_SET_PARAM, (u64)&callback) == 0;
}

void x86_xen_counter(void)
{
	u64 at;

	if (guest_told("xen.counter=", &at) && x86_xen_hz())
		wrmsr(MSR_TSC_ADJUST, rdmsr(MSR_TSC_ADJUST) + *(const u64 *)(uintptr_t)at);
}

bool x86_xen_line(void (*to)(void *arg), void *with)
{
	u64 port;

	/* Whoever made the domain has the channel's other end. */
	if (!guest_told("xen.upcall=", &port) || port >= 64 * ARRAY_SIZE(shared.mask) ||
	    (!ready && !set_up()))
		return false;
	ready = true;
	handler = to;
	arg = with;
	__atomic_and_fetch(&shared.mask[port / 64], ~(1ull << port % 64), __ATOMIC_SEQ_CST);
	__atomic_store_n(&shared.vcpu[0].upcall_mask, 0, __ATOMIC_SEQ_CST);
	return true;
}

void x86_xen_interrupt(void)
{
	/* From the top down: what is set after a look makes another interrupt. */
	__atomic_store_n(&shared.vcpu[0].upcall_pending, 0, __ATOMIC_SEQ_CST);
	if (!__atomic_exchange_n(&shared.vcpu[0].pending_sel, 0, __ATOMIC_SEQ_CST))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(shared.pending); i++)
		shared.pending[i] &= shared.mask[i];
	if (handler)
		handler(arg);
}

/* --- memory that is granted -------------------------------------------------------------------------- */

/* The first version's entry: whoever is named may map the frame, for reading and writing. */
struct grant {
	u16 flags, domain;
	u32 frame;
};
#define GRANT_ACCESS	1
#define GRANTS_IN_PAGE	(4096 / sizeof(struct grant))
#define GRANTS_RESERVED 8 /* the hypervisor's and the toolstack's own */

/* In no memory map, and behind the channel. */
#define GRANTS_AT 0xe8000000ull

/* The table grows as its pages are asked for. */
static bool map_table(u64 entries)
{
	for (u64 i = 0; i * GRANTS_IN_PAGE < entries; i++)
		if (!map_page(XENMAPSPACE_GRANTS, i, GRANTS_AT + i * 4096))
			return false;
	return true;
}

void x86_xen_grants(void)
{
	volatile struct grant *table = (struct grant *)(uintptr_t)GRANTS_AT;
	const u64 pages = machine.ram_end / 4096;
	u64 first;

	if (!guest_told("xen.grants=", &first))
		return;
	if (first < GRANTS_RESERVED || !has_hypercalls() || !map_table(first + pages)) {
		machine.unshared = "xen.grants=: memory cannot be granted here";
		return;
	}
	for (u64 i = 0; i < pages; i++) {
		table[first + i].domain = DOMID_DEVICE;
		table[first + i].frame = (u32)i;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		table[first + i].flags = GRANT_ACCESS;
	}
	/* As Linux has it: the top bit says what it is, and the rest is a reference and an offset. */
	machine.device_offset = 1ull << 63 | first << 12;
}
