// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/tree/tree.h"

#include <string.h>

#define MAGIC	    0xd00dfeedu
#define VERSION	    17u
#define COMPATIBLE  16u
#define HEADER	    40u
#define STRINGS_MAX 512u

#define BEGIN_NODE 1u
#define END_NODE   2u
#define PROP	   3u
#define END	   9u

#define PHANDLE_GIC 1u

/* Interrupts: kind, number within the kind, how it is signalled. */
#define SHARED	   0u
#define PRIVATE	   1u
#define EDGE	   1u
#define LOW	   8u
#define FIRST_CPU  (1u << 8) /* … to the first processor */
#define SPI_FIRST  32u
#define PPI_FIRST  16u
#define TIMER_VIRT 27u
#define TIMER_S	   29u
#define TIMER_NS   30u

struct writer {
	u8 *out;
	size_t room, at;
	bool full;
	char strings[STRINGS_MAX]; /* names of properties, one behind the other */
	size_t strings_len;
};

static void put(struct writer *w, const void *data, size_t len)
{
	static const u8 zeroes[8];
	const size_t pad = ALIGN_UP(len, 4) - len;

	if (w->full || w->room - w->at < len + pad) {
		w->full = true;
		return;
	}
	if (len)
		memcpy(w->out + w->at, data, len);
	memcpy(w->out + w->at + len, zeroes, pad);
	w->at += len + pad;
}

static void put32(struct writer *w, u32 v)
{
	const u8 bytes[] = { (u8)(v >> 24), (u8)(v >> 16), (u8)(v >> 8), (u8)v };

	put(w, bytes, sizeof(bytes));
}

static void put64(struct writer *w, u64 v)
{
	put32(w, (u32)(v >> 32));
	put32(w, (u32)v);
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

/* Where the name of a property is among the strings. */
static u32 string(struct writer *w, const char *name)
{
	const size_t len = length(name) + 1;
	size_t at = 0;

	while (at < w->strings_len) {
		const size_t other = length(w->strings + at) + 1;

		if (other == len && memcmp(w->strings + at, name, len) == 0)
			return (u32)at;
		at += other;
	}
	if (len > STRINGS_MAX - w->strings_len) {
		w->full = true;
		return 0;
	}
	memcpy(w->strings + at, name, len);
	w->strings_len += len;
	return (u32)at;
}

/* --- nodes and properties ---------------------------------------------------------------------------- */

static void begin(struct writer *w, const char *name)
{
	put32(w, BEGIN_NODE);
	put(w, name, length(name) + 1);
}

static void digits(char *out, u64 v)
{
	unsigned shift = 60;

	while (shift && !(v >> shift))
		shift -= 4;
	for (;; shift -= 4) {
		*out++ = "0123456789abcdef"[v >> shift & 15];
		if (!shift)
			break;
	}
	*out = '\0';
}

/* NAME@ADDRESS */
static void begin_at(struct writer *w, const char *name, u64 addr)
{
	const size_t len = length(name);
	char text[64];

	memcpy(text, name, len);
	text[len] = '@';
	digits(text + len + 1, addr);
	begin(w, text);
}

static void end(struct writer *w)
{
	put32(w, END_NODE);
}

static void prop(struct writer *w, const char *name, const void *data, size_t len)
{
	const u32 at = string(w, name);

	put32(w, PROP);
	put32(w, (u32)len);
	put32(w, at);
	put(w, data, len);
}

static void text(struct writer *w, const char *name, const char *value)
{
	prop(w, name, value, length(value) + 1);
}

static void cells(struct writer *w, const char *name, const u32 *v, unsigned n)
{
	const u32 at = string(w, name);

	put32(w, PROP);
	put32(w, 4 * n);
	put32(w, at);
	for (unsigned i = 0; i < n; i++)
		put32(w, v[i]);
}

static void cell(struct writer *w, const char *name, u32 v)
{
	cells(w, name, &v, 1);
}

static void reg(struct writer *w, const struct tree_range *r, unsigned n)
{
	const u32 at = string(w, "reg");

	put32(w, PROP);
	put32(w, 16 * n);
	put32(w, at);
	for (unsigned i = 0; i < n; i++) {
		put64(w, r[i].base);
		put64(w, r[i].size);
	}
}

/* --- what a guest has ---------------------------------------------------------------------------------- */

static void processor(struct writer *w)
{
	begin(w, "cpus");
	cell(w, "#address-cells", 1);
	cell(w, "#size-cells", 0);
	begin(w, "cpu@0");
	text(w, "device_type", "cpu");
	text(w, "compatible", "arm,armv8");
	text(w, "enable-method", "psci");
	cell(w, "reg", 0);
	end(w);
	end(w);
	begin(w, "psci");
	prop(w, "compatible", "arm,psci-1.0\0arm,psci-0.2", sizeof("arm,psci-1.0\0arm,psci-0.2"));
	text(w, "method", "hvc");
	end(w);
}

static void interrupts(struct writer *w, const struct tree_opts *o)
{
	static const u32 timers[] = {
		PRIVATE, TIMER_S - PPI_FIRST,	 FIRST_CPU | LOW,
		PRIVATE, TIMER_NS - PPI_FIRST,	 FIRST_CPU | LOW,
		PRIVATE, TIMER_VIRT - PPI_FIRST, FIRST_CPU | LOW,
	};

	begin_at(w, "interrupt-controller", o->gic[0].base);
	text(w, "compatible", o->gic_version == 2 ? "arm,gic-400" : "arm,gic-v3");
	prop(w, "interrupt-controller", NULL, 0);
	cell(w, "#interrupt-cells", 3);
	cell(w, "#address-cells", 0);
	reg(w, o->gic, 2);
	cell(w, "phandle", PHANDLE_GIC);
	end(w);
	begin(w, "timer");
	text(w, "compatible", "arm,armv8-timer");
	cells(w, "interrupts", timers, ARRAY_SIZE(timers));
	end(w);
}

static void window(struct writer *w, const struct tree_opts *o)
{
	const u32 interrupt[] = { SHARED, o->interrupt - SPI_FIRST, EDGE };

	begin_at(w, "virtio", o->window.base);
	text(w, "compatible", "virtio,mmio");
	reg(w, &o->window, 1);
	cells(w, "interrupts", interrupt, ARRAY_SIZE(interrupt));
	prop(w, "dma-coherent", NULL, 0);
	end(w);
}

static void nodes(struct writer *w, const struct tree_opts *o)
{
	begin(w, "");
	text(w, "model", o->model);
	text(w, "compatible", "linux,dummy-virt");
	cell(w, "#address-cells", 2);
	cell(w, "#size-cells", 2);
	cell(w, "interrupt-parent", PHANDLE_GIC);
	begin(w, "chosen");
	text(w, "bootargs", o->words);
	end(w);
	begin_at(w, "memory", o->ram.base);
	text(w, "device_type", "memory");
	reg(w, &o->ram, 1);
	end(w);
	processor(w);
	interrupts(w, o);
	window(w, o);
	end(w);
	put32(w, END);
}

size_t tree_build(u8 *out, size_t room, const struct tree_opts *o)
{
	struct writer w = { .out = out, .room = room, .at = HEADER };
	size_t reserved, structure, strings, size;

	if (room < HEADER)
		return 0;
	reserved = w.at;
	if (o->reserved.size) {
		put64(&w, o->reserved.base);
		put64(&w, o->reserved.size);
	}
	put64(&w, 0);
	put64(&w, 0);
	structure = w.at;
	nodes(&w, o);
	strings = w.at;
	put(&w, w.strings, w.strings_len);
	if (w.full)
		return 0;
	size = w.at;
	w.at = 0;
	put32(&w, MAGIC);
	put32(&w, (u32)size);
	put32(&w, (u32)structure);
	put32(&w, (u32)strings);
	put32(&w, (u32)reserved);
	put32(&w, VERSION);
	put32(&w, COMPATIBLE);
	put32(&w, 0); /* the processor that boots */
	put32(&w, (u32)w.strings_len);
	put32(&w, (u32)(strings - structure));
	return size;
}
