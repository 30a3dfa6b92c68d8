// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whatever a driver does to registers: PCI configuration space, base address registers, MSI-X, the
 * common configuration, virtio-mmio; with queues anywhere and anything in them. A reset always
 * brings the device back.
 *
 * Input: transport and device (1), bytes of guest memory (2), these, then accesses: what (1), where
 * (2) and the value, and writes to guest memory.
 */
#include "ref-backends/binding/registers/mmio.h"
#include "ref-backends/binding/registers/pci.h"
#include "ref-backends/device/blk.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/device/rng.h"
#include "tests/fuzz/input.h"

#define RAM	       (16u << 10)
#define QUEUES	       2
#define ACCESSES       512
#define STATUS_AT_PCI  (RPCI_COMMON + 20) /* device_status */
#define STATUS_AT_MMIO 0x70

static struct {
	union {
		struct rreg r;
		struct rmmio mmio;
		struct rpci pci;
	};
	union {
		struct rrng rng;
		struct rblk blk;
	} dev;
	bool is_pci;
	u8 *ram; /* an allocation: what runs over its end is found */
} m;

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	if (gpa >= RAM)
		return NULL;
	*len = MIN(*len, RAM - gpa);
	return m.ram + gpa;
}

static void line(void *ctx, bool level)
{
}

static void msi(void *ctx, u64 addr, u32 data)
{
	MUST(m.is_pci);
}

static const struct rreg_ops ops = { .translate = translate, .line = line, .msi = msi };

static void fill(void *ctx, void *to, size_t len)
{
	memset(to, 0xa5, len);
}

static void *make(u8 kind, struct rblk_store *store)
{
	struct rreg_opts o = { .queue_size = 64, .ops = &ops };
	static u8 shm[4096];
	void *memory;
	size_t size;

	if (kind & 2) {
		rrng_init(&m.dev.rng, fill, NULL);
		o.dev = &m.dev.rng.dev;
	} else {
		rblk_init(&m.dev.blk, store, QUEUES, false, "fuzz");
		o.dev = &m.dev.blk.dev;
	}
	if (kind & 4)
		o.shm[0] = (struct rreg_shm){ shm, sizeof(shm), 0x900000000 };
	size = ALIGN_UP(rreg_memory(&o), 64);
	memory = aligned_alloc(64, size);
	MUST(memory);
	memset(memory, 0, size);
	if (m.is_pci)
		rpci_init(&m.pci, &o, kind & 8, memory);
	else
		rmmio_init(&m.mmio, &o, memory);
	return memory;
}

/* One access to the function. */
static void pci_access(struct input *in, u8 op)
{
	const unsigned size = 1u << (op & 3);
	u16 at = input_u16(in);
	u64 value, offset;
	unsigned bar;

	switch (op >> 2 & 7) {
	case 0:
		if (size <= 4)
			rpci_config_read(&m.pci, (u16)(at % RPCI_CONFIG_SIZE & ~(size - 1)), size);
		break;
	case 1:
		value = input_u32(in);
		if (size <= 4)
			rpci_config_write(&m.pci, (u16)(at % RPCI_CONFIG_SIZE & ~(size - 1)), size,
					  (u32)value);
		break;
	case 2: /* where it says that it is */
		if (rpci_hit(&m.pci, input_u64(in), &bar, &offset))
			rpci_bar_write(&m.pci, bar, offset, size, at);
		break;
	case 3:
		if (m.pci.bar_size[at >> 14])
			rpci_bar_read(&m.pci, at >> 14, at % m.pci.bar_size[at >> 14], size);
		break;
	default: /* common configuration and its neighbours are in BAR 4 */
		value = input_u64(in);
		rpci_bar_write(&m.pci, 4, at % RPCI_BAR_SIZE, size, value);
		rpci_bar_read(&m.pci, 4, at % RPCI_BAR_SIZE, size);
		break;
	}
}

static void step(struct input *in)
{
	const u8 op = input_u8(in);
	const unsigned size = 1u << (op & 3);
	u16 at;

	switch (op >> 5) {
	case 7:
		at = input_u16(in) % RAM;
		input_bytes(in, m.ram + at, MIN(op & 31, RAM - at));
		return;
	case 6:
		rreg_resized(&m.r);
		return;
	default:
		if (m.is_pci) {
			pci_access(in, op);
		} else {
			at = input_u16(in) % RMMIO_WINDOW & ~(size - 1);
			if (op & 4)
				rmmio_read(&m.mmio, at, size);
			else
				rmmio_write(&m.mmio, at, size, input_u64(in));
		}
	}
}

/* Devices here complete at once: a reset has nothing to wait for. */
static void reset(void)
{
	if (m.is_pci) {
		rpci_bar_write(&m.pci, 4, STATUS_AT_PCI, 1, 0);
		MUST(rpci_bar_read(&m.pci, 4, STATUS_AT_PCI, 1) == 0);
	} else {
		rmmio_write(&m.mmio, STATUS_AT_MMIO, 4, 0);
		MUST(rmmio_read(&m.mmio, STATUS_AT_MMIO, 4) == 0);
	}
	MUST(m.r.in_flight == 0 && m.r.features == 0 && !m.r.big_busy);
	for (unsigned q = 0; q < m.r.num_queues; q++)
		MUST(!m.r.queues[q].enabled);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct rblk_store *store = store_memory_open(64 * VIRTIO_BLK_SECTOR);
	struct input in = { data, size };
	u8 kind = input_u8(&in);
	u16 filled = input_u16(&in) % (RAM + 1);
	void *memory;

	MUST(store);
	memset(&m, 0, sizeof(m));
	m.is_pci = kind & 1;
	m.ram = calloc(1, RAM);
	MUST(m.ram);
	memory = make(kind, store);
	input_bytes(&in, m.ram, filled);
	for (unsigned n = 0; in.left && n < ACCESSES; n++) {
		step(&in);
		/* A few rounds: a driver that goes on adding does not keep anybody for ever. */
		for (unsigned i = 0; i < 4 && rreg_pending(&m.r); i++)
			rreg_run(&m.r);
	}
	reset();
	free(m.ram);
	free(memory);
	store->ops->close(store);
	return 0;
}
