# SPDX-License-Identifier: BSD-3-Clause
"""Figures over time as SVG."""
import io

from ringside_results.cli import INTERNAL, Failed

_DASHES = ("-", "--", "-.", ":")


def history(metric, found):
    """`found`: {title: ([(created, revision, value)], change points)}."""
    try:
        import matplotlib  # pylint: disable=import-outside-toplevel
    except ImportError:
        raise Failed(INTERNAL, "a plot needs python3-matplotlib") from None
    matplotlib.use("Agg")
    # The same figures give the same file; text stays text.
    matplotlib.rcParams.update({"svg.hashsalt": "ringside", "svg.fonttype": "none"})
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel

    figure, axes = pyplot.subplots(figsize=(10, 4.5), layout="constrained")
    for i, (title, (entries, points)) in enumerate(found.items()):
        values = [v for _, _, v in entries]
        line, = axes.plot(range(len(values)), values, _DASHES[i % len(_DASHES)], marker=".",
                          label=title.replace("$", r"\$"))
        for at in points:
            axes.axvline(at - .5, color=line.get_color(), linestyle=":", linewidth=1)
            axes.annotate(entries[at][1][:12] or entries[at][0][:10], (at - .5, values[at]),
                          rotation=90, fontsize=7, textcoords="offset points", xytext=(3, 0))
    longest = max((entries for entries, _ in found.values()), key=len)
    step = max(1, len(longest) // 10)
    axes.set_xticks(range(0, len(longest), step), [c[:10] for c, _, _ in longest[::step]],
                    rotation=30, ha="right")
    axes.set_ylabel(f"{metric.name}{f' ({metric.unit})' if metric.unit else ''}, "
                    f"{metric.better} is better")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=.3)
    axes.legend(fontsize=8)
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    return out.getvalue()
