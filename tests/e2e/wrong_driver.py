# SPDX-License-Identifier: BSD-3-Clause
"""A block driver with its front-end in one, which can be wrong in any way.

It shares no code with Ringside's own driver halves: what the judge says of it is not what those happen
to do. Every step is a method; a deliberately wrong driver does one of them differently.
"""
import array
import mmap
import os
import select
import socket
import struct
import time

GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 1, 2, 3, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE = 8, 9, 10, 11
SET_VRING_KICK, SET_VRING_CALL, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES = 12, 13, 15, 16
SET_VRING_ENABLE, GET_CONFIG, SET_CONFIG, SET_STATUS, GET_STATUS = 18, 24, 25, 39, 40
SET_BACKEND_REQ_FD, IOTLB_MSG = 21, 22
BACKEND_IOTLB_MSG = 1  # on the back-end's channel

PF_REPLY_ACK, PF_BACKEND_REQ, PF_CONFIG, PF_STATUS = 3, 5, 9, 16
F_FOREIGN, F_UNDESCRIBED = 20, 45  # network devices have the first, no text the other
F_INDIRECT, F_EVENT_IDX, F_PROTOCOL, F_VERSION_1 = 28, 29, 30, 32
F_ACCESS_PLATFORM, F_RING_PACKED, F_IN_ORDER = 33, 34, 35
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED = 1, 2, 4, 8, 64, 128
NEXT, WRITE, INDIRECT = 1, 2, 4
REPLY, NEED_REPLY = 4, 8
MISS, UPDATE, INVALIDATE = 1, 2, 3  # of translations
MAY_READ, MAY_WRITE = 1, 2
IN, OUT, FLUSH, GET_ID, DISCARD, WRITE_ZEROES, SECURE_ERASE = 0, 1, 4, 8, 11, 13, 14

BASE, BYTES = 0x100000, 48 << 20  # guest memory
DESC, AVAIL, USED, TABLE = 0, 0x8000, 0x10000, 0x18000  # offsets in it
HEADER, STATUS, DATA = 0x20000, 0x21000, 0x100000
DEADLINE = 10


class Driver:
    """One session. `features`: what to accept of what is offered."""

    size = 64
    in_order = False
    translates = False
    protocol = (PF_STATUS, PF_CONFIG)

    def __init__(self, path, features=~0):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(str(path))
        self.memfd = os.memfd_create("guest")
        os.ftruncate(self.memfd, BYTES)
        self.memory = mmap.mmap(self.memfd, BYTES)
        self.kick, self.call = os.eventfd(0), os.eventfd(0, os.EFD_NONBLOCK)
        self.avail_idx = self.used_idx = 0
        self.wanted = features
        self.features = self.offered = 0
        self.desc = BASE + DESC

    def close(self):
        self.socket.close()
        for fd in (self.memfd, self.kick, self.call):
            os.close(fd)

    # Messages.

    def send(self, request, payload=b"", fds=()):
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([struct.pack("<III", request, 1, len(payload)) + payload], ancillary)

    def ask(self, request, payload=b""):
        """The first number of the answer."""
        self.send(request, payload)
        return self.take_answer()

    def take_answer(self):
        head = self.socket.recv(12, socket.MSG_WAITALL)
        body = self.socket.recv(struct.unpack("<III", head)[2], socket.MSG_WAITALL)
        return struct.unpack_from("<Q", body)[0]

    def number(self, request, value):
        self.send(request, struct.pack("<Q", value))

    def ring(self, request, value, index=0):
        self.send(request, struct.pack("<II", index, value))

    def status(self, value):
        self.number(SET_STATUS, value)

    # Set-up, step by step.

    def connect(self):
        self.offered = self.ask(GET_FEATURES)
        offered = self.ask(GET_PROTOCOL_FEATURES)
        self.number(SET_PROTOCOL_FEATURES, offered & sum(1 << bit for bit in self.protocol))
        self.send(SET_OWNER)

    def reset(self):
        self.status(0)
        self.ask(GET_STATUS)

    def acknowledge(self):
        self.reset()
        self.status(ACKNOWLEDGE)
        self.status(ACKNOWLEDGE | DRIVER)

    def choose(self):
        # This one speaks of split rings, and takes descriptors as it likes unless it is told.
        # Nor does every front-end translate.
        unspoken = 1 << F_RING_PACKED | (0 if self.in_order else 1 << F_IN_ORDER) | \
            (0 if self.translates else 1 << F_ACCESS_PLATFORM)
        self.features = self.offered & self.wanted & ~unspoken | 1 << F_PROTOCOL
        self.number(SET_FEATURES, self.features)

    def negotiate(self):
        self.choose()
        self.status(ACKNOWLEDGE | DRIVER | FEATURES_OK)
        self.ask(GET_STATUS)

    def memory_table(self):
        self.send(SET_MEM_TABLE, struct.pack("<II4Q", 1, 0, BASE, BYTES, BASE, 0), [self.memfd])

    def queue(self, enable=True):
        self.ring(SET_VRING_NUM, self.size)
        self.ring(SET_VRING_BASE, 0)
        self.send(SET_VRING_ADDR, struct.pack("<II4Q", 0, 0, self.desc, BASE + USED, BASE + AVAIL,
                                              0))
        self.send(SET_VRING_CALL, struct.pack("<Q", 0), [self.call])
        self.send(SET_VRING_KICK, struct.pack("<Q", 0), [self.kick])
        if enable:
            self.ring(SET_VRING_ENABLE, 1)

    def driver_ok(self):
        self.status(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK)
        self.ask(GET_FEATURES)  # all that came before was handled

    def set_up(self):
        self.connect()
        self.acknowledge()
        self.negotiate()
        self.memory_table()
        self.queue()
        self.driver_ok()

    def stop(self):
        """Where the ring stands."""
        return self.ask(GET_VRING_BASE, struct.pack("<II", 0, 0)) >> 32

    def until_broken(self):
        """Wait for DEVICE_NEEDS_RESET."""
        end = time.monotonic() + DEADLINE
        while not self.ask(GET_STATUS) & NEEDS_RESET:
            assert time.monotonic() < end

    def config(self, offset, data):
        self.send(SET_CONFIG, struct.pack("<III", offset, len(data), 0) + data)

    # The ring.

    def put(self, at, form, *values):
        struct.pack_into("<" + form, self.memory, at, *values)

    def get(self, at, form):
        return struct.unpack_from("<" + form, self.memory, at)[0]

    def descriptor(self, i, address, length, flags=0, after=0, table=DESC):
        self.put(table + 16 * i, "QIHH", address, length, flags, after)

    def chain(self, pieces, table=DESC, first=0):
        """Pieces of (offset, length, flags), each followed by the next."""
        for n, (offset, length, flags) in enumerate(pieces):
            last = n == len(pieces) - 1
            self.descriptor(first + n, BASE + offset, length, flags | (0 if last else NEXT),
                            0 if last else first + n + 1, table)

    def publish(self, head=0, notify=True):
        self.put(AVAIL + 4 + 2 * (self.avail_idx % self.size), "H", head)
        self.avail_idx = (self.avail_idx + 1) & 0xffff
        self.put(AVAIL + 2, "H", self.avail_idx)
        if notify and self.asked((self.avail_idx - 1) & 0xffff):
            self.notify()

    def asked(self, index):
        """Does the device want to be told when the buffer at that index is made available?"""
        if self.features & 1 << F_EVENT_IDX:
            return self.get(USED + 4 + 8 * self.size, "H") == index
        return not self.get(USED, "H") & 1

    def notify(self):
        os.eventfd_write(self.kick, 1)

    def wait(self, seconds=DEADLINE):
        """Wait until all is used; is it?"""
        end = time.monotonic() + seconds
        while self.get(USED + 2, "H") != self.avail_idx:
            if time.monotonic() > end or select.select([self.socket], [], [], 0.001)[0]:
                return False
        return True

    # Requests.

    def request(self, kind, sector=0, out=b"", into=0, wait=True):
        self.put(HEADER, "IIQ", kind, 0, sector)
        self.memory[DATA:DATA + len(out)] = out
        pieces = [(HEADER, 16, 0)]
        if out:
            pieces.append((DATA, len(out), 0))
        if into:
            pieces.append((DATA, into, WRITE))
        self.chain(pieces + [(STATUS, 1, WRITE)])
        self.publish()
        if wait:
            self.wait()

    def indirect(self, pieces, flags=INDIRECT):
        self.put(HEADER, "IIQ", IN, 0, 0)
        self.chain(pieces, TABLE)
        self.descriptor(0, BASE + TABLE, 16 * len(pieces), flags, 1)
        self.publish()
        self.wait(0.5)


class PackedDriver(Driver):
    """The same over a packed ring. Buffer ids are the place of their last descriptor."""

    AVAIL_BIT, USED_BIT = 1 << 7, 1 << 15
    FLAGS_DISABLE, FLAGS_DESC = 1, 2

    def __init__(self, path, features=~0):
        super().__init__(path, features)
        self.free = self.at = self.used_at = 0
        self.wrap = self.used_wrap = True
        self.slots = {}  # by buffer id: descriptors in the ring

    def choose(self):
        unspoken = 1 << F_ACCESS_PLATFORM | 1 << F_IN_ORDER
        self.features = self.offered & self.wanted & ~unspoken | 1 << F_PROTOCOL
        self.number(SET_FEATURES, self.features)

    def queue(self, enable=True):
        self.free = self.size
        super().queue(enable)

    def ring(self, request, value, index=0):
        if request == SET_VRING_BASE:
            value = 0x80008000
        super().ring(request, value, index)

    def step(self, at, wrap, count):
        at += count
        return (at - self.size, not wrap) if at >= self.size else (at, wrap)

    def lap(self, wrap):
        """Of a descriptor that is available."""
        return self.AVAIL_BIT if wrap else self.USED_BIT

    def chain(self, pieces, table=None, first=0):
        """As before: the descriptors, but for the flags of the first, which publish() shows."""
        if table is not None:
            for n, (offset, length, flags) in enumerate(pieces):
                self.put(table + 16 * n, "QIHH", BASE + offset, length, 0, flags)
            return
        at, wrap = self.at, self.wrap
        for n, (offset, length, flags) in enumerate(pieces):
            last = n == len(pieces) - 1
            flags |= self.lap(wrap) | (0 if last else NEXT)
            self.put(DESC + 16 * at, "QIH", BASE + offset, length, at)
            if n:
                self.put(DESC + 16 * at + 14, "H", flags)
            else:
                self.head = at, flags
            self.slots[at] = len(pieces)
            at, wrap = self.step(at, wrap, 1)
        self.after = at, wrap
        self.free -= len(pieces)

    def publish(self, head=0, notify=True):
        at, flags = self.head
        self.put(DESC + 16 * at + 14, "H", flags)
        asked = notify and self.asked(at)
        self.at, self.wrap = self.after
        self.avail_idx += 1
        if asked:
            self.notify()

    def asked(self, index):
        off_wrap, flags = self.get(USED, "H"), self.get(USED + 2, "H")
        if flags == self.FLAGS_DESC:
            return off_wrap == (index | (self.wrap << 15))
        return flags != self.FLAGS_DISABLE

    def wait(self, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while self.used_idx != self.avail_idx:
            flags = self.get(DESC + 16 * self.used_at + 14, "H")
            if bool(flags & self.AVAIL_BIT) == bool(flags & self.USED_BIT) == self.used_wrap:
                count = self.slots[self.get(DESC + 16 * self.used_at + 12, "H")]
                self.used_at, self.used_wrap = self.step(self.used_at, self.used_wrap, count)
                self.free += count
                self.used_idx += 1
            elif (time.monotonic() > end or
                  select.select([self.socket], [], [], 0.001)[0]):
                return False
        return True

    def indirect(self, pieces, flags=INDIRECT):
        self.put(HEADER, "IIQ", IN, 0, 0)
        self.chain(pieces, TABLE)
        self.chain([(TABLE, 16 * len(pieces), flags)])
        self.publish()
        self.wait(0.5)


class TranslatingDriver(Driver):
    """The same behind a front-end that translates: each page is where it is, once it is asked for."""

    PAGE = 4096
    translates = True
    protocol = (PF_STATUS, PF_CONFIG, PF_BACKEND_REQ, PF_REPLY_ACK)

    def __init__(self, path, features=~0):
        super().__init__(path, features)
        self.channel, self.theirs = socket.socketpair(socket.AF_UNIX)
        self.channel.settimeout(DEADLINE)
        self.misses = []  # (address, permissions), not answered

    def close(self):
        super().close()
        self.channel.close()
        self.theirs.close()

    def connect(self):
        super().connect()
        self.send(SET_BACKEND_REQ_FD, b"", [self.theirs.fileno()])

    def translation(self, kind, address=0, size=PAGE, user=0, permissions=0):
        """One message, which is always answered."""
        return self.ask(IOTLB_MSG, struct.pack("<QQQBB6x", address, size, user, permissions, kind))

    def update(self, address, permissions, size=PAGE):
        return self.translation(UPDATE, address, size, address, permissions)

    def answer(self, value, size=8):
        self.channel.sendall(struct.pack("<III", BACKEND_IOTLB_MSG, 1 | REPLY, size) +
                             struct.pack("<Q", value).ljust(size, b"\0"))

    def read_misses(self, seconds=0.0):
        while select.select([self.channel], [], [], seconds)[0]:
            head = self.channel.recv(12, socket.MSG_WAITALL)
            request, _, length = struct.unpack("<III", head)
            body = self.channel.recv(length, socket.MSG_WAITALL)
            assert request == BACKEND_IOTLB_MSG
            address, _, _, permissions, kind = struct.unpack("<QQQBB6x", body)
            assert kind == MISS
            self.misses.append((address, permissions))
            seconds = 0.0

    def serve_misses(self, seconds=0.0):
        """Answer what is asked; wait so long for it."""
        self.read_misses(seconds)
        while self.misses:
            address, permissions = self.misses.pop(0)
            self.miss(address & ~(self.PAGE - 1), permissions)

    def miss(self, page, _):
        # What may be done there, not what was just asked for.
        self.update(page, MAY_READ | MAY_WRITE)
        self.answer(0)

    def wait(self, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while self.get(USED + 2, "H") != self.avail_idx:
            self.serve_misses(0.001)
            if time.monotonic() > end or select.select([self.socket], [], [], 0)[0]:
                return False
        return True


def segments(count, flags=0):
    return struct.pack("<QII", 0, 8, flags) * count
