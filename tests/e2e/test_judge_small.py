# SPDX-License-Identifier: BSD-3-Clause
"""The judge of devices of small messages: it has nothing to say of a good driver, and of one that is wrong in
one thing it names the clause of that and no other."""
import os
import struct
import time

import pytest

import console_driver as con
import judgement
import vsock_driver as vs
import wrong_driver as w

CHAPTERS = {"i2c": "v14.i2c.", "gpio": "v14.gpio.", "scmi": "v14.scmi.", "console": "v14.console.",
            "vsock": "v14.vsock."}


@pytest.fixture
def judged(start_backend, backend_bin, run_dir):
    """judged(device, drive, features): what the judge says of a session in the device's chapter; {clause: check}."""
    def run(device, drive, features=~0):
        output = run_dir / "judge.json"
        socket = run_dir / f"{device}.sock"
        needs = ["--uds-path", run_dir / "v"] if device == "vsock" else []
        one = start_backend([backend_bin, device, "--socket-path", socket, "--judge-output", output, *needs],
                            socket)
        driver = w.Driver(socket, features)
        try:
            drive(driver)
            driver.ask(w.GET_FEATURES)  # all that came before was handled
        finally:
            driver.close()
        assert one.stop() == 0, one.output()
        verdicts = judgement.of(output)
        return verdicts, judgement.accused(verdicts)
    return run


def put(d, pieces, wait=True):
    """A chain of (bytes) that the driver wrote and (number of bytes) that it wants."""
    at, chain = w.HEADER, []
    for piece in pieces:
        length = piece if isinstance(piece, int) else len(piece)
        if not isinstance(piece, int):
            d.memory[at:at + length] = piece
        chain.append((at, length, w.WRITE if isinstance(piece, int) else 0))
        at += 64
    d.chain(chain)
    d.publish()
    assert not wait or d.wait()


# I2C.

FAIL_NEXT, M_RD = 1, 2


def i2c(addr, flags=0):
    return struct.pack("<HHI", addr << 1, 0, flags)


def good_i2c(d):
    d.set_up()
    put(d, [i2c(0x48, FAIL_NEXT), b"\0", 1])
    put(d, [i2c(0x48, M_RD), 2, 1])
    put(d, [i2c(0x50), 1])
    put(d, [i2c(0x50, M_RD), 1])


WRONG = {}


def wrong(device, number, features=~0):
    def add(drive):
        WRONG.setdefault(CHAPTERS[device] + number, []).append((device, drive, features))
        return drive
    return add


@wrong("i2c", "operation.drv.1", features=~1)
def does_without_the_feature(d):
    d.set_up()
    put(d, [i2c(0x48, M_RD), 2, 1])


@wrong("i2c", "operation.drv.3")
def writes_the_address_as_it_is(d):
    d.set_up()
    put(d, [struct.pack("<HHI", 0x49, 0, M_RD), 2, 1])


@wrong("i2c", "operation.drv.4")
def has_flags_of_its_own(d):
    d.set_up()
    put(d, [i2c(0x48, M_RD | 1 << 9), 2, 1])


@wrong("i2c", "operation.drv.5")
def has_a_buffer_for_nothing(d):
    d.set_up()
    put(d, [i2c(0x48), b"", 1])


@wrong("i2c", "operation.drv.7")
def reads_into_what_is_readable(d):
    d.set_up()
    put(d, [i2c(0x48, M_RD), b"\0\0", 1])


@wrong("i2c", "operation.drv.8")
def writes_what_is_writable(d):
    d.set_up()
    put(d, [i2c(0x48), 2, 1])


# GPIO.

GET_DIRECTION, SET_DIRECTION, GET_VALUE, SET_VALUE, SET_IRQ = range(2, 7)
RISING, FALLING = 1, 2
EVENTS = 0x400000  # the event queue's rings, at the same distances as those of the first


class Both:
    """A driver of both queues: whichever is taken is the one that `put` speaks of."""

    def __init__(self, driver, features=~0):
        self.driver = driver
        driver.connect()
        driver.acknowledge()
        driver.negotiate()
        driver.memory_table()
        driver.queue()
        self.event_kick = os.eventfd(0)
        self.rings = {}
        for request, at in ((w.SET_VRING_NUM, None), (w.SET_VRING_BASE, None)):
            driver.ring(request, driver.size if request == w.SET_VRING_NUM else 0, 1)
        base = w.BASE + EVENTS
        driver.send(w.SET_VRING_ADDR, struct.pack("<II4Q", 1, 0, base + w.DESC, base + w.USED,
                                                  base + w.AVAIL, 0))
        driver.send(w.SET_VRING_KICK, struct.pack("<Q", 1), [self.event_kick])
        driver.ring(w.SET_VRING_ENABLE, 1, 1)
        driver.driver_ok()
        self.queued = 0

    def ask(self, kind, line=0, value=0):
        put(self.driver, [struct.pack("<HHI", kind, line, value), 2])

    def wait_for(self, pieces):
        """On the event queue; waits until the device has looked at it, which is told by its next message."""
        d, at, n = self.driver, EVENTS + 0x20000 + 256 * self.queued, 2 * self.queued
        out, size = pieces
        d.memory[at:at + len(out)] = out
        d.descriptor(n, w.BASE + at, len(out), w.NEXT, n + 1, EVENTS)
        d.descriptor(n + 1, w.BASE + at + 64, size, w.WRITE, 0, EVENTS)
        d.put(EVENTS + w.AVAIL + 4 + 2 * self.queued, "H", n)
        self.queued += 1
        d.put(EVENTS + w.AVAIL + 2, "H", self.queued)
        os.eventfd_write(self.event_kick, 1)
        d.ask(w.GET_FEATURES)

    def used(self):
        return self.driver.get(EVENTS + w.USED + 2, "H")

    def returned(self, count):
        end = time.monotonic() + w.DEADLINE
        while self.used() != count:
            assert time.monotonic() < end
            self.ask(GET_DIRECTION)


def event(line):
    return [struct.pack("<H", line), 1]


def good_gpio(d):
    both = Both(d)
    both.ask(SET_DIRECTION, 0, 1)
    both.ask(SET_VALUE, 0, 1)
    both.ask(GET_VALUE, 0)
    both.ask(SET_DIRECTION, 1, 2)
    both.ask(SET_IRQ, 1, RISING)
    both.wait_for(event(1))
    both.ask(SET_IRQ, 1, 0)
    both.returned(1)
    both.ask(SET_IRQ, 1, FALLING)
    both.wait_for(event(1))
    both.ask(SET_IRQ, 1, 0)
    both.returned(2)


@wrong("gpio", "requestq.drv.1")
def asks_the_event_queue(d):
    both = Both(d)
    both.wait_for([struct.pack("<HHI", GET_DIRECTION, 0, 0), 2])
    both.returned(1)


@wrong("gpio", "requestq.drv.2")
def has_half_a_message(d):
    d.set_up()
    put(d, [struct.pack("<HH", GET_DIRECTION, 0), 2])


@wrong("gpio", "requestq.drv.2")
def has_no_room_for_a_value(d):
    d.set_up()
    put(d, [struct.pack("<HHI", GET_DIRECTION, 0, 0), 1])


@wrong("gpio", "requestq.drv.3")
def asks_for_a_line_that_is_not_there(d):
    d.set_up()
    put(d, [struct.pack("<HHI", GET_DIRECTION, 8, 0), 2])


@wrong("gpio", "requestq.drv.3")
def asks_for_what_nobody_knows(d):
    d.set_up()
    put(d, [struct.pack("<HHI", 7, 0, 0), 2])


@wrong("gpio", "requestq.drv.3")
def sets_a_line_to_2(d):
    d.set_up()
    put(d, [struct.pack("<HHI", SET_VALUE, 0, 2), 2])


@wrong("gpio", "requestq.drv.4")
def asks_from_what_is_writable(d):
    d.set_up()
    put(d, [8, 2])


@wrong("gpio", "requestq.drv.6")
def wants_an_answer_in_what_is_readable(d):
    d.set_up()
    put(d, [struct.pack("<HHI", GET_DIRECTION, 0, 0), b"\0\0"])


@wrong("gpio", "requestq.drv.8", features=~1)
def wants_interrupts_without_the_feature(d):
    d.set_up()
    put(d, [struct.pack("<HHI", SET_IRQ, 0, RISING), 2])


@wrong("gpio", "requestq.drv.9")
def wants_interrupts_of_an_output(d):
    both = Both(d)
    both.ask(SET_DIRECTION, 0, 1)
    both.ask(SET_IRQ, 0, RISING)


@wrong("gpio", "requestq.drv.11")
def changes_its_mind(d):
    both = Both(d)
    both.ask(SET_DIRECTION, 0, 2)
    both.ask(SET_IRQ, 0, RISING)
    both.ask(SET_IRQ, 0, FALLING)


@wrong("gpio", "eventq.drv.2")
def unmasks_what_is_not_enabled(d):
    both = Both(d)
    both.wait_for(event(3))
    both.returned(1)


@wrong("gpio", "eventq.drv.3")
def waits_for_two_lines_with_one_buffer(d):
    both = Both(d)
    both.wait_for([struct.pack("<HH", 0, 1), 1])
    both.returned(1)


@wrong("gpio", "eventq.drv.4")
def waits_twice(d):
    both = Both(d)
    both.ask(SET_DIRECTION, 3, 2)
    both.ask(SET_IRQ, 3, RISING)
    both.wait_for(event(3))
    both.wait_for(event(3))
    both.returned(1)


# SCMI.

BASE, CLOCK, SENSOR = 0x10, 0x14, 0x15
P2A = 1  # VIRTIO_SCMI_F_P2A_CHANNELS
READING_GET, RATE_NOTIFY, DISCOVER_AGENT = 6, 9, 7


def scmi(protocol, message, *params):
    return struct.pack(f"<I{len(params)}I", protocol << 10 | message, *params)


class Agent(Both):
    """A driver of an SCMI device's two queues."""

    def command(self, command, room=64):
        put(self.driver, [command, room])

    def buffer(self, pieces):
        """On the event queue: bytes to read, or a number of those to write."""
        d, at, n = self.driver, EVENTS + 0x20000 + 256 * self.queued, 2 * self.queued
        for i, piece in enumerate(pieces):
            flags = w.WRITE if isinstance(piece, int) else 0
            last = i == len(pieces) - 1
            d.descriptor(n + i, w.BASE + at + 128 * i, piece if flags else len(piece),
                         flags | (0 if last else w.NEXT), 0 if last else n + i + 1, EVENTS)
        d.put(EVENTS + w.AVAIL + 4 + 2 * self.queued, "H", n)
        self.queued += 1
        d.put(EVENTS + w.AVAIL + 2, "H", self.queued)
        os.eventfd_write(self.event_kick, 1)

    def told(self):
        end = time.monotonic() + w.DEADLINE
        while self.used() != self.queued:
            assert time.monotonic() < end
            self.command(scmi(BASE, 0))

    def read_later(self):
        self.command(scmi(SENSOR, READING_GET, 0, 1))


def good_scmi(d):
    agent = Agent(d)
    agent.buffer([128])
    agent.command(scmi(BASE, 0))
    agent.read_later()
    agent.told()


@wrong("scmi", "cmdq.drv.2")
def has_no_room_for_a_version(d):
    agent = Agent(d)
    agent.buffer([128])
    agent.command(scmi(BASE, 0), 11)


@wrong("scmi", "cmdq.drv.2")
def has_no_room_for_a_reading(d):
    agent = Agent(d)
    agent.buffer([128])
    agent.command(scmi(SENSOR, READING_GET, 0, 0), 16)


@wrong("scmi", "cmdq.drv.3", features=~P2A)
def wants_to_be_told_without_the_feature(d):
    d.set_up()
    put(d, [scmi(CLOCK, RATE_NOTIFY, 0, 1), 64])


@wrong("scmi", "cmdq.drv.3", features=~P2A)
def wants_it_later_without_the_feature(d):
    d.set_up()
    put(d, [scmi(SENSOR, READING_GET, 0, 1), 64])


@wrong("scmi", "eventq-setup.drv.1")
def has_no_buffers_for_events(d):
    agent = Agent(d)
    for _ in range(3):
        agent.command(scmi(BASE, DISCOVER_AGENT, 0))


@wrong("scmi", "eventq-setup.drv.2")
def has_events_read_what_it_wrote(d):
    agent = Agent(d)
    agent.buffer([bytes(8), 120])
    agent.read_later()
    agent.told()


@wrong("scmi", "eventq-setup.drv.3")
def has_no_room_for_an_event(d):
    agent = Agent(d)
    agent.buffer([12])
    agent.read_later()
    agent.told()


# Console.

def good_console(d):
    console = con.Console(d)
    console.set_up_ports()
    console.send(b"to and fro")
    assert console.receive(10) == b"to and fro"
    console.close()


@wrong("console", "operation.drv.1")
def sends_where_it_receives(d):
    console = con.Console(d, ports=0)
    console.put(con.IN, b"why", room=64)
    console.send(b"this")
    console.take(con.IN)
    console.close()


@wrong("console", "operation.drv.1")
def says_where_it_hears(d):
    console = con.Console(d)
    console.put(con.CONTROL_IN, b"why", room=64)
    console.set_up_ports()
    console.close()


@wrong("console", "operation.drv.2")
def wants_what_it_sends(d):
    console = con.Console(d, ports=0)
    console.put(con.OUT, b"this", room=64)
    console.take(con.OUT)
    console.close()


@wrong("console", "operation.drv.2")
def wants_what_it_says(d):
    console = con.Console(d)
    console.put(con.CONTROL_OUT, struct.pack("<IHH", 0, con.DEVICE_READY, 1), room=8)
    console.take(con.CONTROL_OUT)
    console.close()


@wrong("console", "multiport.drv.1")
def sends_and_was_never_ready(d):
    console = con.Console(d)
    console.send(b"this")
    console.close()


@wrong("console", "multiport.drv.1")
def opens_and_was_never_ready(d):
    console = con.Console(d)
    console.say(0, con.PORT_OPEN)
    console.close()


@wrong("console", "multiport.drv.3")
def does_not_open_a_console(d):
    console = con.Console(d)
    console.say(0, con.DEVICE_READY)
    console.hear()
    console.say(0, con.PORT_READY)
    assert console.hear()[:2] == (0, con.CONSOLE_PORT)
    console.send(b"this")
    console.close()


@wrong("console", "multiport.drv.4")
def closes_a_console(d):
    console = con.Console(d)
    console.say(0, con.DEVICE_READY)
    console.hear()
    console.say(0, con.PORT_READY)
    assert console.hear()[:2] == (0, con.CONSOLE_PORT)
    console.say(0, con.PORT_OPEN, 0)
    console.close()


# Sockets.

def good_vsock(d):
    d.wanted &= ~7  # streams are implied
    sockets = vs.Sockets(d, vs.path_of(d))
    peer = sockets.connect()
    sockets.say(vs.RW, b"out")
    assert peer.recv(3) == b"out"
    peer.send(b"in")
    assert sockets.take(vs.RX)[vs.HEADER:] == b""  # RESPONSE
    sockets.put(vs.RX, room=100)
    assert sockets.take(vs.RX)[vs.HEADER:] == b"in"
    sockets.say(vs.CREDIT_UPDATE, fwd_cnt=2)
    sockets.say(vs.SHUTDOWN, flags=3, fwd_cnt=2)
    peer.close()
    sockets.close()


@wrong("vsock", "features.drv.2", features=~7)
def has_packets_unasked(d):
    sockets = vs.Sockets(d, vs.path_of(d))
    sockets.say(vs.REQUEST, kind=vs.SEQPACKET)
    sockets.close()


@wrong("vsock", "credit.drv.1")
def sends_beyond_the_credit(d):
    sockets = vs.Sockets(d, vs.path_of(d))
    peer = sockets.connect()
    for _ in range(33):
        sockets.say(vs.RW, bytes(4000))
    peer.close()
    sockets.close()


@wrong("vsock", "credit.drv.2")
def has_no_buffer(d):
    sockets = vs.Sockets(d, vs.path_of(d))
    sockets.connect().close()
    sockets.say(vs.RW, b"x", buf_alloc=0)
    sockets.close()


@wrong("vsock", "credit.drv.2")
def counts_what_was_not_sent(d):
    sockets = vs.Sockets(d, vs.path_of(d))
    sockets.connect().close()
    sockets.say(vs.CREDIT_UPDATE, fwd_cnt=1)
    sockets.close()


@wrong("vsock", "rxtx.drv.1")
def has_another_address(d):
    sockets = vs.Sockets(d, vs.path_of(d))
    sockets.say(vs.REQUEST, src_cid=vs.CID + 1)
    sockets.close()


GOOD = {"i2c": good_i2c, "gpio": good_gpio, "scmi": good_scmi, "console": good_console,
        "vsock": good_vsock}


@pytest.mark.parametrize("device", GOOD)
def test_a_good_driver(judged, device):
    verdicts, accused = judged(device, GOOD[device])
    assert accused == set()
    assert [c for c, v in verdicts.items()
            if c.startswith(CHAPTERS[device]) and v["verdict"] != "pass"] == []


@pytest.mark.parametrize("clause, device, drive, features", [
    (clause, *row) for clause, rows in WRONG.items() for row in rows],
    ids=[row[1].__name__ for rows in WRONG.values() for row in rows])
def test_a_wrong_driver(judged, clause, device, drive, features):
    verdicts, accused = judged(device, drive, features)
    assert {c for c in accused if c.startswith(CHAPTERS[device])} == {clause}
    assert verdicts[clause]["evidence"]["observed"]


@pytest.mark.parametrize("device", GOOD)
def test_every_claim_has_one_and_what_is_not_claimed_has_a_reason(judged, run_json, device):
    chapter = CHAPTERS[device]
    verdicts, _ = judged(device, lambda d: d.connect())
    claimed = {c for c in verdicts if c.startswith(chapter)}
    assert claimed == {c for c in WRONG if c.startswith(chapter)}
    clauses = {c["id"]: c for c in run_json("clauses", "--actor", "driver")["clauses"]
               if c["id"].startswith(chapter) and c["level"] != "MAY"}
    assert {c for c in clauses if "reason" not in clauses[c]} == claimed
