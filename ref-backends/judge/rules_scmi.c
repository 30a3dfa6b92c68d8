// SPDX-License-Identifier: BSD-3-Clause
/* What a driver may ask of an SCMI device (VIRTIO 1.4, 5.17.6.1.2 and 5.17.6.2.1). */
#include "ref-backends/judge/rules.h"

static bool no_room(const struct jd_scmi *t)
{
	return t->have >= SCMI_HEADER &&
	       t->chain->writable <
		       rscmi_response_size(t->header, t->params, t->have - SCMI_HEADER);
}

static bool events_not_negotiated(const struct jd_scmi *t)
{
	return !(t->scmi->features & BIT_ULL(VIRTIO_SCMI_F_P2A_CHANNELS)) &&
	       t->have >= SCMI_HEADER &&
	       rscmi_wants_event(t->header, t->params, t->have - SCMI_HEADER);
}

const struct jd_scmi_rule jd_scmi_rules[] = {
	{ "v14.scmi.cmdq.drv.2", no_room },
	{ "v14.scmi.cmdq.drv.3", events_not_negotiated },
	{ NULL, NULL },
};

static bool readable(const struct jd_scmi_event *e)
{
	return e->chain->readable;
}

static bool too_small(const struct jd_scmi_event *e)
{
	return e->chain->writable < e->len;
}

const struct jd_scmi_event_rule jd_scmi_event_rules[] = {
	{ "v14.scmi.eventq-setup.drv.2", readable },
	{ "v14.scmi.eventq-setup.drv.3", too_small },
	{ NULL, NULL },
};
