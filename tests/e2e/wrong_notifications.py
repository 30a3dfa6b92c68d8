# SPDX-License-Identifier: BSD-3-Clause
"""Drivers that notify when they should not, and do not when they should."""
import wrong_driver as w
from wrong_table import NO_EVENT_IDX, wrong


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
