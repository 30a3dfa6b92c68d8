# SPDX-License-Identifier: BSD-3-Clause
"""Front-ends that are wrong in what they translate."""
import struct

import wrong_driver as w
from wrong_table import translating

ALL = w.MAY_READ | w.MAY_WRITE


@translating("VU.iotlb.msg.fe.1")
def updates_nothing(d):
    d.set_up()
    assert d.translation(w.UPDATE, w.BASE, 0, w.BASE, ALL)
    d.request(w.FLUSH)


@translating("VU.iotlb.msg.fe.1")
def allows_nothing(d):
    d.set_up()
    # It belongs to a miss.
    d.serve_misses(w.DEADLINE)
    d.miss = lambda page, _: (d.update(page, 0), d.update(page, ALL), d.answer(0))
    d.request(w.FLUSH)


@translating("VU.iotlb.msg.fe.1")
def sends_a_miss(d):
    d.set_up()
    assert d.translation(w.MISS, w.BASE, w.TranslatingDriver.PAGE, 0, ALL)
    d.request(w.FLUSH)


@translating("VU.iotlb.msg.fe.2")
def translates_into_nowhere(d):
    d.set_up()

    def miss(page, _):
        d.translation(w.UPDATE, page, d.PAGE, w.BASE + w.BYTES, ALL)
        d.update(page, ALL)
        d.answer(0)
    d.miss = miss
    d.request(w.FLUSH)


@translating("VU.iotlb.msg.fe.2")
def translates_beyond_its_memory(d):
    d.set_up()

    def miss(page, _):
        d.update(page, ALL, size=w.BYTES + d.PAGE)
        d.update(page, ALL)
        d.answer(0)
    d.miss = miss
    d.request(w.FLUSH)


@translating("VU.iotlb.msg.fe.3")
def invalidates_nothing(d):
    d.set_up()
    d.request(w.FLUSH)
    assert d.translation(w.INVALIDATE, w.BASE, 0)


@translating("VU.iotlb.msg.fe.4", features=~(1 << w.F_ACCESS_PLATFORM))
def translates_unasked(d):
    d.set_up()
    d.send(w.IOTLB_MSG, struct.pack("<QQQBB6x", w.BASE, d.PAGE, 0, 0, w.INVALIDATE))


@translating("VU.iotlb.miss.fe.1")
def answers_first(d):
    """… and sends the update when that has been read."""
    d.set_up()

    def miss(page, _):
        d.answer(0)
        for _ in range(20):
            d.ask(w.GET_FEATURES)
        d.update(page, ALL)
    d.miss = miss
    d.request(w.FLUSH, wait=False)
    d.wait(0.5)


@translating("VU.breq.iotlb.fe.1")
def never_answers(d):
    d.set_up()
    d.miss = lambda page, _: d.update(page, ALL)
    d.request(w.FLUSH, wait=False)
    d.wait(0.5)
    for _ in range(20):
        d.ask(w.GET_FEATURES)


@translating("VU.breq.iotlb.fe.1")
def answers_at_length(d):
    d.set_up()
    d.miss = lambda page, _: (d.update(page, ALL), d.answer(0, size=12))
    d.request(w.FLUSH, wait=False)
    d.wait(0.5)
