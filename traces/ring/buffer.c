// SPDX-License-Identifier: BSD-3-Clause
#include "traces/ring/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

u64 buffer_gettime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

#if defined(__x86_64__)
/* RDTSCP is there, and the counter runs at one rate: by its own word, or the kernel's, who watches it. */
bool buffer_counter(void)
{
	u32 eax, ebx, ecx, edx;
	char name[8] = "";
	FILE *f;

	if (!__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) || !(edx & 1u << 27))
		return false;
	if (__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && edx & 1u << 8)
		return true;
	f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
	if (!f)
		return false;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	fclose(f);
	return strcmp(name, "tsc\n") == 0;
}
#elif defined(__aarch64__)
bool buffer_counter(void)
{
	return true;
}
#else
bool buffer_counter(void)
{
	return false;
}
#endif

struct buffer_moment buffer_moment(bool counter)
{
	struct buffer_moment best = { .error_ns = UINT64_MAX };
	u16 cpu;

	/* Between two looks at one clock there is one at the other; the narrowest pair of many. */
	for (int i = 0; i < 64; i++) {
		u64 before = buffer_gettime();
		u64 ticks = buffer_now(counter, &cpu);
		u64 after = buffer_gettime();

		if (after - before < best.error_ns)
			best = (struct buffer_moment){ ticks, before + (after - before) / 2,
						       after - before };
	}
	best.error_ns = best.error_ns / 2 + 1;
	return best;
}

int buffer_create(struct buffer *b, const char *path, enum buffer_actor actor, unsigned rings,
		  u32 events, char *err, size_t len)
{
	const size_t header = ALIGN_UP(sizeof(struct buffer_file), 4096);
	const size_t bytes = header + (size_t)rings * events * sizeof(struct trace_event);
	struct buffer_file *f;

	*b = (struct buffer){ .fd = -1 };
	b->fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
		     : memfd_create("ringside-trace", MFD_CLOEXEC);
	if (!path)
		path = "memory";
	if (b->fd < 0 || posix_fallocate(b->fd, 0, (off_t)bytes)) {
		snprintf(err, len, "cannot make the trace buffer '%s' of %zu MiB: %s", path,
			 bytes >> 20, errno ? strerror(errno) : "no room");
		goto fail;
	}
	/* All of it is there before it is wanted. */
	f = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, b->fd, 0);
	if (f == MAP_FAILED) {
		snprintf(err, len, "cannot map the trace buffer '%s': %s", path, strerror(errno));
		goto fail;
	}
	b->file = f;
	b->bytes = bytes;
	f->version = BUFFER_VERSION;
	f->header_bytes = (u32)header;
	f->rings = rings;
	f->ring_events = events;
	f->pid = (u32)getpid();
	f->actor = actor;
	f->counter = buffer_counter();
	f->begin = buffer_moment(f->counter);
	/* Last: before that it is not one. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(f->magic, BUFFER_MAGIC, sizeof(f->magic));
	return 0;
fail:
	buffer_close(b);
	return -1;
}

void buffer_close(struct buffer *b)
{
	if (b->file)
		munmap(b->file, b->bytes);
	if (b->fd >= 0)
		close(b->fd);
	*b = (struct buffer){ .fd = -1 };
}

bool buffer_sink(struct buffer *b, unsigned i, const char *name, struct trace_sink *s)
{
	struct buffer_file *f = b->file;
	struct buffer_ring *r;

	if (i >= f->rings)
		return false;
	r = &f->ring[i];
	snprintf(r->name, sizeof(r->name), "%s", name);
	*s = (struct trace_sink){
		.event = (struct trace_event *)((u8 *)f + f->header_bytes) +
			 (size_t)i * f->ring_events,
		.room = f->ring_events,
		.ends = &r->ends,
		.head = r->ends.head,
		.tail = __atomic_load_n(&r->ends.tail, __ATOMIC_ACQUIRE),
	};
	__atomic_store_n(&r->tid, (u32)syscall(SYS_gettid), __ATOMIC_RELEASE);
	return true;
}
