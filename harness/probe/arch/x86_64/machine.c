// SPDX-License-Identifier: BSD-3-Clause
/* What the loader tells, where devices are, where results go, and the end. */
#include <string.h>

#include "harness/probe/arch/x86_64/x86.h"
#include "harness/run/core/text.h"

#define PVH_MAGIC	0x336ec578u
#define MULTIBOOT_MAGIC 0x2badb002u

struct pvh_info {
	u32 magic, version, flags, modules;
	u64 modlist, cmdline, rsdp;
	u64 memmap; /* from version 1 on */
	u32 memmap_entries, reserved;
};

struct pvh_region {
	u64 addr, size;
	u32 type, reserved;
};

struct multiboot_info {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline;
	u32 modules, mods_addr, syms[4];
	u32 mmap_length, mmap_addr;
};

#define REGION_RAM 1

static const void *at(u64 addr)
{
	return (const void *)(uintptr_t)addr;
}

/* The RAM that we stand in is the RAM that we use. */
static void add_region(u64 addr, u64 size, u32 type)
{
	const u64 here = (u64)image_end;

	if (type != REGION_RAM || here < addr || here >= addr + size)
		return;
	machine.ram_base = addr;
	machine.ram_end = MIN(addr + size, 1ull << 32);
}

static void take_pvh(const struct pvh_info *info)
{
	if (info->cmdline)
		text_copy(machine.text, sizeof(machine.text), at(info->cmdline));
	if (info->version < 1)
		return;
	for (u32 i = 0; i < info->memmap_entries; i++) {
		const struct pvh_region *r = (const struct pvh_region *)at(info->memmap) + i;

		add_region(r->addr, r->size, r->type);
	}
}

static void take_multiboot(const struct multiboot_info *info)
{
	if (info->flags & 1u << 2)
		text_copy(machine.text, sizeof(machine.text), at(info->cmdline));
	if (info->flags & 1u << 0)
		add_region(1 << 20, (u64)info->mem_upper << 10, REGION_RAM);
	for (u32 i = 0; info->flags & 1u << 6 && i + 24 <= info->mmap_length;) {
		const u8 *entry = at(info->mmap_addr + i);
		u32 size, type;
		u64 addr, len;

		memcpy(&size, entry, 4);
		memcpy(&addr, entry + 4, 8);
		memcpy(&len, entry + 12, 8);
		memcpy(&type, entry + 20, 4);
		add_region(addr, len, type);
		i += size + 4;
	}
}

/* --- fw_cfg -------------------------------------------------------------------------------------- */

#define FW_CFG_SELECT 0x510
#define FW_CFG_DATA   0x511
#define FW_CFG_RAM    0x0003

bool arch_fw_cfg_select(u16 key)
{
	outw(FW_CFG_SELECT, key);
	return true;
}

u8 arch_fw_cfg_byte(void)
{
	return inb(FW_CFG_DATA);
}

/*
 * Firmware keeps tables at the end of RAM, and the map leaves them out. We need none of them, but we do
 * need the end: what is behind it is no memory.
 */
static void take_real_end(void)
{
	u64 size = 0;

	if (!fw_cfg_present())
		return;
	arch_fw_cfg_select(FW_CFG_RAM);
	for (unsigned i = 0; i < 8; i++)
		size |= (u64)arch_fw_cfg_byte() << 8 * i;
	if (size > machine.ram_end && size <= 2ull << 30)
		machine.ram_end = size;
}

/* --- devices -------------------------------------------------------------------------------------- */

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc

static u16 pci_select(u8 devfn, u16 offset)
{
	outl(PCI_ADDRESS, 0x80000000u | (u32)devfn << 8 | (offset & 0xfcu));
	return (u16)(PCI_DATA + (offset & 3u));
}

static u32 pci_read(u8 devfn, u16 offset, unsigned size)
{
	const u16 port = pci_select(devfn, offset);

	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

static void pci_write(u8 devfn, u16 offset, unsigned size, u32 value)
{
	const u16 port = pci_select(devfn, offset);

	if (size == 1)
		outb(port, (u8)value);
	else if (size == 2)
		outw(port, (u16)value);
	else
		outl(port, value);
}

u32 (*const arch_pci_read)(u8, u16, unsigned) = pci_read;
void (*const arch_pci_write)(u8, u16, unsigned, u32) = pci_write;

static void look_for_pci(void)
{
	const u32 bridge = pci_read(0, 0, 4);

	machine.pci_ports = bridge != 0xffffffff;
	machine.bar_base = 0xe0000000;
	text_copy(machine.name, sizeof(machine.name),
		  bridge == 0x29c08086	 ? "q35"
		  : bridge == 0x12378086 ? "pc"
					 : "");
}

/*
 * microvm tells its windows in ACPI tables only, when it has them, and they are always in the same
 * place: 24 behind the second I/O APIC, or 8 that begin at line 5 of the only one.
 */
static void look_for_windows(void)
{
	const u64 base = 0xfeb00000;
	volatile u32 *ioapic2 = (volatile u32 *)0xfec10000;
	bool second;

	windows_of_text(machine.text);
	if (machine.windows || machine.pci_ports)
		return;
	*ioapic2 = 1; /* version */
	second = (ioapic2[4] & 0xff) == 0x11 || (ioapic2[4] & 0xff) == 0x20;
	for (unsigned i = 0; i < 24; i++) {
		if (*(volatile u32 *)(base + 0x200ull * i) != 0x74726976)
			break;
		machine.window[machine.windows++] =
			(struct window){ base + 0x200ull * i, (int)i + (second ? 24 : 5) };
	}
	if (machine.windows)
		text_copy(machine.name, sizeof(machine.name), "microvm");
}

/* --- channels -------------------------------------------------------------------------------------- */

static bool port_open(struct channel *ch, const char *spec)
{
	ch->addr = text_same(ch->name, "debugcon") ? 0xe9 : 0x3f8;
	return !*spec || (guest_number(spec, &ch->addr) && ch->addr < 0xfff8);
}

/* One instruction: a hypervisor that knows strings takes it in few exits. */
static void debugcon_write(struct channel *ch, const char *s, size_t len)
{
	__asm__ volatile("rep outsb" : "+S"(s), "+c"(len) : "d"((u16)ch->addr) : "memory");
}

static void com_write(struct channel *ch, const char *s, size_t len)
{
	const u16 port = (u16)ch->addr;

	while (len--) {
		while (!(inb((u16)(port + 5)) & 0x20))
			arch_relax();
		outb(port, (u8)*s++);
	}
}

struct channel arch_channels[] = {
	{ .name = "debugcon", .open = port_open, .write = debugcon_write },
	{ .name = "com", .open = port_open, .write = com_write },
	CHANNEL_SHM,
	{ .name = NULL },
};

/* --- the rest --------------------------------------------------------------------------------------- */

bool arch_trap(void)
{
	u32 a, b, c, d;

	cpuid(0, &a, &b, &c, &d);
	return true;
}

void arch_mark(u64 where, u8 what)
{
	if (where < 0x10000)
		outb((u16)where, what);
	else
		*(volatile u8 *)(uintptr_t)where = what;
}

void arch_relax(void)
{
	__builtin_ia32_pause();
}

void arch_exit(enum guest_exit how, const char *where)
{
	/* isa-debug-exit ends QEMU with twice this and one. */
	static const u8 codes[] = { [GUEST_DONE] = 0x10,
				    [GUEST_FAILED] = 0x11,
				    [GUEST_PANIC] = 0x12,
				    [GUEST_RESTART] = 0x13 };
	static const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) no_idt;
	u64 port;

	__asm__ volatile("cli");
	if (where && guest_number(where, &port))
		outb((u16)port, codes[how]);
	outb(0x501, codes[how]); /* isa-debug-exit's own default, */
	outb(0xf4, codes[how]);	 /* and everybody else's */
	outw(0x604, 0x2000);	 /* ACPI power off where QEMU has it: pc and q35 */
	outb(0x64, 0xfe);	 /* the keyboard controller's reset line */
	/* An exception that nobody can take is a shutdown. */
	__asm__ volatile("lidt %0\n\tint3" ::"m"(no_idt));
	for (;;)
		__asm__ volatile("hlt");
}

void x86_start(u32 magic, u32 info)
{
	x86_trap_init();
	machine.arch = "x86_64";
	if (magic == PVH_MAGIC && *(const u32 *)at(info) == PVH_MAGIC)
		take_pvh(at(info));
	else if (magic == MULTIBOOT_MAGIC)
		take_multiboot(at(info));
	machine.channel = inb(0xe9) == 0xe9 ? "debugcon" : "com";
	x86_apic_init();
	x86_xen_counter();
	take_real_end();
	x86_xen_grants();
	look_for_pci();
	look_for_windows();
	guest_main();
}
