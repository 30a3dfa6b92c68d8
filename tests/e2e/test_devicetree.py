# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that are added to a device tree: what was there stays, and what is added can be read."""
import struct
import sys

import pytest

from conftest import REPO

sys.path.insert(0, str(REPO / "harness/scenario"))
from ringside_scenario import devicetree  # noqa: E402 pylint: disable=wrong-import-position

RESERVED = struct.pack(">4Q", 0x1000, 0x2000, 0, 0)


def blob():
    """/ { model = "one"; cpus { #size-cells = <0>; }; };"""
    strings = b"model\0#size-cells\0"
    body = (struct.pack(">2I", 1, 0) + struct.pack(">3I", 3, 4, 0) + b"one\0" +
            struct.pack(">I", 1) + b"cpus\0\0\0\0" + struct.pack(">4I", 3, 4, 6, 0) +
            struct.pack(">3I", 2, 2, 9))
    at = 40 + len(RESERVED)
    return struct.pack(">10I", 0xd00dfeed, at + len(body) + len(strings), at, at + len(body), 40, 17, 16, 7,
                       len(strings), len(body)) + RESERVED + body + strings


def read(data):
    """{name: property or node}"""
    magic, size, at, strings, reserved, _, _, cpu, _, length = struct.unpack_from(">10I", data)
    assert (magic, size, cpu) == (0xd00dfeed, len(data), 7)
    assert data[reserved:reserved + len(RESERVED)] == RESERVED
    end, open_nodes, root = at + length, [], None
    while at < end:
        token = struct.unpack_from(">I", data, at)[0]
        at += 4
        if token == 1:
            name = data[at:data.index(b"\0", at)].decode()
            at += len(name) // 4 * 4 + 4
            node = {}
            if open_nodes:
                open_nodes[-1][name] = node
            else:
                root = node
            open_nodes.append(node)
        elif token == 2:
            open_nodes.pop()
        elif token == 3:
            size, name_at = struct.unpack_from(">2I", data, at)
            begin = strings + name_at
            open_nodes[-1][data[begin:data.index(b"\0", begin)].decode()] = data[at + 8:at + 8 + size]
            at += 8 + (size + 3) // 4 * 4
    assert token == 9 and not open_nodes
    return root


def test_what_was_there_stays():
    before = read(blob())
    after = read(devicetree.added(blob(), {"chosen": {"x": 1, "y": "two", "inner": {"z": 3}}}))
    assert after.pop("chosen") == {"x": b"\0\0\0\1", "y": b"two\0", "inner": {"z": b"\0\0\0\3"}}
    assert after == before == {"model": b"one\0", "cpus": {"#size-cells": bytes(4)}}


def test_the_firmware_of_an_scmi_device():
    scmi = read(devicetree.added(blob(), devicetree.SCMI))["firmware"]["scmi"]
    assert scmi["compatible"] == b"arm,scmi-virtio\0"
    assert {scmi[n]["reg"][-1] for n in scmi if n.startswith("protocol@")} == {0x14, 0x15, 0x16}


@pytest.mark.parametrize("data", [b"", bytes(40), blob()[:-1] + b"x", b"\0" + blob()[1:], blob()[:60]])
def test_what_is_no_device_tree(data):
    if data == blob()[:-1] + b"x":  # a string that nobody uses
        assert devicetree.added(data, {})
        return
    with pytest.raises(ValueError):
        devicetree.added(data, {})
