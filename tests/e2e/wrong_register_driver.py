# SPDX-License-Identifier: BSD-3-Clause
"""A block driver that has a device's registers in its own hands, and can be wrong in any way.

It drives `ringside-backend --registers` over the line protocol of qtest, and shares no code with Ringside's
own transports. Every step is a method; a deliberately wrong driver does one of them differently.
"""
import os
import socket
import struct
import time

RAM = 8 << 20
DESC, DRIVER, DEVICE, BUFFER = 0x10000, 0x20000, 0x30000, 0x40000
QUEUE_SIZE = 16
DEADLINE = 20

F_VERSION_1, F_ACCESS_PLATFORM, F_RING_PACKED, F_ORDER_PLATFORM = 32, 33, 34, 36
F_NOTIFICATION_DATA, F_NOTIF_CONFIG_DATA, F_RING_RESET = 38, 39, 40
ACKNOWLEDGE, DRIVER_BIT, DRIVER_OK, FEATURES_OK = 1, 2, 4, 8
WRITE, NEXT = 2, 1
AVAIL_BIT, USED_BIT = 1 << 7, 1 << 15


class Machine:
    """The other side of the socket, and the memory that the device has, too."""

    def __init__(self, folder):
        self.ram_path, self.path = folder / "ram", folder / "machine"
        with open(self.ram_path, "wb") as ram:
            ram.truncate(RAM)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.listener.settimeout(DEADLINE)
        self.memory = os.open(self.ram_path, os.O_RDWR)
        self.lines = None

    def accept(self):
        connection, _ = self.listener.accept()
        connection.settimeout(DEADLINE)
        self.lines = connection.makefile("rw", encoding="ascii")
        connection.close()

    def close(self):
        if self.lines:
            self.lines.close()
        self.listener.close()
        os.close(self.memory)

    def command(self, *words):
        print(*words, file=self.lines, flush=True)
        answer = self.lines.readline().split()
        assert answer and answer[0] == "OK", answer
        return int(answer[1], 0) if len(answer) > 1 else None

    def read(self, width, address):
        return self.command(f"read{width}", hex(address))

    def write(self, width, address, value):
        self.command(f"write{width}", hex(address), hex(value))

    def put(self, address, form, *values):
        os.pwrite(self.memory, struct.pack("<" + form, *values), address)

    def get(self, address, form):
        return struct.unpack("<" + form, os.pread(self.memory, struct.calcsize("<" + form),
                                                  address))[0]


class Mmio:
    """virtio-mmio: register, offset."""

    WINDOW = 0xfeb00000
    REGISTERS = {"device_features": 0x10, "device_features_sel": 0x14, "driver_features": 0x20,
                 "driver_features_sel": 0x24, "queue_sel": 0x30, "queue_size": 0x38,
                 "queue_enable": 0x44, "status": 0x70, "desc_lo": 0x80, "desc_hi": 0x84,
                 "driver_lo": 0x90, "driver_hi": 0x94, "device_lo": 0xa0, "device_hi": 0xa4,
                 "queue_reset": 0xc0}
    NOTIFY = 0x50
    selectors = True

    def __init__(self, machine):
        self.machine = machine

    def read(self, register):
        return self.machine.read("l", self.WINDOW + self.REGISTERS[register])

    def write(self, register, value):
        self.machine.write("l", self.WINDOW + self.REGISTERS[register], value)

    def notify(self, value, width="l", queue=0):
        self.machine.write("l", self.WINDOW + self.NOTIFY, value)


class Pci:
    """A PCI function: the common configuration is at the beginning of BAR 4."""

    CONFIG, BAR = 0xb0000000 + (1 << 15), 0x800000000
    REGISTERS = {"device_features_sel": (0, "l"), "device_features": (4, "l"),
                 "driver_features_sel": (8, "l"), "driver_features": (12, "l"),
                 "status": (20, "b"), "queue_sel": (22, "w"), "queue_size": (24, "w"),
                 "queue_enable": (28, "w"), "desc_lo": (32, "l"), "desc_hi": (36, "l"),
                 "driver_lo": (40, "l"), "driver_hi": (44, "l"), "device_lo": (48, "l"),
                 "device_hi": (52, "l"), "queue_notif_config_data": (56, "w"),
                 "queue_reset": (58, "w")}
    NOTIFY, MULTIPLIER = 0x3000, 4

    def __init__(self, machine):
        self.machine = machine
        machine.write("l", self.CONFIG + 0x20, self.BAR & 0xffffffff)
        machine.write("l", self.CONFIG + 0x24, self.BAR >> 32)
        machine.write("w", self.CONFIG + 4, 6)  # memory and bus master

    def read(self, register):
        offset, width = self.REGISTERS[register]
        return self.machine.read(width, self.BAR + offset)

    def write(self, register, value):
        offset, width = self.REGISTERS[register]
        self.machine.write(width, self.BAR + offset, value)

    def notify(self, value, width="w", queue=0):
        self.machine.write(width, self.BAR + self.NOTIFY + queue * self.MULTIPLIER, value)


class Driver:
    """One device, and queue 0 of it as a packed ring."""

    def __init__(self, machine, face, refuses=()):
        self.machine, self.refuses = machine, refuses
        self.face = (Pci if face == "pci" else Mmio)(machine)
        self.features = 0
        self.forget()

    def forget(self):
        self.at, self.wrap, self.used_at, self.used_wrap = 0, True, 0, True

    def has(self, bit):
        return self.features >> bit & 1

    def status(self, value):
        self.face.write("status", value)

    def begin(self):
        self.status(0)
        while self.face.read("status"):
            pass
        self.status(ACKNOWLEDGE)
        self.status(ACKNOWLEDGE | DRIVER_BIT)

    def offered(self):
        words = []
        for word in (0, 1):
            self.face.write("device_features_sel", word)
            words.append(self.face.read("device_features"))
        return words[0] | words[1] << 32

    def negotiate(self):
        self.features = self.offered() & ~sum(1 << bit for bit in self.refuses)
        for word in (0, 1):
            self.face.write("driver_features_sel", word)
            self.face.write("driver_features", self.features >> 32 * word & 0xffffffff)
        self.status(ACKNOWLEDGE | DRIVER_BIT | FEATURES_OK)
        assert self.face.read("status") & FEATURES_OK

    def parts(self):
        return {"queue_size": QUEUE_SIZE, "desc_lo": DESC, "desc_hi": 0, "driver_lo": DRIVER,
                "driver_hi": 0, "device_lo": DEVICE, "device_hi": 0}

    def queue(self, leave_out=()):
        self.forget()
        for i in range(QUEUE_SIZE):
            self.machine.put(DESC + 16 * i, "QIHH", 0, 0, 0, 0)
        self.machine.put(DRIVER, "I", 0)
        self.machine.put(DEVICE, "I", 0)
        self.face.write("queue_sel", 0)
        for register, value in self.parts().items():
            if register not in leave_out:
                self.face.write(register, value)
        self.face.write("queue_enable", 1)

    def set_up(self):
        self.begin()
        self.negotiate()
        self.queue()
        self.status(ACKNOWLEDGE | DRIVER_BIT | FEATURES_OK | DRIVER_OK)

    def reset_queue(self, confirm=True):
        self.face.write("queue_sel", 0)
        self.face.write("queue_reset", 1)
        while confirm and self.face.read("queue_reset"):
            pass

    # Requests: the block device's GET_ID, in three descriptors.

    def step(self, at, wrap):
        return (at + 1, wrap) if at + 1 < QUEUE_SIZE else (0, not wrap)

    def publish(self):
        """Make one available; where the next one goes."""
        self.machine.put(BUFFER, "IIQ", 8, 0, 0)
        self.machine.put(BUFFER + 0x200, "B", 255)
        pieces = [(BUFFER, 16, 0), (BUFFER + 0x100, 20, WRITE), (BUFFER + 0x200, 1, WRITE)]
        head = None
        for n, (address, length, flags) in enumerate(pieces):
            flags |= (AVAIL_BIT if self.wrap else USED_BIT) | (NEXT if n < 2 else 0)
            entry = DESC + 16 * self.at
            self.machine.put(entry, "QIH", address, length, 7)
            if n:
                self.machine.put(entry + 14, "H", flags)
            else:
                head = entry + 14, flags
            self.at, self.wrap = self.step(self.at, self.wrap)
        self.machine.put(head[0], "H", head[1])
        return self.at, self.wrap

    def name(self):
        """What a notification calls queue 0."""
        if self.has(F_NOTIF_CONFIG_DATA):
            return self.face.read("queue_notif_config_data")
        return 0

    def notify(self, at, wrap):
        data = (at | wrap << 15) << 16 if self.has(F_NOTIFICATION_DATA) else 0
        self.face.notify(data | self.name(), "l" if self.has(F_NOTIFICATION_DATA) else "w")

    def wait(self, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while True:
            flags = self.machine.get(DESC + 16 * self.used_at + 14, "H")
            if bool(flags & AVAIL_BIT) == bool(flags & USED_BIT) == self.used_wrap:
                break
            if time.monotonic() > end:
                return False
        for _ in range(3):
            self.used_at, self.used_wrap = self.step(self.used_at, self.used_wrap)
        return self.machine.get(BUFFER + 0x200, "B") == 0

    def request(self):
        self.notify(*self.publish())
        return self.wait()
