// SPDX-License-Identifier: BSD-3-Clause
/*
 * The loads of devices that have a vehicle: its request over and over, with its answer looked at more closely than
 * the checks of rings do, to whom a no is an answer, too.
 */
#include <string.h>

#include "harness/bench/ask.h"
#include "harness/device/can.h"
#include "harness/device/fs.h"
#include "harness/device/gpu.h"
#include "harness/device/scsi.h"
#include "harness/device/snd.h"
#include "harness/device/spi.h"

/* What an answer says that is none. */
#define NO_ANSWER LOAD_UNSET

bool bench_ask_vehicle(struct load_ask *a, const struct vehicle *v, u32 status)
{
	_Static_assert(VEHICLE_UNSET == LOAD_UNSET, "an answer that did not come is known by it");
	v->fill(a->out, 0);
	a->out_len = v->readable;
	a->in[0] = v->writable;
	a->status = status;
	a->fill = v->fill;
	return a->out_len <= LOAD_ASK_MAX;
}

/* --- fs: attributes of the root folder ------------------------------------------------------------------ */

/* The error, which is a negative number, without its sign. */
static u32 fs_wrong(const u8 *out, const u8 *in)
{
	const struct fs_answer a = fs_read_answer(in);

	return a.unique != vehicle_u64(out + 8) ? NO_ANSWER : (u32)-a.error;
}

static bool fs_message(struct load_ask *a)
{
	bench_ask_vehicle(a, &fs_vehicle, sizeof(struct fuse_out_header));
	a->wrong = fs_wrong;
	return true;
}

/* The vehicle's first is FUSE_INIT. */
static bool make_init(struct load_ask *a, u32 bytes)
{
	fs_message(a);
	a->fill = NULL;
	return true;
}

static void getattr(u8 *out, u64 n)
{
	fs_vehicle.fill(out, n + 1);
}

static bool make_getattr(struct load_ask *a, u32 bytes)
{
	fs_message(a);
	a->fill = getattr;
	return !bytes;
}

static const struct ask_step fs_steps[] = {
	{ "FUSE_INIT", FS_REQUESTQ, make_init },
	{ 0 },
};

/* --- can: frames of eight bytes, once the controller is started ----------------------------------------- */

static bool make_start(struct load_ask *a, u32 bytes)
{
	can_write_head(a->out, &(struct can_frame_head){ CAN_SET_CTRL_START, 0, 0, 0 });
	a->out_len = 2; /* the type is all of a control message */
	a->in[0] = a->status = 1;
	return true;
}

static bool make_frame(struct load_ask *a, u32 bytes)
{
	bench_ask_vehicle(a, &can_vehicle, 1);
	return !bytes;
}

static const struct ask_step can_steps[] = {
	{ "starting the controller", CAN_CTRLQ, make_start },
	{ 0 },
};

/* --- spi: eight bytes there and back -------------------------------------------------------------------- */

static bool make_transfer(struct load_ask *a, u32 bytes)
{
	bench_ask_vehicle(a, &spi_vehicle, 1);
	a->status_at = SPI_BYTES;
	return !bytes;
}

/* --- input: status events, which have no answer --------------------------------------------------------- */

static bool make_status(struct load_ask *a, u32 bytes)
{
	bench_ask_vehicle(a, &input_vehicle, 0);
	return !bytes;
}

/* --- sound: what the first stream is like --------------------------------------------------------------- */

static u32 snd_wrong(const u8 *out, const u8 *in)
{
	return snd_status(in) == VIRTIO_SND_S_OK ? 0 : snd_status(in);
}

static bool make_query(struct load_ask *a, u32 bytes)
{
	bench_ask_vehicle(a, &snd_vehicle, sizeof(struct virtio_snd_hdr));
	a->wrong = snd_wrong;
	return !bytes;
}

/* --- sound: periods of the first stream, once it runs; how fast is the business of what plays them -------------- */

static bool stream(struct load_ask *a, u32 len)
{
	a->out_len = len;
	a->in[0] = a->status = sizeof(struct virtio_snd_hdr);
	a->wrong = snd_wrong;
	return true;
}

static bool make_params(struct load_ask *a, u32 bytes)
{
	snd_set_params(a->out, 0);
	return stream(a, sizeof(struct virtio_snd_pcm_set_params));
}

static bool make_prepare(struct load_ask *a, u32 bytes)
{
	snd_pcm(a->out, VIRTIO_SND_R_PCM_PREPARE, 0);
	return stream(a, sizeof(struct virtio_snd_pcm_hdr));
}

static bool make_running(struct load_ask *a, u32 bytes)
{
	snd_pcm(a->out, VIRTIO_SND_R_PCM_START, 0);
	return stream(a, sizeof(struct virtio_snd_pcm_hdr));
}

static bool make_period(struct load_ask *a, u32 bytes)
{
	const u32 len = bytes ? bytes : SND_PERIOD;

	/* The stream's number, 0, and the frames of two channels. */
	a->out_len = (u32)sizeof(struct virtio_snd_pcm_xfer) + len;
	a->in[0] = sizeof(struct virtio_snd_pcm_status);
	a->status = sizeof(struct virtio_snd_hdr);
	a->wrong = snd_wrong;
	return len <= SND_PERIOD && len % 4 == 0;
}

static const struct ask_step snd_steps[] = {
	{ "PCM_SET_PARAMS", SND_CONTROLQ, make_params },
	{ "PCM_PREPARE", SND_CONTROLQ, make_prepare },
	{ "PCM_START", SND_CONTROLQ, make_running },
	{ 0 },
};

/* --- gpu: a resource that does not exist is taken away, which is refused -------------------------------- */

static u32 gpu_wrong(const u8 *out, const u8 *in)
{
	const struct gpu_head asked = gpu_read_head(out), a = gpu_read_head(in);

	if (a.fence != asked.fence || !(a.flags & VIRTIO_GPU_FLAG_FENCE))
		return NO_ANSWER;
	return gpu_is_error(a.type) ? 0 : a.type;
}

static bool make_unref(struct load_ask *a, u32 bytes)
{
	bench_ask_vehicle(a, &gpu_vehicle, sizeof(struct virtio_gpu_ctrl_hdr));
	a->wrong = gpu_wrong;
	return !bytes;
}

/* --- scsi: is the first unit ready? A unit that is not is one all the same, one that is not there is none - */

static u32 scsi_wrong(const u8 *out, const u8 *in)
{
	return scsi_read_response(in).response; /* VIRTIO_SCSI_S_OK is 0 */
}

static bool make_ready(struct load_ask *a, u32 bytes)
{
	bench_ask_vehicle(a, &scsi_vehicle, SCSI_RESPONSE - SCSI_SENSE);
	a->wrong = scsi_wrong;
	return !bytes;
}

const struct bench_ask bench_ask_types[] = {
	{ "fs", "getattr", FS_REQUESTQ, 0, 0, 0, make_getattr, 0, fs_steps },
	{ "can", "send", CAN_TXQ, 1, 1u << CAN_RXQ | 1u << CAN_CTRLQ, BIT_ULL(CAN_F_CLASSIC),
	  make_frame, 64, can_steps },
	{ "spi", "transfer", 0, 1, 0, 0, make_transfer, 0, NULL },
	{ "input", "status", 1, 1, 0, 0, make_status, 0, NULL },
	{ "sound", "query", SND_CONTROLQ, 1, 0, 0, make_query, 64, NULL },
	{ "sound", "play", SND_TXQ, 1, 1u << SND_RXQ, 0, make_period, 64, snd_steps },
	{ "gpu", "unref", GPU_CONTROLQ, 1, 0, 0, make_unref, 0, NULL },
	{ "scsi", "ready", SCSI_REQUESTQ, 0, 0, 0, make_ready, 0, NULL },
};

const unsigned bench_ask_type_count = ARRAY_SIZE(bench_ask_types);
