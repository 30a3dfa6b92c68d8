// SPDX-License-Identifier: BSD-3-Clause
#include "harness/probe/wire/frame.h"

#include <string.h>

u32 frame_crc32(const void *data, size_t len)
{
	/* Half a byte at a time: a table that a guest can carry. */
	static const u32 table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const u8 *p = data;
	u32 crc = 0xffffffff;

	while (len--) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static void put16(u8 *p, u16 v)
{
	p[0] = (u8)v;
	p[1] = (u8)(v >> 8);
}

static void put32(u8 *p, u32 v)
{
	put16(p, (u16)v);
	put16(p + 2, (u16)(v >> 16));
}

static u16 get16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static u32 get32(const u8 *p)
{
	return get16(p) | (u32)get16(p + 2) << 16;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t frame_encode(const struct frame *f, char line[FRAME_LINE_MAX])
{
	const u16 length = (u16)MIN(f->length, FRAME_PAYLOAD_MAX);
	u8 raw[FRAME_HEADER + FRAME_PAYLOAD_MAX + 2];
	size_t n = FRAME_MARK_LEN, total = FRAME_HEADER + length;

	put32(raw + 4, f->seq);
	put16(raw + 8, f->kind);
	put16(raw + 10, length);
	memcpy(raw + FRAME_HEADER, f->payload, length);
	put32(raw, frame_crc32(raw + 4, total - 4));
	raw[total] = raw[total + 1] = 0;
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): the line goes on */
	memcpy(line, FRAME_MARK, FRAME_MARK_LEN);
	for (size_t i = 0; i < total; i += 3) {
		const u32 v = (u32)raw[i] << 16 | (u32)raw[i + 1] << 8 | raw[i + 2];

		line[n++] = digits[v >> 18];
		line[n++] = digits[v >> 12 & 63];
		line[n++] = i + 1 < total ? digits[v >> 6 & 63] : '=';
		line[n++] = i + 2 < total ? digits[v & 63] : '=';
	}
	line[n++] = '\n';
	return n;
}

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What stands behind the last mark of a line: a frame that was cut may stand before it. */
static const char *behind_mark(const char *line, size_t len)
{
	const char *found = NULL;

	for (size_t i = 0; i + FRAME_MARK_LEN <= len; i++)
		if (memcmp(line + i, FRAME_MARK, FRAME_MARK_LEN) == 0)
			found = line + i + FRAME_MARK_LEN;
	return found;
}

enum frame_result frame_decode(const char *line, size_t len, struct frame *f)
{
	const char *at = behind_mark(line, len), *end = line + len;
	u8 raw[FRAME_HEADER + FRAME_PAYLOAD_MAX + 2];
	size_t n = 0;

	if (!at)
		return FRAME_NONE;
	if (end > at && end[-1] == '\r')
		end--;
	if ((end - at) % 4 != 0)
		return FRAME_TORN;
	for (; at < end; at += 4) {
		const unsigned pads =
			at + 4 == end ? (at[3] == '=') + (at[3] == '=' && at[2] == '=') : 0;
		const int d[4] = { digit(at[0]), digit(at[1]), pads > 1 ? 0 : digit(at[2]),
				   pads > 0 ? 0 : digit(at[3]) };

		if (d[0] < 0 || d[1] < 0 || d[2] < 0 || d[3] < 0)
			return FRAME_TORN;
		if (n + 3 > sizeof(raw))
			return FRAME_LENGTH;
		raw[n++] = (u8)(d[0] << 2 | d[1] >> 4);
		raw[n++] = (u8)(d[1] << 4 | d[2] >> 2);
		raw[n++] = (u8)(d[2] << 6 | d[3]);
		n -= pads;
	}
	if (n < FRAME_HEADER || n - FRAME_HEADER > FRAME_PAYLOAD_MAX)
		return FRAME_LENGTH;
	if (get32(raw) != frame_crc32(raw + 4, n - 4))
		return FRAME_CORRUPT;
	f->seq = get32(raw + 4);
	f->kind = get16(raw + 8);
	f->length = get16(raw + 10);
	if (f->length != n - FRAME_HEADER)
		return FRAME_LENGTH;
	memcpy(f->payload, raw + FRAME_HEADER, f->length);
	return FRAME_OK;
}
