// SPDX-License-Identifier: BSD-3-Clause
/* SPI controller: transfers with parameters that it does not have (5.21.6.4). */
#include "harness/check/message_kit.h"
#include "harness/device/spi.h"

#include <string.h>

#define INTACT	  "v14.spi.operation.dev.2"
#define BAD_HEAD  "v14.spi.operation.dev.4"
#define BAD_SIZES "v14.spi.operation.dev.6"
#define HEADS	  "v14.spi.operation.dev.3"
#define COMPARES  "v14.spi.operation.dev.5"
#define VALID	  "v14.spi.operation.dev.1"

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

/* Of configuration space (5.21.4): what it has, from which follows what it has not. */
struct has {
	u8 chips;
	u32 words, freq;
};

static bool config(struct ck *c, struct has *h)
{
	u8 image[16];

	if (!ck_must(c, c->tp->ops->read_config(c->tp, 0, image, sizeof(image)), "reading config"))
		return false;
	*h = (struct has){ image[0], vehicle_u32(image + 4), vehicle_u32(image + 12) };
	return true;
}

static bool refused(struct ck *c, struct mk *m, const char *what, const struct spi_head *h)
{
	ck_log(c, "  %s", what);
	if (!transfer(c, m, h, SPI_BYTES, SPI_BYTES, BAD_HEAD))
		return false;
	return m->in.hva[SPI_BYTES] == SPI_PARAM_ERR ||
	       ck_fail(c, BAD_HEAD, "PARAM_ERR", "%s: result %u", what, m->in.hva[SPI_BYTES]);
}

static void head(struct ck *c)
{
	struct spi_head chip = usual, lines = usual, last = usual, word = usual, freq = usual;
	struct has has;
	struct mk m;

	if (!mk_start(c, &m, 0) || !config(c, &has) ||
	    !transfer(c, &m, &usual, SPI_BYTES, SPI_BYTES, NULL))
		return;
	if (m.in.hva[SPI_BYTES] != SPI_TRANS_OK) {
		ck_error(c, "a usual transfer: result %u", m.in.hva[SPI_BYTES]);
		return;
	}
	chip.chip_select = 255;
	lines.tx_nbits = 3;
	/* They are counted from 0; 0 words, or a frequency of 0, is no limit. */
	last.chip_select = has.chips;
	word.bits_per_word = 40;
	freq.freq = has.freq + 1;
	if (refused(c, &m, "chip select 255", &chip) && refused(c, &m, "3 lines to send", &lines) &&
	    (!has.freq || !freq.freq || refused(c, &m, "a frequency above the highest", &freq)) &&
	    (!has.words || refused(c, &m, "words of 40 bits", &word)) && has.chips)
		refused(c, &m, "a chip select as high as there are chips", &last);
}

CHECK(head, .id = "spi.transfer.head", .clauses = { INTACT, BAD_HEAD, HEADS },
      .stimulus =
	      "transfers for chip 255 and for the one behind the last, over 3 lines, faster than "
	      "it can, in words of 40 bits",
      .oracle = "PARAM_ERR each time, and tx_buf as it was", .device = VIRTIO_ID_SPI,
      .caps = TP_CAP_CONFIG, .run = head);

static void sizes(struct ck *c)
{
	static const struct {
		u32 sent, received;
	} unequal[] = { { SPI_BYTES, SPI_BYTES / 2 }, { SPI_BYTES / 2, SPI_BYTES } };
	struct mk m;

	if (!mk_start(c, &m, 0))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(unequal); i++) {
		const u32 sent = unequal[i].sent, received = unequal[i].received;

		if (!transfer(c, &m, &usual, sent, received, BAD_SIZES))
			return;
		if (m.in.hva[received] == SPI_PARAM_ERR)
			continue;
		ck_fail(c, BAD_SIZES, "PARAM_ERR", "%u bytes to send, %u to receive: result %u",
			sent, received, m.in.hva[received]);
		return;
	}
}

CHECK(sizes, .id = "spi.transfer.sizes", .clauses = { INTACT, BAD_SIZES, COMPARES },
      .stimulus = "transfers of 8 bytes to send and 4 to receive, and of 4 and 8",
      .oracle = "PARAM_ERR each time", .device = VIRTIO_ID_SPI, .run = sizes);

static void configured(struct ck *c)
{
	u8 image[2];

	if (!ck_must(c, c->tp->ops->read_config(c->tp, 0, image, sizeof(image)), "reading config"))
		return;
	if (!image[0])
		ck_fail(c, VALID, "one chip select or more", "cs_max_number is 0");
	else if (image[1] > 1)
		ck_fail(c, VALID, "0 or 1", "cs_change_supported is %u", image[1]);
}

CHECK(configured, .id = "spi.config", .clauses = { VALID },
      .stimulus = "cs_max_number and cs_change_supported are read",
      .oracle = "one chip select or more, and 0 or 1", .device = VIRTIO_ID_SPI,
      .caps = TP_CAP_CONFIG, .run = configured);
