// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/loop/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int rloop_open(struct rloop *l, struct rreg *regs)
{
	*l = (struct rloop){ .regs = regs };
	if (reactor_init_plain(&l->reactor))
		return -1;
	pthread_mutex_init(&l->lock, NULL);
	l->open = true;
	return 0;
}

void rloop_close(struct rloop *l)
{
	rloop_stop(l);
	if (!l->open)
		return;
	reactor_exit(&l->reactor);
	pthread_mutex_destroy(&l->lock);
	l->open = false;
}

/* Consumed; `revents` then says whose there was one. */
static bool take_kicks(const struct rloop *l, struct pollfd *p)
{
	bool any = false;
	u64 value;

	for (u16 i = 0; i < l->num_kicks; i++) {
		if (p[i].revents && read(p[i].fd, &value, sizeof(value)) != sizeof(value))
			p[i].revents = 0;
		any |= p[i].revents;
	}
	return any;
}

static void serve_kicks(struct rloop *l, const struct pollfd *p)
{
	for (u16 i = 0; i < l->num_kicks; i++) {
		if (!p[i].revents)
			continue;
		__atomic_store_n(&l->kicks, l->kicks + 1, __ATOMIC_RELAXED);
		rreg_kick(l->regs, i);
	}
}

static bool any(const struct pollfd *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (p[i].revents)
			return true;
	return false;
}

static void serve_rest(struct rloop *l)
{
	while (rreg_pending(l->regs)) {
		/* Others may have their turn: the guest runs meanwhile, and may go on adding. */
		pthread_mutex_unlock(&l->lock);
		pthread_mutex_lock(&l->lock);
		rreg_run(l->regs);
	}
}

static void *run(void *arg)
{
	struct rloop *l = arg;
	const u16 kicks = l->num_kicks;
	struct pollfd *p = calloc(kicks + REACTOR_WATCHES_MAX, sizeof(*p));

	if (!p)
		abort();
	for (u16 i = 0; i < kicks; i++)
		p[i] = (struct pollfd){ .fd = l->kick[i], .events = POLLIN };
	pthread_mutex_lock(&l->lock);
	while (!l->quit) {
		const unsigned watched = reactor_listen(&l->reactor, p + kicks);
		bool kicked;
		int n;

		pthread_mutex_unlock(&l->lock);
		n = poll(p, kicks + watched, -1);
		kicked = n > 0 && take_kicks(l, p);
		pthread_mutex_lock(&l->lock);
		if (kicked)
			serve_kicks(l, p);
		if (n > 0 && any(p + kicks, watched))
			reactor_poll(&l->reactor);
		serve_rest(l);
	}
	pthread_mutex_unlock(&l->lock);
	free(p);
	return NULL;
}

int rloop_start(struct rloop *l, const int *kick, u16 num_kicks)
{
	sigset_t all, old;
	int error;

	/* The reactor's own wake-up is the only one. */
	if (!num_kicks && !l->reactor.watches->next)
		return 0;
	l->kick = kick;
	l->num_kicks = num_kicks;
	l->quit = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&l->thread, NULL, run, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	l->runs = !error;
	errno = error;
	return error ? -1 : 0;
}

void rloop_stop(struct rloop *l)
{
	if (!l->runs)
		return;
	pthread_mutex_lock(&l->lock);
	l->quit = true;
	pthread_mutex_unlock(&l->lock);
	reactor_wake(&l->reactor);
	pthread_join(l->thread, NULL);
	l->runs = false;
}

void rloop_enter(struct rloop *l)
{
	pthread_mutex_lock(&l->lock);
}

void rloop_leave(struct rloop *l)
{
	bool wake;

	/* The guest stands still meanwhile: this ends. */
	while (rreg_pending(l->regs))
		rreg_run(l->regs);
	wake = l->runs && reactor_unheard(&l->reactor);
	pthread_mutex_unlock(&l->lock);
	if (wake)
		reactor_wake(&l->reactor);
}

void rloop_resized(struct rloop *l)
{
	rloop_enter(l);
	rreg_resized(l->regs);
	rloop_leave(l);
}
