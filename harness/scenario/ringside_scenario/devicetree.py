# SPDX-License-Identifier: BSD-3-Clause
"""Nodes added to a flattened device tree, as QEMU writes one (machine option dumpdtb)."""
import struct

MAGIC = 0xd00dfeed
BEGIN, END_NODE, PROP, END = 1, 2, 3, 9
HEADER = struct.Struct(">10I")

# The firmware interface that a virtio SCMI device is the transport of, and its protocols.
SCMI = {"firmware": {"scmi": {
    "compatible": "arm,scmi-virtio", "#address-cells": 1, "#size-cells": 0,
    "protocol@14": {"reg": 0x14, "#clock-cells": 1},
    "protocol@15": {"reg": 0x15, "#thermal-sensor-cells": 1},
    "protocol@16": {"reg": 0x16, "#reset-cells": 1},
}}}


def _padded(data):
    return data + b"\0" * (-len(data) % 4)


def _nodes(tree, strings):
    """The tokens of what is in a node: properties first. `strings` grows by their names."""
    out = b""
    for name, value in tree.items():
        if isinstance(value, dict):
            continue
        data = value.encode() + b"\0" if isinstance(value, str) else struct.pack(">I", value)
        out += struct.pack(">3I", PROP, len(data), len(strings)) + _padded(data)
        strings += name.encode() + b"\0"
    for name, value in tree.items():
        if isinstance(value, dict):
            out += struct.pack(">I", BEGIN) + _padded(name.encode() + b"\0")
            out += _nodes(value, strings) + struct.pack(">I", END_NODE)
    return out


def added(blob, tree):
    """The blob with the nodes of `tree` below its root, {name: {property: text or number, node: ...}}; none of
    these may be there yet. ValueError."""
    if len(blob) < HEADER.size:
        raise ValueError("no device tree")
    (magic, _, at_struct, at_strings, at_reserved, version, compatible, cpu, strings_size,
     struct_size) = HEADER.unpack_from(blob)
    body = blob[at_struct:at_struct + struct_size]
    tail = struct.pack(">2I", END_NODE, END)
    if magic != MAGIC or version < 17 or not body.endswith(tail):
        raise ValueError("no device tree of version 17")
    strings = bytearray(blob[at_strings:at_strings + strings_size])
    body = body[:-len(tail)] + _nodes(tree, strings) + tail
    # Pairs of 64 bits, the last of which is zero.
    end = at_reserved
    while blob[end:end + 16] != bytes(16):
        end += 16
        if end + 16 > len(blob):
            raise ValueError("reserved memory has no end")
    reserved = blob[at_reserved:end + 16]
    start = HEADER.size + len(reserved)
    return HEADER.pack(MAGIC, start + len(body) + len(strings), start, start + len(body), HEADER.size,
                       version, compatible, cpu, len(strings), len(body)) + reserved + body + bytes(strings)
