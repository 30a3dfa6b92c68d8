# SPDX-License-Identifier: BSD-3-Clause
"""Numbers as people read them: three significant digits and a unit."""


def significant(value, digits=3):
    """'0.123', '1.23', '12.3', '123', '1234'."""
    if value == 0:
        return "0"
    for decimals in range(digits + 3, -1, -1):
        text = f"{value:.{decimals}f}"
        if len(text.replace(".", "").lstrip("-0")) <= digits:
            return text
    return f"{value:.0f}"


def time(ns):
    """Nanoseconds as '317 ns', '1.23 µs', '85.2 ms', '2.00 s'; a dash for None."""
    if ns is None:
        return "–"
    for unit, scale in (("ns", 1), ("µs", 1e3), ("ms", 1e6)):
        if round(ns / scale, 1) < 1000:
            break
    else:
        unit, scale = "s", 1e9
    return f"{significant(ns / scale) if scale > 1 else f'{ns:.0f}'}\u202f{unit}"


def tick(ns):
    """A round number of nanoseconds, short: '500 ns', '2 µs'."""
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1)):
        if ns >= scale:
            return f"{ns / scale:g}\u202f{unit}"
    return f"{ns:g}\u202fns"


def size(octets):
    """Bytes as '512 B', '4 KiB', '1 MiB'."""
    for unit, scale in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if octets >= scale and octets % scale == 0:
            return f"{octets // scale}\u202f{unit}"
    return f"{octets}\u202fB"


def rate(per_second):
    """'812', '12.3 k', '1.20 M' (per second; the unit stands beside it)."""
    if per_second is None:
        return "–"
    for unit, scale in (("M", 1e6), ("k", 1e3)):
        if per_second >= scale:
            return f"{significant(per_second / scale)}\u202f{unit}"
    return significant(per_second)


def ratio(value):
    """'1.35 ×'; a dash for None."""
    return "–" if value is None else f"{significant(value)}\u202f×"


def seconds(value):
    """A duration: '0.35 s', '8.1 s', '2 min 5 s'."""
    if value is None:
        return "–"
    if value >= 60:
        return f"{int(value // 60)}\u202fmin {int(value % 60)}\u202fs"
    return f"{significant(value, 2 if value < 10 else 3)}\u202fs"
