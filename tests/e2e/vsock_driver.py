# SPDX-License-Identifier: BSD-3-Clause
"""A driver of a socket device, and a program of the host's beside it."""
import os
import socket
import struct

import console_driver as con
import wrong_driver as w

REQUEST, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE, CREDIT_REQUEST = range(1, 8)
STREAM, SEQPACKET = 1, 2
RX, TX = 0, 1
CID, HOST, PORT, LISTENS = 3, 2, 1000, 80
HEADER = 44


class Sockets(con.Console):
    """One session of `driver`, a wrong_driver.Driver, whose back-end has --uds-path PATH."""

    def __init__(self, driver, path):  # pylint: disable=super-init-not-called
        self.driver = driver
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.settimeout(w.DEADLINE)
        self.listener.bind(f"{path}_{LISTENS}")
        self.listener.listen()
        driver.connect()
        driver.acknowledge()
        driver.negotiate()
        driver.memory_table()
        self.kicks, self.queued, self.seen = {}, {}, {}
        for q in (RX, TX):
            self._queue(q)
        driver.driver_ok()
        self.put(RX, room=con.ROOM)

    def close(self):
        super().close()
        self.listener.close()

    def say(self, op, data=b"", kind=STREAM, **fields):  # pylint: disable=arguments-differ
        """A packet; `fields` are those that are not as usual."""
        f = {"src_cid": CID, "dst_cid": HOST, "src_port": PORT, "dst_port": LISTENS, "len": len(data),
             "type": kind, "op": op, "flags": 0, "buf_alloc": 65536, "fwd_cnt": 0, **fields}
        self.put(TX, struct.pack("<QQIIIHHIII", *f.values()) + data)
        self.take(TX)

    def connect(self):
        self.say(REQUEST)
        peer = self.listener.accept()[0]
        peer.settimeout(w.DEADLINE)
        return peer


def path_of(driver):
    return os.path.join(os.path.dirname(driver.socket.getpeername()), "v")
