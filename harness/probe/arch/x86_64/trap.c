// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/arch/x86_64/x86.h"

/* Task state: all that is left of it in 64 bit is stacks. */
static struct {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u8 reserved2[10];
	u16 io_map;
} __attribute__((packed)) tss;

static struct {
	u16 offset0, selector;
	u8 ist, type;
	u16 offset16;
	u32 offset32, reserved;
} idt[256] __attribute__((aligned(16)));

enum {
	IST_EXCEPTION = 1,
	IST_INTERRUPT,
	IST_NMI,
	ISTS
};

static u8 stacks[ISTS][16384] __attribute__((aligned(16)));

extern u8 x86_stubs[];
extern u64 x86_gdt[];

static const char *const names[32] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bound range",
	"invalid opcode",
	"no FPU",
	"double fault",
	"coprocessor overrun",
	"invalid TSS",
	"segment not present",
	"stack fault",
	"general protection",
	"page fault",
	"reserved 15",
	"FPU error",
	"alignment check",
	"machine check",
	"SIMD error",
	"virtualisation",
	"control protection",
	"reserved 22",
	"reserved 23",
	"reserved 24",
	"reserved 25",
	"reserved 26",
	"reserved 27",
	"hypervisor injected",
	"VMM communication",
	"security",
	"reserved 31",
};

void x86_trap(struct x86_frame *f)
{
	u64 cr2;

	if (f->vector >= 32) {
		if (!x86_apic_interrupt(f->vector))
			guest_panic("interrupt on vector %u, which nobody asked for",
				    (unsigned)f->vector);
		return;
	}
	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	guest_panic(
		"exception %u (%s), error code 0x%llx, at rip %016llx, cr2 %016llx\n"
		"rax %016llx rbx %016llx rcx %016llx rdx %016llx\n"
		"rsi %016llx rdi %016llx rbp %016llx rsp %016llx\n"
		"r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n"
		"r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n"
		"rflags %llx cs %llx ss %llx",
		(unsigned)f->vector, names[f->vector], (unsigned long long)f->error,
		(unsigned long long)f->rip, (unsigned long long)cr2, (unsigned long long)f->rax,
		(unsigned long long)f->rbx, (unsigned long long)f->rcx, (unsigned long long)f->rdx,
		(unsigned long long)f->rsi, (unsigned long long)f->rdi, (unsigned long long)f->rbp,
		(unsigned long long)f->rsp, (unsigned long long)f->r8, (unsigned long long)f->r9,
		(unsigned long long)f->r10, (unsigned long long)f->r11, (unsigned long long)f->r12,
		(unsigned long long)f->r13, (unsigned long long)f->r14, (unsigned long long)f->r15,
		(unsigned long long)f->rflags, (unsigned long long)f->cs,
		(unsigned long long)f->ss);
}

static void set_gate(unsigned vector)
{
	const u64 stub = (u64)x86_stubs + 16ull * vector;

	idt[vector].offset0 = (u16)stub;
	idt[vector].offset16 = (u16)(stub >> 16);
	idt[vector].offset32 = (u32)(stub >> 32);
	idt[vector].selector = 0x08;
	idt[vector].ist = vector == 2 ? IST_NMI : vector < 32 ? IST_EXCEPTION : IST_INTERRUPT;
	idt[vector].type = 0x8e; /* interrupt gate: none while one is served */
}

void x86_trap_init(void)
{
	const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) pointer = { sizeof(idt) - 1, (u64)idt };
	const u64 base = (u64)&tss;

	for (unsigned i = 1; i < ISTS; i++)
		tss.ist[i - 1] = (u64)(stacks[i] + sizeof(stacks[i]));
	tss.io_map = sizeof(tss);
	x86_gdt[3] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
		     (base >> 24 & 0xff) << 56;
	x86_gdt[4] = base >> 32;
	for (unsigned v = 0; v < 256; v++)
		set_gate(v);
	__asm__ volatile("lidt %0\n\tltr %w1" ::"m"(pointer), "r"(0x18) : "memory");
}
