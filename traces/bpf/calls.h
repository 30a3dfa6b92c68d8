/* SPDX-License-Identifier: BSD-3-Clause */
/* System calls: their numbers on this machine, and their names. */
#ifndef TRACES_BPF_CALLS_H
#define TRACES_BPF_CALLS_H

#include "traces/bpf/event.h"

/* enum kernel_call of each number. */
void kernel_calls(u8 call_of[KERNEL_NUMBERS]);
/* "read", "io_uring_enter", …; "?" for none. */
const char *kernel_call_name(unsigned call);

#endif
