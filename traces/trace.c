// SPDX-License-Identifier: BSD-3-Clause
/* Linked into a back-end: finds the provider module and loads it when tracing is asked for. */
#include "traces/trace.h"

#include <stdio.h>

#ifdef RINGSIDE_HAVE_TRACE

const struct trace_ops *trace_ops;

#endif

#ifdef RINGSIDE_HAVE_LTTNG

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE "ringside-trace.so"

#ifdef __SANITIZE_THREAD__
/* LTTng's threads and ours meet under user-space RCU, which ThreadSanitizer does not know. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "race:liblttng-ust\n";
}
#endif

static int module_path(char *path, size_t len)
{
	const char *libexec = getenv("RINGSIDE_LIBEXEC");
	char exe[4000];
	char *slash;
	ssize_t n;
	int written;

	if (libexec) {
		written = snprintf(path, len, "%s/" MODULE, libexec);
		return written < (int)len ? 0 : -1;
	}
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n <= 0)
		return -1;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return -1;
	*slash = '\0';
	written = snprintf(path, len, "%s/../libexec/ringside/" MODULE, exe);
	return written < (int)len ? 0 : -1;
}

int trace_open(char *err, size_t len)
{
	const struct trace_ops *ops;
	char path[4200];
	void *module;

	if (trace_ops) {
		snprintf(err, len, "there is a tracer already");
		return -1;
	}
	if (module_path(path, sizeof(path))) {
		snprintf(err, len, "cannot tell where the trace provider is: set RINGSIDE_LIBEXEC");
		return -1;
	}
	/* RTLD_NODELETE: LTTng's threads run code of the module until the process ends. */
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!module) {
		snprintf(err, len, "cannot load the trace provider: %s", dlerror());
		return -1;
	}
	ops = dlsym(module, "ringside_trace_ops");
	if (!ops || ops->version != TRACE_OPS_VERSION) {
		snprintf(err, len, "'%s' is not the trace provider of this version", path);
		return -1;
	}
	trace_ops = ops;
	return 0;
}

#else

int trace_open(char *err, size_t len)
{
	snprintf(err, len, "built without LTTng-UST: install liblttng-ust-dev and build again");
	return -1;
}

#endif
