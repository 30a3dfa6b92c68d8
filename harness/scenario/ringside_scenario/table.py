# SPDX-License-Identifier: BSD-3-Clause
"""What a run prints: a table of cells, and on a terminal a line that tells what goes on."""
import shutil
import sys
import time

from ringside_scenario.cell import AXES
from ringside_scenario.outcome import STATUSES

COLOURS = {"pass": "32", "skip": "2", "fail": "31", "died": "31", "hung": "31",
           "hypervisor": "35", "error": "35", "interrupted": "33"}


class Table:
    """Rows as cells end, in the order of the run when nobody watches."""

    def __init__(self, cells, out=None, err=None):
        self.cells = cells  # {folder: Cell}
        self.out, self.err = out or sys.stdout, err or sys.stderr
        self.live = self.err.isatty()
        self.columns = self._columns()
        self.rows = {}
        self.running = {}
        self.started = time.monotonic()
        self.headed = False

    def _columns(self):
        """Job, the axes on which cells differ, verdict, time: (title, width, value of a cell)."""
        cells = list(self.cells.values())
        found = [("scenario", lambda c: c.scenario.name), ("job", lambda c: c.label)]
        for axis in AXES:
            # With a default, since an attribute of a loop changes with it.
            def value(c, axis=axis):
                return c.axes[axis] if axis != "wait" or c.job == "bench" else "-"
            if len({value(c) for c in cells}) > 1 or axis == "backend":
                found.append((axis, value))
        if len({c.scenario.name for c in cells}) == 1:
            found.pop(0)
        return [(title, max([len(title)] + [len(value(c)) for c in cells]), value)
                for title, value in found]

    def _paint(self, status, text):
        return f"\033[{COLOURS[status]}m{text}\033[0m" if self.out.isatty() else text

    def _print(self, text):
        try:
            print(text, file=self.out, flush=True)
        except BrokenPipeError:
            pass

    def _head(self):
        if not self.headed:
            line = "  ".join(f"{title:{width}}" for title, width, _ in self.columns)
            self._print(f"{'verdict':11}  {line}  {'s':>6}  what was found")
        self.headed = True

    def _row(self, folder):
        cell, found = self.cells[folder], self.rows[folder]
        if found["status"] == "skip":
            return  # many for one reason: they are told at the end
        text = found["summary"]
        if found["reason"]:
            text = f"{found['reason']} ({text})" if text else found["reason"]
        if self.out.isatty() and len(text) > 400:
            text = text[:399] + "…"
        line = "  ".join(f"{value(cell):{width}}" for _, width, value in self.columns)
        verdict = self._paint(found["status"], f"{found['status']:11}")
        self._head()
        self._print(f"{verdict}  {line}  {found['duration_s']:6.1f}  {text}".rstrip())

    def start(self, folder):
        self.running[folder] = time.monotonic()
        self.progress()

    def done(self, folder, found):
        self.running.pop(folder, None)
        self.rows[folder] = found
        if self.out.isatty():
            self._clear()
            self._row(folder)
        self.progress()

    def _clear(self):
        if self.live:
            self.err.write("\r\033[K")
            self.err.flush()

    def progress(self):
        if not self.live:
            return
        now = " ".join(self.cells[f].id for f in self.running)
        width = shutil.get_terminal_size().columns - 1
        text = (f"[{len(self.rows)}/{len(self.cells)}] "
                f"{time.monotonic() - self.started:.0f} s  {now}")
        self._clear()
        self.err.write(text[:width])
        self.err.flush()

    def finish(self, interrupted):
        """The rows not printed yet, and the last line."""
        self._clear()
        if not self.out.isatty():
            for folder in self.cells:
                if folder in self.rows:
                    self._row(folder)
        skipped = {}
        for found in self.rows.values():
            if found["status"] == "skip":
                skipped[found["reason"]] = skipped.get(found["reason"], 0) + 1
        for reason, n in skipped.items():
            self._print(f"{self._paint('skip', 'skip       ')}  {n} cell{'s' if n != 1 else ''}: "
                        f"{reason}")
        count = {}
        for found in self.rows.values():
            count[found["status"]] = count.get(found["status"], 0) + 1
        left = len(self.cells) - len(self.rows)
        parts = [f"{count[s]} {s}" for s in STATUSES if s in count]
        if left:
            parts.append(f"{left} not run")
        cells = f"{len(self.cells)} cell{'s' if len(self.cells) != 1 else ''}"
        self._print(f"{cells}: {', '.join(parts) or 'none run'} in "
                    f"{time.monotonic() - self.started:.1f} s"
                    f"{' (interrupted)' if interrupted else ''}")
