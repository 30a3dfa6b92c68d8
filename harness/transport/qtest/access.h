/* SPDX-License-Identifier: BSD-3-Clause */
/* The access interface over a running QEMU's qtest socket. */
#ifndef HARNESS_TRANSPORT_QTEST_ACCESS_H
#define HARNESS_TRANSPORT_QTEST_ACCESS_H

#include "harness/transport/qtest/qtest.h"

/* Fill in q->access for the machine that runs. 0, or -1 with one line in q->access.error. */
int qtest_access_init(struct qtest *q);

#endif
