// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/guest/access.h"

#include <linux/pci_regs.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#include "harness/bench/load.h"
#include "harness/probe/guest/out.h"
#include "harness/run/core/devices.h"
#include "harness/run/core/text.h"
#include "harness/spec/virtio14.h"

/*
 * Where devices may read and write: three regions with gaps, the last one up to the very end of RAM so
 * that nothing is behind it. Checks find them cleared, so they are no larger than checks need: the
 * second is what 1030 descriptors make more than 4 GiB of.
 */
#define RAM_NEEDED (28u << 20)
#define REGION0	   (6u << 20)
#define REGION1	   (5u << 20)
#define REGION2	   (4u << 20)

static u32 msi_flags[1024] __attribute__((aligned(4096)));

static u64 op_now_ns(struct access *a)
{
	return clock_ns(&machine.clock, clock_start(&machine.clock));
}

/* Who spins on a machine's only processor keeps the back-end from it until the hypervisor steps in. */
static void op_relax(struct access *a)
{
	static u32 nobody;

	if (machine.rest_ns)
		arch_sleep(&nobody,
			   clock_counter_start() + clock_ticks(&machine.clock, machine.rest_ns));
	else
		arch_relax();
}

/* It happens anyway. */
static int op_config_trigger(struct access *a)
{
	return TP_OK;
}

static int op_read(struct access *a, u64 addr, unsigned size, u64 *value)
{
	const uintptr_t at = (uintptr_t)addr;

	switch (size) {
	case 1:
		*value = *(volatile u8 *)at;
		break;
	case 2:
		*value = *(volatile u16 *)at;
		break;
	case 4:
		*value = *(volatile u32 *)at;
		break;
	default:
		*value = *(volatile u64 *)at;
	}
	/* What is read from memory next was written before what the register told. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return TP_OK;
}

static int op_write(struct access *a, u64 addr, unsigned size, u64 value)
{
	const uintptr_t at = (uintptr_t)addr;

	/* The device sees in memory what was written there first. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	switch (size) {
	case 1:
		*(volatile u8 *)at = (u8)value;
		break;
	case 2:
		*(volatile u16 *)at = (u16)value;
		break;
	case 4:
		*(volatile u32 *)at = (u32)value;
		break;
	default:
		*(volatile u64 *)at = value;
	}
	return TP_OK;
}

static u32 config_read(u8 devfn, u16 offset, unsigned size)
{
	u64 v = 0;

	if (!machine.ecam)
		return arch_pci_read(devfn, offset, size);
	op_read(NULL, machine.ecam + ((u64)devfn << 12) + offset, size, &v);
	return (u32)v;
}

static void config_write(u8 devfn, u16 offset, unsigned size, u32 value)
{
	if (machine.ecam)
		op_write(NULL, machine.ecam + ((u64)devfn << 12) + offset, size, value);
	else
		arch_pci_write(devfn, offset, size, value);
}

static int op_cfg_read(struct access *a, u8 devfn, u16 offset, unsigned size, u32 *value)
{
	const struct job *j = ((struct guest_target *)a)->job;

	/* A job that names its function sees no other. */
	*value = j->pinned && devfn != j->devfn ? 0xffffffff : config_read(devfn, offset, size);
	return TP_OK;
}

static int op_cfg_write(struct access *a, u8 devfn, u16 offset, unsigned size, u32 value)
{
	config_write(devfn, offset, size, value);
	return TP_OK;
}

static bool op_msi(struct access *a, unsigned slot, struct gpa *addr, u32 *data)
{
	const struct guest_target *t = (struct guest_target *)a;

	machine.function = t->pci.devfn;
	return t->msi && slot < ARRAY_SIZE(msi_flags) &&
	       arch_msi(slot, &msi_flags[slot], addr, data);
}

static void op_clear_ram(struct access *a)
{
	for (unsigned i = 0; i < a->ram_count; i++)
		memset(a->ram[i].hva, 0, a->ram[i].len);
	memset(msi_flags, 0, sizeof(msi_flags));
}

static const struct access_ops with_pci = {
	.read = op_read,
	.write = op_write,
	.cfg_read = op_cfg_read,
	.cfg_write = op_cfg_write,
	.msi_message = op_msi,
	.clear_ram = op_clear_ram,
	.now_ns = op_now_ns,
	.relax = op_relax,
};

static const struct access_ops without_pci = {
	.read = op_read,
	.write = op_write,
	.clear_ram = op_clear_ram,
	.now_ns = op_now_ns,
	.relax = op_relax,
};

static bool have_pci(void)
{
	return machine.ecam || machine.pci_ports;
}

static struct tp_buf part(u64 at, u32 len)
{
	return (struct tp_buf){ (u8 *)(uintptr_t)at, { at + machine.device_offset }, len };
}

static bool lay_out_ram(struct guest_target *t)
{
	struct access *a = &t->access;
	const u64 image_end_at = (u64)(uintptr_t)image_end;
	const u64 at = ALIGN_UP(MAX(machine.ram_base, image_end_at), 1 << 20) + (1 << 20);

	if (machine.unshared) {
		text_copy(t->why, sizeof(t->why), machine.unshared);
		return false;
	}
	if (at + RAM_NEEDED > machine.ram_end) {
		text_format(t->why, sizeof(t->why),
			    "the machine has too little memory: RAM ends at 0x%llx, %u MiB are "
			    "needed behind 0x%llx",
			    (unsigned long long)machine.ram_end, RAM_NEEDED >> 20,
			    (unsigned long long)at);
		return false;
	}
	/* A load's is as large as it has to be: what is cleared is touched, which a hypervisor makes pay for. */
	if (t->job->kind == WIRE_JOB_BENCH) {
		const u64 second = at + (2 << 20);
		const u64 wanted = load_memory(t->job->bench.depth, t->job->bench.block_size);

		a->ram[0] = part(at, 1 << 20); /* for a ring */
		a->ram[1] = part(second, (u32)MIN(machine.ram_end - second, MIN(wanted, 1u << 30)));
		a->ram_count = 2;
	} else {
		a->ram[0] = part(at, REGION0);
		a->ram[1] = part(at + REGION0 + (2 << 20), REGION1);
		a->ram[2] = part(machine.ram_end - REGION2, REGION2);
		a->ram_count = 3;
	}
	a->msi = (struct tp_buf){ (u8 *)msi_flags,
				  { (u64)(uintptr_t)msi_flags },
				  sizeof(msi_flags) };
	return true;
}

/* We are firmware: nobody else's window may lie where ours will. */
static void disable_functions(void)
{
	for (unsigned devfn = 0; devfn < 256; devfn++) {
		u32 class, command;

		if ((u16)config_read((u8)devfn, PCI_VENDOR_ID, 2) == 0xffff)
			continue;
		class = config_read((u8)devfn, PCI_CLASS_REVISION, 4) >> 24;
		if (class == 0x06) /* bridges: that to ISA has the channel behind it */
			continue;
		command = config_read((u8)devfn, PCI_COMMAND, 2);
		config_write(
			(u8)devfn, PCI_COMMAND, 2,
			command & ~(u32)(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
	}
}

static bool find_pci(struct guest_target *t)
{
	struct pci *p = &t->pci;

	t->access.ops = &with_pci;
	pci_init(p, &t->access, t->job->device);
	disable_functions();
	if (pci_probe(p) != TP_OK) {
		text_copy(t->why, sizeof(t->why), p->r.tp.error);
		return false;
	}
	text_format(t->uri, sizeof(t->uri), "guest:%s/pci/00:%02x.%x", machine.arch, p->devfn >> 3,
		    p->devfn & 7);
	t->tp = &p->r.tp;
	return true;
}

static u32 window_id(const struct window *w)
{
	u64 id = 0;

	op_read(NULL, w->base + VIRTIO_MMIO_DEVICE_ID, 4, &id);
	return (u32)id;
}

static bool window_fits(const struct job *j, const struct window *w)
{
	const u32 id = window_id(w);

	if (j->pinned)
		return w->base == j->window;
	return id && (!j->device || id == j->device);
}

/* One window at a time is all that the transport gets to see. */
static bool find_mmio(struct guest_target *t)
{
	t->access.ops = have_pci() ? &with_pci : &without_pci;
	text_copy(t->why, sizeof(t->why), "no virtio-mmio window has such a device");
	for (unsigned i = 0; i < machine.windows; i++) {
		const struct window *w = &machine.window[i];
		struct regs *r = &t->mmio.r;

		if (!window_fits(t->job, w))
			continue;
		t->access.mmio_base = w->base;
		t->access.mmio_stride = 0x200;
		t->access.mmio_count = 1;
		mmio_init(&t->mmio, &t->access, t->job->device);
		if (r->reg->find(r) != TP_OK) {
			text_copy(t->why, sizeof(t->why), r->tp.error);
			continue;
		}
		text_format(t->uri, sizeof(t->uri), "guest:%s/mmio/0x%llx", machine.arch,
			    (unsigned long long)w->base);
		t->tp = &r->tp;
		return true;
	}
	return false;
}

bool guest_target_find(struct guest_target *t, const struct job *j, bool msi)
{
	const bool any = !j->transport, pci = any || text_same(j->transport, "pci");
	const bool mmio = any || text_same(j->transport, "mmio");
	bool found = false;

	memset(t, 0, sizeof(*t));
	t->job = j;
	t->msi = msi;
	t->access.bar_base = machine.bar_base;
	if (!lay_out_ram(t))
		return false;
	if (mmio && (machine.windows || !pci))
		found = find_mmio(t);
	if (!found && pci && have_pci())
		found = find_pci(t);
	if (!found) {
		if (!t->why[0])
			text_copy(t->why, sizeof(t->why), "the machine has no PCI");
		return false;
	}
	machine.rest_ns = j->rest_ns;
	t->access.config_trigger = j->changes ? op_config_trigger : NULL;
	if (machine.device_offset)
		t->tp->demanded = BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
	if (j->timeout_ms)
		t->tp->timeout_ms = j->timeout_ms;
	if (j->quiet_ms)
		t->tp->quiet_ms = j->quiet_ms;
	return true;
}

/* Where the function's pin leads to; -1: it has none, or the machine does not tell. */
static int function_line(u8 devfn)
{
	const u32 pin = config_read(devfn, PCI_INTERRUPT_PIN, 1);

	for (unsigned i = 0; i < machine.pci_lines; i++) {
		const struct pci_line *l = &machine.pci_line[i];

		if (l->devfn == (devfn & machine.pci_line_mask) && l->pin == pin)
			return l->line;
	}
	return -1;
}

int guest_target_line(const struct guest_target *t)
{
	if (t->tp == &t->pci.r.tp)
		return function_line(t->pci.devfn);
	for (unsigned i = 0; i < machine.windows; i++)
		if (machine.window[i].base == t->mmio.base)
			return machine.window[i].line;
	return -1;
}

void guest_target_list(void)
{
	for (unsigned devfn = 0; have_pci() && devfn < 256; devfn++) {
		const u32 id = config_read((u8)devfn, PCI_VENDOR_ID, 4);

		if ((u16)id == 0x1af4)
			out_text(WIRE_NOTE, "pci:00:%02x.%x 1af4:%04x subsystem %u", devfn >> 3,
				 devfn & 7, id >> 16, config_read((u8)devfn, PCI_SUBSYSTEM_ID, 2));
	}
	for (unsigned i = 0; i < machine.windows; i++) {
		const struct window *w = &machine.window[i];
		const u32 id = window_id(w);

		if (id)
			out_text(WIRE_NOTE, "mmio:0x%llx %s (id %u), interrupt line %d",
				 (unsigned long long)w->base, runner_device_name(id), id, w->line);
	}
}
