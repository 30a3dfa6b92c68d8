// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/vehicle.h"

static const struct vehicle *const vehicles[] = {
	&blk_vehicle,	&fs_vehicle,  &snd_vehicle, &gpu_vehicle,
	&input_vehicle, &can_vehicle, &spi_vehicle, &scsi_vehicle,
};

const struct vehicle *vehicle_of(u32 device)
{
	for (unsigned i = 0; i < ARRAY_SIZE(vehicles); i++)
		if (vehicles[i]->device == device)
			return vehicles[i];
	return NULL;
}

unsigned vehicle_queues(const struct vehicle *v, unsigned queues)
{
	const unsigned behind = queues > v->queue ? queues - v->queue : 1;

	return v->queues ? MIN(v->queues, behind) : behind;
}
