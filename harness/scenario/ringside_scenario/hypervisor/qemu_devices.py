# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's devices, as scenarios/qemu/targets.tsv lists them, and URIs of those with a back-end."""
import functools
import os
import re

@functools.lru_cache(maxsize=None)
def rows(path):
    """{name: {"name", "uri", "expect"}}"""
    with open(path, encoding="utf-8") as f:
        lines = [line.rstrip("\n").split("\t") for line in f if line.strip() and line[0] != "#"]
    return {line[0]: dict(zip(lines[0], line)) for line in lines[1:]}


def listed(folder):
    path = os.path.join(folder, "qemu", "targets.tsv")
    return rows(path) if os.path.exists(path) else {}


def row_of(folder, device, transport, arch, backend):
    """The row of a device, or None. One of another architecture will do: devices are the same."""
    table = listed(folder)
    if backend == "qemu":
        return table.get(f"{device}-{transport}-{arch}") or table.get(f"{device}-{transport}")
    wanted = f"vhost-user-{device}" + ("-pci," if transport == "pci" else ",")
    for row in table.values():
        if row["uri"].startswith(f"qemu:{wanted}") and backend in row.get("command", ""):
            return row
    return None


def split(uri):
    """(device with its properties, arguments) of a qemu: URI."""
    device, _, query = uri.removeprefix("qemu:").partition("?")
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    return device, [value for key, value in pairs if key == "arg"]


def vhost_user(device, transport, socket):
    """(device with its properties, arguments) for a back-end behind a socket."""
    if device == "net":
        name = "virtio-net-pci" if transport == "pci" else "virtio-net-device"
        return f"{name},netdev=net0", ["-chardev", f"socket,id=vhost,path={socket}",
                                       "-netdev", "vhost-user,id=net0,chardev=vhost"]
    name = f"vhost-user-{device}" + ("-pci" if transport == "pci" else "")
    # As large as a ring on virtio-mmio can be made: QEMU sizes the in-flight region by this, and not
    # by what the driver sets.
    sizes = ",queue-size=1024" if device == "blk" else ""
    return f"{name},chardev=vhost{sizes}", ["-chardev", f"socket,id=vhost,path={socket}"]


def ring(cell):
    """The property without which no device of QEMU offers the ring."""
    return ",packed=on" if cell.packed else ""


def uri(device, args, transport, arch):
    """The other way round."""
    query = "".join(f"&arg={re.sub('[&%]', '', a)}" for a in args)
    return f"qemu:{device}?arch={arch}&transport={transport}{query}"
