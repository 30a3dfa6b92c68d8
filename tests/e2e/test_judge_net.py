# SPDX-License-Identifier: BSD-3-Clause
"""The judge of network devices: it has nothing to say of a good driver, and of one that is wrong in one thing it
names the clause of that."""
import contextlib
import os
import struct
import time

import pytest

import judgement
import wrong_driver as w

CHAPTER = "v14.net."
CSUM, GUEST_CSUM, OFFLOADS, MTU, GUEST_TSO4, HOST_TSO4, HOST_TSO6, HOST_ECN = 0, 1, 2, 3, 7, 11, 12, 13
MRG_RXBUF, CTRL_VQ, CTRL_RX, RX_EXTRA, MQ, STATS, VQ_COAL, COAL = 15, 17, 18, 20, 22, 50, 52, 53
HASH_TUNNEL, HASH_REPORT, GUEST_HDRLEN, RSS, RSC_EXT = 51, 57, 59, 60, 61
NEEDS_CSUM, DATA_VALID, TUNNEL_CSUM = 1, 2, 8
TCPV4, UFO, TCPV6, USO, TUNNEL4, ECN = 1, 3, 4, 5, 0x20, 0x80
PAIRS, DEVICE_MTU = 2, 3000
AREA = 0x400000  # of each queue: its rings, at the same distances as those of the first, and its buffers
BUFFERS = 0x40000


class Net:
    """A driver of all queues that its features want."""

    def __init__(self, d, rx_bytes=4096, rx_buffers=1):
        self.d = d
        d.connect()
        d.acknowledge()
        d.negotiate()
        d.memory_table()
        many = self.has(MQ) or self.has(RSS)
        self.control = 2 * PAIRS if many else 2
        self.header = 20 if self.has(HASH_REPORT) else 12
        self.queues = range(self.control + (1 if self.has(CTRL_VQ) else 0)) if many else \
            range(3 if self.has(CTRL_VQ) else 2)
        self.added = dict.fromkeys(self.queues, 0)
        self.kicks = [os.eventfd(0) for _ in self.queues]
        for q in self.queues:
            base = w.BASE + q * AREA
            d.ring(w.SET_VRING_NUM, d.size, q)
            d.ring(w.SET_VRING_BASE, 0, q)
            d.send(w.SET_VRING_ADDR, struct.pack("<II4Q", q, 0, base + w.DESC, base + w.USED, base + w.AVAIL, 0))
            d.send(w.SET_VRING_KICK, struct.pack("<Q", q), [self.kicks[q]])
            d.ring(w.SET_VRING_ENABLE, 1, q)
        d.driver_ok()
        for _ in range(rx_buffers):
            self.add(0, [rx_bytes])

    def has(self, bit):
        return self.d.features >> bit & 1

    def add(self, q, pieces):
        """A chain of (bytes) that the driver wrote and (number of bytes) that it wants."""
        d, first = self.d, 4 * self.added[q]
        at = q * AREA + BUFFERS + 0x10000 * self.added[q]
        for n, piece in enumerate(pieces):
            length = piece if isinstance(piece, int) else len(piece)
            if not isinstance(piece, int):
                d.memory[at:at + length] = piece
            flags = (w.WRITE if isinstance(piece, int) else 0) | (w.NEXT if n + 1 < len(pieces) else 0)
            d.descriptor(first + n, w.BASE + at, length, flags, first + n + 1, q * AREA)
            at += 0x4000
        d.put(q * AREA + w.AVAIL + 4 + 2 * self.added[q], "H", first)
        self.added[q] += 1
        d.put(q * AREA + w.AVAIL + 2, "H", self.added[q])
        os.eventfd_write(self.kicks[q], 1)

    def returned(self, q, count):
        end = time.monotonic() + w.DEADLINE
        while self.d.get(q * AREA + w.USED + 2, "H") != count:
            assert time.monotonic() < end
            self.d.ask(w.GET_FEATURES)

    def send(self, frame, pair=0, flags=0, gso=0, size=0, headers=0, start=0, offset=0, buffers=0):
        head = struct.pack("<BBHHHHH", flags, gso, headers, size, start, offset, buffers)
        q = 2 * pair + 1
        self.add(q, [head.ljust(self.header, b"\0") + frame])
        self.returned(q, self.added[q])

    def command(self, kind, command, data=b"", room=1):
        self.add(self.control, [struct.pack("BB", kind, command) + data, room])
        self.returned(self.control, self.added[self.control])


def total(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    value = sum(struct.unpack(f">{len(data) // 2}H", data))
    while value >> 16:
        value = (value & 0xffff) + (value >> 16)
    return value


ETHERNET = b"\xff" * 6 + b"\x52\x54\0\0\0\1"
OTHER = ETHERNET + b"\x88\xb5" + bytes(100)


def packet(payload=100, tcp=False, flags=0x10, partial=False, damage=0):
    """Over IPv4; TCP's header ends at 54, UDP's at 42."""
    addresses, data = b"\x0a\0\0\1\x0a\0\0\2", bytes(range(100)) * (payload // 100)
    if tcp:
        l4, at = struct.pack(">HHIIBBHHH", 4000, 4001, 1, 0, 0x50, flags, 1000, 0, 0), 16
    else:
        l4, at = struct.pack(">HHHH", 4000, 4001, 8 + len(data), 0), 6
    pseudo = addresses + struct.pack(">HH", 6 if tcp else 17, len(l4) + len(data))
    value = total(pseudo) if partial else ~total(pseudo + l4 + data) & 0xffff
    l4 = l4[:at] + struct.pack(">H", value ^ damage) + l4[at + 2:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(l4) + len(data), 1, 0, 64, 6 if tcp else 17, 0) + addresses
    ip = ip[:10] + struct.pack(">H", ~total(ip) & 0xffff) + ip[12:]
    return ETHERNET + b"\x08\0" + ip + l4 + data


def tcp_of(**how):
    return packet(2000, tcp=True, partial=True, **how)


# What a driver says of such a packet.
TO_CUT = {"flags": NEEDS_CSUM, "gso": TCPV4, "size": 1000, "headers": 54, "start": 34, "offset": 16}
DATAGRAM_TO_CUT = {"flags": NEEDS_CSUM, "gso": USO, "size": 1000, "headers": 42, "start": 34, "offset": 6}


def rss_config(types=1, mask=1, unclassified=0, table=(0, 1), pairs=2):
    return struct.pack(f"<IHH{len(table)}HHB", types, mask, unclassified, *table, pairs, 40) + bytes(40)


RX_CSUM, RX_GSO, TX_CSUM, CVQ = 1, 2, 17, 32
VXLAN, GENEVE = 0x10, 0x40


def stats(queue, kind):
    return struct.pack("<H6xQ", queue, 1 << kind)


@pytest.fixture
def judged(start_backend, backend_bin, run_dir):
    """judged(drive, features): what the judge says of a session in the chapter; {clause: check}."""
    def run(drive, features):
        output, socket = run_dir / "judge.json", run_dir / "net.sock"
        one = start_backend([backend_bin, "net", "--loopback", "--queue-pairs", str(PAIRS), "--mtu", str(DEVICE_MTU),
                             "--socket-path", socket, "--judge-output", output], socket)
        driver = w.Driver(socket, features)
        try:
            drive(driver)
            # All that came before was handled. Who writes what is not writable is not talked to any more.
            with contextlib.suppress(ConnectionError, struct.error):
                driver.ask(w.GET_FEATURES)
        finally:
            driver.close()
        assert one.stop() == 0, one.output()
        verdicts = judgement.of(output)
        return verdicts, judgement.accused(verdicts)
    return run


def bits(*names):
    return sum(1 << bit for bit in (w.F_VERSION_1, *names))


ALL = bits(CSUM, GUEST_CSUM, OFFLOADS, MTU, GUEST_TSO4, HOST_TSO4, HOST_TSO6, HOST_ECN, 56, MRG_RXBUF, CTRL_VQ,
           CTRL_RX, RX_EXTRA, MQ, STATS, VQ_COAL, COAL, HASH_TUNNEL, HASH_REPORT, RSS, RSC_EXT)


def good(d):
    net = Net(d, rx_buffers=4)
    net.send(packet())
    net.send(tcp_of(), **TO_CUT)
    net.send(packet(2000, partial=True), **DATAGRAM_TO_CUT)
    net.send(tcp_of(flags=0x90), **{**TO_CUT, "gso": TCPV4 | ECN})
    if not net.has(CTRL_VQ):
        return
    net.command(0, 0, b"\1")
    net.command(0, 2, b"\1")
    net.command(1, 0, struct.pack("<I6sI", 1, b"\x52\x54\0\0\0\2", 0))
    net.command(4, 0, struct.pack("<H", 2))
    net.send(packet(), pair=1)
    net.command(4, 1, rss_config())
    net.command(4, 2, struct.pack("<I8xB", 1, 40) + bytes(40))
    net.command(7, 0, struct.pack("<I", VXLAN))
    net.command(5, 0, struct.pack("<Q", 1 << GUEST_CSUM))
    net.command(6, 0, struct.pack("<II", 8, 50))
    net.command(6, 2, struct.pack("<HHII", 3, 0, 8, 50))
    net.command(8, 1, stats(0, RX_CSUM) + stats(1, TX_CSUM) + stats(net.control, CVQ), 1 + 40 + 24 + 24)


WRONG = {}


def wrong(number, *features, also=()):
    def add(drive):
        WRONG.setdefault(CHAPTER + number, []).append((drive, bits(*features), {CHAPTER + c for c in also}))
        return drive
    return add


def sends(name, number, features, frame, also=(), **header):
    """One frame, which is wrong."""
    def drive(d):
        Net(d).send(frame, **header)
    drive.__name__ = name
    wrong(number, *features, also=also)(drive)


def commands(name, number, features, kind, command, data, room=1):
    """One command, which is wrong."""
    def drive(d):
        Net(d).command(kind, command, data, room)
    drive.__name__ = name
    wrong(number, *features)(drive)


TSO = (CSUM, HOST_TSO4)
sends("longer_than_the_mtu", "cfg.drv.9", (MTU,), OTHER + bytes(DEVICE_MTU))
sends("says_how_many_buffers", "tx.drv.2", (), packet(), buffers=1)
sends("wants_a_checksum_unasked", "tx.drv.3", (), packet(partial=True), flags=NEEDS_CSUM, start=34, offset=6)
sends("leaves_a_checksum_out", "tx.drv.4", (), packet(damage=1))
sends("cuts_ipv4_unasked", "tx.drv.7", (CSUM, HOST_TSO6), tcp_of(), **TO_CUT)
sends("cuts_ipv6_unasked", "tx.drv.9", TSO, tcp_of(), **{**TO_CUT, "gso": TCPV6})
sends("fragments_unasked", "tx.drv.11", TSO, packet(2000, partial=True), **{**DATAGRAM_TO_CUT, "gso": UFO})
sends("cuts_datagrams_unasked", "tx.drv.13", TSO, packet(2000, partial=True), **DATAGRAM_TO_CUT)
sends("has_ecn_unasked", "tx.drv.14", TSO, tcp_of(flags=0x90), **TO_CUT)
sends("does_not_say_ecn", "tx.drv.15", (*TSO, HOST_ECN), tcp_of(flags=0x90), **TO_CUT)
sends("speaks_of_a_tunnel", "tx.drv.17", TSO, tcp_of(), **{**TO_CUT, "gso": TCPV4 | TUNNEL4})
sends("speaks_of_a_tunnels_checksum", "tx.drv.22", TSO, packet(), flags=TUNNEL_CSUM)
sends("has_no_pseudo_header", "tx.drv.29", TSO, packet(partial=True, damage=1), flags=NEEDS_CSUM, start=34, offset=6)
sends("puts_the_sum_elsewhere", "tx.drv.30", TSO, packet(partial=True), flags=NEEDS_CSUM, start=34, offset=8)
sends("cuts_anything_unasked", "tx.drv.31", (CSUM,), tcp_of(), also=("tx.drv.7",), **TO_CUT)
sends("cuts_without_a_checksum", "tx.drv.32", TSO, tcp_of(), **{**TO_CUT, "flags": 0})
sends("cuts_into_nothing", "tx.drv.33", TSO, tcp_of(), **{**TO_CUT, "size": 0})
sends("has_longer_headers", "tx.drv.34", (*TSO, GUEST_HDRLEN), tcp_of(), **{**TO_CUT, "headers": 58})
sends("has_shorter_headers", "tx.drv.35", TSO, tcp_of(), **{**TO_CUT, "headers": 34})
sends("says_what_a_device_says", "tx.drv.45", TSO, packet(), flags=DATA_VALID)
sends("uses_a_pair_that_is_not_in_use", "mq-auto.drv.3", (MQ, CTRL_VQ), packet(), pair=1)

commands("sets_a_mode_unasked", "rx-filter.drv.1", (CTRL_VQ,), 0, 0, b"\1")
commands("sets_an_extra_mode_unasked", "rx-filter.drv.2", (CTRL_VQ, CTRL_RX), 0, 3, b"\1")
commands("sets_a_table_unasked", "mac-filter.drv.1", (CTRL_VQ,), 1, 0, struct.pack("<II", 0, 0))
commands("has_one_table", "mac-filter.drv.3", (CTRL_VQ, CTRL_RX), 1, 0, struct.pack("<I6s", 1, b"\2\0\0\0\0\1"))
commands("wants_no_pairs", "mq-auto.drv.2", (CTRL_VQ, MQ), 4, 0, struct.pack("<H", 0))
commands("wants_more_pairs", "mq-auto.drv.2", (CTRL_VQ, MQ), 4, 0, struct.pack("<H", PAIRS + 1))
commands("reserves_nothing", "hash-config.drv.2", (CTRL_VQ, HASH_REPORT), 4, 2,
         struct.pack("<IQB", 1, 1, 40) + bytes(40))
commands("switches_on_what_is_not_there", "offloads.drv.1", (CTRL_VQ, OFFLOADS, GUEST_CSUM), 5, 0,
         struct.pack("<Q", 1 << GUEST_TSO4))
commands("coalesces_a_queue_that_is_not_in_use", "notf-coal.drv.1", (CTRL_VQ, VQ_COAL), 6, 2,
         struct.pack("<HHII", 9, 0, 8, 50))
commands("coalesces_unasked", "notf-coal.drv.2", (CTRL_VQ, VQ_COAL), 6, 0, struct.pack("<II", 8, 50))
commands("coalesces_a_queue_unasked", "notf-coal.drv.3", (CTRL_VQ, COAL), 6, 2, struct.pack("<HHII", 0, 0, 8, 50))
commands("steers_unasked", "rss.drv.1", (CTRL_VQ, MQ), 4, 1, rss_config())
commands("steers_to_nowhere", "rss.drv.2", (CTRL_VQ, RSS), 4, 1, rss_config(table=(0, PAIRS)))
commands("has_a_table_of_three", "rss.drv.3", (CTRL_VQ, RSS), 4, 1, rss_config(mask=2, table=(0, 1, 0)))
commands("has_a_table_of_256", "rss.drv.4", (CTRL_VQ, RSS), 4, 1, rss_config(mask=255, table=[0, 1] * 128))
commands("hashes_what_nobody_knows", "rss.drv.5", (CTRL_VQ, RSS), 4, 1, rss_config(types=1 << 20))
commands("looks_into_tunnels_unasked", "hash-tunnel.drv.1", (CTRL_VQ, HASH_REPORT), 7, 0, struct.pack("<I", VXLAN))
commands("looks_into_tunnels_that_are_not_known", "hash-tunnel.drv.2", (CTRL_VQ, HASH_REPORT, HASH_TUNNEL), 7, 0,
         struct.pack("<I", VXLAN | GENEVE))
commands("has_contexts_of_rss", "rss-context.drv.1", (CTRL_VQ, RSS), 9, 1, struct.pack("<I", 1) + rss_config())

COUNTING = (CTRL_VQ, STATS, CSUM, GUEST_CSUM)
commands("counts_what_is_not_counted", "stats.drv.1", COUNTING, 8, 1, stats(0, RX_GSO), 128)
commands("counts_what_is_of_another_queue", "stats.drv.2", COUNTING, 8, 1, stats(1, RX_CSUM), 128)
commands("has_no_room_for_an_answer", "stats.drv.3", COUNTING, 8, 1, stats(0, RX_CSUM), 40)


@wrong("rxbuf.drv.1", GUEST_CSUM, GUEST_TSO4)
def has_small_buffers_for_large_packets(d):
    Net(d).send(packet())


@wrong("rxbuf.drv.2")
def has_buffers_for_less_than_a_frame(d):
    Net(d, rx_bytes=1525).send(packet())


@wrong("rxbuf.drv.3", MRG_RXBUF)
def has_buffers_for_less_than_a_header(d):
    Net(d, rx_bytes=11).send(packet())


@wrong("cfg.drv.8", MTU)
def has_buffers_for_less_than_the_mtu(d):
    Net(d, rx_bytes=2048).send(packet())


@wrong("cfg.drv.1")
def writes_an_address(d):
    Net(d)
    d.config(0, b"\2\0\0\0\0\1")


@pytest.mark.parametrize("features", (ALL, bits(CSUM, HOST_TSO4, HOST_ECN, 56, MRG_RXBUF)), ids=("all", "few"))
def test_a_good_driver(judged, features):
    verdicts, accused = judged(good, features)
    assert {c for c in accused if c.startswith(CHAPTER)} == set()
    seen = {c for c, v in verdicts.items() if c.startswith(CHAPTER) and v["verdict"] == "pass"}
    assert {f"{CHAPTER}tx.drv.{n}" for n in (2, 17, 32, 33, 45)} <= seen


@pytest.mark.parametrize("clause, drive, features, also", [
    (clause, *row) for clause, rows in WRONG.items() for row in rows],
    ids=[row[0].__name__ for rows in WRONG.values() for row in rows])
def test_a_wrong_driver(judged, clause, drive, features, also):
    verdicts, accused = judged(drive, features)
    assert {c for c in accused if c.startswith(CHAPTER)} == {clause} | also, \
        {c: verdicts[c]["reason"] for c in accused}
    assert verdicts[clause]["evidence"]["observed"]


def test_every_claim_has_one_and_what_is_not_claimed_has_a_reason(judged, run_json):
    verdicts, _ = judged(lambda d: d.connect(), ALL)
    claimed = {c for c in verdicts if c.startswith(CHAPTER)}
    assert claimed == set(WRONG)
    clauses = {c["id"]: c for c in run_json("clauses", "--actor", "driver")["clauses"]
               if c["id"].startswith(CHAPTER) and c["level"] != "MAY" and "driver-side" in c["observable"]}
    assert {c for c in clauses if "reason" not in clauses[c]} == claimed & set(clauses)
    assert not {c for c in claimed & set(clauses) if "reason" in clauses[c]}
