// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/fault/fault.h"

#include <string.h>

const struct fault *fault_active;

const struct fault *fault_find(const char *name)
{
	for_each_fault (f)
		if (strcmp((*f)->name, name) == 0)
			return *f;
	return NULL;
}
