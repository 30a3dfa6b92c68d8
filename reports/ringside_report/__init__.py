# SPDX-License-Identifier: BSD-3-Clause
"""The renderer behind `ringside report`.

load      reads results and checks them against reports/schema
gather    finds results: files, folders of a run, sets
clauses   asks the ringside beside it what clauses and checks mean
matrix    conformance results as implementation x check, and a view of each check
by_clause the same as implementation x clause
compare   hypervisors and approaches beside each other
gate      what `ringside gate` found
history   entries of a store over time
latency   bench results as groups of comparable runs, their tables and plots
stages    where requests' time goes: bars, latency over time, the slowest, differences
plot      the plots themselves, as SVG
proof     what `ringside prove` found, and coverage
page      puts it together

Nothing in a result is trusted: load cleans every string, Jinja2 escapes every value, plots are
built from numbers and escaped text only, and the page forbids itself any script but its own.
"""
