// SPDX-License-Identifier: BSD-3-Clause
#include "traces/ring/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SOURCES	 64
#define TURN_US	 5000
#define MIN_TAKE 8 /* while it runs, less than this part of a ring stays where it is */

struct record_file {
	FILE *f;
	struct buffer_file head;
};

struct source {
	struct buffer_file *file;
	size_t bytes;
	bool mapped; /* by us */
	int lock;    /* there is one recorder at a time; -1: it is our own buffer */
	struct record_file *out;
	/* A writer may change its header, so what counts is as it was at first. */
	u32 header_bytes, ring_events, rings, counter;
	u64 lost;
};

struct recording {
	char *dir;
	struct source source[SOURCES];
	unsigned sources;
	pthread_t thread;
	bool running;
	int stop; /* atomic */
	u32 tid;  /* atomic: of the thread */
	int error;
};

/* --- files ------------------------------------------------------------------------------------------ */

struct record_file *record_file_new(const char *dir, const char *name,
				    const struct buffer_file *head, char *err, size_t len)
{
	struct record_file *r = calloc(1, sizeof(*r));
	char path[4200];

	snprintf(path, sizeof(path), "%s/%s" RECORD_SUFFIX, dir, name);
	if (r)
		r->f = fopen(path, "wxe");
	if (!r || !r->f) {
		snprintf(err, len, "cannot make '%s': %s", path, strerror(errno));
		free(r);
		return NULL;
	}
	r->head = *head;
	r->head.ring_events = 0;
	r->head.header_bytes = sizeof(r->head);
	r->head.on = 0;
	if (fwrite(&r->head, sizeof(r->head), 1, r->f) != 1) {
		snprintf(err, len, "cannot write '%s': %s", path, strerror(errno));
		fclose(r->f);
		free(r);
		return NULL;
	}
	return r;
}

int record_file_add(struct record_file *r, u32 ring, const struct trace_event *e, u32 n)
{
	const struct record_chunk c = { .magic = RECORD_CHUNK, .ring = ring, .events = n };

	if (fwrite(&c, sizeof(c), 1, r->f) != 1 || fwrite(e, sizeof(*e), n, r->f) != n)
		return -1;
	return 0;
}

int record_file_end(struct record_file *r, const struct buffer_file *head)
{
	int rc = 0;

	r->head = *head;
	r->head.ring_events = 0;
	r->head.header_bytes = sizeof(r->head);
	r->head.on = 0;
	if (fseek(r->f, 0, SEEK_SET) || fwrite(&r->head, sizeof(r->head), 1, r->f) != 1)
		rc = -1;
	if (fclose(r->f))
		rc = -1;
	free(r);
	return rc;
}

/* --- finding buffers --------------------------------------------------------------------------------- */

static bool plausible(const struct buffer_file *f, size_t bytes)
{
	return bytes >= sizeof(*f) && memcmp(f->magic, BUFFER_MAGIC, sizeof(f->magic)) == 0 &&
	       f->version == BUFFER_VERSION && f->rings <= BUFFER_RINGS && f->ring_events &&
	       f->ring_events <= 1u << 24 && !(f->ring_events & (f->ring_events - 1)) &&
	       f->header_bytes >= sizeof(*f) && f->header_bytes % 64 == 0 &&
	       f->header_bytes <= bytes &&
	       (bytes - f->header_bytes) / sizeof(struct trace_event) >=
		       (size_t)f->rings * f->ring_events;
}

static int add_source(struct recording *r, struct buffer_file *file, size_t bytes, bool mapped,
		      char *err, size_t len)
{
	static const char *const actors[BUFFER_ACTORS] = { "back-end", "driver", "monitor" };
	struct source *s = &r->source[r->sources];
	char name[64];

	if (r->sources == SOURCES) {
		snprintf(err, len, "more than %d buffers", SOURCES);
		return -1;
	}
	*s = (struct source){
		.file = file,
		.bytes = bytes,
		.mapped = mapped,
		.lock = -1,
		.header_bytes = file->header_bytes,
		.ring_events = file->ring_events,
		.rings = file->rings,
		.counter = file->counter,
	};
	snprintf(name, sizeof(name), "%s-%u-%u", actors[MIN(file->actor, BUFFER_ACTORS - 1u)],
		 file->pid, r->sources);
	s->out = record_file_new(r->dir, name, file, err, len);
	if (!s->out)
		return -1;
	r->sources++;
	return 0;
}

/* 1: it is one and was added, 0: it is none, -1. */
static int add_descriptor(struct recording *r, const char *path, char *err, size_t len)
{
	struct buffer_file *f;
	struct stat st;
	char magic[8];
	int fd, rc = 0;

	/* Opening anything else might have effects. */
	if (stat(path, &st) || !S_ISREG(st.st_mode) || (size_t)st.st_size < sizeof(*f))
		return 0;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	    memcmp(magic, BUFFER_MAGIC, sizeof(magic)) == 0) {
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			snprintf(err, len, "somebody else records this back-end");
			close(fd);
			return -1;
		}
		f = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (f != MAP_FAILED && plausible(f, (size_t)st.st_size))
			rc = add_source(r, f, (size_t)st.st_size, true, err, len) ? -1 : 1;
		if (f != MAP_FAILED && rc != 1)
			munmap(f, (size_t)st.st_size);
	}
	if (rc == 1)
		r->source[r->sources - 1].lock = fd;
	else
		close(fd);
	return rc;
}

int record_add_process(struct recording *r, int pid, char *err, size_t len)
{
	char path[64];
	struct dirent *d;
	int found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir) {
		snprintf(err, len, "cannot look at process %d: %s", pid, strerror(errno));
		return -1;
	}
	while ((d = readdir(dir)) != NULL) {
		char link[400];
		int rc;

		if (d->d_name[0] == '.')
			continue;
		snprintf(link, sizeof(link), "%s/%s", path, d->d_name);
		rc = add_descriptor(r, link, err, len);
		if (rc < 0) {
			found = -1;
			break;
		}
		found += rc;
	}
	closedir(dir);
	return found;
}

int record_add(struct recording *r, struct buffer *b, char *err, size_t len)
{
	return add_source(r, b->file, b->bytes, false, err, len);
}

/* --- recording --------------------------------------------------------------------------------------- */

/* Take out what is there; while the writers run, only where there is much. */
static int take(struct source *s, bool all)
{
	for (u32 i = 0; i < s->rings; i++) {
		const struct trace_event *e =
			(const struct trace_event *)((u8 *)s->file + s->header_bytes) +
			(size_t)i * s->ring_events;
		struct trace_ends *ends = &s->file->ring[i].ends;
		u64 head = __atomic_load_n(&ends->head, __ATOMIC_ACQUIRE);
		u64 tail = ends->tail, n = head - tail;

		if (n > s->ring_events || (!all && n < s->ring_events / MIN_TAKE))
			continue;
		while (n) {
			u64 at = tail & (s->ring_events - 1);
			u64 part = MIN(n, s->ring_events - at);

			if (record_file_add(s->out, i, e + at, (u32)part))
				return errno;
			tail += part;
			n -= part;
			__atomic_store_n(&ends->tail, tail, __ATOMIC_RELEASE);
		}
	}
	return 0;
}

static void *run(void *arg)
{
	const struct timespec turn = { .tv_nsec = TURN_US * 1000 };
	struct recording *r = arg;

	__atomic_store_n(&r->tid, (u32)syscall(SYS_gettid), __ATOMIC_RELAXED);
	/* Where both sides keep all processors busy, it has to get one in time. Without the right to, never mind. */
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), -15);
	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		for (unsigned i = 0; i < r->sources && !r->error; i++)
			r->error = take(&r->source[i], false);
		nanosleep(&turn, NULL);
	}
	return NULL;
}

struct recording *record_open(const char *dir, char *err, size_t len)
{
	struct recording *r = calloc(1, sizeof(*r));
	struct dirent *d;
	bool empty = true;
	DIR *list;

	if (r)
		r->dir = strdup(dir);
	if (!r || !r->dir) {
		snprintf(err, len, "out of memory");
		goto fail;
	}
	if (mkdir(dir, 0777) && errno != EEXIST) {
		snprintf(err, len, "cannot make '%s': %s", dir, strerror(errno));
		goto fail;
	}
	list = opendir(dir);
	if (!list) {
		snprintf(err, len, "cannot read '%s': %s", dir, strerror(errno));
		goto fail;
	}
	while ((d = readdir(list)) != NULL)
		empty &= strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0;
	closedir(list);
	if (empty)
		return r;
	snprintf(err, len, "the folder '%s' is not empty", dir);
fail:
	record_close(r);
	return NULL;
}

static u64 lost_of(const struct source *s)
{
	u64 lost = __atomic_load_n(&s->file->lost, __ATOMIC_RELAXED);

	for (u32 i = 0; i < s->rings; i++)
		lost += __atomic_load_n(&s->file->ring[i].ends.lost, __ATOMIC_RELAXED);
	return lost;
}

int record_start(struct recording *r, char *err, size_t len)
{
	for (unsigned i = 0; i < r->sources; i++) {
		struct source *s = &r->source[i];

		s->lost = lost_of(s);
		/* What an earlier recorder has left. */
		for (u32 k = 0; k < s->rings; k++) {
			struct trace_ends *ends = &s->file->ring[k].ends;

			__atomic_store_n(&ends->tail,
					 __atomic_load_n(&ends->head, __ATOMIC_ACQUIRE),
					 __ATOMIC_RELEASE);
		}
		s->file->begin = buffer_moment(s->counter);
	}
	if (pthread_create(&r->thread, NULL, run, r)) {
		snprintf(err, len, "cannot start a thread");
		return -1;
	}
	r->running = true;
	for (unsigned i = 0; i < r->sources; i++)
		__atomic_store_n(&r->source[i].file->on, 1, __ATOMIC_RELEASE);
	return 0;
}

/* All files get their end. */
static int finish(struct recording *r, u64 *lost)
{
	int rc = r->error;

	*lost = 0;
	for (unsigned i = 0; i < r->sources; i++) {
		struct source *s = &r->source[i];
		struct buffer_file head = *s->file;

		if (!s->out)
			continue;
		if (!rc)
			rc = take(s, true);
		head.end = buffer_moment(s->counter);
		head.lost = lost_of(s) - s->lost;
		*lost += head.lost;
		errno = 0;
		if (record_file_end(s->out, &head) && !rc)
			rc = errno ? errno : EIO;
		s->out = NULL;
	}
	return rc;
}

int record_stop(struct recording *r, u64 *lost, char *err, size_t len)
{
	int rc;

	for (unsigned i = 0; i < r->sources; i++)
		__atomic_store_n(&r->source[i].file->on, 0, __ATOMIC_RELEASE);
	if (r->running) {
		__atomic_store_n(&r->stop, 1, __ATOMIC_RELEASE);
		pthread_join(r->thread, NULL);
		r->running = false;
	}
	rc = finish(r, lost);
	if (rc)
		snprintf(err, len, "cannot write the recording to '%s': %s", r->dir, strerror(rc));
	return rc ? -1 : 0;
}

u32 record_thread(const struct recording *r)
{
	return __atomic_load_n(&r->tid, __ATOMIC_RELAXED);
}

void record_close(struct recording *r)
{
	char err[200];
	u64 lost;

	if (!r)
		return;
	record_stop(r, &lost, err, sizeof(err));
	for (unsigned i = 0; i < r->sources; i++) {
		if (r->source[i].mapped)
			munmap(r->source[i].file, r->source[i].bytes);
		if (r->source[i].lock >= 0)
			close(r->source[i].lock);
	}
	free(r->dir);
	free(r);
}
