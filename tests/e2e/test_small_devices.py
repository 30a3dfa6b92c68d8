# SPDX-License-Identifier: BSD-3-Clause
"""Devices of small messages: over every transport, and what their options do."""
import subprocess

import pytest

PLACES = {"vhost-user": ("vhost-user:", "--socket-path {socket}"),
          "pci": ("machine:pci", "--registers pci --machine {socket} --ram {ram}"),
          "mmio": ("machine:mmio", "--registers mmio --machine {socket} --ram {ram}")}


@pytest.fixture
def conform(run_json, backend_bin):
    """conform(device, place, options, check, *more): {check: verdict} of a back-end made for it."""
    def run(device, place, options="", check=None, *more, status=(0,)):
        uri, args = PLACES[place]
        result = run_json("conform", uri, "--device", device, "--check", check or f"{device}.*",
                          "--timeout", "5s",
                          "--command", f"exec {backend_bin} {device} {args} {options}", *more,
                          status=status)
        return {c["id"]: c["verdict"] for c in result["checks"]}
    return run


@pytest.mark.parametrize("ring", ["split", "packed"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("device, options", [
    ("i2c", ""), ("gpio", "--wire 3:1"), ("scmi", ""),
    ("console", "--port loop --port loop --port loop,turns")], ids=["i2c", "gpio", "scmi", "console"])
def test_conforms(conform, device, options, place, ring):
    verdicts = conform(device, place, options, None, "--ring", ring, "--config-trigger", "kill -USR1 {pid}")
    assert verdicts and set(verdicts.values()) == {"pass"}, verdicts


@pytest.mark.parametrize("place, ring", [("pci", "split"), ("pci", "packed"), ("mmio", "split"), ("mmio", "packed")])
@pytest.mark.parametrize("device, passes", [("fs", 14), ("scsi", 14), ("input", 4)])
def test_rings_behind_idle_ones(conform, device, passes, place, ring):
    """Requests go to queue 1 or 2, and with registers those before it have to be there."""
    verdicts = list(conform(device, place, "", f"@({ring}|basic.answer).*", "--ring", ring).values())
    assert set(verdicts) <= {"pass", "skip"} and verdicts.count("pass") >= passes, verdicts


@pytest.mark.parametrize("device", ["i2c", "gpio", "scmi", "console"])
def test_function_has_what_its_type_has(conform, device):
    assert set(conform(device, "pci", check="pci.*").values()) <= {"pass", "skip"}


@pytest.mark.parametrize("chip", ["24c01@0x57", "24c32@0x50", "24c512@0x53"])
def test_other_chips(conform, chip):
    verdicts = conform("i2c", "vhost-user", f"--chip {chip}")
    assert set(verdicts.values()) == {"pass"}, verdicts


def test_no_eeprom(conform):
    verdicts = conform("i2c", "vhost-user", "--chip lm75@0x4f=-12.5")
    assert {c for c, v in verdicts.items() if v == "skip"} == {
        "i2c.bus.order", "i2c.bus.round-trip", "i2c.driver.data", "i2c.driver.header",
        "i2c.error.rest-of-group"}
    assert set(verdicts.values()) == {"pass", "skip"}


def test_requests_that_are_slow(conform):
    """A group is carried out when it is its turn, be that alone."""
    verdicts = conform("i2c", "mmio", "--latency 2", "i2c.error.rest-of-group")
    assert set(verdicts.values()) == {"pass"}


def test_contents_of_an_eeprom(tmp_path, backend_bin):
    def run(*chips):
        return subprocess.run([backend_bin, "i2c", "--socket-path", tmp_path / "nowhere/s",
                               *(f"--chip={c}" for c in chips)],
                              capture_output=True, text=True, check=False, timeout=20)
    image = tmp_path / "image"
    image.write_bytes(bytes(257))
    assert f"{image}: more than the 256 bytes of the chip" in run(f"24c02@0x50={image}").stderr
    assert "No such file" in run(f"24c02@0x50={image}.not").stderr
    image.write_bytes(bytes(256))
    assert "nowhere" in run(f"24c02@0x50={image}", "lm75@0x48=125").stderr  # the chips are fine


def test_lines_without_wires_or_interrupts(conform):
    verdicts = conform("gpio", "vhost-user", "--lines 1 --no-names")
    assert {c for c, v in verdicts.items() if v == "skip"} == {
        *(f"gpio.irq.{c}" for c in ("delivered", "dropped", "latched", "not-enabled",
                                    "not-latched", "other-edge")),
        *(f"gpio.names.{c}" for c in ("size", "unique", "zeroes"))}
    assert set(verdicts.values()) == {"pass", "skip"}
    verdicts = conform("gpio", "mmio", "--without 0 --line-names one,,three --wire 0:2")
    assert {c for c, v in verdicts.items() if v == "skip"} == {
        "gpio.hostile.events",
        *(f"gpio.irq.{c}" for c in ("delivered", "dropped", "forgotten", "latched", "not-enabled",
                                    "not-latched", "other-edge", "returned"))}
    assert set(verdicts.values()) == {"pass", "skip"}


@pytest.mark.parametrize("options, message", [
    (["--lines", "0"], "'0' is not a number from 1 to 256"),
    (["--lines", "257"], "'257' is not a number from 1 to 256"),
    (["--wire", "1"], "'1' is not LINE:LINE"),
    (["--wire", "1:8"], "no such line, or wired already"),
    (["--wire", "1:1"], "no such line, or wired already"),
    (["--wire", "0:1", "--wire", "1:2"], "1:2: no such line, or wired already"),
    (["--line-names", "a,b,a"], "'a' is there twice"),
    (["--lines", "2", "--line-names", "a,b,c"], "more than 2"),
    (["--line-names", "x" * 32], "longer than 31 bytes"),
    (["--line-names", "a", "--no-names"], "exclude each other"),
    (["--gpio-chip", "gpiochip0", "--lines", "3"], "has lines of its own"),
])
def test_lines_that_are_wrong(backend_bin, tmp_path, options, message):
    done = subprocess.run([backend_bin, "gpio", "--socket-path", tmp_path / "s", *options],
                          capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2 and message in done.stderr, done.stderr


@pytest.mark.parametrize("options, message", [
    (["--chip", "24c02"], "'24c02' is not TYPE@ADDR[=X]"),
    (["--chip", "24c02@"], "the address is none from 0x08 to 0x77"),
    (["--chip", "24c02@0x07"], "the address is none from 0x08 to 0x77"),
    (["--chip", "24c02@0x78"], "the address is none from 0x08 to 0x77"),
    (["--chip", "24c02@0x5z"], "the address is none from 0x08 to 0x77"),
    (["--chip", "24c03@0x50"], "no chip '24c03'"),
    (["--chip", "lm75@0x48=hot"], "'hot' is no temperature"),
    (["--chip", "lm75@0x48=125.5"], "'125.5' is no temperature"),
    (["--chip", "lm75@0x48=nan"], "'nan' is no temperature"),
    (["--chip", "lm75@0x48", "--chip", "24c02@72"], "'24c02@72': the address is taken"),
    (["--chip", "lm75@0x48", "--i2c-bus", "/dev/null"], "exclude each other"),
    (["--chip", "lm75@0x48", "--memory", "1m"], "no use for options of"),
])
def test_options_that_are_wrong(backend_bin, tmp_path, options, message):
    done = subprocess.run([backend_bin, "i2c", "--socket-path", tmp_path / "s", *options],
                          capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2 and message in done.stderr, done.stderr


PLATFORM = """
# What a board has.
[agent guest]
trusted = no
deny = serial:clock
[device serial]
clocks = uart
[clock uart]
rates = 1000000, 2000000
latency-us = 500
[clock pll]
range = 10..100/10
stuck = yes
[sensor still]
low = 42
intervals-ms = 20
"""


def test_a_platform_of_its_own(conform, tmp_path):
    """No reset domains, one agent that may not use a clock nor say so, and a clock that fails."""
    (tmp_path / "board").write_text(PLATFORM, encoding="ascii")
    verdicts = conform("scmi", "vhost-user", f"--platform {tmp_path}/board")
    assert {c for c, v in verdicts.items() if v == "skip"} == {
        "scmi.notification.clock", "scmi.permissions.denied"}
    assert set(verdicts.values()) == {"pass", "skip"}, verdicts


def test_a_platform_without_anything(conform, tmp_path):
    (tmp_path / "board").write_text("[agent a]\n", encoding="ascii")
    verdicts = conform("scmi", "mmio", f"--platform {tmp_path}/board")
    assert {c for c, v in verdicts.items() if v == "skip"} >= {
        "scmi.clocks.rate", "scmi.delayed.later", "scmi.sensors.described"}
    assert set(verdicts.values()) == {"pass", "skip"}, verdicts


def test_a_driver_without_events(conform):
    verdicts = conform("scmi", "pci", "--without 0")
    assert {v for c, v in verdicts.items() if ".delayed." in c or ".notification." in c} == {"skip"}
    assert set(verdicts.values()) == {"pass", "skip"}, verdicts


@pytest.mark.parametrize("text, options, status, message", [
    ("[agent a]\n[clock c]\n", [], 2, "clock 'c' has no rates"),
    ("[agent a]\n[bus b]\n", [], 2, "line 2: no section 'bus'"),
    ("[agent a]\n", ["--agent", "b"], 2, "there is no agent 'b'"),
    ("[agent a]\n", ["--lines", "3"], 2, "no use for options of"),
    ("\0", [], 1, "no text of 256 KiB at most"),
    (None, [], 1, "No such file"),
])
def test_platforms_that_are_wrong(backend_bin, tmp_path, text, options, status, message):
    if text is not None:
        (tmp_path / "board").write_text(text, encoding="ascii")
    done = subprocess.run([backend_bin, "scmi", "--socket-path", tmp_path / "s",
                           "--platform", tmp_path / "board", *options],
                          capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == status and message in done.stderr, done.stderr


def test_a_bus_of_the_host_that_is_none(backend_bin, tmp_path):
    for path, message in (("/nonexistent", "No such file"), ("/dev/null", "ioctl")):
        done = subprocess.run([backend_bin, "i2c", "--socket-path", tmp_path / "s",
                               "--i2c-bus", path],
                              capture_output=True, text=True, check=False, timeout=20)
        assert done.returncode == 1 and path in done.stderr and message in done.stderr


def test_a_chip_of_the_host_that_is_none(backend_bin, tmp_path):
    done = subprocess.run([backend_bin, "gpio", "--socket-path", tmp_path / "s",
                           "--gpio-chip", "no-such-chip"],
                          capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 1 and "gpio 'no-such-chip': " in done.stderr
