// SPDX-License-Identifier: BSD-3-Clause
/* Transfers of 1 to 400 bytes with a chip that sends them back, and some with one that is not there. */
#include "harness/device/spi.h"
#include "tests/bench/soaks/soak.h"

#define UNSET 0xa5

static u32 length_of(u64 n)
{
	return 1 + (u32)(n * 7 % 400);
}

static u8 byte_of(u64 n, u32 i)
{
	return (u8)(n + i);
}

static void request(struct soak *s, struct soak_req *r)
{
	const struct spi_head h = { .chip_select = r->n % 8 == 7 ? 200 : 0,
				    .bits_per_word = 8,
				    .tx_nbits = 1,
				    .rx_nbits = 1,
				    .freq = 10000 };
	const u32 len = length_of(r->n);

	spi_write_head(r->out.hva, &h);
	for (u32 i = 0; i < len; i++)
		r->out.hva[SPI_HEAD + i] = byte_of(r->n, i);
	r->out.len = SPI_HEAD + len;
	r->in.len = len + 1;
	r->in.hva[len] = UNSET;
}

static bool good(struct soak *s, const struct soak_req *r)
{
	const u32 len = length_of(r->n);
	const u8 want = r->n % 8 == 7 ? SPI_PARAM_ERR : SPI_TRANS_OK;

	if (r->used_len != len + 1 || r->in.hva[len] != want)
		return soak_wrong(s, "length %u, result %u", r->used_len, r->in.hva[len]);
	for (u32 i = 0; want == SPI_TRANS_OK && i < len; i++)
		if (r->in.hva[i] != byte_of(r->n, i))
			return soak_wrong(s, "byte %u is %u", i, r->in.hva[i]);
	return true;
}

const struct soak_device soak_spi = {
	.name = "spi", .queues = 1, .request = request, .good = good
};
