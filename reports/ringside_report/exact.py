# SPDX-License-Identifier: BSD-3-Clause
"""What one request costs in instructions, approach by approach: a table and bars for each device."""
from ringside_report.plot import Canvas, style

STAGES = ("submit", "notify", "serve", "call", "inject", "device", "reap")
ROW, LABEL, WIDTH = 26, 190, 860


class Row:
    """One approach. `stages` has a median for each stage that is known."""

    def __init__(self, data, floor, floor_of_lab):
        self.lab = data["lab"]["name"]
        self.approach = self.label = data["target"]["approach"]
        if data["target"]["backend"] != "ringside-backend":
            self.label += f", {data['target']['backend']}"
        if data["load"].get("burn"):
            self.label += f", {data['load']['burn']} iterations more"
        self.figure = data["instructions"]
        self.total = self.figure["median"]
        self.added = self.total - floor
        self.added_in_lab = self.total - floor_of_lab
        self.stages = {s["stage"]: s["instructions"]["median"] for s in data["stages"]}
        self.counts = data["counts"]
        self.requests = data["load"]["requests"]
        exit_cost = data.get("calibration", {}).get("exit", {}).get("median")
        self.exits = self.total / exit_cost if exit_cost else None
        self.identical = data["identical"]

    def per_request(self, name):
        return self.counts[name] / self.requests if name in self.counts else None


def _key(data):
    load = data["load"]
    return (data["target"]["device"], load["op"], load.get("block_size", 0), load["queue_depth"])


class Group:
    """All approaches with the same load; the cheapest one is the floor."""

    def __init__(self, key, results):
        self.title = "{}: {} {} bytes, depth {}".format(*key)
        floors = {}
        for r in results:
            lab, median = r.data["lab"]["name"], r.data["instructions"]["median"]
            floors[lab] = min(floors.get(lab, median), median)
        self.rows = sorted((Row(r.data, min(floors.values()), floors[r.data["lab"]["name"]])
                            for r in results), key=lambda r: r.total)
        self.calibration = {}
        for r in results:
            for what, figure in r.data.get("calibration", {}).items():
                self.calibration.setdefault(what, {})[r.data["lab"]["name"]] = figure["median"]

    def plot(self):
        canvas = Canvas(WIDTH, ROW * len(self.rows) + 8, f"Instructions per request, {self.title}")
        scale = (WIDTH - LABEL - 90) / max(r.total for r in self.rows)
        for n, row in enumerate(self.rows):
            y, x = n * ROW + 4, float(LABEL)
            canvas.text(LABEL - 8, y + 16, row.label, "end")
            for i, name in enumerate(STAGES):
                if name not in row.stages:
                    continue
                width = row.stages[name] * scale
                canvas.rect(x, y, width, ROW - 6, f"area {style(i)}",
                            f"{name}: {row.stages[name]}")
                x += width
            if not row.stages:
                canvas.rect(x, y, row.total * scale, ROW - 6, f"area {style(7)}", f"{row.total}")
            canvas.text(LABEL + row.total * scale + 6, y + 16, row.total, "start")
        return canvas.svg()


def groups(results):
    found = {}
    for r in results:
        found.setdefault(_key(r.data), []).append(r)
    return [Group(key, found[key]) for key in found]
