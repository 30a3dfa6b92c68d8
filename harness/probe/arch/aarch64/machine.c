// SPDX-License-Identifier: BSD-3-Clause
/* What the device tree tells, where results go, and the end. */
#include "harness/probe/arch/aarch64/aarch64.h"
#include "harness/run/core/text.h"

#define PSCI_VERSION	  0x84000000u
#define PSCI_SYSTEM_OFF	  0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

static struct fdt tree;
static bool psci_hvc, psci_smc;
static u64 pl011;

TREE_NO_PCI_PORTS;

extern u8 aarch64_vectors[];

/* <type number flags>: shared interrupts count from 32, private ones from 16. */
static int line_of(const struct fdt_prop *p)
{
	return p->len == 12 ? (int)fdt_cell(p, 1) + (fdt_cell(p, 0) ? 16 : 32) : -1;
}

bool arch_fw_cfg_select(u16 key)
{
	return tree_fw_cfg_select(key);
}

u8 arch_fw_cfg_byte(void)
{
	return tree_fw_cfg_byte();
}

static bool pl011_open(struct channel *ch, const char *spec)
{
	ch->addr = pl011;
	return *spec ? guest_number(spec, &ch->addr) : pl011 != 0;
}

static void pl011_write(struct channel *ch, const char *s, size_t len)
{
	while (len--) {
		while (mmio_read32(ch->addr + 0x18) & 1u << 5)
			arch_relax();
		mmio_write32(ch->addr, (u8)*s++);
	}
}

struct channel arch_channels[] = {
	{ .name = "pl011", .open = pl011_open, .write = pl011_write },
	CHANNEL_SHM,
	{ .name = NULL },
};

void arch_mark(u64 where, u8 what)
{
	*(volatile u8 *)(uintptr_t)where = what;
}

void arch_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

void arch_clock_init(struct clock *c)
{
}

bool arch_calibrate(struct clock *c, unsigned ms)
{
	const u64 hz = sysreg_read(cntfrq_el0);

	if (!hz)
		return c->hz != 0;
	*c = clock_of_counter(hz);
	c->error_ppm = 1;
	return true;
}

static void psci(u64 function)
{
	register u64 x0 __asm__("x0") = function;

	if (psci_smc)
		__asm__ volatile("smc #0" : "+r"(x0)::"memory", "x1", "x2", "x3");
	else
		__asm__ volatile("hvc #0" : "+r"(x0)::"memory", "x1", "x2", "x3");
}

bool arch_trap(void)
{
	/* A hypercall that every hypervisor answers by itself. */
	if (psci_hvc)
		psci(PSCI_VERSION);
	return psci_hvc;
}

/* The one way to an exit status on machines without a device for it: QEMU's -semihosting. */
static void semihosting_exit(u64 code)
{
	const u64 block[2] = { 0x20026, code }; /* ADP_Stopped_ApplicationExit */
	register u64 x0 __asm__("x0") = 0x20;	/* SYS_EXIT_EXTENDED */
	register u64 x1 __asm__("x1") = (u64)block;

	__asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
}

void arch_exit(enum guest_exit how, const char *where)
{
	static const u8 codes[] = {
		[GUEST_DONE] = 33, [GUEST_FAILED] = 35, [GUEST_PANIC] = 37, [GUEST_RESTART] = 39
	};
	u64 addr;

	if (where && text_same(where, "semihosting"))
		semihosting_exit(codes[how]);
	/* As isa-debug-exit has it: what is written, twice and one more. */
	if (where && guest_number(where, &addr))
		mmio_write32(addr, codes[how] >> 1);
	psci(PSCI_SYSTEM_OFF);
	psci(PSCI_SYSTEM_RESET);
	for (;;)
		__asm__ volatile("wfi");
}

/*
 * Who made us may ask how far our counter is behind the processor's: the hypervisor tells only a guest. Three reads
 * at equal distances.
 */
static void tell_counter(void)
{
	u64 at, before, physical, after;

	if (!guest_told("xen.counter=", &at))
		return;
	__asm__ volatile(
		"isb\n\tmrs %0, cntvct_el0\n\tisb\n\tmrs %1, cntpct_el0\n\tisb\n\tmrs %2, cntvct_el0\n\tisb"
		: "=r"(before), "=r"(physical), "=r"(after)::"memory");
	*(volatile u64 *)(uintptr_t)at = physical - before - (after - before) / 2;
}

void aarch64_start(const void *blob)
{
	struct fdt_node n;
	const char *method;

	sysreg_write(vbar_el1, (u64)aarch64_vectors);
	isb();
	machine.arch = "aarch64";
	if (!tree_read(&tree, blob, line_of))
		arch_exit(GUEST_PANIC, NULL);
	machine.channel = "pl011";
	pl011 = tree_address(&tree, "arm,pl011", 0);
	method = tree_find(&tree, "arm,psci-0.2", &n) || tree_find(&tree, "arm,psci-1.0", &n)
			 ? fdt_text(&tree, &n, "method")
			 : NULL;
	psci_hvc = method && text_same(method, "hvc");
	psci_smc = method && text_same(method, "smc");
	aarch64_mmu_on();
	aarch64_gic_init(&tree);
	tell_counter();
	guest_main();
}
