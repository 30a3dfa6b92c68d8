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
static bool each_eventfd(u32 process, fd_fn *fn, void *arg)
{
	struct dirent *d;
	char pid[16], path[64], link[600], to[64];
	bool go_on = true;
	DIR *dir;

	snprintf(pid, sizeof(pid), "%u", process);
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
	struct {
		u32 fd, id;
		bool shared;
	} own[KERNEL_FDS];
	unsigned owns;
	u64 sum;   /* of what it has, and of what those have that are known to share it */
	u32 other; /* who is looked at */
	bool hit;
};

static bool known(const struct kernel_file *f, u32 pid, u32 fd, u32 own)
{
	for (u32 i = 0; i < f->fds; i++)
		if (f->fd[i].pid == pid && f->fd[i].fd == fd && f->fd[i].own == own)
			return true;
	return false;
}

/* `own`: its number in the back-end. The kernel's is no name for it: that is somebody else's once it is closed. */
static void add(struct search *s, u32 pid, u32 fd, u32 own, u16 queue, enum kernel_fd_role role)
{
	if (s->f->fds < KERNEL_FDS && !known(s->f, pid, fd, own))
		s->f->fd[s->f->fds++] = (struct kernel_fd){
			.pid = pid, .fd = fd, .queue = queue, .role = (u8)role, .own = own
		};
}

/* One of the back-end's: of which of our queues is it? */
static bool match(void *arg, u32 fd, u32 id)
{
	struct search *s = arg;

	for (unsigned i = 0; i < s->queues; i++) {
		if (s->kick[i] == (long)id)
			add(s, s->pid, fd, fd, (u16)i, KERNEL_FD_KICK);
		if (s->call[i] == (long)id)
			add(s, s->pid, fd, fd, (u16)i, KERNEL_FD_CALL);
	}
	return true;
}

static void sum_up(struct search *s, u64 value)
{
	s->sum = (s->sum ^ value) * 0x9e3779b97f4a7c15u;
}

static bool sum_up_fd(void *arg, u32 fd, u32 id)
{
	sum_up(arg, fd ^ (u64)id << 32);
	return true;
}

static bool collect(void *arg, u32 fd, u32 id)
{
	struct search *s = arg;

	s->own[s->owns].fd = fd;
	s->own[s->owns++].id = id;
	sum_up_fd(s, fd, id);
	return s->owns < KERNEL_FDS;
}

static bool mark_shared(void *arg, u32 fd, u32 id)
{
	struct search *s = arg;

	for (unsigned i = 0; i < s->owns; i++) {
		if (s->own[i].id != id)
			continue;
		s->own[i].shared = true;
		s->hit = true;
		add(s, s->other, fd, s->own[i].fd, KERNEL_NO_QUEUE, KERNEL_FD_SHARED);
	}
	return true;
}

static int by_queues(struct search *s, const struct kernel_queue *queue)
{
	char fd[16];

	for (unsigned i = 0; i < s->queues; i++) {
		snprintf(fd, sizeof(fd), "%d", queue[i].kick);
		s->kick[i] = eventfd_id("self", fd);
		snprintf(fd, sizeof(fd), "%d", queue[i].call);
		s->call[i] = eventfd_id("self", fd);
	}
	return each_eventfd(s->pid, match, s) ? 0 : -1;
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
		each_eventfd(other, mark_shared, s);
		if (s->hit)
			kernel_add_process(s->f, other, KERNEL_FRONT_END);
	}
	if (proc)
		closedir(proc);
	for (unsigned i = 0; i < s->owns; i++)
		if (s->own[i].shared)
			add(s, s->pid, s->own[i].fd, s->own[i].fd, KERNEL_NO_QUEUE,
			    KERNEL_FD_SHARED);
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

	return by_queues(&s, queue) ? refuse(pid, err, len) : 0;
}

int kernel_find_fds(struct kernel_file *f, u32 pid, u64 *seen, char *err, size_t len)
{
	struct search s = { .f = f, .pid = pid, .sum = 1 };

	if (!each_eventfd(pid, collect, &s))
		return refuse(pid, err, len);
	/* Of one that is gone there are none. */
	for (u32 i = 0; i < f->processes; i++) {
		if (!(f->process[i].role & KERNEL_FRONT_END))
			continue;
		sum_up(&s, f->process[i].pid);
		each_eventfd(f->process[i].pid, sum_up_fd, &s);
	}
	if (s.sum != *seen)
		by_sharing(&s);
	*seen = s.sum;
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
			if (f->fd[k].pid != pid || f->fd[k].fd != f->fd[i].own)
				continue;
			f->fd[i].role = f->fd[k].role;
			f->fd[i].queue = f->fd[k].queue;
		}
	}
}

/* How many other calls were written more, or as much and come before it? */
static u32 rank_of(const struct kernel_file *f, u32 pid, const struct kernel_fd_use *use, u32 fd)
{
	u32 n = 0;

	for (u32 i = 0; i < f->fds; i++) {
		const u32 other = f->fd[i].fd;

		if (f->fd[i].pid != pid || f->fd[i].role != KERNEL_FD_CALL)
			continue;
		n += use[other].written > use[fd].written ||
		     (other < fd && use[other].written == use[fd].written);
	}
	return n;
}

static void number(struct kernel_file *f, u32 pid, enum kernel_fd_role role, u16 most,
		   const struct kernel_fd_use *use)
{
	u16 next = 0;

	for (u32 i = 0; i < f->fds; i++) {
		struct kernel_fd *fd = &f->fd[i];

		if (fd->pid != pid || fd->role != role || fd->queue != KERNEL_NO_QUEUE ||
		    (role == KERNEL_FD_CALL && rank_of(f, pid, use, fd->fd) >= most))
			continue;
		fd->queue = next++;
	}
}

void kernel_name_fds(struct kernel_file *f, u32 pid, const struct kernel_fd_use *use)
{
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
		kicks += fd->role == KERNEL_FD_KICK;
	}
	number(f, pid, KERNEL_FD_KICK, kicks, use);
	number(f, pid, KERNEL_FD_CALL, kicks, use);
	name_others(f, pid);
}
