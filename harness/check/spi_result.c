// SPDX-License-Identifier: BSD-3-Clause
/* SPI controller: what is said of a transfer, and where (5.21.6). */
#include <string.h>

#include "harness/check/message_kit.h"
#include "harness/device/spi.h"

#define RESULT	 "ROB.spi.result"
#define USED_LEN "v14.split-ring.used-ring.dev.2"

#define BYTES  64u
#define BESIDE 4u

static const struct spi_head usual = {
	.bits_per_word = 8, .tx_nbits = 1, .rx_nbits = 1, .freq = 10000
};
static const struct spi_head no_lines = {
	.bits_per_word = 8, .tx_nbits = 1, .rx_nbits = 3, .freq = 10000
};
static const struct spi_head wide = {
	.bits_per_word = 16, .tx_nbits = 1, .rx_nbits = 1, .freq = 10000
};

/* A read of so many bytes; what is in m->in behind it is what the device wrote, VEHICLE_UNSET where it did not. */
static bool read(struct ck *c, struct mk *m, const struct spi_head *h, u32 len)
{
	spi_write_head(m->out.hva, h);
	return mk_ask_or_fail(c, m, SPI_HEAD, len + 1, RESULT);
}

static void place(struct ck *c)
{
	static const struct {
		const char *what;
		const struct spi_head *h;
		u32 len;
	} reads[] = {
		{ "8 bytes", &usual, 8 },
		{ "7 bytes in words of 16 bits", &wide, 7 },
		{ "8 bytes over 3 lines", &no_lines, 8 },
		{ "8 bytes again", &usual, 8 },
	};
	struct mk m;

	if (!mk_start(c, &m, 0))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(reads); i++) {
		ck_log(c, "  a read of %s", reads[i].what);
		if (!read(c, &m, reads[i].h, reads[i].len))
			return;
		if (m.in.hva[reads[i].len] <= SPI_TRANS_ERR)
			continue;
		ck_fail(c, RESULT, "a result behind the bytes",
			"a read of %s: there is 0x%02x, and 0x%02x in the first byte",
			reads[i].what, m.in.hva[reads[i].len], m.in.hva[0]);
		return;
	}
}

CHECK(place, .id = "spi.result.place", .clauses = { RESULT },
      .stimulus = "reads, one of them of 7 bytes in words of 16 bits, one over 3 lines",
      .oracle = "OK, PARAM_ERR or TRANS_ERR in the last device-writable byte of each",
      .device = VIRTIO_ID_SPI, .run = place);

static void used_len(struct ck *c)
{
	static const struct spi_head *const heads[] = { &usual, &no_lines, &wide };
	struct mk m;

	if (!mk_start(c, &m, 0))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(heads); i++) {
		u32 untouched;

		if (!read(c, &m, heads[i], BYTES - i))
			return;
		if (m.used > BYTES - i + 1) {
			ck_fail(c, USED_LEN, "at most the size of the buffers",
				"%u bytes and a result come back with length %u", BYTES - i,
				m.used);
			return;
		}
		/* A chip may send that byte; so many of them from the first on, hardly one that failed. */
		untouched = ck_not_value(m.in.hva, BYTES - i, VEHICLE_UNSET);
		if (m.used && untouched == BYTES - i && m.in.hva[BYTES - i] != SPI_TRANS_OK) {
			ck_fail(c, USED_LEN, "as many bytes written as said",
				"length %u of a read with result %u, and its %u bytes are untouched",
				m.used, m.in.hva[BYTES - i], untouched);
			return;
		}
	}
}

CHECK(used_len, .id = "spi.result.used-len", .clauses = { USED_LEN, "ROB.packed.used-len" },
      .stimulus = "reads of about 64 bytes: a usual one, one over 3 lines, one in words of 16 bits",
      .oracle = "the used length covers no byte that was not written, from the first on",
      .device = VIRTIO_ID_SPI, .run = used_len);

/* Several reads that are made available at once, of which the second is over 3 lines. */
static void beside(struct ck *c)
{
	struct tp_buf in[BESIDE];
	struct ck_used u;
	struct mk m;

	if (!mk_start(c, &m, 0))
		return;
	for (unsigned i = 0; i < BESIDE; i++) {
		u8 *const head = m.out.hva + i * SPI_HEAD;
		struct vq_sg sg[2] = { { gpa_add(m.out.gpa, i * SPI_HEAD), SPI_HEAD } };

		if (!ck_alloc(c, BYTES + 1, 64, &in[i]))
			return;
		sg[1] = (struct vq_sg){ in[i].gpa, BYTES + 1 };
		memset(in[i].hva, VEHICLE_UNSET, BYTES + 1);
		spi_write_head(head, i == 1 ? &no_lines : &usual);
		if (vq_add(&c->q[0].vq, sg, 1, 1, &in[i]) < 0) {
			ck_error(c, "the queue has no room");
			return;
		}
	}
	if (!ck_publish(c, 0))
		return;
	for (unsigned i = 0; i < BESIDE; i++)
		if (!ck_reap_of(c, 0, in, sizeof(in[0]), BESIDE, &u))
			return;
	for (unsigned i = 0; i < BESIDE; i++) {
		const u8 result = in[i].hva[BYTES];

		if (i == 1 || result != SPI_TRANS_OK ||
		    ck_not_value(in[i].hva, BYTES, VEHICLE_UNSET) < BYTES)
			continue;
		ck_fail(c, RESULT, "TRANS_OK of what was carried out",
			"read %u of %u, beside one over 3 lines, has it, and none of its %u bytes "
			"was written",
			i + 1, BESIDE, BYTES);
		return;
	}
}

CHECK(beside, .id = "spi.result.beside", .clauses = { RESULT },
      .stimulus = "4 reads of 64 bytes at once, the second of them over 3 lines",
      .oracle = "each of the others that is TRANS_OK was carried out", .device = VIRTIO_ID_SPI,
      .run = beside);
