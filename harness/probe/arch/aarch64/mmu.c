// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/arch/aarch64/aarch64.h"

/* 512 GiB in blocks of 1 GiB, one to one. */
static u64 table[512] __attribute__((aligned(4096)));

#define BLOCK  (1ull | 1ull << 10)	/* valid, accessed */
#define NORMAL (0ull << 2 | 3ull << 8)	/* attribute 0, inner shareable */
#define DEVICE (1ull << 2 | 3ull << 53) /* attribute 1, never executed */
#define MAIR   0x04ffull		/* 0: write-back, 1: device nGnRE */
#define GIB    (1ull << 30)

#define TCR_T0SZ     25ull				   /* 39 bits */
#define TCR_WALKS    (1ull << 8 | 1ull << 10 | 3ull << 12) /* write-back, inner shareable */
#define TCR_NO_TTBR1 (1ull << 23)

void aarch64_mmu_on(void)
{
	/* As many bits as the processor has. */
	const u64 ips = sysreg_read(id_aa64mmfr0_el1) & 7;

	for (u64 i = 0; i < ARRAY_SIZE(table); i++) {
		const u64 at = i * GIB;
		const bool ram = at + GIB > machine.ram_base && at < machine.ram_end;

		table[i] = at | BLOCK | (ram ? NORMAL : DEVICE);
	}
	sysreg_write(mair_el1, MAIR);
	sysreg_write(tcr_el1, TCR_T0SZ | TCR_WALKS | TCR_NO_TTBR1 | MIN(ips, 5u) << 32);
	sysreg_write(ttbr0_el1, (u64)table);
	__asm__ volatile("dsb sy\n\ttlbi vmalle1\n\tic iallu\n\tdsb sy\n\tisb" ::: "memory");
	sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) | 1u << 0 | 1u << 2 | 1u << 12);
	isb();
}
