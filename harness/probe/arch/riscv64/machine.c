// SPDX-License-Identifier: BSD-3-Clause
/* What the device tree and the firmware tell, where results go, exceptions, and the end. */
#include <string.h>

#include "harness/probe/arch/riscv64/riscv64.h"
#include "harness/run/core/text.h"

static struct fdt tree;
static u64 uart, test_device, timebase;

TREE_NO_PCI_PORTS;

struct sbi_result sbi_call(u64 extension, u64 function, u64 arg0, u64 arg1, u64 arg2)
{
	register u64 a0 __asm__("a0") = arg0;
	register u64 a1 __asm__("a1") = arg1;
	register u64 a2 __asm__("a2") = arg2;
	register u64 a6 __asm__("a6") = function;
	register u64 a7 __asm__("a7") = extension;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
	return (struct sbi_result){ (long)a0, a1 };
}

static bool sbi_has(u64 extension)
{
	const struct sbi_result r = sbi_call(SBI_BASE, 3, extension, 0, 0);

	return r.error == 0 && r.value != 0;
}

/* --- exceptions ------------------------------------------------------------------------------------ */

#define LL(v) ((unsigned long long)(v))

void riscv64_trap(struct riscv64_frame *f)
{
	static const char *const names[16] = {
		"instruction address", "instruction access", "illegal instruction",
		"breakpoint",	       "load address",	     "load access",
		"store address",       "store access",	     "call from U",
		"call from S",	       "reserved",	     "reserved",
		"instruction page",    "load page",	     "reserved",
		"store page",
	};
	const u64 cause = csr_read(scause);
	const u64 *x = f->x;

	if (cause >> 63) {
		if ((cause & 0xff) == 9)
			riscv64_external();
		else /* the timer: it has done its work by waking us */
			csr_clear(sie, SIE_TIMER);
		return;
	}
	guest_panic("exception %llu (%s), at pc %016llx, stval %016llx\n"
		    "ra %016llx sp %016llx gp %016llx tp %016llx\n"
		    "a0 %016llx a1 %016llx a2 %016llx a3 %016llx\n"
		    "a4 %016llx a5 %016llx a6 %016llx a7 %016llx\n"
		    "s0 %016llx s1 %016llx s2 %016llx s3 %016llx\n"
		    "t0 %016llx t1 %016llx t2 %016llx t3 %016llx",
		    LL(cause), names[cause & 15], LL(x[0]), LL(csr_read(stval)), LL(x[1]), LL(x[2]),
		    LL(x[3]), LL(x[4]), LL(x[10]), LL(x[11]), LL(x[12]), LL(x[13]), LL(x[14]),
		    LL(x[15]), LL(x[16]), LL(x[17]), LL(x[8]), LL(x[9]), LL(x[18]), LL(x[19]),
		    LL(x[5]), LL(x[6]), LL(x[7]), LL(x[28]));
}

/* --- channels --------------------------------------------------------------------------------------- */

static bool uart_open(struct channel *ch, const char *spec)
{
	ch->addr = uart;
	return *spec ? guest_number(spec, &ch->addr) : uart != 0;
}

static void uart_write(struct channel *ch, const char *s, size_t len)
{
	volatile u8 *regs = (volatile u8 *)(uintptr_t)ch->addr;

	while (len--) {
		while (!(regs[5] & 0x20))
			arch_relax();
		regs[0] = (u8)*s++;
	}
}

static bool sbi_open(struct channel *ch, const char *spec)
{
	ch->addr = sbi_has(SBI_DBCN);
	return !*spec;
}

/* A whole buffer at once where the firmware can, else a call for each byte. */
static void sbi_write(struct channel *ch, const char *s, size_t len)
{
	while (len) {
		size_t done = 1;

		if (ch->addr) {
			const struct sbi_result r =
				sbi_call(SBI_DBCN, 0, len, (u64)(uintptr_t)s, 0);

			if (r.error)
				return;
			done = MIN(r.value, len);
		} else {
			sbi_call(SBI_PUTCHAR, 0, (u8)*s, 0, 0);
		}
		s += done;
		len -= done;
	}
}

struct channel arch_channels[] = {
	{ .name = "com", .open = uart_open, .write = uart_write },
	{ .name = "sbi", .open = sbi_open, .write = sbi_write },
	CHANNEL_SHM,
	{ .name = NULL },
};

/* --- the rest --------------------------------------------------------------------------------------- */

bool arch_fw_cfg_select(u16 key)
{
	return tree_fw_cfg_select(key);
}

u8 arch_fw_cfg_byte(void)
{
	return tree_fw_cfg_byte();
}

bool arch_trap(void)
{
	return false;
}

void arch_mark(u64 where, u8 what)
{
	*(volatile u8 *)(uintptr_t)where = what;
}

void arch_relax(void)
{
	__asm__ volatile(".4byte 0x0100000f" ::: "memory"); /* pause */
}

void arch_clock_init(struct clock *c)
{
}

bool arch_calibrate(struct clock *c, unsigned ms)
{
	if (!timebase)
		return c->hz != 0;
	*c = clock_of_counter(timebase);
	c->error_ppm = 1;
	return true;
}

void arch_exit(enum guest_exit how, const char *where)
{
	static const u32 codes[] = {
		[GUEST_DONE] = 33, [GUEST_FAILED] = 35, [GUEST_PANIC] = 37, [GUEST_RESTART] = 39
	};
	u64 at = test_device;

	if (where)
		guest_number(where, &at);
	if (at)
		mmio_write32(at, codes[how] << 16 | 0x3333);
	sbi_call(SBI_RESET, 0, 0, how == GUEST_DONE ? 0 : 1, 0);
	for (;;)
		__asm__ volatile("wfi");
}

static int line_of(const struct fdt_prop *p)
{
	return p->len >= 4 ? (int)fdt_cell(p, 0) : -1;
}

static void take_timebase(void)
{
	struct fdt_node n = { 0 };
	struct fdt_prop p;

	while (fdt_next(&tree, &n))
		if (n.depth == 1 && text_same(n.name, "cpus") &&
		    fdt_prop(&tree, &n, "timebase-frequency", &p))
			timebase = fdt_cell(&p, 0);
}

void riscv64_start(u64 hart, const void *blob)
{
	machine.arch = "riscv64";
	if (!tree_read(&tree, blob, line_of))
		arch_exit(GUEST_PANIC, NULL);
	take_timebase();
	uart = tree_address(&tree, "ns16550a", 0);
	test_device = tree_address(&tree, "sifive,test1", 0);
	if (!test_device)
		test_device = tree_address(&tree, "sifive,test0", 0);
	machine.channel = uart ? "com" : "sbi";
	riscv64_irq_init(&tree);
	guest_main();
}
