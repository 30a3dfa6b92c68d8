// SPDX-License-Identifier: BSD-3-Clause
/* Device types of small messages, which have no options. */
#include "ref-backends/device/message.h"
#include "ref-backends/cli/device/device.h"

#define DEVICE(ident, called, queues)                                                              \
	static int ident##_run(const struct cli_place *place)                                      \
	{                                                                                          \
		struct rmessage m;                                                                 \
                                                                                                   \
		rmessage_init(&m, &ident##_ops, &ident##_message, queues);                         \
		return place->serve(place, &m.dev);                                                \
	}                                                                                          \
	const struct cli_device cli_##ident = { .name = called, .run = ident##_run }

DEVICE(fs, "fs", 2);
DEVICE(snd, "sound", 4);
DEVICE(gpu, "gpu", 2);
DEVICE(input, "input", 2);
DEVICE(can, "can", 3);
DEVICE(spi, "spi", 1);
DEVICE(scsi, "scsi", 3);
