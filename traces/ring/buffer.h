/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ring-buffer mode: events with the processor's counter go into memory that was set aside before, one ring for
 * each thread that writes. What finds no room is counted; nobody ever waits.
 *
 * The memory is a file that a recorder maps, too (record.h): it turns the events on and off, and takes them out
 * while they come. Such a file is read as it is, when the writer died for instance.
 */
#ifndef TRACES_RING_BUFFER_H
#define TRACES_RING_BUFFER_H

#include "harness/spec/trace_event.h"

#define BUFFER_MAGIC   "RINGTRC"
#define BUFFER_VERSION 1
#define BUFFER_RINGS   16
#define BUFFER_EVENTS  (1u << 18) /* of one ring: 8 MiB */

enum buffer_actor {
	BUFFER_BACK_END,
	BUFFER_DRIVER,
	BUFFER_MONITOR, /* sees notifications on their way, but serves nothing */
	BUFFER_ACTORS,
};

/* Whose counter ticks are of, where they are of a counter. */
enum buffer_whose {
	BUFFER_HOST,
	BUFFER_GUEST, /* a guest's: how it stands to the host's is to be found (stage/clock.h) */
	BUFFER_GUEST_AHEAD, /* a guest's, which is ahead of the host's by a number that is known */
	BUFFER_WHOSE,
};

/* The counter and CLOCK_MONOTONIC at one moment, and how far apart the two may be. */
struct buffer_moment {
	u64 ticks, ns, error_ns;
};

struct buffer_ring {
	struct trace_ends ends;
	u32 tid; /* 0: nobody's yet */
	char name[28];
	u64 pad[4];
};

/* How the file begins; the rings' events follow at `header_bytes`, ring after ring. Little-endian. */
struct buffer_file {
	char magic[8];
	u32 version;
	u32 header_bytes;
	u32 rings;
	u32 ring_events; /* a power of two; 0: what follows is chunks (record.h) */
	u32 pid;
	u32 peer; /* of a driver: whose requests these are, 0: not known */
	u32 actor;
	u32 counter; /* ticks are of the processor's counter; 0: they are CLOCK_MONOTONIC's ns */
	u32 on;	     /* set by the recorder */
	u32 taken;   /* rings that have an owner, or wanted one */
	struct buffer_moment begin, end; /* end.ticks 0: the recording has not ended */
	u64 lost;			 /* chunks only: of all rings */
	u32 whose;			 /* enum buffer_whose */
	u32 error_ppm;			 /* of hz */
	u64 hz;				 /* BUFFER_GUEST: ticks per second, as far as it knows */
	u64 ahead;			 /* BUFFER_GUEST_AHEAD: ticks, modulo 2^64 */
	u64 pad;
	struct buffer_ring ring[BUFFER_RINGS];
};

struct buffer {
	struct buffer_file *file;
	size_t bytes;
	int fd;
};

/*
 * Make `path`, which is overwritten (NULL: memory without a name), with so many rings (BUFFER_RINGS at most) of so
 * many events (a power of two). 0, or -1 with one line in `err`. The file stays when this is closed; its descriptor
 * is how a recorder finds it (/proc/PID/fd).
 */
int buffer_create(struct buffer *b, const char *path, enum buffer_actor actor, unsigned rings,
		  u32 events, char *err, size_t len);
void buffer_close(struct buffer *b);

/* Take ring `i` of it for a writer. False: there is none left. */
bool buffer_sink(struct buffer *b, unsigned i, const char *name, struct trace_sink *s);

struct buffer_moment buffer_moment(bool counter);
/* Does the processor's counter serve as a clock here? */
bool buffer_counter(void);

/* What the counter says, and on which processor (0xffff: not known). Not ordered with what is around it. */
static inline u64 buffer_now(bool counter, u16 *cpu);

u64 buffer_gettime(void);

static inline u64 buffer_now(bool counter, u16 *cpu)
{
	*cpu = 0xffff;
	if (!__builtin_expect(counter, 1))
		return buffer_gettime();
#if defined(__x86_64__)
	u32 lo, hi, aux;

	__asm__ volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux)::"memory");
	*cpu = aux & 0xfff;
	return (u64)hi << 32 | lo;
#elif defined(__aarch64__)
	u64 v;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(v)::"memory");
	return v;
#else
	return buffer_gettime();
#endif
}

#endif
