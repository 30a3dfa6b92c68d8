# SPDX-License-Identifier: BSD-3-Clause
"""Drivers that are wrong in one thing each, for test_judge.py; what a driver can do is wrong_driver.py."""
import struct

import wrong_driver as w

PIECES = [(w.HEADER, 16, 0), (w.DATA, 512, w.WRITE), (w.STATUS, 1, w.WRITE)]
NO_EVENT_IDX = ~(1 << w.F_EVENT_IDX)
NO_INDIRECT = ~(1 << w.F_INDIRECT)

# Whether a change comes while the request is in flight is the scheduler's choice: hence so many of them.
ROUNDS = 20


# By clause: what is done, the features that are accepted, the back-end's options.
WRONG = {}
# The same of front-ends that translate: their clauses are those of vhost-user.
TRANSLATING = {}


def wrong(clause, features=~0, options=(), also=(), **target):
    """The decorated session breaks `clause`; `also` says the same thing in another place."""
    def add(drive):
        WRONG.setdefault(clause, []).append((drive, features, options, set(also), target))
        return drive
    return add


def packed(clause, also=(), **more):
    """A wrong driver of a packed ring; clauses of that chapter, but for `also` with dots."""
    chapter = "v14.packed-ring."
    return wrong(chapter + clause, also=[c if "v14." in c else chapter + c for c in also],
                 kind=w.PackedDriver, **more)


def translating(clause, features=~0, also=()):
    """A wrong front-end with VIRTIO_F_ACCESS_PLATFORM."""
    def add(drive):
        TRANSLATING.setdefault(clause, []).append(
            (drive, features, (), set(also), {"kind": w.TranslatingDriver}))
        return drive
    return add


@wrong("v14.basic.device-status.drv.2")
def drops_a_bit(d):
    d.set_up()
    d.status(w.ACKNOWLEDGE | w.FEATURES_OK | w.DRIVER_OK)


@wrong("v14.basic.device-status.drv.3")
def goes_on_after_failed(d):
    d.connect()
    d.acknowledge()
    d.status(w.ACKNOWLEDGE | w.DRIVER | w.FAILED)
    d.status(w.ACKNOWLEDGE | w.DRIVER | w.FAILED | w.DRIVER_OK)


@wrong("v14.init.device-init.drv.2")
def drives_what_it_did_not_acknowledge(d):
    d.connect()
    d.status(w.DRIVER)


@wrong("v14.basic.device-status.drv.1")
def says_that_all_is_done(d):
    d.connect()
    d.acknowledge()
    d.choose()
    d.status(w.ACKNOWLEDGE | w.DRIVER | w.DRIVER_OK)


@wrong("v14.basic.device-reset.drv.1")
def does_not_wait_for_the_reset(d):
    d.set_up()
    d.status(0)
    d.status(w.ACKNOWLEDGE)


@wrong("v14.init.device-init.drv.1")
def does_not_reset(d):
    d.connect()
    d.status(w.ACKNOWLEDGE)
    d.status(w.ACKNOWLEDGE | w.DRIVER)
    d.negotiate()


@wrong("v14.init.device-init.drv.3")
def has_features_before_it_is_a_driver(d):
    d.connect()
    d.reset()
    d.status(w.ACKNOWLEDGE)
    d.choose()
    d.status(w.ACKNOWLEDGE | w.DRIVER)
    d.negotiate()


@wrong("v14.init.device-init.drv.4")
def has_no_features(d):
    d.connect()
    d.acknowledge()
    d.status(w.ACKNOWLEDGE | w.DRIVER | w.FEATURES_OK)
    d.ask(w.GET_STATUS)


@wrong("v14.init.device-init.drv.6")
def does_not_look_whether_they_were_taken(d):
    d.connect()
    d.acknowledge()
    d.choose()
    d.status(w.ACKNOWLEDGE | w.DRIVER | w.FEATURES_OK)
    d.memory_table()
    d.queue()


@wrong("v14.init.device-init.drv.7")
def lays_its_queue_out_first(d):
    d.connect()
    d.acknowledge()
    d.choose()
    d.memory_table()
    d.ring(w.SET_VRING_NUM, d.size)
    d.send(w.SET_VRING_ADDR, struct.pack("<II4Q", 0, 0, d.desc, w.BASE + w.USED, w.BASE + w.AVAIL, 0))
    d.negotiate()
    d.queue()
    d.driver_ok()


@wrong("v14.init.device-init.drv.10")
def writes_the_configuration_first(d):
    d.connect()
    d.acknowledge()
    d.config(32, b"\0")  # writeback


@wrong("v14.init.device-init.drv.12", also=["v14.basic.feature-bits.drv.1", "VU.feat.set.fe.1"])
def gives_up_and_says_nothing(d):
    d.connect()
    d.acknowledge()
    d.number(w.SET_FEATURES, d.offered | 1 << 49)
    d.status(w.ACKNOWLEDGE | w.DRIVER | w.FEATURES_OK)
    d.ask(w.GET_STATUS)


@wrong("v14.init.device-init.drv.13",
       also=["v14.basic.feature-bits.drv.1", "VU.feat.set.fe.1", "v14.init.device-init.drv.12"])
def goes_on_without_features(d):
    d.connect()
    d.acknowledge()
    d.number(w.SET_FEATURES, d.offered | 1 << 49)
    d.status(w.ACKNOWLEDGE | w.DRIVER | w.FEATURES_OK)
    d.ask(w.GET_STATUS)
    d.status(w.ACKNOWLEDGE | w.DRIVER | w.DRIVER_OK)


@wrong("v14.init.device-init.drv.14")
def notifies_before_it_is_ready(d):
    d.connect()
    d.acknowledge()
    d.negotiate()
    d.memory_table()
    d.queue()
    # The first may be the front-end's own, which starts the ring.
    d.notify()
    d.notify()
    for _ in range(20):
        d.send(w.SET_VRING_CALL, struct.pack("<Q", 0), [d.call])  # the ring's thread takes part
        d.ask(w.GET_FEATURES)
    d.driver_ok()


@wrong("v14.basic.feature-bits.drv.5", options=["--judge-offer", str(w.F_UNDESCRIBED)])
def takes_what_nobody_knows(d):
    d.set_up()


@wrong("v14.basic.feature-bits.drv.8", options=["--judge-offer", str(w.F_FOREIGN)])
def takes_what_is_not_for_it(d):
    d.set_up()


@wrong("v14.basic.feature-bits.drv.12", features=~(1 << w.F_UNDESCRIBED),
       options=["--judge-offer", str(w.F_UNDESCRIBED)])
def is_afraid_of_the_unknown(d):
    d.connect()
    d.acknowledge()
    d.negotiate()
    d.status(w.ACKNOWLEDGE | w.DRIVER | w.FEATURES_OK | w.FAILED)


@wrong("v14.split-ring.avail-notif-suppress.drv.3", features=NO_EVENT_IDX, options=["--poll"])
def notifies_whom_it_should_not(d):
    d.set_up()
    for _ in range(8):
        d.request(w.FLUSH)
        d.notify()
    d.stop()


def stay_silent(d):
    """Buffers that the device is not told of. One that comes while it is still awake it finds itself."""
    for _ in range(100):
        while not d.asked(d.avail_idx):
            pass
        d.publish(notify=False)
        if not d.wait(0.3):
            break
    d.stop()


@wrong("v14.split-ring.avail-notif-suppress.drv.4", features=NO_EVENT_IDX)
def keeps_its_buffer_to_itself(d):
    d.set_up()
    d.request(w.FLUSH)
    stay_silent(d)


@wrong("v14.split-ring.avail-notif-suppress.drv.6")
def keeps_its_buffer_to_itself_at_the_index(d):
    d.set_up()
    d.request(w.FLUSH)
    stay_silent(d)


@wrong("v14.split-ring.avail-notif-suppress.drv.7", options=["--poll"])
def notifies_beside_the_index(d):
    d.set_up()
    for _ in range(8):
        d.request(w.FLUSH)
        d.notify()
    d.stop()


@wrong("v14.split-ring.avail-notif-suppress.drv.7")
def notifies_again_and_again(d):
    d.set_up()
    for _ in range(8):
        d.notify()
    d.request(w.FLUSH)
    d.stop()


@wrong("v14.split-ring.message-framing.drv.2")
def cuts_small(d):
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.chain([(w.HEADER, 16, 0), *((w.DATA + 32 * n, 32, w.WRITE) for n in range(16)),
             (w.STATUS, 1, w.WRITE)])
    d.publish()
    d.wait()


@wrong("v14.init.device-init.drv.5", also=["v14.init.device-init.drv.7"])
def sets_up_before_the_features_are_settled(d):
    d.connect()
    d.acknowledge()
    d.choose()
    d.memory_table()
    d.queue()


@wrong("v14.init.device-init.drv.8")
def sets_up_when_all_is_said(d):
    d.connect()
    d.acknowledge()
    d.negotiate()
    d.memory_table()
    d.driver_ok()
    d.queue()


@wrong("v14.init.device-init.drv.11")
def accepts_late(d):
    d.set_up()
    d.number(w.SET_FEATURES, d.features & NO_EVENT_IDX)


@wrong("v14.basic.feature-bits.drv.1", also=["VU.feat.set.fe.1"])
def accepts_what_was_not_offered(d):
    d.connect()
    d.acknowledge()
    d.number(w.SET_FEATURES, d.offered | 1 << 49)


@wrong("v14.reserved-features.bits.drv.1", features=~(1 << w.F_VERSION_1))
def is_of_yesterday(d):
    d.set_up()


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


@wrong("v14.init.device-cleanup.drv.1")
def changes_what_it_gave(d):
    d.set_up()
    for _ in range(ROUNDS):
        d.request(w.IN, into=24 << 20, wait=False)
        n = 0
        # The last descriptor's next says nothing, so that nothing else goes wrong.
        while not d.wait(0) and n < 1000000:
            n += 1
            d.put(w.DESC + 2 * 16 + 14, "H", n & 0x7fff)


@wrong("v14.split-ring.layout.drv.1")
def lays_descriptors_anywhere(d):
    d.desc += 8
    d.set_up()


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


@wrong("v14.split-ring.message-framing.drv.1")
def has_the_status_first(d):
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.chain([(w.STATUS, 1, w.WRITE), (w.HEADER, 16, 0), (w.DATA, 512, w.WRITE)])
    d.publish()
    d.wait(0.5)


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


@wrong("v14.split-ring.indirect.drv.1", features=NO_INDIRECT)
def is_indirect_unasked(d):
    d.set_up()
    d.indirect(PIECES)


@wrong("v14.split-ring.indirect.drv.2")
def is_indirect_twice(d):
    d.set_up()
    d.indirect([(w.HEADER, 16, 0), (w.TABLE, 48, w.INDIRECT)])


@wrong("v14.split-ring.indirect.drv.3")
def is_longer_than_the_ring(d):
    d.set_up()
    d.indirect([(w.HEADER, 16, 0)] + [(w.DATA + 512 * n, 512, w.WRITE) for n in range(d.size)] +
               [(w.STATUS, 1, w.WRITE)])


@wrong("v14.split-ring.indirect.drv.4")
def is_indirect_and_goes_on(d):
    d.set_up()
    d.indirect(PIECES, w.INDIRECT | w.NEXT)


CHANGED = {"desc-table.drv.1", "desc-table.drv.2", "v14.init.device-cleanup.drv.1"}


@packed("virtqueues.drv.1")
def lays_a_packed_ring_anywhere(d):
    d.desc += 8
    d.set_up()


def changes_while_it_is_in_flight(d, change):
    d.set_up()
    for i in range(64):
        d.put(w.HEADER + 16 * i, "IIQ", w.IN, 0, 0)
    for _ in range(ROUNDS):
        at = d.at
        d.request(w.IN, into=24 << 20, wait=False)
        n = 0
        while not d.wait(0) and n < 1000000:
            n += 1
            change(d, at, n)


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
        n = 0
        while not d.wait(0) and n < 1000000:
            n += 1
            d.put(w.TABLE + 12, "H", n & 0x7fff)  # the id, which means nothing there


@packed("scatter-gather.drv.1")
def is_in_more_pieces_than_the_device_takes(d):
    d.size = 256
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.chain([(w.HEADER, 16, 0)] + [(w.DATA + 512 * n, 512, w.WRITE) for n in range(127)] +
            [(w.STATUS, 1, w.WRITE)])
    d.publish()
    assert d.wait()


@packed("scatter-gather.drv.2")
def never_ends(d):
    d.size = 4
    d.set_up()
    d.chain([(w.HEADER, 16, 0)] + [(w.DATA, 512, w.WRITE | w.NEXT)] * 3)
    d.publish()
    d.wait(0.5)


@packed("scatter-gather.drv.3")
def has_the_packed_status_first(d):
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.chain([(w.STATUS, 1, w.WRITE), (w.HEADER, 16, 0), (w.DATA, 512, w.WRITE)])
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


@packed("indirect.drv.1", features=NO_INDIRECT)
def is_indirect_unasked_in_a_packed_ring(d):
    d.set_up()
    d.indirect(PIECES)


@packed("indirect.drv.2")
def links_a_table(d):
    d.set_up()
    d.indirect([(o, n, flags | (w.NEXT if o != w.STATUS else 0)) for o, n, flags in PIECES])


@packed("indirect.drv.2")
def is_indirect_in_a_table(d):
    d.set_up()
    d.indirect([(w.HEADER, 16, 0), (w.TABLE, 48, w.INDIRECT)])


@packed("indirect.drv.3")
def has_a_table_longer_than_the_ring(d):
    d.set_up()
    d.indirect([(w.HEADER, 16, 0)] + [(w.DATA + 512 * n, 512, w.WRITE) for n in range(d.size)] +
               [(w.STATUS, 1, w.WRITE)])


@packed("indirect.drv.3")
def has_a_table_longer_than_the_device_takes(d):
    d.size = 256
    d.set_up()
    d.indirect([(w.HEADER, 16, 0)] + [(w.DATA + 512 * n, 512, w.WRITE) for n in range(127)] +
               [(w.STATUS, 1, w.WRITE)])


@packed("indirect.drv.4")
def is_indirect_in_a_list(d):
    d.set_up()
    d.put(w.HEADER, "IIQ", w.IN, 0, 0)
    d.chain(PIECES, w.TABLE)
    d.chain([(w.TABLE, 48, w.INDIRECT), (w.STATUS, 1, w.WRITE)])
    d.publish()
    d.wait(0.5)


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
