// SPDX-License-Identifier: BSD-3-Clause
/* Input device: what is told of that is not there. */
#include <string.h>

#include <linux/input-event-codes.h>
#include <linux/virtio_input.h>

#include "ref-backends/device/message.h"
#include "ref-backends/fault/fault.h"

static bool is_selected(const struct rmessage *m, u8 select)
{
	return m->dev.ops->id == VIRTIO_ID_INPUT && m->select == select;
}

static void say(u8 *image, const char *what)
{
	image[2] = (u8)strlen(what);
	memcpy(image + 8, what, image[2]);
}

static void any_subsel(struct rmessage *m, u8 *image)
{
	if (is_selected(m, VIRTIO_INPUT_CFG_ID_NAME) && m->subsel)
		say(image, "ringside");
}

FAULT(any_subsel, .name = "input-any-subsel", .clause = "v14.input.init.dev.1",
      .summary = "tells an input device's name whatever subsel is", .message_config = any_subsel);

static void any_select(struct rmessage *m, u8 *image)
{
	if (is_selected(m, 0x80 | VIRTIO_INPUT_CFG_ID_NAME) || is_selected(m, 0x80))
		say(image, "ringside");
}

FAULT(any_select, .name = "input-select-modulo-128", .clause = "v14.input.init.dev.1",
      .summary = "looks at seven bits of select", .message_config = any_select);

static void any_axis(struct rmessage *m, u8 *image)
{
	if (is_selected(m, VIRTIO_INPUT_CFG_ABS_INFO) && m->subsel == ABS_X)
		image[2] = sizeof(struct virtio_input_absinfo);
}

FAULT(any_axis, .name = "input-absent-axis", .clause = "v14.input.init.dev.1",
      .summary = "has ranges for an axis that it does not have", .message_config = any_axis);
