/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef REF_BACKENDS_CLI_MAIN_LIST_H
#define REF_BACKENDS_CLI_MAIN_LIST_H

#include "harness/spec/types.h"

/* The faults, sorted by name, on stdout. The exit status. */
int list_faults(bool json);
int list_devices(void);
/* As QEMU's vhost-user.json has it. */
int print_capabilities(void);

#endif
