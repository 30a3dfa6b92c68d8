/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the guest is asked to do: words KEY=VALUE on the command line or in fw_cfg's
 * opt/ringside/job. README.md lists them.
 *
 * Freestanding.
 */
#ifndef HARNESS_PROBE_JOB_JOB_H
#define HARNESS_PROBE_JOB_JOB_H

#include "harness/check/check.h"
#include "harness/probe/wire/message.h"

#define JOBS_MAX 8

#define CALIBRATE_SAMPLES 1000

struct bench_job {
	u32 type; /* VIRTIO_BLK_T_* */
	u32 block_size, depth;
	bool poll, sequential, event_idx, indirect, in_order, notified;
	bool notification_data; /* VIRTIO_F_NOTIFICATION_DATA */
	u32 batch;
	u64 rate, requests;
	u64 duration_ns, warmup_ns;
	u32 ring_size; /* 0: chosen for the depth */
	u32 raw;       /* keep the stamps of so many requests */
	u32 trace;     /* run it once more, and keep so many events of its requests; 0: no */
	u64 mark;      /* told when the measurement begins (1) and ends (2); 0: nobody */
};

/* What is calibrated beside an exit of the processor's own: 0: not that. */
struct calibrate_job {
	u32 samples;
	u64 user;   /* a read of which exits to the hypervisor's user space */
	u64 event;  /* a write to which is an event that nobody waits for */
	u64 inject; /* a write to which raises `line` */
	u32 line;
};

struct job {
	enum wire_job_kind kind;
	/* Which device: type and transport (0, NULL: any), and the very function or window. */
	u32 device;
	const char *transport; /* "pci", "mmio" */
	bool pinned;
	u8 devfn;
	u64 window;

	const char *check_glob, *clause_glob;
	enum check_ring ring;	       /* of a bench, too: CHECK_RING_ANY is split there */
	unsigned timeout_ms, quiet_ms; /* 0: the transport's */
	u64 rest_ns;		       /* of checks: sleep so long between two looks; 0: never */
	bool changes; /* somebody outside changes the device's configuration all the time */
	struct bench_job bench;
	struct calibrate_job calibrate;
};

struct jobs {
	struct job job[JOBS_MAX];
	unsigned count;
	const char *channel; /* NULL: the machine's usual one */
	const char *exit;
	u64 counter_hz; /* 0: found out */
	u64 ecam;	/* PCI configuration space; 0: found out */
	u64 bar_base;	/* 0: the machine's usual place */
	bool restart;	/* ask for a new machine behind a check that may have damaged the device */
	bool resume;	/* go on: */
	u32 resume_job, resume_check;
	bool msi; /* MSI-X as interrupts; else as writes to memory that are polled */
};

/*
 * `text` is taken apart in place. False with one line in `error` when a word is not understood; what was
 * understood is kept.
 */
bool job_parse(struct jobs *jobs, char *text, char *error, size_t room);

#endif
