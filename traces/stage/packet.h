/* SPDX-License-Identifier: BSD-3-Clause */
/* How a packet begins, in every trace of LTTng 2.13: the packet header of `trace`, the context of its streams. */
#ifndef TRACES_STAGE_PACKET_H
#define TRACES_STAGE_PACKET_H

#include "harness/spec/types.h"

#define CTF_MAGIC 0xc1fc1fc1u

struct ctf_packet {
	u32 magic;
	u8 uuid[16];
	u32 stream_id;
	u64 stream_instance;
	u64 begin, end;
	u64 content_bits, packet_bits;
	u64 number, discarded;
	u32 cpu;
} __attribute__((packed));

#endif
