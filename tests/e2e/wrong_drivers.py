# SPDX-License-Identifier: BSD-3-Clause
"""Drivers that are wrong in one thing each, for test_judge.py; what a driver can do is wrong_driver.py. They are in the
tables once the file is imported that they are in."""
import wrong_blk
import wrong_notifications
import wrong_packed
import wrong_rings
import wrong_set_up
import wrong_translations
from wrong_table import TRANSLATING, WRONG

__all__ = ["TRANSLATING", "WRONG", "wrong_blk", "wrong_notifications", "wrong_packed", "wrong_rings", "wrong_set_up",
           "wrong_translations"]
