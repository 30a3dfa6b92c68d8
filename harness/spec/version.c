// SPDX-License-Identifier: BSD-3-Clause
#include "harness/spec/version.h"

const char ringside_version[] = RINGSIDE_VERSION;
