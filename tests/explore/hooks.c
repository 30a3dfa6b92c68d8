// SPDX-License-Identifier: BSD-3-Clause
/*
 * Two coroutines and the memory between them. The __tsan_ functions are what a compiler calls before each
 * access with -fsanitize=thread; here they belong to nobody's run-time library but to this program.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include "ref-backends/fault/fault.h"
#include "tests/explore/world.h"

const struct fault *fault_active; /* the device's half asks for it: none is */

struct world world;
struct config config;
struct coverage coverage;
char failure[200];

static jmp_buf scheduler;
static int self = -1; /* who runs; -1: nobody yet, the rings are being set up */
/* A store that is not atomic is made after its hook: its value is picked up at the next one. */
static struct store pending;

extern char __executable_start[], _end[];

static void buffer_in(enum side s)
{
	struct store st = pending;

	pending.n = 0;
	if (!st.n)
		return;
	memcpy(st.data, world.view[s] + st.off, st.n);
	world.buffer[s][world.buffered[s]++] = st;
	if (config.order == ORDER_SC)
		flush(s, 0);
}

bool may_flush(enum side s, unsigned i)
{
	const struct store *b = world.buffer[s];

	if (i == 0)
		return true;
	if (config.order != ORDER_PSO || b[i].release)
		return false;
	for (unsigned k = 0; k < i; k++)
		if (b[k].off < b[i].off + b[i].n && b[i].off < b[k].off + b[k].n)
			return false;
	return true;
}

/* A byte of the other side's view shows the other side's own store as long as that is in its buffer. */
static bool shadowed(enum side s, u16 off)
{
	for (unsigned i = 0; i < world.buffered[s]; i++) {
		const struct store *st = &world.buffer[s][i];

		if (off >= st->off && off < st->off + st->n)
			return true;
	}
	return false;
}

void flush(enum side s, unsigned i)
{
	const struct store st = world.buffer[s][i];
	const enum side other = !s;

	world.buffered[s]--;
	memmove(&world.buffer[s][i], &world.buffer[s][i + 1],
		(world.buffered[s] - i) * sizeof(struct store));
	memset(&world.buffer[s][world.buffered[s]], 0, sizeof(struct store));
	for (u16 k = 0; k < st.n; k++) {
		world.ram[st.off + k] = st.data[k];
		if (!shadowed(other, (u16)(st.off + k)))
			world.view[other][st.off + k] = st.data[k];
		/* With stores of both sides to one place the one that left last counts. */
		if (!shadowed(s, (u16)(st.off + k)))
			world.view[s][st.off + k] = st.data[k];
	}
}

static inline u8 *stack_pointer(void)
{
	u8 *sp;

#if defined(__x86_64__)
	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
	__asm__ volatile("mov %0, sp" : "=r"(sp));
#else
#error "how is the stack pointer read here?"
#endif
	return sp;
}

/* Stand at a step until it is taken. */
static __attribute__((noinline)) void stand_at(enum what what, u16 off, u8 n, bool release)
{
	const enum side s = (enum side)self;

	buffer_in(s);
	world.next[s] = (struct step){ (u8)what, n, off, release };
	world.sp[s] = stack_pointer();
	if (!_setjmp(world.at[s]))
		_longjmp(scheduler, 1);
}

void run_step(enum side s, u8 chosen)
{
	world.chosen[s] = chosen;
	if (world.next[s].what == STEP_WAIT)
		world.raised[s] = false;
	if (world.next[s].what == STEP_RAISE)
		world.raised[!s] = true;
	if (world.next[s].what == STEP_STORE)
		pending = (struct store){
			world.next[s].off, world.next[s].n, world.next[s].release, { 0 }
		};
	self = (int)s;
	if (!_setjmp(scheduler))
		_longjmp(world.at[s], 1);
	self = -1;
}

void start(void)
{
	for (unsigned s = 0; s < SIDES; s++) {
		static ucontext_t first, back;

		getcontext(&first);
		first.uc_stack.ss_sp = world.stack[s];
		first.uc_stack.ss_size = STACK;
		first.uc_link = NULL;
		makecontext(&first, programs[s], 0);
		self = (int)s;
		if (!_setjmp(scheduler))
			swapcontext(&back, &first);
		self = -1;
	}
}

u8 choose(u8 ways)
{
	if (ways < 2)
		return 0;
	stand_at(STEP_CHOICE, 0, ways, false);
	return world.chosen[self];
}

void raise_for(enum side other)
{
	coverage.raised[other]++;
	stand_at(STEP_RAISE, 0, 0, false);
}

void wait_for(enum side own)
{
	coverage.slept[own]++;
	stand_at(STEP_WAIT, 0, 0, false);
}

void end(void)
{
	for (;;)
		stand_at(STEP_END, 0, 0, false);
}

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(failure, sizeof(failure), fmt, ap);
	va_end(ap);
	for (;;)
		stand_at(STEP_FAILED, 0, 0, false);
}

static bool within(const void *p, u64 n, const void *of, u64 size)
{
	return (uintptr_t)p >= (uintptr_t)of && (uintptr_t)p + n <= (uintptr_t)of + size;
}

/* Memory that a side may touch without anybody noticing: its stack and its bookkeeping. */
static bool is_private(const void *p, unsigned n)
{
	if (!within(p, 1, &world, sizeof(world)))
		return within(p, n, __executable_start, (u64)(_end - __executable_start));
	return within(p, n, world.stack[self], STACK) ||
	       within(p, n, &world.pair, sizeof(world.pair)) ||
	       within(p, n, world.slots, sizeof(world.slots)) ||
	       within(p, n, world.requests, sizeof(world.requests));
}

static void access_by(enum what what, const volatile void *where, unsigned n, int order)
{
	const void *p = (const void *)where;
	char text[32];
	u64 off;

	if (self < 0)
		return;
	if (n > sizeof(pending.data) && !is_private(p, n))
		fail("%u bytes at once", n);
	off = (u64)((uintptr_t)p - (uintptr_t)world.view[self]);
	if (off < RAM_BYTES) {
		if (!pair_place(&world.pair, off, text, sizeof(text)) ||
		    !pair_place(&world.pair, off + n - 1, text, sizeof(text)))
			fail("%u bytes at offset %llu, where no part of the ring is", n,
			     (unsigned long long)off);
		stand_at(what, (u16)off, (u8)n, what == STEP_STORE && order != __ATOMIC_RELAXED);
	} else if (!is_private(p, n)) {
		fail("%u bytes at offset %lld of all that there is, which is not this side's", n,
		     (long long)((uintptr_t)p - (uintptr_t)&world));
	}
}

#define ANY __attribute__((used, visibility("default")))

#define PLAIN(n)                                                                                   \
	ANY void __tsan_read##n(void *p);                                                          \
	ANY void __tsan_write##n(void *p);                                                         \
	ANY void __tsan_unaligned_read##n(void *p);                                                \
	ANY void __tsan_unaligned_write##n(void *p);                                               \
	void __tsan_read##n(void *p)                                                               \
	{                                                                                          \
		access_by(STEP_LOAD, p, n, __ATOMIC_RELAXED);                                      \
	}                                                                                          \
	void __tsan_write##n(void *p)                                                              \
	{                                                                                          \
		access_by(STEP_STORE, p, n, __ATOMIC_RELAXED);                                     \
	}                                                                                          \
	void __tsan_unaligned_read##n(void *p)                                                     \
	{                                                                                          \
		access_by(STEP_LOAD, p, n, __ATOMIC_RELAXED);                                      \
	}                                                                                          \
	void __tsan_unaligned_write##n(void *p)                                                    \
	{                                                                                          \
		access_by(STEP_STORE, p, n, __ATOMIC_RELAXED);                                     \
	}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

#define ATOMIC(bits, type)                                                                         \
	ANY type __tsan_atomic##bits##_load(const volatile type *p, int order);                    \
	ANY void __tsan_atomic##bits##_store(volatile type *p, type v, int order);                 \
	type __tsan_atomic##bits##_load(const volatile type *p, int order)                         \
	{                                                                                          \
		access_by(STEP_LOAD, p, sizeof(*p), order);                                        \
		return *p;                                                                         \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile type *p, type v, int order)                      \
	{                                                                                          \
		access_by(STEP_STORE, p, sizeof(*p), order);                                       \
		*p = v;                                                                            \
	}

ATOMIC(8, u8)
ATOMIC(16, u16)
ATOMIC(32, u32)
ATOMIC(64, u64)

ANY void __tsan_read_range(void *p, size_t n);
ANY void __tsan_write_range(void *p, size_t n);
void __tsan_read_range(void *p, size_t n)
{
	access_by(STEP_LOAD, p, (unsigned)n, __ATOMIC_RELAXED);
}
void __tsan_write_range(void *p, size_t n)
{
	access_by(STEP_STORE, p, (unsigned)n, __ATOMIC_RELAXED);
}

ANY void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	if (self >= 0 && order == __ATOMIC_SEQ_CST)
		stand_at(STEP_FENCE, 0, 0, false);
}

ANY void __tsan_init(void);
ANY void __tsan_func_entry(void *p);
ANY void __tsan_func_exit(void *p);
void __tsan_init(void)
{
}
void __tsan_func_entry(void *p)
{
}
void __tsan_func_exit(void *p)
{
}

/* The rings are compiled with their memcpy() renamed to this: an indirect table is read by it. */
ANY void *explore_memcpy(void *to, const void *from, size_t n);
void *explore_memcpy(void *to, const void *from, size_t n)
{
	for (size_t at = 0; at < n; at += 8) {
		const size_t some = MIN(n - at, 8);

		access_by(STEP_LOAD, (const u8 *)from + at, (unsigned)some, __ATOMIC_RELAXED);
		memcpy((u8 *)to + at, (const u8 *)from + at, some);
	}
	return to;
}
