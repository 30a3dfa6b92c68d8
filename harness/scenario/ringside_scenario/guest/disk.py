# SPDX-License-Identifier: BSD-3-Clause
"""Disk images that firmware boots from or works on."""
import os
import struct

SECTOR = 512
IMAGE_SECTORS = (64 << 20) // SECTOR
DATA_BYTES = 32 << 10
# Where the data is on a disk without a file system, and where it is copied to.
DATA, COPY = 64, 1024


def raw(path, data, boot_sector=b""):
    """A disk without a file system: perhaps a boot sector, and the data."""
    with open(path, "wb") as f:
        f.truncate(IMAGE_SECTORS * SECTOR)
        f.write(boot_sector)
        f.seek(DATA * SECTOR)
        f.write(data)


def raw_copy(path):
    """What stands where the copy should be."""
    with open(path, "rb") as f:
        f.seek(COPY * SECTOR)
        return f.read(DATA_BYTES)


# FAT16, in its simplest form: no partitions, all files in the root, each in one piece.
CLUSTER = 4  # sectors
ROOT_ENTRIES = 512
FAT_SECTORS = 128


def _boot_record():
    return struct.pack("<3s8sHBHBHHBHHHIIBBBI11s8s", b"\xeb\x3c\x90", b"RINGSIDE", SECTOR, CLUSTER,
                       1, 2, ROOT_ENTRIES, 0, 0xf8, FAT_SECTORS, 63, 255, 0, IMAGE_SECTORS, 0x80, 0,
                       0x29, 0x51e0b4c5, b"RINGSIDE   ", b"FAT16   ").ljust(510, b"\0") + b"\x55\xaa"


def fat(path, files):
    """A file system with files {"NAME.EXT": content} in it."""
    table, root, content = [0xfff8, 0xffff], b"", b""
    for name, data in files.items():
        stem, _, end = name.partition(".")
        first, n = len(table), -(-len(data) // (CLUSTER * SECTOR))
        table += [*range(first + 1, first + n), 0xffff]
        root += struct.pack("<8s3sB10xHHHI", stem.upper().ljust(8).encode(),
                            end.upper().ljust(3).encode(), 0x20, 0, 0x5a21, first, len(data))
        content += data.ljust(n * CLUSTER * SECTOR, b"\0")
    fat_bytes = struct.pack(f"<{len(table)}H", *table).ljust(FAT_SECTORS * SECTOR, b"\0")
    with open(path, "wb") as f:
        f.truncate(IMAGE_SECTORS * SECTOR)
        f.write(_boot_record() + 2 * fat_bytes + root.ljust(ROOT_ENTRIES * 32, b"\0") + content)


def holds_twice(path, data):
    """Is each cluster of the data there twice: as it was made, and as it was copied?"""
    step = CLUSTER * SECTOR
    with open(path, "rb") as f:
        image = f.read()
    return all(image.count(data[i:i + step]) == 2 for i in range(0, len(data), step))


def random_data():
    return os.urandom(DATA_BYTES)
