// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/arch/aarch64/aarch64.h"

static const char *class_name(u32 class)
{
	switch (class) {
	case 0x00:
		return "unknown instruction";
	case 0x07:
		return "SIMD access";
	case 0x0e:
		return "illegal state";
	case 0x18:
		return "system register access";
	case 0x20:
	case 0x21:
		return "instruction abort";
	case 0x22:
		return "program counter alignment";
	case 0x24:
	case 0x25:
		return "data abort";
	case 0x26:
		return "stack alignment";
	case 0x3c:
		return "breakpoint instruction";
	default:
		return "exception";
	}
}

#define LL(v) ((unsigned long long)(v))

void aarch64_trap(u64 kind, struct aarch64_frame *f)
{
	static const char *const kinds[] = { "synchronous", "IRQ", "FIQ", "SError" };
	const u64 esr = sysreg_read(esr_el1);

	if (kind == 1) {
		aarch64_gic_interrupt();
		return;
	}
	guest_panic("%s exception: %s, esr 0x%llx, at pc %016llx, far %016llx%s\n"
		    "x0  %016llx x1  %016llx x2  %016llx x3  %016llx\n"
		    "x4  %016llx x5  %016llx x6  %016llx x7  %016llx\n"
		    "x8  %016llx x19 %016llx x20 %016llx x21 %016llx\n"
		    "x29 %016llx x30 %016llx sp  %016llx spsr %llx",
		    kinds[kind & 3], kind & 3 ? "" : class_name((u32)(esr >> 26 & 63)), LL(esr),
		    LL(f->elr), LL(sysreg_read(far_el1)), kind >= 4 ? ", inside another" : "",
		    LL(f->x[0]), LL(f->x[1]), LL(f->x[2]), LL(f->x[3]), LL(f->x[4]), LL(f->x[5]),
		    LL(f->x[6]), LL(f->x[7]), LL(f->x[8]), LL(f->x[19]), LL(f->x[20]), LL(f->x[21]),
		    LL(f->x[29]), LL(f->x[30]), LL(sysreg_read(sp_el0)), LL(f->spsr));
}
