# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's monitor, as far as a lab needs it."""
import json
import socket
import time


class Refused(Exception):
    """QEMU said no, or nothing."""


class Monitor:
    def __init__(self, path, process, seconds):
        self.end = time.monotonic() + seconds
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if process.ended:
                    raise Refused(f"qemu {process.how()}: {process.last_words()}") from None
                if time.monotonic() > self.end:
                    raise Refused("qemu's monitor did not listen") from None
                process.wait(0.01)
        self.file = self.socket.makefile("rwb")
        self._read()
        self.run("qmp_capabilities")

    def close(self):
        self.file.close()
        self.socket.close()

    def _read(self):
        self.socket.settimeout(max(0.1, self.end - time.monotonic()))
        try:
            line = self.file.readline()
        except OSError as e:
            raise Refused(f"qemu's monitor: {e}") from None
        if not line:
            raise Refused("qemu closed its monitor")
        return json.loads(line)

    def run(self, command, **arguments):
        """What the command returns; events on the way are passed over."""
        message = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        try:
            self.file.write(json.dumps(message).encode() + b"\n")
            self.file.flush()
        except OSError as e:
            raise Refused(f"qemu's monitor: {e}") from None
        while True:
            said = self._read()
            if "return" in said:
                return said["return"]
            if "error" in said:
                raise Refused(f"{command}: {said['error'].get('desc')}")

    def status(self):
        return self.run("query-status")["status"]
