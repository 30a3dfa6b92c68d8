# SPDX-License-Identifier: BSD-3-Clause
"""Drivers that are wrong in a split ring, or in either layout."""
import wrong_driver as w
from wrong_table import NO_EVENT_IDX, NO_INDIRECT, PIECES, ROUNDS, meddle, packed, read_in, wrong


@packed("virtqueues.drv.1")
@wrong("v14.split-ring.layout.drv.1")
def lays_descriptors_anywhere(d):
    d.desc += 8
    d.set_up()


@packed("scatter-gather.drv.3")
@wrong("v14.split-ring.message-framing.drv.1")
def has_the_status_first(d):
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.chain([(w.STATUS, 1, w.WRITE), (w.HEADER, 16, 0), (w.DATA, 512, w.WRITE)])
    d.publish()
    d.wait(0.5)


@packed("indirect.drv.1", features=NO_INDIRECT)
@wrong("v14.split-ring.indirect.drv.1", features=NO_INDIRECT)
def is_indirect_unasked(d):
    d.set_up()
    d.indirect(PIECES)


@packed("indirect.drv.2")
@wrong("v14.split-ring.indirect.drv.2")
def is_indirect_twice(d):
    d.set_up()
    d.indirect([(w.HEADER, 16, 0), (w.TABLE, 48, w.INDIRECT)])


@packed("indirect.drv.3")
@wrong("v14.split-ring.indirect.drv.3")
def is_longer_than_the_ring(d):
    d.set_up()
    d.indirect(read_in(d.size))


@wrong("v14.split-ring.message-framing.drv.2")
def cuts_small(d):
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.chain([(w.HEADER, 16, 0), *((w.DATA + 32 * n, 32, w.WRITE) for n in range(16)),
             (w.STATUS, 1, w.WRITE)])
    d.publish()
    d.wait()


@wrong("v14.init.device-cleanup.drv.1")
def changes_what_it_gave(d):
    d.set_up()
    for _ in range(ROUNDS):
        d.request(w.IN, into=24 << 20, wait=False)
        # The last descriptor's next says nothing, so that nothing else goes wrong.
        meddle(d, lambda n: d.put(w.DESC + 2 * 16 + 14, "H", n & 0x7fff))


@wrong("v14.split-ring.avail-notif-suppress.drv.1")
def begins_with_flags(d):
    d.put(w.USED, "H", 1)
    d.set_up()
    d.request(w.FLUSH)


@wrong("v14.split-ring.avail-ring.drv.1")
def goes_back(d):
    d.set_up()
    d.request(w.FLUSH)
    d.avail_idx = 0
    d.put(w.AVAIL + 2, "H", 0)
    d.notify()
    d.wait(0.5)  # the ring is broken then, and answers nothing


@wrong("v14.split-ring.used-notif-suppress.drv.1", features=NO_EVENT_IDX)
def has_a_flag_of_its_own(d):
    d.put(w.AVAIL, "H", 2)
    d.set_up()
    d.request(w.FLUSH)


@wrong("v14.split-ring.used-notif-suppress.drv.3")
def has_flags_beside_the_index(d):
    d.put(w.AVAIL, "H", 1)
    d.set_up()
    d.request(w.FLUSH)


@wrong("v14.split-ring.desc-table.drv.1")
def goes_round(d):
    d.set_up()
    d.descriptor(0, w.BASE + w.HEADER, 16, w.NEXT, 1)
    d.descriptor(1, w.BASE + w.DATA, 512, w.NEXT, 0)
    d.publish()
    d.wait(0.5)


@wrong("v14.split-ring.desc-table.drv.2")
def jumps(d):
    d.in_order = True
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.descriptor(0, w.BASE + w.HEADER, 16, w.NEXT, 2)
    d.descriptor(2, w.BASE + w.DATA, 512, w.NEXT | w.WRITE, 3)
    d.descriptor(3, w.BASE + w.STATUS, 1, w.WRITE)
    d.publish()
    d.wait()


@wrong("v14.split-ring.indirect.drv.5")
def jumps_in_a_table(d):
    d.in_order = True
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.descriptor(0, w.BASE + w.HEADER, 16, w.NEXT, 2, w.TABLE)
    d.descriptor(1, w.BASE + w.STATUS, 1, w.WRITE, 0, w.TABLE)
    d.descriptor(2, w.BASE + w.DATA, 512, w.NEXT | w.WRITE, 1, w.TABLE)
    d.descriptor(0, w.BASE + w.TABLE, 48, w.INDIRECT)
    d.publish()
    d.wait()


@wrong("v14.split-ring.indirect.drv.4")
def is_indirect_and_goes_on(d):
    d.set_up()
    d.indirect(PIECES, w.INDIRECT | w.NEXT)
