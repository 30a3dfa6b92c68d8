# SPDX-License-Identifier: BSD-3-Clause
"""This project beside others: what tests/bench/peers is made of."""
