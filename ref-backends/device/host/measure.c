// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

struct measure_file *measure_file;
static struct measure *active; /* done() has no other way to it: there is one in a process */

static u64 counter(void)
{
#if defined(__x86_64__)
	u32 lo, hi;

	__asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
#elif defined(__aarch64__)
	u64 v;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(v)::"memory");
	return v;
#else
	return 0;
#endif
}

static void __attribute__((noinline)) burn(u64 iterations)
{
	for (u64 i = 0; i < iterations; i++)
		__asm__ volatile("" : "+r"(i));
}

/* Requests are counted as they begin; the seq of a queue says which one this is. */
static struct measure_stamp *stamp_of(const struct rdev_req *req)
{
	return measure_file && req->queue == 0 && req->seq < MEASURE_ROOM
		       ? &measure_file->stamp[req->seq]
		       : NULL;
}

static void measure_done(struct rdev_req *req)
{
	struct measure_stamp *s = stamp_of(req);

	if (s)
		s->end = counter();
	req->done = active->done;
	req->done(req);
}

static void measure_serve(struct rdev *dev, struct rdev_req *req)
{
	struct measure *m = (struct measure *)dev;
	struct measure_stamp *s = stamp_of(req);

	if (s) {
		*s = (struct measure_stamp){ .begin = counter() };
		measure_file->count = req->seq + 1;
	}
	m->done = req->done;
	req->done = measure_done;
	burn(m->burn);
	m->through.below->ops->serve(m->through.below, req);
}

void measure_call_slow(void)
{
	const u64 last = measure_file->count - 1;

	measure_file->calls++;
	if (measure_file->count && last < MEASURE_ROOM)
		measure_file->stamp[last].call = counter();
}

static int map_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	void *at;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, sizeof(*measure_file))) {
		close(fd);
		return -1;
	}
	/* Populated, since a page that is touched first while a request is measured would cost it. */
	at = mmap(NULL, sizeof(*measure_file), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		  fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return -1;
	measure_file = at;
	for (size_t i = 0; i < sizeof(*measure_file); i += 4096)
		((volatile u8 *)at)[i] = 0;
	measure_file->magic = MEASURE_MAGIC;
	return 0;
}

struct rdev *measure_init(struct measure *m, struct rdev *under, const char *stamps, u64 iterations)
{
	*m = (struct measure){ .burn = iterations };
	rthrough_init(&m->through, under);
	m->through.ops.serve = measure_serve;
	active = m;
	return stamps && map_file(stamps) ? NULL : &m->through.dev;
}
