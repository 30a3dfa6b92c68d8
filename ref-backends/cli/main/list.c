// SPDX-License-Identifier: BSD-3-Clause
/* What ringside-backend(1) tells of itself. */
#include "ref-backends/cli/main/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ref-backends/cli/device/device.h"
#include "ref-backends/fault/fault.h"

static int by_name(const void *a, const void *b)
{
	const struct fault *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

int list_faults(bool json)
{
	size_t n = (size_t)(__stop_rb_faults - __start_rb_faults);
	const struct fault **sorted = malloc(n * sizeof(*sorted));
	json_t *list = json_array();

	if (!sorted || !list) {
		free(sorted);
		return 1;
	}
	memcpy(sorted, __start_rb_faults, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n; i++) {
		const struct fault *f = sorted[i];

		if (!json)
			printf("%-36s %-44s %s\n", f->name, f->clause, f->summary);
		else
			json_array_append_new(list,
					      json_pack("{s:s, s:s, s:s, s:s*}", "name", f->name,
							"clause", f->clause, "summary", f->summary,
							"transport", f->transport));
	}
	if (json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(list);
	free(sorted);
	return fflush(stdout) ? 1 : 0;
}

int list_devices(void)
{
	for (unsigned i = 0; cli_devices[i]; i++)
		puts(cli_devices[i]->name);
	return fflush(stdout) ? 1 : 0;
}

int print_capabilities(void)
{
	puts("{\"type\": \"block\", \"features\": [\"read-only\", \"blk-file\"]}");
	return fflush(stdout) ? 1 : 0;
}
