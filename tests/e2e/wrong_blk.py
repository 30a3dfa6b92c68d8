# SPDX-License-Identifier: BSD-3-Clause
"""Drivers that ask a block device for what they should not."""
import wrong_driver as w
from wrong_table import wrong


@wrong("v14.blk.operation.drv.3", features=~(1 << 5), options=["--read-only"])
def wants_to_write(d):
    d.set_up()


@wrong("v14.blk.operation.drv.2")
def reads_behind_the_end(d):
    d.set_up()
    d.request(w.IN, 1 << 40, into=512)


@wrong("v14.blk.operation.drv.4")
def flushes_a_sector(d):
    d.set_up()
    d.request(w.FLUSH, 8)


@wrong("v14.blk.operation.drv.5")
def flushes_data(d):
    d.set_up()
    d.request(w.FLUSH, out=bytes(512))


@wrong("v14.blk.operation.drv.6")
def reads_half_a_sector(d):
    d.set_up()
    d.request(w.IN, into=256)


@wrong("v14.blk.operation.drv.7")
def discards_a_segment_and_a_bit(d):
    d.set_up()
    d.request(w.DISCARD, out=w.segments(1) + bytes(4))


@wrong("v14.blk.operation.drv.8")
def has_a_short_id(d):
    d.set_up()
    d.request(w.GET_ID, into=16)


@wrong("v14.blk.operation.drv.9")
def discards_too_much(d):
    d.set_up()
    d.request(w.DISCARD, out=w.segments(4096))


@wrong("v14.blk.operation.drv.10")
def erases_too_much(d):
    d.set_up()
    d.request(w.SECURE_ERASE, out=w.segments(4096))


@wrong("v14.blk.operation.drv.11")
def zeroes_too_much(d):
    d.set_up()
    d.request(w.WRITE_ZEROES, out=w.segments(4096))


@wrong("v14.blk.operation.drv.14")
def unmaps_a_discard(d):
    d.set_up()
    d.request(w.DISCARD, out=w.segments(1, flags=1))
