// SPDX-License-Identifier: BSD-3-Clause
/* A command line that is anything: what is understood is within its limits. */
#include <stdlib.h>
#include <string.h>

#include "harness/probe/job/job.h"
#include "harness/run/core/glob.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text = malloc(size + 1), error[64];
	struct jobs jobs;

	memcpy(text, data, size);
	text[size] = '\0';
	if (!job_parse(&jobs, text, error, sizeof(error)) && strlen(error) >= sizeof(error))
		abort();
	if (jobs.count > JOBS_MAX)
		abort();
	for (unsigned i = 0; i < jobs.count; i++) {
		const struct job *j = &jobs.job[i];

		/* A pattern may take long to match, as everywhere; short ones do not. */
		if (j->check_glob && strlen(j->check_glob) < 16)
			glob_match(j->check_glob, "split.used-len.in");
		if (j->bench.block_size < 512 || j->bench.depth > LOAD_DEPTH_MAX || j->device > 64)
			abort();
	}
	free(text);
	return 0;
}
