// SPDX-License-Identifier: BSD-3-Clause
/* Generic interrupt controller, versions 2 and 3: lines, messages by GICv2m, the virtual timer. */
#include "harness/probe/arch/aarch64/aarch64.h"

#define GICD_CTLR	0x0000
#define GICD_IGROUPR	0x0080
#define GICD_ISENABLER	0x0100
#define GICD_ICPENDR	0x0280
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR	0x0800
#define GICD_ICFGR	0x0c00
#define GICD_IROUTER	0x6000

#define GICC_CTLR 0x00
#define GICC_PMR  0x04
#define GICC_IAR  0x0c
#define GICC_EOIR 0x10

#define GICR_WAKER 0x0014
#define GICR_SGI   0x10000 /* the frame of private interrupts */

#define ICC_IAR1    S3_0_C12_C12_0
#define ICC_EOIR1   S3_0_C12_C12_1
#define ICC_PMR	    S3_0_C4_C6_0
#define ICC_SRE	    S3_0_C12_C12_5
#define ICC_IGRPEN1 S3_0_C12_C12_7

#define TIMER	  27 /* the virtual timer's private interrupt */
#define SPI_FIRST 32
#define SPIS	  256

static unsigned version;
static u64 gicd, gicc, gicr, v2m;
static unsigned v2m_first, v2m_count;
static bool its;

/* By interrupt: what it means. */
static u32 *flags[SPIS], *lpi_flags[LPIS];
static void (*line_handler)(void *arg);
static void *line_arg;
static u32 line_interrupt;

static void enable(u32 interrupt, bool edge)
{
	const u64 bank = version == 3 && interrupt < SPI_FIRST ? gicr + GICR_SGI : gicd;
	const u64 word = interrupt / 32 * 4, bit = 1u << interrupt % 32;

	if (version == 3)
		mmio_write32(bank + GICD_IGROUPR + word,
			     mmio_read32(bank + GICD_IGROUPR + word) | (u32)bit);
	*(volatile u8 *)(uintptr_t)(bank + GICD_IPRIORITYR + interrupt) = 0x80;
	if (interrupt >= SPI_FIRST) {
		const u64 config = gicd + GICD_ICFGR + interrupt / 16 * 4;
		const u32 shift = interrupt % 16 * 2 + 1;

		mmio_write32(config, (mmio_read32(config) & ~(1u << shift)) | (u32)edge << shift);
		if (version == 2)
			*(volatile u8 *)(uintptr_t)(gicd + GICD_ITARGETSR + interrupt) = 1;
		else
			*(volatile u64 *)(uintptr_t)(gicd + GICD_IROUTER + 8ull * interrupt) =
				sysreg_read(mpidr_el1) & 0xff00ffffffull;
	}
	mmio_write32(bank + GICD_ICPENDR + word, (u32)bit);
	mmio_write32(bank + GICD_ISENABLER + word, (u32)bit);
}

static void init_v2(const struct fdt *t)
{
	struct fdt_node n;
	u64 size;

	version = 2;
	gicc = tree_address(t, "arm,cortex-a15-gic", 1);
	if (!gicc)
		gicc = tree_address(t, "arm,gic-400", 1);
	mmio_write32(gicd + GICD_CTLR, 1);
	mmio_write32(gicc + GICC_PMR, 0xff);
	mmio_write32(gicc + GICC_CTLR, 1);
	if (tree_find(t, "arm,gic-v2m-frame", &n) && fdt_reg(t, &n, 0, &v2m, &size)) {
		const u32 typer = mmio_read32(v2m + 0x008);

		v2m_first = typer >> 16 & 0x3ff;
		v2m_count = typer & 0x3ff;
	}
}

static void init_v3(const struct fdt *t)
{
	version = 3;
	gicr = tree_address(t, "arm,gic-v3", 1);
	sysreg_write(S3_0_C12_C12_5, sysreg_read(S3_0_C12_C12_5) | 1); /* ICC_SRE_EL1 */
	isb();
	mmio_write32(gicd + GICD_CTLR, 1u << 4 | 1u << 1); /* affinity routing, group 1 */
	mmio_write32(gicr + GICR_WAKER, 0);
	while (mmio_read32(gicr + GICR_WAKER) & 1u << 2)
		arch_relax();
	its = aarch64_its_init(t, gicr);
	sysreg_write(S3_0_C4_C6_0, 0xff); /* ICC_PMR_EL1 */
	sysreg_write(S3_0_C12_C12_7, 1);  /* ICC_IGRPEN1_EL1 */
	isb();
}

void aarch64_gic_init(const struct fdt *t)
{
	gicd = tree_address(t, "arm,gic-v3", 0);
	if (gicd) {
		init_v3(t);
	} else {
		gicd = tree_address(t, "arm,cortex-a15-gic", 0);
		if (!gicd)
			gicd = tree_address(t, "arm,gic-400", 0);
		if (!gicd)
			return;
		init_v2(t);
	}
	enable(TIMER, false);
	__asm__ volatile("msr daifclr, #2" ::: "memory");
}

static void serve(u32 interrupt)
{
	if (interrupt == TIMER)
		sysreg_write(cntv_ctl_el0, 0);
	else if (interrupt == line_interrupt && line_handler)
		line_handler(line_arg);
	else if (interrupt >= LPI_FIRST && interrupt < LPI_FIRST + LPIS &&
		 lpi_flags[interrupt - LPI_FIRST])
		__atomic_store_n(lpi_flags[interrupt - LPI_FIRST], 1, __ATOMIC_RELEASE);
	else if (interrupt < SPIS && flags[interrupt])
		__atomic_store_n(flags[interrupt], 1, __ATOMIC_RELEASE);
	else
		guest_panic("interrupt %u, which nobody asked for", interrupt);
}

void aarch64_gic_interrupt(void)
{
	const u32 iar =
		version == 3 ? (u32)sysreg_read(S3_0_C12_C12_0) : mmio_read32(gicc + GICC_IAR);
	const u32 interrupt = version == 3 ? iar & 0xffffff : iar & 0x3ff;

	if (interrupt >= 1020 && interrupt < 1024)
		return; /* it has gone away */
	serve(interrupt);
	dsb();
	if (version == 3)
		sysreg_write(S3_0_C12_C12_1, iar);
	else
		mmio_write32(gicc + GICC_EOIR, iar);
	isb();
}

bool arch_msi(unsigned i, u32 *flag, struct gpa *addr, u32 *data)
{
	if (its && i < LPIS) {
		lpi_flags[i] = flag;
		return aarch64_its_message(i, addr, data);
	}
	if (!v2m || i >= v2m_count || v2m_first + i >= SPIS)
		return false;
	if (flags[v2m_first + i] != flag) {
		flags[v2m_first + i] = flag;
		enable(v2m_first + i, true);
	}
	addr->v = v2m + 0x040;
	*data = v2m_first + i;
	return true;
}

bool arch_line(int line, void (*handler)(void *arg), void *arg)
{
	if (!version || line < SPI_FIRST || line >= 1020)
		return false;
	line_handler = handler;
	line_arg = arg;
	line_interrupt = (u32)line;
	enable((u32)line, true);
	return true;
}

bool arch_sleep(u32 *flag, u64 deadline)
{
	/* WFI ends by an interrupt that is masked, too: none falls between the look and the sleep. */
	__asm__ volatile("msr daifset, #2" ::: "memory");
	if (version && !__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
		sysreg_write(cntv_cval_el0, deadline);
		sysreg_write(cntv_ctl_el0, 1);
		isb();
		__asm__ volatile("dsb sy\n\twfi" ::: "memory");
		sysreg_write(cntv_ctl_el0, 0);
		isb();
	}
	__asm__ volatile("msr daifclr, #2\n\tisb" ::: "memory");
	return __atomic_exchange_n(flag, 0, __ATOMIC_ACQ_REL) != 0;
}
