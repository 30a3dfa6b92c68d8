# SPDX-License-Identifier: BSD-3-Clause
"""The judge of a driver that has the registers itself: nothing to say of a good one, and of one that is wrong in
one thing it names the clause of that and no other."""
import subprocess

import pytest

import judgement
import wrong_register_driver as w
from judgement import accused

FACES = ("mmio", "pci")


@pytest.fixture
def judged(backend_bin, run_dir):
    """judged(face, drive, refuses, options): what the judge says; {clause: check}."""
    def run(face, drive, refuses=(), options=()):
        output = run_dir / "judge.json"
        machine = w.Machine(run_dir)
        argv = [backend_bin, "blk", "--memory", "1m", "--registers", face, "--machine", machine.path,
                "--ram", machine.ram_path, "--judge-output", output, *options]
        with subprocess.Popen([str(a) for a in argv], stderr=subprocess.PIPE, text=True) as one:
            try:
                machine.accept()
                drive(w.Driver(machine, face, refuses))
            finally:
                machine.close()
                said = one.communicate(timeout=w.DEADLINE)[1]
        assert one.returncode == 0, said
        return judgement.of(output)
    return run


def good(d):
    """More laps than one, a queue that is reset, and a device that is."""
    for _ in range(2):
        d.set_up()
        for _ in range(12):
            assert d.request()
        if d.has(w.F_RING_RESET):
            d.reset_queue()
            d.queue()
            assert d.request()


def seen(verdicts):
    return {c for c, v in verdicts.items() if v["verdict"] == "pass" and not c.startswith("v14.blk.")}


BOTH = {"v14.reserved-features.bits.drv.3", "v14.reserved-features.bits.drv.6",
        "v14.reserved-features.bits.drv.7", "v14.basic.vq-reset.drv.1", "v14.basic.vq-reenable.drv.1",
        "v14.packed-ring.desc-table.drv.3"}
OF_FACE = {"mmio": {"v14.mmio.registers.drv.23"},
           "pci": {"v14.pci.common-cfg.drv.7", "v14.reserved-features.bits.drv.14",
                   "v14.pci.avail-notif.drv.2", "v14.pci.avail-notif.drv.6"}}


@pytest.mark.parametrize("face", FACES)
def test_a_good_driver(judged, face):
    verdicts = judged(face, good)
    assert accused(verdicts) == set()
    assert seen(verdicts) == BOTH | OF_FACE[face]


@pytest.mark.parametrize("without, widths", [
    ((w.F_NOTIFICATION_DATA,), {"v14.pci.avail-notif.drv.1", "v14.pci.avail-notif.drv.5"}),
    ((w.F_NOTIF_CONFIG_DATA,), {"v14.pci.avail-notif.drv.2", "v14.pci.avail-notif.drv.4"}),
    ((w.F_NOTIFICATION_DATA, w.F_NOTIF_CONFIG_DATA),
     {"v14.pci.avail-notif.drv.1", "v14.pci.avail-notif.drv.3"})])
def test_a_good_driver_of_a_simpler_device(judged, without, widths):
    """What is not offered nobody has to take."""
    verdicts = judged("pci", good, options=[o for bit in without for o in ("--without", bit)])
    assert accused(verdicts) == set()
    assert {c for c in seen(verdicts) if ".avail-notif." in c} == widths


# By clause: the face, what is done, the features that are refused, the options.
WRONG = {}


def wrong(clause, face="mmio", refuses=(), options=(), also=()):
    def add(drive):
        WRONG.setdefault(clause, []).append((face, drive, refuses, options, set(also)))
        return drive
    return add


@wrong("v14.reserved-features.bits.drv.3", refuses=[w.F_ACCESS_PLATFORM])
@wrong("v14.reserved-features.bits.drv.7", refuses=[w.F_ORDER_PLATFORM])
@wrong("v14.reserved-features.bits.drv.14", "pci", refuses=[w.F_NOTIF_CONFIG_DATA])
def does_without(d):
    d.set_up()
    assert d.request()


@wrong("v14.reserved-features.bits.drv.6", refuses=[w.F_RING_PACKED])
def knows_no_packed_rings(d):
    d.begin()
    d.negotiate()


@wrong("v14.basic.vq-reset.drv.1", also=["v14.mmio.registers.drv.23"])
@wrong("v14.mmio.registers.drv.23", also=["v14.basic.vq-reset.drv.1"])
@wrong("v14.basic.vq-reset.drv.1", "pci", also=["v14.pci.common-cfg.drv.7"])
@wrong("v14.pci.common-cfg.drv.7", "pci", also=["v14.basic.vq-reset.drv.1"])
def takes_a_reset_for_done(d):
    d.set_up()
    assert d.request()
    d.reset_queue(confirm=False)
    d.queue()


@wrong("v14.basic.vq-reenable.drv.1")
@wrong("v14.basic.vq-reenable.drv.1", "pci")
def enables_what_was_set_up_before(d):
    d.set_up()
    assert d.request()
    d.reset_queue()
    d.queue(leave_out=["device_lo"])


@wrong("v14.packed-ring.desc-table.drv.3")
def names_what_is_not_there(d):
    d.set_up()
    at, wrap = d.publish()
    d.notify(at + 1, wrap)
    assert d.wait()


@wrong("v14.packed-ring.desc-table.drv.3")
def names_a_place_outside(d):
    d.set_up()
    d.publish()
    d.notify(w.QUEUE_SIZE, True)
    assert d.wait()


@wrong("v14.packed-ring.desc-table.drv.3", "pci")
def names_the_first(d):
    """Not what follows the last, but where it began."""
    d.set_up()
    for _ in range(8):
        at, wrap = d.at, d.wrap
        d.publish()
        d.notify(at, wrap)
        assert d.wait()


@wrong("v14.packed-ring.desc-table.drv.3")
def forgets_the_wrap_counter(d):
    d.set_up()
    for _ in range(12):
        at, _ = d.publish()
        d.notify(at, True)
        assert d.wait()


@wrong("v14.pci.avail-notif.drv.1", "pci", options=["--without", w.F_NOTIFICATION_DATA])
def notifies_at_length(d):
    d.set_up()
    d.publish()
    d.face.notify(d.name(), "l")


@wrong("v14.pci.avail-notif.drv.2", "pci")
def notifies_in_brief(d):
    d.set_up()
    d.publish()
    d.face.notify(d.name(), "w")


@wrong("v14.pci.avail-notif.drv.3", "pci",
       options=["--without", w.F_NOTIFICATION_DATA, "--without", w.F_NOTIF_CONFIG_DATA])
def notifies_another_queue(d):
    d.set_up()
    d.publish()
    d.face.notify(1, "w")


@wrong("v14.pci.avail-notif.drv.4", "pci", options=["--without", w.F_NOTIF_CONFIG_DATA])
@wrong("v14.pci.avail-notif.drv.6", "pci")
def notifies_another_queue_with_data(d):
    d.set_up()
    at, wrap = d.publish()
    d.face.notify((at | wrap << 15) << 16 | d.name() + 1, "l")


@wrong("v14.pci.avail-notif.drv.5", "pci", options=["--without", w.F_NOTIFICATION_DATA])
def notifies_by_index(d):
    d.set_up()
    d.publish()
    d.face.notify(0, "w")


EVERY = [(clause, *row) for clause, rows in WRONG.items() for row in rows]


@pytest.mark.parametrize("clause, face, drive, refuses, options, also", EVERY,
                         ids=[f"{r[2].__name__}-{r[0]}-{r[1]}" for r in EVERY])
def test_a_wrong_driver(judged, clause, face, drive, refuses, options, also):
    verdicts = judged(face, drive, refuses, options)
    assert accused(verdicts) == {clause} | also, \
        {c: verdicts[c]["reason"] for c in accused(verdicts)}
    assert verdicts[clause]["evidence"]["observed"]


@pytest.mark.parametrize("face", FACES)
def test_every_claim_has_one(judged, run_json, face):
    claimed = {c for c in judged(face, lambda d: None) if not c.startswith("v14.blk.")}
    assert claimed == set(WRONG)
    reasons = {c["id"] for c in run_json("clauses", "--actor", "driver")["clauses"] if "reason" in c}
    assert not claimed & reasons
