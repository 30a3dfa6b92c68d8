# SPDX-License-Identifier: BSD-3-Clause
"""Drivers that are wrong in a packed ring."""
import wrong_driver as w
from wrong_table import PIECES, ROUNDS, meddle, packed, read_in, wrong

CHANGED = {"desc-table.drv.1", "desc-table.drv.2", "v14.init.device-cleanup.drv.1"}


def changes_while_it_is_in_flight(d, change):
    d.set_up()
    for i in range(64):
        d.put(w.HEADER + 16 * i, "IIQ", w.IN, 0, 0)
    for _ in range(ROUNDS):
        at = d.at
        d.request(w.IN, into=24 << 20, wait=False)
        meddle(d, lambda n, at=at: change(d, at, n))


@packed("desc-table.drv.1", also=CHANGED - {"desc-table.drv.1"})
def changes_the_first(d):
    # Where the header is: a used descriptor does not have that, and all headers are the same.
    changes_while_it_is_in_flight(d, lambda d, at, n: d.put(
        w.DESC + 16 * at, "Q", w.BASE + w.HEADER + n % 64 * 16))


@packed("desc-table.drv.2", also=CHANGED - {"desc-table.drv.2"})
def changes_another(d):
    # The id, which says something in the last one only.
    changes_while_it_is_in_flight(d, lambda d, at, n: d.put(
        w.DESC + 16 * ((at + 1) % d.size) + 12, "H", n & 0x7fff))


@wrong("v14.init.device-cleanup.drv.1", kind=w.PackedDriver)
def changes_a_packed_table(d):
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    for _ in range(ROUNDS):
        d.chain([(w.HEADER, 16, 0), (w.DATA, 24 << 20, w.WRITE), (w.STATUS, 1, w.WRITE)], w.TABLE)
        d.chain([(w.TABLE, 48, w.INDIRECT)])
        d.publish()
        # The id, which means nothing there.
        meddle(d, lambda n: d.put(w.TABLE + 12, "H", n & 0x7fff))


@packed("scatter-gather.drv.1")
def is_in_more_pieces_than_the_device_takes(d):
    d.size = 256
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.chain(read_in(127))
    d.publish()
    assert d.wait()


@packed("scatter-gather.drv.2")
def never_ends(d):
    d.size = 4
    d.set_up()
    d.chain([(w.HEADER, 16, 0)] + [(w.DATA, 512, w.WRITE | w.NEXT)] * 3)
    d.publish()
    d.wait(0.5)


def shows_a_part(d, shown):
    """The head of a list, and not all that follows."""
    for _ in range(shown):
        d.put(w.DESC + 16 * d.at, "QIHH", w.BASE + w.HEADER, 16, 0, w.NEXT | d.lap(d.wrap))
        d.at, d.wrap = d.step(d.at, d.wrap, 1)
    d.notify()
    d.until_broken()


@packed("scatter-gather.drv.4", also=["scatter-gather.drv.5", "scatter-gather.drv.6"], image=True)
@packed("scatter-gather.drv.5", also=["scatter-gather.drv.4", "scatter-gather.drv.6"], image=True)
def begins_a_list_without_room(d):
    d.size = 4
    d.set_up()
    # Taken together with what follows, and given to the image behind that.
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.chain(PIECES)
    d.publish(notify=False)
    shows_a_part(d, 1)


@packed("scatter-gather.drv.6")
def shows_the_head_first(d):
    d.size = 4
    d.set_up()
    shows_a_part(d, 2)


@packed("indirect.drv.2")
def links_a_table(d):
    d.set_up()
    d.indirect([(o, n, flags | (w.NEXT if o != w.STATUS else 0)) for o, n, flags in PIECES])


@packed("indirect.drv.3")
def has_a_table_longer_than_the_device_takes(d):
    d.size = 256
    d.set_up()
    d.indirect(read_in(127))


@packed("indirect.drv.4")
def is_indirect_in_a_list(d):
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.chain(PIECES, w.TABLE)
    d.chain([(w.TABLE, 48, w.INDIRECT), (w.STATUS, 1, w.WRITE)])
    d.publish()
    d.wait(0.5)
