# SPDX-License-Identifier: BSD-3-Clause
"""What a scenario says it needs: kvm, programs, packages of Debian's archive."""
import shutil

# Where programs are that need no root but are in no user's PATH.
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def program(name):
    """Its path, or None."""
    return shutil.which(name) or shutil.which(name, path=SBIN)


def missing(needs):
    """The first need that is not met, in words; None: all are."""
    for need in needs:
        if not program(need):
            return f"{need} is not installed"
    return None
