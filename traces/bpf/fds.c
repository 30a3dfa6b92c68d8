// SPDX-License-Identifier: BSD-3-Clause
#include "traces/bpf/fds.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool kernel_add_process(struct kernel_file *f, u32 pid, u32 role)
{
	struct kernel_process *p;
	char path[64];
	FILE *comm;

	for (u32 i = 0; i < f->processes; i++) {
		if (f->process[i].pid != pid)
			continue;
		f->process[i].role |= role;
		return true;
	}
	if (f->processes == KERNEL_PROCESSES)
		return false;
	p = &f->process[f->processes++];
	*p = (struct kernel_process){ .pid = pid, .role = role };
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	comm = fopen(path, "re");
	if (comm && fgets(p->name, sizeof(p->name), comm))
		p->name[strcspn(p->name, "\n")] = '\0';
	if (comm)
		fclose(comm);
	return true;
}

/* The kernel's number of an event descriptor; -1: it is none, or the kernel does not tell (before 5.2). */
static long eventfd_id(const char *pid, const char *fd)
{
	char path[600], line[128];
	long id = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	f = fopen(path, "re");
	while (f && id < 0 && fgets(line, sizeof(line), f))
		if (strncmp(line, "eventfd-id:", 11) == 0)
			id = strtol(line + 11, NULL, 10);
	if (f)
		fclose(f);
	return id;
}

typedef bool fd_fn(void *arg, u32 fd, u32 id);

/* All event descriptors of a process, until `fn` says no. False: it cannot be looked at. */
static bool each_eventfd(const char *pid, fd_fn *fn, void *arg)
{
	struct dirent *d;
	char path[300], link[600], to[64];
	bool go_on = true;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && go_on && (d = readdir(dir)) != NULL) {
		ssize_t n;
		long id;

		if (d->d_name[0] == '.')
			continue;
		/* Of most descriptors their name says that they are something else. */
		snprintf(link, sizeof(link), "%s/%s", path, d->d_name);
		n = readlink(link, to, sizeof(to) - 1);
		to[MAX(n, 0)] = '\0';
		if (!strstr(to, "[eventfd"))
			continue;
		id = eventfd_id(pid, d->d_name);
		if (id >= 0)
			go_on = fn(arg, (u32)strtoul(d->d_name, NULL, 10), (u32)id);
	}
	if (dir)
		closedir(dir);
	return dir != NULL;
}

struct search {
	struct kernel_file *f;
	u32 pid;
	/* Of this process, which drives the back-end. */
	long *kick, *call;
	unsigned queues;
	/* Of the back-end, when others are looked at. */
	u32 *id;
	bool *shared;
	u32 *fd;
	unsigned ids;
	u32 other; /* who is looked at */
	bool hit;
};

static bool known(const struct kernel_file *f, u32 pid, u32 fd, u32 id)
{
	for (u32 i = 0; i < f->fds; i++)
		if (f->fd[i].pid == pid && f->fd[i].fd == fd && f->fd[i].id == id)
			return true;
	return false;
}

static void add(struct search *s, u32 pid, u32 fd, u32 id, u16 queue, enum kernel_fd_role role)
{
	if (s->f->fds < KERNEL_FDS && !known(s->f, pid, fd, id))
		s->f->fd[s->f->fds++] = (struct kernel_fd){
			.pid = pid, .fd = fd, .queue = queue, .role = (u8)role, .id = id
		};
}

/* One of the back-end's: of which of our queues is it? */
static bool match(void *arg, u32 fd, u32 id)
{
	struct search *s = arg;

	for (unsigned i = 0; i < s->queues; i++) {
		if (s->kick[i] == (long)id)
			add(s, s->pid, fd, id, (u16)i, KERNEL_FD_KICK);
		if (s->call[i] == (long)id)
			add(s, s->pid, fd, id, (u16)i, KERNEL_FD_CALL);
	}
	return true;
}

static bool collect(void *arg, u32 fd, u32 id)
{
	struct search *s = arg;

	s->fd[s->ids] = fd;
	s->id[s->ids++] = id;
	return s->ids < KERNEL_FDS;
}

static bool mark_shared(void *arg, u32 fd, u32 id)
{
	struct search *s = arg;

	for (unsigned i = 0; i < s->ids; i++) {
		if (s->id[i] != id)
			continue;
		s->shared[i] = true;
		s->hit = true;
		add(s, s->other, fd, id, KERNEL_NO_QUEUE, KERNEL_FD_SHARED);
	}
	return true;
}

static int by_queues(struct search *s, const char *pid, const struct kernel_queue *queue)
{
	char fd[16];

	for (unsigned i = 0; i < s->queues; i++) {
		snprintf(fd, sizeof(fd), "%d", queue[i].kick);
		s->kick[i] = eventfd_id("self", fd);
		snprintf(fd, sizeof(fd), "%d", queue[i].call);
		s->call[i] = eventfd_id("self", fd);
	}
	return each_eventfd(pid, match, s) ? 0 : -1;
}

/* The back-end's own event descriptors nobody else has. */
static void by_sharing(struct search *s)
{
	struct dirent *d;
	DIR *proc = opendir("/proc");

	while (proc && (d = readdir(proc)) != NULL) {
		const u32 other = (u32)strtoul(d->d_name, NULL, 10);

		if (!other || other == s->pid)
			continue;
		s->hit = false;
		s->other = other;
		each_eventfd(d->d_name, mark_shared, s);
		if (s->hit)
			kernel_add_process(s->f, other, KERNEL_FRONT_END);
	}
	if (proc)
		closedir(proc);
	for (unsigned i = 0; i < s->ids; i++)
		if (s->shared[i])
			add(s, s->pid, s->fd[i], s->id[i], KERNEL_NO_QUEUE, KERNEL_FD_SHARED);
}

static int refuse(u32 pid, char *err, size_t len)
{
	snprintf(err, len, "cannot look at process %u: %s", pid, strerror(errno));
	return -1;
}

int kernel_match_fds(struct kernel_file *f, u32 pid, const struct kernel_queue *queue,
		     unsigned queues, char *err, size_t len)
{
	long kick[KERNEL_FDS / 2], call[KERNEL_FDS / 2];
	struct search s = {
		.f = f,
		.pid = pid,
		.kick = kick,
		.call = call,
		.queues = MIN(queues, KERNEL_FDS / 2),
	};
	char name[16];

	snprintf(name, sizeof(name), "%u", pid);
	return by_queues(&s, name, queue) ? refuse(pid, err, len) : 0;
}

int kernel_find_fds(struct kernel_file *f, u32 pid, u64 *seen, char *err, size_t len)
{
	u32 id[KERNEL_FDS], fd[KERNEL_FDS];
	bool shared[KERNEL_FDS] = { false };
	struct search s = { .f = f, .pid = pid, .id = id, .fd = fd, .shared = shared };
	u64 sum = 1;
	char name[16];

	snprintf(name, sizeof(name), "%u", pid);
	if (!each_eventfd(name, collect, &s))
		return refuse(pid, err, len);
	for (unsigned i = 0; i < s.ids; i++)
		sum = (sum ^ fd[i] ^ (u64)id[i] << 32) * 0x9e3779b97f4a7c15u;
	if (sum != *seen)
		by_sharing(&s);
	*seen = sum;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct kernel_fd *x = a, *y = b;

	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

/* What is the same descriptor in another process is so there, too. */
static void name_others(struct kernel_file *f, u32 pid)
{
	for (u32 i = 0; i < f->fds; i++) {
		for (u32 k = 0; f->fd[i].pid != pid && k < f->fds; k++) {
			if (f->fd[k].pid != pid || f->fd[k].id != f->fd[i].id)
				continue;
			f->fd[i].role = f->fd[k].role;
			f->fd[i].queue = f->fd[k].queue;
		}
	}
}

/* How many other calls were written more, or as much and come before it? */
static u32 rank_of(const struct kernel_file *f, u32 pid, const struct kernel_fd_use *use, u32 fd)
{
	u32 n = 0, last = UINT32_MAX;

	for (u32 i = 0; i < f->fds; i++) {
		const u32 other = f->fd[i].fd;

		if (f->fd[i].pid != pid || f->fd[i].role != KERNEL_FD_CALL || other == last)
			continue;
		last = other;
		n += use[other].written > use[fd].written ||
		     (other < fd && use[other].written == use[fd].written);
	}
	return n;
}

/* The same number again is another descriptor, of the same queue. */
static void number(struct kernel_file *f, u32 pid, enum kernel_fd_role role, u16 most,
		   const struct kernel_fd_use *use)
{
	u32 last = UINT32_MAX;
	u16 next = 0;

	for (u32 i = 0; i < f->fds; i++) {
		struct kernel_fd *fd = &f->fd[i];

		if (fd->pid != pid || fd->role != role || fd->queue != KERNEL_NO_QUEUE ||
		    (role == KERNEL_FD_CALL && rank_of(f, pid, use, fd->fd) >= most))
			continue;
		next += fd->fd != last;
		last = fd->fd;
		fd->queue = (u16)(next - 1);
	}
}

void kernel_name_fds(struct kernel_file *f, u32 pid, const struct kernel_fd_use *use)
{
	u32 last = UINT32_MAX;
	u16 kicks = 0;

	/* What a driver told has names. */
	for (u32 i = 0; i < f->fds; i++)
		if (f->fd[i].queue != KERNEL_NO_QUEUE)
			return;
	qsort(f->fd, f->fds, sizeof(f->fd[0]), by_number);
	for (u32 i = 0; i < f->fds; i++) {
		struct kernel_fd *fd = &f->fd[i];

		if (fd->pid != pid || fd->role != KERNEL_FD_SHARED || fd->fd >= KERNEL_FD_NUMBERS)
			continue;
		/* A number may have been another descriptor's for a while. */
		if (use[fd->fd].read > 8ull * use[fd->fd].written)
			fd->role = KERNEL_FD_KICK;
		else if (use[fd->fd].written > 8ull * use[fd->fd].read)
			fd->role = KERNEL_FD_CALL;
		kicks += fd->role == KERNEL_FD_KICK && fd->fd != last;
		last = fd->fd;
	}
	number(f, pid, KERNEL_FD_KICK, kicks, use);
	number(f, pid, KERNEL_FD_CALL, kicks, use);
	name_others(f, pid);
}
