/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest: one processor, no allocation, everything mapped one to one. harness/probe/arch has what
 * differs from architecture to architecture; it fills in a `struct machine` and calls guest_main().
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_GUEST_GUEST_H
#define HARNESS_PROBE_GUEST_GUEST_H

#include "harness/bench/clock.h"
#include "harness/probe/job/number.h"
#include "harness/transport/access.h"

#define MACHINE_WINDOWS 64
#define MACHINE_TEXT	4096

/* A virtio-mmio window, and the interrupt line that goes with it; -1: not known. */
struct window {
	u64 base;
	int line;
};

/* Where the interrupt of a PCI function goes: INTA is pin 1. */
struct pci_line {
	u8 devfn, pin;
	int line;
};

#define MACHINE_PCI_LINES 64

struct machine {
	const char *arch;
	char name[64];		 /* what the machine calls itself; "" when it does not */
	char text[MACHINE_TEXT]; /* command line */

	/* One run of memory, without what firmware keeps in the middle. */
	u64 ram_base, ram_end;
	/* What devices call it is so much further up (VIRTIO_F_ACCESS_PLATFORM); 0: they call it the same. */
	u64 device_offset;
	const char *unshared; /* why devices cannot have any; NULL: they can */

	/* PCI configuration space: ECAM at `ecam`, or the architecture's ports; neither: no PCI. */
	bool pci_ports;
	u64 ecam;
	u8 function;  /* devfn of the function in use */
	u64 bar_base; /* free address space for base address registers, below 4 GiB */

	struct window window[MACHINE_WINDOWS];
	unsigned windows;

	/* Only the bits of a function's number that the mask has are told apart. */
	struct pci_line pci_line[MACHINE_PCI_LINES];
	unsigned pci_lines;
	u8 pci_line_mask;

	struct clock clock;
	u64 rest_ns; /* the processor sleeps so long between two looks of a check; 0: it does not */
	/* Where results go when the job does not say. */
	const char *channel;
};

extern struct machine machine;

void guest_main(void) __attribute__((noreturn));

/* --- what an architecture gives ---------------------------------------------------------------------- */

/*
 * A place that bytes can be written to. `spec` is what stands behind the name of the channel
 * ("0xe9" of "debugcon:0xe9"), or "".
 */
struct channel {
	const char *name;
	/* False: not here, or `spec` makes no sense. */
	bool (*open)(struct channel *ch, const char *spec);
	void (*write)(struct channel *ch, const char *s, size_t len);
	u64 addr, size, used;
};

/* The channels of an architecture, ended by one without a name. */
extern struct channel arch_channels[];

/* Configuration space by ports; NULL where there are none. */
extern u32 (*const arch_pci_read)(u8 devfn, u16 offset, unsigned size);
extern void (*const arch_pci_write)(u8 devfn, u16 offset, unsigned size, u32 value);

enum guest_exit {
	GUEST_DONE,   /* every job was done */
	GUEST_FAILED, /* a job could not be done; the rest was */
	GUEST_PANIC,
	GUEST_RESTART, /* it is to be booted again, to go on */
};

/* End the machine. `where` is the job's exit=, NULL when it has none. */
void arch_exit(enum guest_exit how, const char *where) __attribute__((noreturn));

/* Measure the clock for so long (where the machine does not tell its frequency). False: it cannot. */
bool arch_calibrate(struct clock *c, unsigned ms);

/* What a clock of a known frequency needs besides. */
void arch_clock_init(struct clock *c);

/* What leaves for the hypervisor and does nothing there. False: this architecture has no such thing. */
bool arch_trap(void);

/* Tell whoever counts: 1 begins, 2 ends. `where` is a port where there are ports, else an address. */
void arch_mark(u64 where, u8 what);

/* In a loop that waits for memory to change. */
void arch_relax(void);

/*
 * Message-signalled interrupts: where slot `i` writes what, so that arch code then sets *flag to 1.
 * False: this machine has no such interrupt left.
 */
bool arch_msi(unsigned i, u32 *flag, struct gpa *addr, u32 *data);

/* Call `handler` on the interrupt of a virtio-mmio window's line. False: the machine cannot. */
bool arch_line(int line, void (*handler)(void *arg), void *arg);

/*
 * Sleep until an interrupt has set *flag or the clock has come to `deadline` (ticks). Without a timer
 * it may also return early. Takes the flag away.
 */
bool arch_sleep(u32 *flag, u64 deadline);

/* QEMU's fw_cfg device: false when it is not there. Then a key is selected and read byte by byte. */
bool arch_fw_cfg_select(u16 key);
u8 arch_fw_cfg_byte(void);

/* --- what the guest gives to it ----------------------------------------------------------------------- */

/* What went wrong that should not happen; reports it, and ends the machine. */
void guest_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A channel into memory, the same everywhere: shm.c. */
bool shm_open(struct channel *ch, const char *spec);
void shm_write(struct channel *ch, const char *s, size_t len);
#define CHANNEL_SHM                                                                                \
	{                                                                                          \
		.name = "shm", .open = shm_open, .write = shm_write                                \
	}

/* The text of fw_cfg's opt/ringside/job, cut to fit; 0: there is none. */
size_t fw_cfg_job(char *out, size_t room);
bool fw_cfg_present(void);

/*
 * Windows named on the command line as Linux has it: virtio_mmio.device=SIZE@BASE:LINE. They are added
 * to the machine's.
 */
void windows_of_text(const char *text);

/* A number on the command line, behind `key`, which ends with '='. False: it is not told. */
bool guest_told(const char *key, u64 *value);

/* First and last byte of us. */
extern u8 image_start[], image_end[];

#endif
