# SPDX-License-Identifier: BSD-3-Clause
"""The other side of a guest's sockets: AF_UNIX sockets of our back-end's, and somebody who answers there."""
import os
import sys

PEER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "guest", "vsock-peer")


def attach(backend, path):
    """Have the back-end's sockets be at `path`, and programs of the host's at some of its ports."""
    backend.before = [sys.executable, PEER, path, "--"]
    backend.behind = ["--uds-path", path]
