/* SPDX-License-Identifier: BSD-3-Clause */
/* What /proc tells of a target's process. */
#ifndef HARNESS_TRANSPORT_HOST_PROCESS_H
#define HARNESS_TRANSPORT_HOST_PROCESS_H

#include <sys/types.h>

#include "harness/transport/transport.h"

/* TP_OK, or TP_EUNSUPPORTED when the process cannot be looked at. */
int process_look(pid_t pid, struct tp_process *p);

#endif
