// SPDX-License-Identifier: BSD-3-Clause
#include "traces/bpf/read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Events that are out of order are so by what a few processors write while one is held up. */
#define WINDOW 4096

struct kernel_reader {
	FILE *f;
	struct kernel_file head;
	bool torn, ended;
	struct kernel_event heap[WINDOW + 1]; /* the earliest is the root */
	u32 n;
	struct kernel_event event;
};

static void swap(struct kernel_event *a, struct kernel_event *b)
{
	const struct kernel_event t = *a;

	*a = *b;
	*b = t;
}

static void push(struct kernel_reader *r, const struct kernel_event *e)
{
	u32 i = r->n++;

	r->heap[i] = *e;
	for (; i && r->heap[i].ns < r->heap[(i - 1) / 2].ns; i = (i - 1) / 2)
		swap(&r->heap[i], &r->heap[(i - 1) / 2]);
}

static void pop(struct kernel_reader *r, struct kernel_event *e)
{
	*e = r->heap[0];
	r->heap[0] = r->heap[--r->n];
	for (u32 i = 0;;) {
		u32 least = i;

		for (u32 c = 2 * i + 1; c <= 2 * i + 2 && c < r->n; c++)
			if (r->heap[c].ns < r->heap[least].ns)
				least = c;
		if (least == i)
			return;
		swap(&r->heap[i], &r->heap[least]);
		i = least;
	}
}

const struct kernel_event *kernel_reader_next(struct kernel_reader *r)
{
	struct kernel_event e;

	while (!r->ended && r->n < WINDOW) {
		const size_t n = fread(&e, 1, sizeof(e), r->f);

		if (n != sizeof(e)) {
			r->torn |= n != 0;
			r->ended = true;
		} else {
			push(r, &e);
		}
	}
	if (!r->n)
		return NULL;
	pop(r, &r->event);
	return &r->event;
}

static int fail(char *err, size_t len, const char *path, const char *why)
{
	snprintf(err, len, "cannot read '%s': %s", path, why);
	return -1;
}

static bool plausible(const struct kernel_file *h)
{
	if (h->version != KERNEL_VERSION || h->header_bytes != sizeof(*h) ||
	    h->event_bytes != sizeof(struct kernel_event) || h->processes > KERNEL_PROCESSES ||
	    h->fds > KERNEL_FDS)
		return false;
	for (u32 i = 0; i < h->processes; i++)
		if (!memchr(h->process[i].name, '\0', sizeof(h->process[i].name)))
			return false;
	return true;
}

/* 1: it is one, 0: it is something else. */
static int read_head(struct kernel_reader *r, const char *path, bool named, char *err, size_t len)
{
	const size_t n = fread(&r->head, 1, sizeof(r->head), r->f);

	if (n < sizeof(r->head.magic) ||
	    memcmp(r->head.magic, KERNEL_MAGIC, sizeof(r->head.magic)) != 0)
		return named ? fail(err, len, path, "it is no recording") : 0;
	if (n != sizeof(r->head) || !plausible(&r->head))
		return fail(err, len, path, "it is of another version of Ringside, or damaged");
	/* The recorder did not come to the end. */
	r->torn = !r->head.end_ns;
	return 1;
}

int kernel_reader_open(struct kernel_reader **out, const char *path, char *err, size_t len)
{
	struct kernel_reader *r;
	char file[4200];
	struct stat st;
	bool folder;
	int rc = -1;

	*out = NULL;
	if (stat(path, &st))
		return fail(err, len, path, strerror(errno));
	folder = S_ISDIR(st.st_mode);
	snprintf(file, sizeof(file), folder ? "%s/" KERNEL_FILE : "%s", path);
	r = calloc(1, sizeof(*r));
	if (!r)
		return fail(err, len, file, "out of memory");
	r->f = fopen(file, "re");
	if (r->f)
		rc = read_head(r, file, folder, err, len);
	else
		rc = folder && errno == ENOENT ? 0 : fail(err, len, file, strerror(errno));
	if (rc == 1) {
		*out = r;
		return 0;
	}
	kernel_reader_close(r);
	return rc;
}

void kernel_reader_close(struct kernel_reader *r)
{
	if (!r)
		return;
	if (r->f)
		fclose(r->f);
	free(r);
}

const struct kernel_file *kernel_reader_head(const struct kernel_reader *r)
{
	return &r->head;
}

bool kernel_reader_torn(const struct kernel_reader *r)
{
	return r->torn;
}
