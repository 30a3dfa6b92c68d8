# SPDX-License-Identifier: BSD-3-Clause
"""Drivers that are wrong before there are requests: their status, their features, the order of things."""
import struct

import wrong_driver as w
from wrong_table import NO_EVENT_IDX, wrong


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
