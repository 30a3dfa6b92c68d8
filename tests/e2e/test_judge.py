# SPDX-License-Identifier: BSD-3-Clause
"""The judge is proven: it has nothing to say of a good driver, and of a driver that is wrong in one
thing it names the clause of that and no other."""
import os
import re
import signal
import struct
import time
from pathlib import Path

import pytest

import judgement
import test_judge_registers
import wrong_driver as w
from judgement import accused
from wrong_drivers import TRANSLATING, WRONG
from wrong_table import NO_EVENT_IDX, NO_INDIRECT, PIECES
from wrong_translations import ALL


@pytest.fixture
def judged(backend, run_dir):
    """judged(drive, features, options, …): what the judge says of a session; {clause: check}."""
    def run(drive, features=~0, options=(), kind=w.Driver, image=False):
        output = run_dir / "judge.json"
        store = ("--memory", "32m")
        if image:
            store = ("--image", run_dir / "disk.img")
            with open(store[1], "wb") as disk:
                disk.truncate(32 << 20)
        one = backend(*store, "--judge-output", output, *options)
        driver = kind(one.socket, features)
        driver.backend = one.pid
        try:
            drive(driver)
            driver.ask(w.GET_FEATURES)  # all that came before was handled
        except (OSError, struct.error) as e:  # the back-end may close on what it cannot take
            print(f"the session ended: {e}")
        finally:
            driver.close()
        assert one.stop() == 0, one.output()
        return judgement.of(output)
    return run


def good(d):
    """All that a driver does, right."""
    d.set_up()
    d.request(w.OUT, 8, out=bytes(4096))
    d.request(w.IN, 8, into=4096)
    d.request(w.FLUSH)
    d.request(w.GET_ID, into=20)
    for kind in (w.DISCARD, w.WRITE_ZEROES, w.SECURE_ERASE):
        d.request(kind, out=w.segments(1))
    if d.features & 1 << w.F_INDIRECT:
        d.indirect(PIECES)


@pytest.mark.parametrize("features", [~0, NO_EVENT_IDX & NO_INDIRECT])
def test_a_good_driver(judged, features):
    verdicts = judged(good, features)
    assert accused(verdicts) == set()
    seen = {clause for clause, c in verdicts.items() if c["verdict"] == "pass"}
    others = {*(c for c in verdicts if c.startswith("v14.packed-ring.")),
              "v14.split-ring.used-notif-suppress.drv.1", "v14.split-ring.used-notif-suppress.drv.3",
              *(f"v14.split-ring.indirect.drv.{n}" for n in (1, 2, 4, 5)),
              "v14.split-ring.desc-table.drv.2",
              # Nothing is refused, offered in vain, written to the configuration or left unsaid.
              *(f"v14.init.device-init.drv.{n}" for n in (10, 12, 13)),
              *(f"v14.basic.feature-bits.drv.{n}" for n in (5, 8, 12)),
              *(f"v14.split-ring.avail-notif-suppress.drv.{n}" for n in (3, 4, 6, 7))}
    assert {c for c in verdicts if c.startswith("v14.")} - seen <= others


def test_a_good_driver_in_order(judged):
    def drive(d):
        d.in_order = True
        good(d)
    verdicts = judged(drive)
    assert accused(verdicts) == set()
    for clause in ("desc-table.drv.2", "indirect.drv.5"):
        assert verdicts[f"v14.split-ring.{clause}"]["verdict"] == "pass"


@pytest.mark.parametrize("features", [~0, NO_EVENT_IDX & NO_INDIRECT])
@pytest.mark.parametrize("size", [64, 5])  # more laps than one, and sizes that are no power of two
def test_a_good_driver_of_a_packed_ring(judged, features, size):
    def drive(d):
        d.size = size
        good(d)
        for sector in range(8):
            d.request(w.OUT, sector, out=bytes(512))
        assert d.wait()
    verdicts = judged(drive, features, kind=w.PackedDriver)
    assert accused(verdicts) == set()
    unseen = {c for c, v in verdicts.items()
              if c.startswith("v14.packed-ring.") and v["verdict"] != "pass"}
    indirect = features & 1 << w.F_INDIRECT
    assert unseen == {f"v14.packed-ring.indirect.drv.{n}" for n in ((1,) if indirect else (2, 3, 4))}
    assert {v["verdict"] for c, v in verdicts.items() if c.startswith("v14.split-ring")} == {"skip"}


@pytest.mark.parametrize("ring", ["split", "packed"])
@pytest.mark.parametrize("more", [(), ("--in-order", "--batch=4"), ("--indirect", "--queues=2"),
                                  ("--wait=event",)])
def test_our_own_driver(ringside, backend, run_dir, ring, more):
    """It is Ringside's halves that speak here: nothing is accused in either layout."""
    output = run_dir / "judge.json"
    one = backend("--memory", "32m", "--judge-output", output)
    ringside("bench", one.target, "--device=blk", "--op=write", f"--ring={ring}",
             "--queue-depth=8", "--requests=500", *more)
    assert one.stop() == 0, one.output()
    verdicts = judgement.of(output)
    assert accused(verdicts) == set()
    assert verdicts["v14.init.device-init.drv.1"]["verdict"] == "pass"
    assert verdicts["v14.packed-ring.scatter-gather.drv.6"]["verdict"] == \
        ("pass" if ring == "packed" else "skip")


@pytest.mark.parametrize("features, seen", [
    (~0, "v14.split-ring.avail-notif-suppress.drv.7"),
    (NO_EVENT_IDX, "v14.split-ring.avail-notif-suppress.drv.3")])
def test_a_good_driver_of_a_polled_device(judged, features, seen):
    verdicts = judged(good, features, ["--poll"])
    assert accused(verdicts) == set()
    assert verdicts[seen]["verdict"] == "pass"


@pytest.mark.parametrize("features, seen", [
    (~0, "v14.split-ring.avail-notif-suppress.drv.6"),
    (NO_EVENT_IDX, "v14.split-ring.avail-notif-suppress.drv.4")])
def test_a_driver_that_stops_right_behind_a_notification(judged, features, seen):
    """What it made available last may not have been looked at; it was told of all the same."""
    def drive(d):
        d.set_up()
        d.publish()
        d.stop()
    verdicts = judged(drive, features)
    assert accused(verdicts) == set()
    assert verdicts[seen]["verdict"] == "pass"


def test_a_driver_that_gives_up_in_good_order(judged):
    """Its features are refused; FAILED is what it says then. That it asked for them is another thing."""
    def drive(d):
        d.connect()
        d.acknowledge()
        d.number(w.SET_FEATURES, d.offered | 1 << 49)
        d.status(w.ACKNOWLEDGE | w.DRIVER | w.FEATURES_OK)
        assert not d.ask(w.GET_STATUS) & w.FEATURES_OK
        d.status(w.ACKNOWLEDGE | w.DRIVER | w.FAILED)
    verdicts = judged(drive)
    assert accused(verdicts) == {"v14.basic.feature-bits.drv.1", "VU.feat.set.fe.1"}
    assert verdicts["v14.init.device-init.drv.12"]["verdict"] == "pass"


def test_a_driver_that_knows_its_features(judged):
    offered = [w.F_FOREIGN, w.F_UNDESCRIBED]
    verdicts = judged(good, ~sum(1 << bit for bit in offered),
                      [f"--judge-offer={bit}" for bit in offered])
    assert accused(verdicts) == set()
    for n in (5, 8, 12):
        assert verdicts[f"v14.basic.feature-bits.drv.{n}"]["verdict"] == "pass"


def test_a_front_end_that_keeps_the_steps_to_itself(judged):
    """As QEMU does: what the driver's were nobody knows, and nobody is accused."""
    def drive(d):
        d.connect()
        d.choose()
        d.status(w.FEATURES_OK)
        d.memory_table()
        d.queue()
        d.notify()
        d.ask(w.GET_STATUS)
        d.status(w.ACKNOWLEDGE | w.DRIVER | w.FEATURES_OK | w.DRIVER_OK)
        d.request(w.FLUSH)
    verdicts = judged(drive)
    assert accused(verdicts) == set()
    for n in (1, 3, 4, 6, 7, 14):
        assert verdicts[f"v14.init.device-init.drv.{n}"]["verdict"] == "skip"


def test_a_front_end_that_enables_rings_first(judged):
    """As QEMU does with a network device. It is told, and served: bit 30 comes with SET_FEATURES."""
    def drive(d):
        d.connect()
        d.ring(w.SET_VRING_ENABLE, 1)
        d.acknowledge()
        d.ring(w.SET_VRING_ENABLE, 1)
        d.negotiate()
        d.memory_table()
        d.queue(enable=False)
        d.driver_ok()
        d.request(w.FLUSH, wait=False)
        assert d.wait()
    assert accused(judged(drive)) == {"VU.ring.enable.fe.1"}


def test_a_good_front_end_that_translates(judged):
    def drive(d):
        good(d)
        for sector in range(4):
            d.translation(w.INVALIDATE, w.BASE, w.BYTES)
            d.request(w.IN, sector, into=4096)
        assert d.wait()
    verdicts = judged(drive, kind=w.TranslatingDriver)
    assert accused(verdicts) == set()
    for clause in ("msg.fe.1", "msg.fe.2", "msg.fe.3", "msg.fe.4", "miss.fe.1", "miss.fe.2"):
        assert verdicts[f"VU.iotlb.{clause}"]["verdict"] == "pass"
    assert verdicts["VU.breq.iotlb.fe.1"]["verdict"] == "pass"


def test_a_front_end_that_translates_unasked(judged):
    """The text expects it not to; QEMU does so for rings. It is told, and held against nobody."""
    def drive(d):
        d.set_up()
        d.request(w.FLUSH)
        for _ in range(20):
            d.ask(w.GET_FEATURES)  # the last answer was read by then
        d.update(w.BASE + w.DATA, ALL)
        d.request(w.FLUSH)
    verdicts = judged(drive, kind=w.TranslatingDriver)
    assert accused(verdicts) == set()
    assert verdicts["VU.iotlb.miss.fe.2"]["verdict"] == "info"


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + w.DEADLINE
    while Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "T":
        assert time.monotonic() < end


def test_an_answer_does_not_overtake_its_update(judged):
    """They come over two sockets: the back-end sees both at once, and still the update came first."""
    def drive(d):
        d.set_up()
        d.serve_misses(w.DEADLINE)

        def miss(page, _):
            stop(d.backend)
            d.send(w.IOTLB_MSG, struct.pack("<QQQBB6x", page, d.PAGE, page, ALL, w.UPDATE))
            d.answer(0)
            os.kill(d.backend, signal.SIGCONT)
            assert d.take_answer() == 0
        d.miss = miss
        for sector in range(4):
            d.translation(w.INVALIDATE, w.BASE, w.BYTES)
            d.put(w.STATUS, "B", 255)
            d.request(w.IN, sector, into=4096)
            assert d.wait() and d.get(w.STATUS, "B") == 0
    verdicts = judged(drive, kind=w.TranslatingDriver)
    assert accused(verdicts) == set()
    assert verdicts["VU.iotlb.miss.fe.1"]["verdict"] == "pass"


EVERY = [(clause, *row) for table in (WRONG, TRANSLATING) for clause, rows in table.items()
         for row in rows]


@pytest.mark.parametrize("clause, drive, features, options, also, target", EVERY,
                         ids=[row[1].__name__ for row in EVERY])
def test_a_wrong_driver(judged, clause, drive, features, options, also, target):
    verdicts = judged(drive, features, options, **target)
    assert accused(verdicts) == {clause} | also, \
        {c: verdicts[c]["reason"] for c in accused(verdicts)}
    assert verdicts[clause]["evidence"]["observed"]


def test_every_claim_about_a_driver_has_one(judged):
    claimed = {c for c in judged(lambda d: None) if c.startswith("v14.")}
    assert claimed == set(WRONG)


def test_every_claim_about_translations_has_one(judged, run_json):
    claimed = {c for c in judged(lambda d: None) if "iotlb" in c}
    bound = {c["id"] for c in run_json("clauses", "--actor", "driver")["clauses"]
             if ".iotlb." in c["id"]}
    assert claimed == bound == set(TRANSLATING) | {"VU.iotlb.miss.fe.2"}


SECTIONS = re.compile(r"v14\.(basic|init|split-ring|packed-ring|reserved-features|blk)\.")


def test_what_is_not_claimed_has_a_reason(judged, run_json, ringside):
    """Of what a strict device is to see, in the chapters that the judge is about."""
    claimed = set(judged(lambda d: None)) | set(test_judge_registers.WRONG)
    clauses = [c for c in run_json("clauses", "--actor", "driver")["clauses"]
               if SECTIONS.match(c["id"]) and "driver-side" in c["observable"] and
               c["level"] != "MAY"]
    assert len(clauses) > 80
    assert [c["id"] for c in clauses if c["id"] not in claimed and "reason" not in c] == []
    assert [c["id"] for c in clauses if c["id"] in claimed and "reason" in c] == []
    lines = ringside("clauses", "--unjudged").stdout.splitlines()
    assert any("Not judged: " in line for line in lines)
    assert "not judged" in ringside("explain", "v14.blk.init.drv.5").stdout
