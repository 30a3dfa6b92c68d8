# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's debugger interface, as far as a lab needs it: a system register of a machine that stands still.

The protocol is that of "Debugging with GDB", appendix E; registers are found by the descriptions that QEMU gives.
"""
import contextlib
import re
import socket

from ringside_scenario.lab.qmp import Refused

SYSTEM = "system-registers.xml"
PIECE = 0xf00  # bytes of a description that are asked for at once


def checksum(text):
    return sum(text.encode()) & 0xff


class Gdb:
    """A connection. Refused."""

    def __init__(self, path, seconds=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        try:
            self.socket.connect(path)
        except OSError as e:
            raise Refused(f"qemu's debugger interface: {e}") from None
        self.file = self.socket.makefile("rwb")

    def close(self):
        with contextlib.suppress(OSError):  # what was not sent to somebody who is gone
            self.file.close()
        self.socket.close()

    def _ask(self, text):
        try:
            self.file.write(f"${text}#{checksum(text):02x}".encode())
            self.file.flush()
            return self._answer()
        except OSError as e:
            raise Refused(f"qemu's debugger interface: {e}") from None

    def _answer(self):
        # What comes before a packet says that ours has come.
        while (byte := self.file.read(1)) != b"$":
            if not byte or byte == b"-":
                raise Refused("qemu's debugger interface: a packet was not taken")
        said = bytearray()
        while (byte := self.file.read(1)) != b"#":
            if not byte:
                raise Refused("qemu's debugger interface: it was closed")
            if byte == b"}":
                byte = bytes(b ^ 0x20 for b in self.file.read(1))
            said += byte
        self.file.read(2)
        self.file.write(b"+")
        self.file.flush()
        return said.decode("latin-1")

    def _description(self, name):
        text = ""
        while True:
            said = self._ask(f"qXfer:features:read:{name}:{len(text):x},{PIECE:x}")
            if said[:1] not in ("m", "l"):
                raise Refused(f"qemu's debugger interface has no {name}")
            text += said[1:]
            if said[0] == "l":
                return text

    def register(self, name):
        """Its value."""
        self._description("target.xml")
        found = re.search(rf'<reg name="{re.escape(name)}"[^>]*regnum="(\d+)"', self._description(SYSTEM))
        if not found:
            raise Refused(f"qemu's debugger interface has no register {name}")
        said = self._ask(f"p{int(found.group(1)):x}")
        try:
            return int.from_bytes(bytes.fromhex(said), "little")
        except ValueError:
            raise Refused(f"qemu's debugger interface: register {name}: '{said[:20]}'") from None
