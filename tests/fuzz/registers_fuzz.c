// SPDX-License-Identifier: BSD-3-Clause
/*
 * A device whose registers lie, under the transports and the checks that read them: PCI
 * configuration space with its capabilities and base addresses, the common configuration,
 * virtio-mmio windows.
 *
 * An honest device of the reference back-ends is behind it; the input says which reads come back as
 * something else. Time is the fuzzer's own: it passes when somebody looks at the clock.
 *
 * Input: transport and device (1), check (2), changes of the configuration space (number, 1; each a
 * place and a byte), then one byte per read or run of reads, and the bytes that are read instead.
 */
#include "harness/spec/virtio14.h"
#include "harness/transport/mmio/mmio.h"
#include "harness/transport/pci/pci.h"
#include "ref-backends/binding/registers/mmio.h"
#include "ref-backends/binding/registers/pci.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/device/rng.h"
#include "tests/fuzz/checks.h"
#include "tests/fuzz/input.h"

#define MMIO	     0xfeb00000u
#define DEVFN	     0x08
#define CONFIG_SPACE (1ull << 63) /* no address of memory */
#define WINDOWS	     2
#define QUEUES	     2
#define CAPACITY     (1u << 20)
#define MSI_AT                                                                                     \
	(FUZZ_REGION_SIZE - (1u << 20)) /* in the last region, which the driver gets without it */
/* Accesses and looks at the clock: all of a check's waits, and then some. */
#define PATIENCE 400000
/*
 * Writes when the input is used up: then the device is gone, as nothing new will come of it. Reads
 * do not count: who only reads, or looks at the clock, must come to an end by himself.
 */
#define LINGER 600

static struct {
	struct access access; /* first */
	union {
		struct rreg r;
		struct rmmio mmio;
		struct rpci pci;
	};
	union {
		struct rrng rng;
		struct rblk blk;
	} dev;
	bool is_pci, gone;
	/* What configuration space reads as, where it is not what the device says. */
	bool changed[RPCI_CONFIG_SIZE];
	u8 changes[RPCI_CONFIG_SIZE];
	struct input in;
	unsigned honest; /* reads before the input is asked again */
	u64 now;
	unsigned steps, over; /* the latter: writes since the input is used up */
	u64 counts;	      /* where reads never give the same twice */
} m;

/* --- the honest device ------------------------------------------------------------------------ */

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	return fuzz_memory_at(gpa, len);
}

static void line(void *ctx, bool level)
{
}

static void msi(void *ctx, u64 addr, u32 data)
{
	u64 len = 4;
	u32 *p = fuzz_memory_at(addr, &len);

	if (p && len == 4 && addr % 4 == 0)
		__atomic_store_n(p, data, __ATOMIC_RELEASE);
}

static void fill(void *ctx, void *to, size_t len)
{
	memset(to, 0xa5, len);
}

static const struct rreg_ops device_ops = { .translate = translate, .line = line, .msi = msi };

static u64 honest_read(u64 addr, unsigned size)
{
	u64 len = size, value = 0, offset;
	const u8 *ram = fuzz_memory_at(addr, &len);
	unsigned bar;

	if (ram && len == size)
		memcpy(&value, ram, size);
	else if (m.is_pci && rpci_hit(&m.pci, addr, &bar, &offset))
		value = rpci_bar_read(&m.pci, bar, offset, size);
	else if (!m.is_pci && addr >= MMIO && addr + size <= MMIO + RMMIO_WINDOW)
		value = rmmio_read(&m.mmio, (u32)(addr - MMIO), size);
	return value;
}

static void honest_write(u64 addr, unsigned size, u64 value)
{
	u64 offset;
	unsigned bar;

	if (m.is_pci && rpci_hit(&m.pci, addr, &bar, &offset))
		rpci_bar_write(&m.pci, bar, offset, size, value);
	else if (!m.is_pci && addr >= MMIO && addr + size <= MMIO + RMMIO_WINDOW)
		rmmio_write(&m.mmio, (u32)(addr - MMIO), size, value);
	while (rreg_pending(&m.r) && m.steps++ < PATIENCE)
		rreg_run(&m.r);
}

/* --- and what comes through ------------------------------------------------------------------- */

/* Whatever the driver does. */
static void step(bool write)
{
	MUST(m.steps++ < PATIENCE);
	if (write && !m.in.left && m.over++ > LINGER)
		m.gone = true;
}

static u64 tamper(u64 addr, u64 value, unsigned size)
{
	const u64 all = ~0ull >> (64 - 8 * size);
	u8 op;

	step(false);
	if (m.counts == addr)
		value = (value + m.steps) & all;
	if (m.honest) {
		m.honest--;
		return value;
	}
	if (!m.in.left)
		return value;
	op = input_u8(&m.in);
	switch (op >> 5) {
	default:
		m.honest = op;
		return value;
	case 4:
		value = 0;
		input_bytes(&m.in, &value, size);
		return value;
	case 5:
		return (value ^ 1ull << (op & 31)) & all;
	case 6:
		return op & 1 ? 0 : all;
	case 7:
		/* It counts from now on: a driver may wait for it to settle, but not for ever. */
		m.counts = addr;
		m.gone |= (op & 31) == 31;
		return value;
	}
}

static int op_read(struct access *a, u64 addr, unsigned size, u64 *value)
{
	*value = tamper(addr, honest_read(addr, size), size);
	return m.gone ? TP_EGONE : TP_OK;
}

static int op_write(struct access *a, u64 addr, unsigned size, u64 value)
{
	step(true);
	honest_write(addr, size, value);
	return m.gone ? TP_EGONE : TP_OK;
}

static u32 config_read(u16 offset, unsigned size)
{
	u32 v = rpci_config_read(&m.pci, offset, size);

	for (unsigned i = 0; i < size; i++)
		if (m.changed[offset + i])
			v = (v & ~(0xffu << 8 * i)) | (u32)m.changes[offset + i] << 8 * i;
	return v;
}

static int op_cfg_read(struct access *a, u8 devfn, u16 offset, unsigned size, u32 *value)
{
	u32 v = 0xffffffffu >> (32 - 8 * size);

	if (devfn == DEVFN && offset + size <= RPCI_CONFIG_SIZE && offset % size == 0)
		v = config_read(offset, size);
	*value = (u32)tamper(CONFIG_SPACE | offset, v, size);
	return m.gone ? TP_EGONE : TP_OK;
}

static int op_cfg_write(struct access *a, u8 devfn, u16 offset, unsigned size, u32 value)
{
	step(true);
	if (devfn == DEVFN && offset + size <= RPCI_CONFIG_SIZE && offset % size == 0)
		rpci_config_write(&m.pci, offset, size, value);
	return m.gone ? TP_EGONE : TP_OK;
}

static void op_clear_ram(struct access *a)
{
	fuzz_memory_clear();
}

static u64 op_now_ns(struct access *a)
{
	step(false);
	return m.now += 100 * 1000;
}

static void op_relax(struct access *a)
{
	m.now += 5 * 1000 * 1000;
}

static int config_trigger(struct access *a)
{
	rreg_resized(&m.r);
	return TP_OK;
}

static const struct access_ops ops = {
	.read = op_read,
	.write = op_write,
	.cfg_read = op_cfg_read,
	.cfg_write = op_cfg_write,
	.clear_ram = op_clear_ram,
	.now_ns = op_now_ns,
	.relax = op_relax,
};

/* --- the machine ------------------------------------------------------------------------------ */

static void change_config_space(struct input *in)
{
	for (unsigned n = input_u8(in) % 32; n && in->left; n--) {
		u8 at = input_u8(in);

		m.changed[at] = true;
		m.changes[at] = input_u8(in);
	}
}

static void *make_device(struct rdev *dev)
{
	struct rreg_opts o = { .dev = dev, .queue_size = 256, .ops = &device_ops };
	size_t size = ALIGN_UP(rreg_memory(&o), 64);
	void *memory = aligned_alloc(64, size);

	MUST(memory);
	memset(memory, 0, size);
	if (m.is_pci) {
		rpci_init(&m.pci, &o, false, memory);
	} else {
		rmmio_init(&m.mmio, &o, memory);
	}
	return memory;
}

static void make_access(void)
{
	struct access *a = &m.access;

	memset(a, 0, sizeof(*a));
	a->ops = &ops;
	a->config_trigger = config_trigger;
	memcpy(a->ram, fuzz_memory(), FUZZ_REGIONS * sizeof(a->ram[0]));
	a->ram_count = FUZZ_REGIONS;
	a->msi = a->ram[FUZZ_REGIONS - 1];
	a->msi.hva += MSI_AT;
	a->msi.gpa.v += MSI_AT;
	a->msi.len -= MSI_AT;
	a->ram[FUZZ_REGIONS - 1].len = MSI_AT;
	a->bar_base = 0xe0000000;
	a->bar_base64 = 0x800000000;
	a->mmio_base = MMIO;
	a->mmio_stride = RMMIO_WINDOW;
	a->mmio_count = WINDOWS;
}

#define CAPS                                                                                       \
	(TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE | TP_CAP_STATUS | TP_CAP_RESET |                      \
	 TP_CAP_CONFIG_EVENT | TP_CAP_CONFIG_TRIGGER | TP_CAP_OWN_CALL)

static bool fits(const struct check *k)
{
	const u32 caps = CAPS | (m.is_pci ? TP_CAP_PCI : TP_CAP_MMIO);

	return !(k->caps & ~caps) && (!k->transport || !strcmp(k->transport, CHECK_REGISTERS) ||
				      !strcmp(k->transport, m.is_pci ? "pci" : "mmio"));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	u8 kind = input_u8(&in);
	u16 which = input_u16(&in);
	struct rblk_store *store;
	const struct check *k;
	static struct mmio mmio;
	static struct pci pci;
	struct tp *tp = kind & 1 ? &pci.r.tp : &mmio.r.tp;
	void *memory;
	bool is_rng;

	memset(&m, 0, sizeof(m));
	m.is_pci = kind & 1;
	k = fuzz_check(which, fits);
	is_rng = k->device ? k->device == VIRTIO_ID_RNG : kind & 2;
	store = store_memory_open(CAPACITY);
	MUST(store);
	if (is_rng)
		rrng_init(&m.dev.rng, fill, NULL);
	else
		rblk_init(&m.dev.blk, store, QUEUES, false, "fuzz");
	memory = make_device(is_rng ? &m.dev.rng.dev : &m.dev.blk.dev);
	make_access();
	if (m.is_pci)
		change_config_space(&in);
	m.in = in;
	if (m.is_pci)
		pci_init(&pci, &m.access, 0);
	else
		mmio_init(&mmio, &m.access, 0);
	fuzz_run(k, tp, is_rng ? VIRTIO_ID_RNG : VIRTIO_ID_BLOCK, 0);
	MUST(pci.cap_count <= PCI_CAPS);
	store->ops->close(store);
	free(memory);
	return 0;
}
