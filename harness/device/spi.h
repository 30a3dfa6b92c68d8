/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of an SPI controller (VIRTIO 1.4, 5.21): a transfer is a head and what is sent, then what
 * is received and a result.
 *
 * Freestanding.
 */
#ifndef HARNESS_DEVICE_SPI_H
#define HARNESS_DEVICE_SPI_H

#include "harness/device/vehicle.h"

#define SPI_HEAD  32
#define SPI_BYTES 8

enum spi_result {
	SPI_TRANS_OK,
	SPI_PARAM_ERR,
	SPI_TRANS_ERR,
};

struct spi_head {
	u8 chip_select, bits_per_word, cs_change, tx_nbits, rx_nbits;
	u32 mode, freq;
};

void spi_write_head(u8 *to, const struct spi_head *h);

#endif
