// SPDX-License-Identifier: BSD-3-Clause
#include "traces/stage/threads.h"

#include <string.h>

unsigned threads_who(const struct threads *t, u32 pid)
{
	for (u32 i = 0; i < t->head->processes; i++) {
		const struct kernel_process *p = &t->head->process[i];

		if (p->pid != pid || !pid)
			continue;
		if (p->role & KERNEL_BACK_END)
			return STAGE_BACK_END;
		return p->role & KERNEL_FRONT_END ? STAGE_FRONT_END : STAGE_DRIVER;
	}
	return STAGE_WHOS;
}

static u32 place(u32 tid)
{
	return tid * 2654435761u >> 16 & (THREADS - 1);
}

struct thread *threads_find(struct threads *t, u32 tid)
{
	for (u32 i = place(tid);; i = (i + 1) & (THREADS - 1)) {
		if (!t->thread[i].tid || !tid)
			return NULL;
		if (t->thread[i].tid == tid)
			return &t->thread[i];
	}
}

struct thread *threads_get(struct threads *t, u32 tid, unsigned who)
{
	struct thread *th = threads_find(t, tid);
	u32 i = place(tid);

	/* A free place is what ends a search. */
	if (th || !tid || t->used == THREADS - 1)
		return th;
	while (t->thread[i].tid)
		i = (i + 1) & (THREADS - 1);
	t->used++;
	t->thread[i] = (struct thread){ .tid = tid, .who = (u8)who };
	return &t->thread[i];
}

static bool is_recorder(const struct threads *t, u32 tid)
{
	for (unsigned i = 0; i < ARRAY_SIZE(t->head->recorder); i++)
		if (t->head->recorder[i] == tid && tid)
			return true;
	return false;
}

/* Whoever leaves without having to will be back. */
static void leave(struct threads *t, const struct kernel_event *e)
{
	const unsigned who = threads_who(t, e->pid);
	struct thread *th =
		who < STAGE_WHOS && !is_recorder(t, e->tid) ? threads_get(t, e->tid, who) : NULL;

	if (!th)
		return;
	th->running = false;
	th->doorbell_ns = 0;
	th->wants_ns = e->what ? 0 : e->ns;
}

struct thread *threads_on_event(struct threads *t, const struct kernel_event *e, u64 *waited)
{
	struct thread *th;
	unsigned who;

	switch (e->kind) {
	case KERNEL_WAKEUP:
		who = threads_who(t, (u32)e->b);
		th = who < STAGE_WHOS && !is_recorder(t, e->a) ? threads_get(t, e->a, who) : NULL;
		if (th && !th->running && !th->wants_ns)
			th->wants_ns = e->ns;
		return NULL;
	case KERNEL_SWITCH:
		leave(t, e);
		th = threads_find(t, e->a);
		if (!th)
			return NULL;
		th->running = true;
		if (!th->wants_ns)
			return NULL;
		*waited = e->ns > th->wants_ns ? e->ns - th->wants_ns : 0;
		th->wants_ns = 0;
		return th;
	default:
		return NULL;
	}
}
