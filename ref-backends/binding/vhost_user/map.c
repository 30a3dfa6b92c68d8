// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/vhost_user/map.h"

#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Memory slots, the dirty log and the in-flight region, old and new. */
#define MAX_MAPS 1100

/* What the handler may repair. Written by the thread of the session, read by the handler. */
static struct {
	uintptr_t start, end, page;
} maps[MAX_MAPS];
static int guard_fd = -1;
static bool vanished;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	(void)context;
	for (int i = 0; i < MAX_MAPS; i++) {
		uintptr_t start = __atomic_load_n(&maps[i].start, __ATOMIC_ACQUIRE);
		uintptr_t page = maps[i].page;
		u64 one = 1;

		if (!start || at < start || at >= maps[i].end)
			continue;
		if (mmap((void *)(at & ~(page - 1)), page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			break;
		__atomic_store_n(&vanished, true, __ATOMIC_RELEASE);
		if (write(guard_fd, &one, sizeof(one)) < 0) {
			/* EAGAIN: already awake. */
		}
		return;
	}
	/* Not ours: a bug. Die as without a handler. */
	signal(sig, SIG_DFL);
	raise(sig);
}

void vub_map_guard(int wake_fd)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	guard_fd = wake_fd;
	sigaction(SIGBUS, &sa, NULL);
}

bool vub_map_vanished(void)
{
	return __atomic_exchange_n(&vanished, false, __ATOMIC_ACQ_REL);
}

bool vub_map_guarded(const struct vub_map *m, uintptr_t page)
{
	for (int i = 0; i < MAX_MAPS; i++) {
		if (__atomic_load_n(&maps[i].start, __ATOMIC_RELAXED))
			continue;
		maps[i].end = (uintptr_t)m->map + m->map_len;
		maps[i].page = page;
		__atomic_store_n(&maps[i].start, (uintptr_t)m->map, __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

static void guard_remove(const struct vub_map *m)
{
	for (int i = 0; i < MAX_MAPS; i++)
		if (__atomic_load_n(&maps[i].start, __ATOMIC_RELAXED) == (uintptr_t)m->map)
			__atomic_store_n(&maps[i].start, 0, __ATOMIC_RELEASE);
}

/* Granularity of a mapping: huge pages where the file has them. */
static uintptr_t page_size(int fd, const struct stat *st)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC)
		return (uintptr_t)st->st_blksize;
	return (uintptr_t)sysconf(_SC_PAGESIZE);
}

const char *vub_map(struct vub_map *m, int fd, u64 offset, u64 size)
{
	struct stat st;
	u64 page, down;

	*m = (struct vub_map){ .grant_fd = -1 };
	if (fstat(fd, &st))
		return "not a descriptor";
	if (size == 0 || offset + size < offset || offset + size > INT64_MAX)
		return "empty or wrapping range";
	/* Only where the size means something: character devices have none. */
	if (S_ISREG(st.st_mode) && offset + size > (u64)st.st_size)
		return "range ends behind the end of the file";
	page = page_size(fd, &st);
	down = offset & ~(page - 1);
	m->map_len = ALIGN_UP(offset + size - down, page);
	m->map = mmap(NULL, m->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		      (off_t)down);
	if (m->map == MAP_FAILED) {
		m->map = NULL;
		return "descriptor cannot be mapped";
	}
	if (!vub_map_guarded(m, page)) {
		munmap(m->map, m->map_len);
		m->map = NULL;
		return "too many mappings";
	}
	/* A core dump of a back-end need not hold the guest. */
	madvise(m->map, m->map_len, MADV_DONTDUMP);
	m->at = (u8 *)m->map + (offset - down);
	return NULL;
}

void vub_unmap(struct vub_map *m)
{
	if (!m->map)
		return;
	guard_remove(m);
	munmap(m->map, m->map_len);
	if (m->grants)
		vub_grants_return(m);
	*m = (struct vub_map){ .grant_fd = -1 };
}
