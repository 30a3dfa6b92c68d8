// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/spi.h"

#include <string.h>

#include "harness/spec/virtio14.h"

void spi_write_head(u8 *to, const struct spi_head *h)
{
	const u8 front[8] = { h->chip_select, h->bits_per_word, h->cs_change, h->tx_nbits,
			      h->rx_nbits };
	const u32 rest[6] = { le32(h->mode), le32(h->freq) };

	_Static_assert(sizeof(front) + sizeof(rest) == SPI_HEAD, "as in the text");
	memcpy(to, front, sizeof(front));
	memcpy(to + sizeof(front), rest, sizeof(rest));
}

/* --- the vehicle: eight bytes there and back, at a speed that any controller has ------------------------------- */

static void fill(u8 *readable, u64 n)
{
	spi_write_head(readable,
		       &(struct spi_head){
			       .bits_per_word = 8, .tx_nbits = 1, .rx_nbits = 1, .freq = 10000 });
	for (unsigned i = 0; i < SPI_BYTES; i++)
		readable[SPI_HEAD + i] = (u8)(n >> 8 * i);
}

static bool answered(const u8 *readable, const u8 *writable)
{
	return writable[SPI_BYTES] <= SPI_TRANS_ERR;
}

const struct vehicle spi_vehicle = {
	.device = VIRTIO_ID_SPI,
	.name = "a transfer",
	.queues = 1,
	.readable = SPI_HEAD + SPI_BYTES,
	.writable = SPI_BYTES + 1,
	.fill = fill,
	.answered = answered,
};
