# SPDX-License-Identifier: BSD-3-Clause
"""A driver of a console's queues: of its ports, and of the control queues."""
import os
import struct
import time

import wrong_driver as w

DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME = range(8)
IN, OUT, CONTROL_IN, CONTROL_OUT = range(4)  # and then those of port 1
APART = 0x400000  # each queue's rings and buffers
ROOM = 4096  # bytes of one buffer


class Console:
    """One session of `driver`, a wrong_driver.Driver, with so many ports; 0: with one, and no control queues."""

    def __init__(self, driver, ports=1):
        self.driver = driver
        driver.wanted &= ~0 if ports else ~2
        driver.connect()
        driver.acknowledge()
        driver.negotiate()
        driver.memory_table()
        self.kicks, self.queued, self.seen = {}, {}, {}
        for q in range(2 + 2 * ports):
            self._queue(q)
        driver.driver_ok()

    def _queue(self, q):
        d, base = self.driver, w.BASE + APART * q
        self.kicks[q], self.queued[q], self.seen[q] = os.eventfd(0), 0, 0
        d.ring(w.SET_VRING_NUM, d.size, q)
        d.ring(w.SET_VRING_BASE, 0, q)
        d.send(w.SET_VRING_ADDR, struct.pack("<II4Q", q, 0, base + w.DESC, base + w.USED, base + w.AVAIL, 0))
        d.send(w.SET_VRING_KICK, struct.pack("<Q", q), [self.kicks[q]])
        d.ring(w.SET_VRING_ENABLE, 1, q)

    def close(self):
        for fd in self.kicks.values():
            os.close(fd)

    def _place(self, q, n):
        return APART * q + 0x20000 + 2 * ROOM * (n % (self.driver.size // 2))

    def put(self, q, out=b"", room=0):
        """A chain of what is sent and what there is room for, each of which may be none."""
        d, n = self.driver, self.queued[q]
        head, at = 2 * (n % (d.size // 2)), self._place(q, n)
        d.memory[at:at + len(out)] = out
        if out and room:
            d.descriptor(head, w.BASE + at, len(out), w.NEXT, head + 1, APART * q)
            d.descriptor(head + 1, w.BASE + at + ROOM, room, w.WRITE, 0, APART * q)
        elif out:
            d.descriptor(head, w.BASE + at, len(out), 0, 0, APART * q)
        else:
            d.descriptor(head, w.BASE + at + ROOM, room, w.WRITE, 0, APART * q)
        d.put(APART * q + w.AVAIL + 4 + 2 * (n % d.size), "H", head)
        self.queued[q] += 1
        d.put(APART * q + w.AVAIL + 2, "H", self.queued[q] & 0xffff)
        os.eventfd_write(self.kicks[q], 1)

    def used(self, q):
        return self.driver.get(APART * q + w.USED + 2, "H")

    def take(self, q, deadline=w.DEADLINE):
        """What is in the next buffer that comes back."""
        end = time.monotonic() + deadline
        while self.used(q) == self.seen[q] & 0xffff:
            assert time.monotonic() < end, f"nothing on queue {q}"
            os.sched_yield()
        slot = APART * q + w.USED + 4 + 8 * (self.seen[q] % self.driver.size)
        length = self.driver.get(slot + 4, "I")
        at = self._place(q, self.seen[q]) + ROOM
        self.seen[q] += 1
        return bytes(self.driver.memory[at:at + length])

    # Data.

    def send(self, data, port=0, wait=True):
        q = 2 * port + 3 if port else OUT
        for i in range(0, len(data), ROOM):
            self.put(q, data[i:i + ROOM])
            if wait:
                self.take(q)

    def receive(self, length, port=0):
        q, got = 2 * port + 2 if port else IN, b""
        while len(got) < length:
            if self.queued[q] == self.seen[q]:
                self.put(q, room=1000)
            got += self.take(q)
        return got

    # Control messages.

    def say(self, port, event, value=1, more=b""):
        self.put(CONTROL_OUT, struct.pack("<IHH", port, event, value) + more)
        self.take(CONTROL_OUT)

    def hear(self):
        """(port, event, value, the rest) of the next one."""
        if self.queued[CONTROL_IN] == self.seen[CONTROL_IN]:
            self.put(CONTROL_IN, room=64)
        message = self.take(CONTROL_IN)
        return *struct.unpack("<IHH", message[:8]), message[8:]

    def until(self, *wanted):
        """Of all that is said, what these say, (port, event) each, in whatever order: (value, the rest) each."""
        found = {}
        while len(found) < len(wanted):
            heard = self.hear()
            if heard[:2] in wanted:
                found[heard[:2]] = heard[2:]
            if heard[1] == PORT_ADD:
                self.say(heard[0], PORT_READY)
            if heard[1] == CONSOLE_PORT:
                self.say(heard[0], PORT_OPEN)
        return [found[one] for one in wanted]

    def set_up_ports(self):
        """All of them are ready; port 0, a console, is open on both sides."""
        self.say(0xffffffff, DEVICE_READY)
        self.until((0, PORT_OPEN))
