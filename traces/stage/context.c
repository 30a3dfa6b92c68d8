// SPDX-License-Identifier: BSD-3-Clause
/* The recording of the kernel's events once more, for what went on while some requests were under way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "traces/bpf/read.h"
#include "traces/stage/kernel.h"
#include "traces/stage/threads.h"

#define CPUS 1024

/* Who has a processor. */
struct holder {
	bool known;
	u32 tid;
	char name[KERNEL_NAME];
	u64 since;
};

struct contexts {
	struct kernel_reader *in;
	struct threads threads;
	struct holder holder[CPUS];
	const struct line *line;
	struct kernel_context *out;
	unsigned n;
	u64 from, to; /* of all lines */
};

/* How much of a stretch of time falls into a request's. */
static u64 overlap(const struct line *l, u64 from, u64 to)
{
	from = MAX(from, l->at[line_first(l)]);
	to = MIN(to, l->at[line_last(l)]);
	return to > from ? to - from : 0;
}

static void add(struct kernel_context *c, u16 cpu, const struct holder *h, u64 ns)
{
	unsigned least = 0;

	for (unsigned i = 0; i < c->rans; i++) {
		if (c->ran[i].cpu == cpu && c->ran[i].tid == h->tid) {
			c->ran[i].ns += ns;
			return;
		}
		if (c->ran[i].ns < c->ran[least].ns)
			least = i;
	}
	if (c->rans < KERNEL_RAN)
		least = c->rans++;
	else if (c->ran[least].ns >= ns)
		return;
	c->ran[least] = (struct kernel_ran){ .cpu = cpu, .tid = h->tid, .ns = ns };
	memcpy(c->ran[least].name, h->name, KERNEL_NAME);
}

static void on_switch(struct contexts *c, const struct kernel_event *e)
{
	struct holder *h;
	const u64 name[2] = { e->b, e->c };

	if (e->cpu >= CPUS)
		return;
	h = &c->holder[e->cpu];
	for (unsigned i = 0; h->known && i < c->n && e->ns > c->from && h->since < c->to; i++) {
		const struct line *l = &c->line[i];
		const u64 ns = overlap(l, h->since, e->ns);

		if (ns && (l->driver_cpu == e->cpu || l->back_cpu == e->cpu))
			add(&c->out[i], e->cpu, h, ns);
	}
	*h = (struct holder){ .known = true, .tid = e->a, .since = e->ns };
	memcpy(h->name, name, KERNEL_NAME);
	h->name[KERNEL_NAME - 1] = '\0';
}

static int by_time(const void *a, const void *b)
{
	const struct kernel_ran *x = a, *y = b;

	return x->ns > y->ns ? -1 : x->ns < y->ns;
}

static void walk(struct contexts *c)
{
	const struct kernel_event *e;

	while ((e = kernel_reader_next(c->in)) != NULL) {
		struct thread *th;
		u64 waited;

		if (e->kind == KERNEL_SWITCH)
			on_switch(c, e);
		th = threads_on_event(&c->threads, e, &waited);
		for (unsigned i = 0; th && i < c->n; i++)
			c->out[i].waited[th->who] += overlap(&c->line[i], e->ns - waited, e->ns);
	}
	for (unsigned i = 0; i < c->n; i++)
		qsort(c->out[i].ran, c->out[i].rans, sizeof(c->out[i].ran[0]), by_time);
}

int kernel_contexts(const char *path, const struct line *lines, unsigned n,
		    struct kernel_context **out, char *err, size_t len)
{
	struct contexts *c;
	struct stat st;
	int rc;

	*out = NULL;
	/* A single file is one of our buffers. */
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c) {
		snprintf(err, len, "out of memory");
		return -1;
	}
	rc = kernel_reader_open(&c->in, path, err, len);
	if (!rc && c->in && n) {
		c->threads.head = kernel_reader_head(c->in);
		c->line = lines;
		c->n = n;
		c->from = UINT64_MAX;
		for (unsigned i = 0; i < n; i++) {
			c->from = MIN(c->from, lines[i].at[line_first(&lines[i])]);
			c->to = MAX(c->to, lines[i].at[line_last(&lines[i])]);
		}
		c->out = *out = calloc(n, sizeof(**out));
		if (c->out)
			walk(c);
		else
			rc = -1;
	}
	if (rc && !*out && c->in)
		snprintf(err, len, "out of memory");
	kernel_reader_close(c->in);
	free(c);
	return rc;
}
