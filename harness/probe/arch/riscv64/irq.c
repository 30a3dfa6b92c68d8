// SPDX-License-Identifier: BSD-3-Clause
/*
 * Interrupts: lines through the PLIC, messages through the IMSIC, where the machine has it. One hart, the
 * first.
 */
#include "harness/probe/arch/riscv64/riscv64.h"

#define PLIC_ENABLE    0x002000
#define PLIC_THRESHOLD 0x200000
#define PLIC_CLAIM     0x200004

/* IMSIC: an interrupt file behind two registers, and the word that messages go to. */
#define SISELECT       0x150
#define SIREG	       0x151
#define STOPEI	       0x15c
#define EIDELIVERY     0x70
#define EITHRESHOLD    0x72
#define EIE	       0xc0 /* even numbers only: 64 interrupts each */
#define IMSIC_FIRST    1
#define IMSIC_MESSAGES 62

#define SUPERVISOR_EXTERNAL 9

static u64 plic, plic_context, imsic;
static u32 *flags[IMSIC_MESSAGES];
static void (*line_handler)(void *arg);
static void *line_arg;

/* Which of the controller's contexts is the first hart's supervisor mode: <cpu interrupt>… */
static bool supervisor_context(const struct fdt *t, const struct fdt_node *n, u64 *index)
{
	struct fdt_prop p;

	if (!fdt_prop(t, n, "interrupts-extended", &p))
		return false;
	for (*index = 0; *index < p.len / 8; (*index)++)
		if (fdt_cell(&p, (unsigned)*index * 2 + 1) == SUPERVISOR_EXTERNAL)
			return true;
	return false;
}

static void imsic_write(u32 reg, u64 v)
{
	csr_write(0x150, reg);
	csr_write(0x151, v);
}

static void imsic_init(const struct fdt *t)
{
	struct fdt_node n = { 0 };
	u64 index, size;

	while (fdt_next(t, &n)) {
		if (!fdt_compatible(t, &n, "riscv,imsics") || !supervisor_context(t, &n, &index) ||
		    !fdt_reg(t, &n, 0, &imsic, &size))
			continue;
		imsic_write(EITHRESHOLD, 0);
		imsic_write(EIDELIVERY, 1);
		return;
	}
}

void riscv64_irq_init(const struct fdt *t)
{
	struct fdt_node n;
	u64 size;

	if (((tree_find(t, "sifive,plic-1.0.0", &n) || tree_find(t, "riscv,plic0", &n))) &&
	    supervisor_context(t, &n, &plic_context) && fdt_reg(t, &n, 0, &plic, &size))
		mmio_write32(plic + PLIC_THRESHOLD + 0x1000 * plic_context, 0);
	else
		imsic_init(t);
	csr_set(sie, SIE_EXTERNAL);
	csr_set(sstatus, SSTATUS_SIE);
}

static void take_message(void)
{
	const u64 id = csr_swap(0x15c, 0) >> 16;

	if (!id)
		return;
	if (id < IMSIC_FIRST || id >= IMSIC_FIRST + IMSIC_MESSAGES || !flags[id - IMSIC_FIRST])
		guest_panic("message %u, which nobody asked for", (unsigned)id);
	__atomic_store_n(flags[id - IMSIC_FIRST], 1, __ATOMIC_RELEASE);
}

void riscv64_external(void)
{
	u32 source;

	if (imsic) {
		take_message();
		return;
	}
	source = mmio_read32(plic + PLIC_CLAIM + 0x1000 * plic_context);
	if (!source)
		return;
	if (line_handler)
		line_handler(line_arg);
	mmio_write32(plic + PLIC_CLAIM + 0x1000 * plic_context, source);
}

bool arch_msi(unsigned i, u32 *flag, struct gpa *addr, u32 *data)
{
	if (!imsic || i >= IMSIC_MESSAGES)
		return false;
	flags[i] = flag;
	csr_write(0x150, EIE);
	csr_set(0x151, 1ull << (IMSIC_FIRST + i));
	addr->v = imsic;
	*data = IMSIC_FIRST + i;
	return true;
}

bool arch_line(int line, void (*handler)(void *arg), void *arg)
{
	const u64 enable = plic + PLIC_ENABLE + 0x80 * plic_context + (u64)line / 32 * 4;

	if (!plic || line < 1 || line > 1023)
		return false;
	line_handler = handler;
	line_arg = arg;
	mmio_write32(plic + 4 * (u64)line, 1);
	mmio_write32(enable, mmio_read32(enable) | 1u << line % 32);
	return true;
}

bool arch_sleep(u32 *flag, u64 deadline)
{
	/* WFI ends by an interrupt that is masked, too: none falls between the look and the sleep. */
	csr_clear(sstatus, SSTATUS_SIE);
	if (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
		sbi_call(SBI_TIME, 0, deadline, 0, 0);
		csr_set(sie, SIE_TIMER);
		__asm__ volatile("wfi" ::: "memory");
		csr_clear(sie, SIE_TIMER);
	}
	csr_set(sstatus, SSTATUS_SIE);
	return __atomic_exchange_n(flag, 0, __ATOMIC_ACQ_REL) != 0;
}
