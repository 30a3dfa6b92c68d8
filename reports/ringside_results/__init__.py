# SPDX-License-Identifier: BSD-3-Clause
"""What is done with results once they are there: join, show, compare, keep.

series    what makes two results comparable, and what a result measures
stats     the arithmetic of paired comparisons
policy    what gates
verdicts  a conformance result against another
counts    the exact tier and the trend tier
paired    the paired tier
findings  what a comparison found, in an order that helps
markdown, junit, sarif   a comparison written down
store     results over time, and where they change
cmd_*     the commands merge, show, gate, ab, history
"""
