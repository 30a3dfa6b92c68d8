// SPDX-License-Identifier: BSD-3-Clause
#include "harness/module/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int library_load(struct library *l, const char *path, char *error, size_t room)
{
	const struct ringside_module *(*get)(void) = NULL;
	const struct ringside_module *m;
	void *symbol;

	memset(l, 0, sizeof(*l));
	l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	symbol = l->handle ? dlsym(l->handle, "ringside_module") : NULL;
	if (!symbol) {
		snprintf(error, room, "%s", dlerror());
		library_unload(l);
		return -1;
	}
	/* What POSIX guarantees and C has no cast for. */
	memcpy(&get, &symbol, sizeof(get));
	m = get();
	if (!m || m->abi != RINGSIDE_MODULE_ABI) {
		snprintf(error, room, "%s speaks version %u of the interface, and this program %u",
			 path, m ? m->abi : 0, RINGSIDE_MODULE_ABI);
	} else if (m->size < sizeof(*m) || !m->name || !m->device || !m->open || !m->session ||
		   !m->close) {
		snprintf(error, room,
			 "%s leaves out something that version %u of the interface has", path,
			 RINGSIDE_MODULE_ABI);
	} else {
		l->module = m;
		return 0;
	}
	library_unload(l);
	return -1;
}

void library_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
}

int library_open(struct library *l, int argc, char *const argv[], char *error, size_t room)
{
	sigset_t set;

	library_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	snprintf(error, room, "%s could not be made, and says nothing of it", l->module->name);
	l->self = l->module->open(argc, argv, error, room);
	return l->self ? 0 : -1;
}

void library_unload(struct library *l)
{
	if (l->self)
		l->module->close(l->self);
	if (l->handle)
		dlclose(l->handle);
	memset(l, 0, sizeof(*l));
}
