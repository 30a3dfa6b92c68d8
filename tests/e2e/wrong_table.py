# SPDX-License-Identifier: BSD-3-Clause
"""Drivers that are wrong in one thing each: the tables that they are put into, and what several of them do."""
import wrong_driver as w

NO_EVENT_IDX = ~(1 << w.F_EVENT_IDX)
NO_INDIRECT = ~(1 << w.F_INDIRECT)

# Whether a change comes while the request is in flight is the scheduler's choice: hence so many of them.
ROUNDS = 20

# By clause: what is done, the features that are accepted, the back-end's options.
WRONG = {}
# The same of front-ends that translate: their clauses are those of vhost-user.
TRANSLATING = {}


def wrong(clause, features=~0, options=(), also=(), **target):
    """The decorated session breaks `clause`; `also` says the same thing in another place."""
    def add(drive):
        WRONG.setdefault(clause, []).append((drive, features, options, set(also), target))
        return drive
    return add


def packed(clause, also=(), **more):
    """A wrong driver of a packed ring; clauses of that chapter, but for `also` with dots."""
    chapter = "v14.packed-ring."
    return wrong(chapter + clause, also=[c if "v14." in c else chapter + c for c in also],
                 kind=w.PackedDriver, **more)


def translating(clause, features=~0, also=()):
    """A wrong front-end with VIRTIO_F_ACCESS_PLATFORM."""
    def add(drive):
        TRANSLATING.setdefault(clause, []).append(
            (drive, features, (), set(also), {"kind": w.TranslatingDriver}))
        return drive
    return add


def read_in(pieces):
    """The chain of a request that reads so many pieces of 512 bytes."""
    return [(w.HEADER, 16, 0), *((w.DATA + 512 * n, 512, w.WRITE) for n in range(pieces)), (w.STATUS, 1, w.WRITE)]


PIECES = read_in(1)


def meddle(d, change):
    """change(n) again and again, for as long as a request is in flight."""
    n = 0
    while not d.wait(0) and n < 1000000:
        n += 1
        change(n)
