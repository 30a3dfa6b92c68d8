// SPDX-License-Identifier: BSD-3-Clause
/*
 * A whole hostile device under the checks: the input chooses a check and is what the device answers
 * it with: features, configuration space, results of operations, used rings, bytes in guest memory.
 * Any verdict is right. No check may read or write where it should not, or wait for ever.
 *
 * Time is the fuzzer's own: it passes when a check waits, so that a deadline costs nothing.
 */
#include "tests/fuzz/checks.h"
#include "tests/fuzz/input.h"

#define QUEUES 4
/*
 * Steps of a clock that only goes when somebody looks at it: all of a check's waits, and then some.
 */
#define PATIENCE 1000000
/* Notifications when the input is used up: then it is gone, as nothing new will come of it. */
#define LINGER 100

struct device {
	struct tp tp; /* first */
	struct input in;
	u64 features;
	u8 config[256];
	u64 now, looks, over;
	struct tp_queue q[QUEUES];
	u16 seen[QUEUES]; /* available entries taken */
	bool running[QUEUES];
	bool gone;
};

static struct device dev;

/* A guest address and length to a pointer; NULL when not wholly in a region. */
static void *at(u64 gpa, u64 len)
{
	u64 there = len;
	void *p = fuzz_memory_at(gpa, &there);

	return there < len ? NULL : p;
}

static void push_used(const struct tp_queue *q, u32 id, u32 len)
{
	struct vring_used *used = at(q->device.v, vq_split_used_bytes(q->size));
	u16 idx;

	if (!used)
		return;
	idx = used->idx;
	used->ring[idx & (q->size - 1)] = (struct vring_used_elem){ id, len };
	used->idx = (u16)(idx + 1);
}

/* Serve the next chain as a device would, more or less: zeroes or input bytes, and a status. */
static void serve(unsigned n, bool own_bytes)
{
	const struct tp_queue *q = &dev.q[n];
	struct vring_avail *avail = at(q->driver.v, vq_split_avail_bytes(q->size));
	struct vring_desc *table = at(q->desc.v, vq_split_desc_bytes(q->size));
	u32 entries = q->size, i, len = 0;
	u8 *last = NULL;
	u16 head;

	if (!avail || !table || avail->idx == dev.seen[n])
		return;
	head = avail->ring[dev.seen[n]++ & (q->size - 1)];
	i = head;
	for (unsigned steps = 0; i < entries && steps < 64; steps++) {
		struct vring_desc d = table[i];
		u8 *p = at(d.addr, d.len);

		if (d.flags & VRING_DESC_F_INDIRECT) {
			table = at(d.addr, d.len);
			entries = d.len / sizeof(d);
			i = 0;
			if (!table)
				return;
			continue;
		}
		if (d.flags & VRING_DESC_F_WRITE && p && d.len) {
			if (own_bytes)
				input_bytes(&dev.in, p, MIN(d.len, 64));
			len += d.len;
			last = p + d.len - 1;
		}
		if (!(d.flags & VRING_DESC_F_NEXT))
			break;
		i = d.next;
	}
	if (last)
		*last = own_bytes ? input_u8(&dev.in) : 0;
	push_used(q, head, own_bytes ? len - 1 + input_u8(&dev.in) % 3 : len);
}

/* The device does something. With no input left it is a good one. */
static void act(void)
{
	u8 op = input_u8(&dev.in);
	unsigned n = op >> 6;
	struct tp_queue *q = &dev.q[n];
	void *used = dev.running[n] ? at(q->device.v, vq_split_used_bytes(q->size)) : NULL;

	if (!used)
		return;
	switch (op & 15) {
	default:
		serve(n, false);
		break;
	case 6:
	case 7:
		serve(n, true);
		break;
	case 8:
		push_used(q, input_u8(&dev.in), input_u32(&dev.in));
		break;
	case 9:
		push_used(q, input_u32(&dev.in), input_u32(&dev.in));
		break;
	case 10:
		((struct vring_used *)used)->idx = input_u16(&dev.in);
		break;
	case 11:
		((struct vring_used *)used)->flags = input_u16(&dev.in);
		break;
	case 12:
		input_bytes(&dev.in, used, MIN(64, vq_split_used_bytes(q->size)));
		break;
	case 13: /* somewhere it must not */
		input_bytes(&dev.in, dev.tp.mem[0].hva + input_u16(&dev.in), 16);
		break;
	case 14:
		dev.gone |= op & 0x20;
		break;
	case 15: /* it takes its time */
		break;
	}
}

/* What an operation returns: mostly that it went well. */
static int result(void)
{
	u8 op = dev.in.left && !dev.gone ? input_u8(&dev.in) : 0;

	if (dev.gone)
		return TP_EGONE;
	if (op < 0xf8)
		return TP_OK;
	snprintf(dev.tp.error, sizeof(dev.tp.error), "made up");
	return -1 - (int)(op - 0xf8) % 6;
}

static void dev_close(struct tp *t)
{
	for (unsigned i = 0; i < QUEUES; i++)
		dev.running[i] = false;
}

static int dev_open(struct tp *t)
{
	dev_close(t);
	dev.gone = false;
	t->error[0] = '\0';
	fuzz_memory_clear();
	return result();
}

static int dev_get_features(struct tp *t, u64 *features)
{
	*features = dev.features;
	return result();
}

static int dev_set_features(struct tp *t, u64 features)
{
	return result();
}

static int dev_driver_ok(struct tp *t)
{
	return result();
}

static int dev_get_status(struct tp *t, u8 *status)
{
	*status = input_u8(&dev.in);
	return result();
}

static int dev_set_status(struct tp *t, u8 status)
{
	return result();
}

static int dev_read_config(struct tp *t, u32 offset, void *buf, u32 len)
{
	memset(buf, 0, len);
	if (offset < sizeof(dev.config))
		memcpy(buf, dev.config + offset, MIN(len, sizeof(dev.config) - offset));
	if (!(input_u8(&dev.in) & 15)) /* and it changes */
		input_bytes(&dev.in, dev.config, 8);
	return result();
}

static int dev_write_config(struct tp *t, u32 offset, const void *buf, u32 len)
{
	return result();
}

static int dev_num_queues(struct tp *t, unsigned *n)
{
	*n = 1 + input_u8(&dev.in) % QUEUES;
	return result();
}

static int dev_queue_start(struct tp *t, unsigned q, const struct tp_queue *cfg)
{
	MUST(q < QUEUES);
	dev.q[q] = *cfg;
	dev.seen[q] = cfg->base;
	dev.running[q] = cfg->size && !(cfg->size & (cfg->size - 1));
	return result();
}

static int dev_queue_stop(struct tp *t, unsigned q, u32 *base)
{
	MUST(q < QUEUES);
	dev.running[q] = false;
	*base = input_u8(&dev.in) & 1 ? input_u16(&dev.in) : dev.seen[q];
	return result();
}

static int dev_notify(struct tp *t, unsigned q)
{
	MUST(q < QUEUES);
	if (!dev.in.left && dev.over++ > LINGER)
		dev.gone = true;
	act();
	return result();
}

static void dev_relax(struct tp *t)
{
	dev.now += 5 * 1000 * 1000;
	act();
}

static u64 dev_now_ns(struct tp *t)
{
	MUST(++dev.looks < PATIENCE);
	act(); /* it runs beside the driver, which may look at the clock only */
	return dev.now += 100 * 1000;
}

static int dev_wait_call(struct tp *t, unsigned q, unsigned ms)
{
	act();
	if (input_u8(&dev.in) & 1) {
		dev.now += (u64)ms * 1000 * 1000;
		return 0;
	}
	return dev.gone ? TP_EGONE : 1;
}

static unsigned dev_take_calls(struct tp *t, unsigned q)
{
	return input_u8(&dev.in) % 3;
}

static bool dev_queue_error(struct tp *t, unsigned q)
{
	return input_u8(&dev.in) & 1;
}

static int dev_wait_config_event(struct tp *t, unsigned ms)
{
	return dev_wait_call(t, 0, ms);
}

static int dev_trigger_config(struct tp *t)
{
	input_bytes(&dev.in, dev.config, 8);
	return result();
}

static const struct tp_ops ops = {
	.name = "fuzz",
	.open = dev_open,
	.close = dev_close,
	.get_features = dev_get_features,
	.set_features = dev_set_features,
	.driver_ok = dev_driver_ok,
	.get_status = dev_get_status,
	.set_status = dev_set_status,
	.read_config = dev_read_config,
	.write_config = dev_write_config,
	.num_queues = dev_num_queues,
	.queue_start = dev_queue_start,
	.queue_stop = dev_queue_stop,
	.notify = dev_notify,
	.wait_call = dev_wait_call,
	.take_calls = dev_take_calls,
	.queue_error = dev_queue_error,
	.wait_config_event = dev_wait_config_event,
	.trigger_config = dev_trigger_config,
	.now_ns = dev_now_ns,
	.relax = dev_relax,
};

#define CAPS                                                                                       \
	(TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE | TP_CAP_STATUS | TP_CAP_RESET | TP_CAP_QUEUE_BASE |  \
	 TP_CAP_CONFIG_EVENT | TP_CAP_CONFIG_TRIGGER | TP_CAP_CALL_COUNT | TP_CAP_OWN_CALL)

/* The checks that this transport carries. */
static bool fits(const struct check *k)
{
	return !(k->caps & ~CAPS) && !k->transport;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	const struct check *k = fuzz_check(input_u16(&in), fits);

	dev.features = (input_u64(&in) | k->features) & ~k->lacks;
	input_bytes(&in, dev.config, 64);
	dev.in = in;
	dev.now = dev.looks = dev.over = 0;
	dev.tp.ops = &ops;
	dev.tp.caps = CAPS;
	dev.tp.timeout_ms = 1000;
	dev.tp.quiet_ms = 40;
	memcpy(dev.tp.mem, fuzz_memory(), FUZZ_REGIONS * sizeof(dev.tp.mem[0]));
	dev.tp.mem_count = FUZZ_REGIONS;
	fuzz_run(k, &dev.tp, k->device ? k->device : VIRTIO_ID_BLOCK, dev.features);
	return 0;
}
