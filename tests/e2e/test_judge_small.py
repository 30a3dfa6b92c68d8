# SPDX-License-Identifier: BSD-3-Clause
"""The judge of devices of small messages: it has nothing to say of a good driver, and of one that is wrong in
one thing it names the clause of that and no other."""
import json
import struct

import pytest

import wrong_driver as w

CHAPTERS = {"i2c": "v14.i2c."}


@pytest.fixture
def judged(start_backend, backend_bin, run_dir):
    """judged(device, drive, features): what the judge says of a session in the device's chapter; {clause: check}."""
    def run(device, drive, features=~0):
        output = run_dir / "judge.json"
        socket = run_dir / f"{device}.sock"
        one = start_backend([backend_bin, device, "--socket-path", socket, "--judge-output", output],
                            socket)
        driver = w.Driver(socket, features)
        try:
            drive(driver)
            driver.ask(w.GET_FEATURES)  # all that came before was handled
        finally:
            driver.close()
        assert one.stop() == 0, one.output()
        found = json.loads(output.read_text(encoding="utf-8"))
        verdicts = {c["clauses"][0]: c for c in found["checks"]}
        accused = {c for c, v in verdicts.items() if v["verdict"] in ("fail", "warn")}
        return verdicts, accused
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


GOOD = {"i2c": good_i2c}


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
