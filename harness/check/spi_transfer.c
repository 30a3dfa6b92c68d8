// SPDX-License-Identifier: BSD-3-Clause
/* SPI controller: transfers with parameters that it does not have (5.21.6.4). */
#include "harness/check/message_kit.h"
#include "harness/device/spi.h"

#include <string.h>

#define INTACT	  "v14.spi.operation.dev.2"
#define BAD_HEAD  "v14.spi.operation.dev.4"
#define BAD_SIZES "v14.spi.operation.dev.6"

static bool transfer(struct ck *c, struct mk *m, const struct spi_head *h, u32 sent, u32 received,
		     const char *clause)
{
	spi_write_head(m->out.hva, h);
	ck_fill(m->out.hva + SPI_HEAD, sent, 9);
	if (!mk_ask_or_fail(c, m, SPI_HEAD + sent, received + 1, clause))
		return false;
	return ck_differs(m->out.hva + SPI_HEAD, sent, 9) == sent ||
	       ck_fail(c, INTACT, "tx_buf as it was", "the device has written to it");
}

static const struct spi_head usual = {
	.bits_per_word = 8, .tx_nbits = 1, .rx_nbits = 1, .freq = 10000
};

static void head(struct ck *c)
{
	static const struct {
		const char *what;
		struct spi_head h;
	} bad[] = {
		{ "chip select 255", { 255, 8, 0, 1, 1, 0, 10000 } },
		{ "3 lines to send", { 0, 8, 0, 3, 1, 0, 10000 } },
	};
	struct mk m;

	if (!mk_start(c, &m, 0) || !transfer(c, &m, &usual, SPI_BYTES, SPI_BYTES, NULL))
		return;
	if (m.in.hva[SPI_BYTES] != SPI_TRANS_OK) {
		ck_error(c, "a usual transfer: result %u", m.in.hva[SPI_BYTES]);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_log(c, "  %s", bad[i].what);
		if (!transfer(c, &m, &bad[i].h, SPI_BYTES, SPI_BYTES, BAD_HEAD))
			return;
		if (m.in.hva[SPI_BYTES] == SPI_PARAM_ERR)
			continue;
		ck_fail(c, BAD_HEAD, "PARAM_ERR", "%s: result %u", bad[i].what,
			m.in.hva[SPI_BYTES]);
		return;
	}
}

CHECK(head, .id = "spi.transfer.head", .clauses = { INTACT, BAD_HEAD },
      .stimulus = "transfers for chip 255, and over 3 lines",
      .oracle = "PARAM_ERR each time, and tx_buf as it was", .device = VIRTIO_ID_SPI, .run = head);

static void sizes(struct ck *c)
{
	struct mk m;

	if (!mk_start(c, &m, 0))
		return;
	if (transfer(c, &m, &usual, SPI_BYTES, SPI_BYTES / 2, BAD_SIZES) &&
	    m.in.hva[SPI_BYTES / 2] != SPI_PARAM_ERR)
		ck_fail(c, BAD_SIZES, "PARAM_ERR", "%u bytes to send, %u to receive: result %u",
			SPI_BYTES, SPI_BYTES / 2, m.in.hva[SPI_BYTES / 2]);
}

CHECK(sizes, .id = "spi.transfer.sizes", .clauses = { INTACT, BAD_SIZES },
      .stimulus = "a transfer of 8 bytes to send and 4 to receive", .oracle = "PARAM_ERR",
      .device = VIRTIO_ID_SPI, .run = sizes);
