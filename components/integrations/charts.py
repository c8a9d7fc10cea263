"""matplotlib: the picture of candidates and rivals with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_COLORS = {"candidate": "#16794c", "champion": "#1f5fbf"}
_RIVAL = "#888888"


def evaluation_chart(evaluation: Mapping[str, Any], path: Path) -> None:
    """Draws every model's pair accuracy, best on top, with its interval; writes a PNG.

    As wide as MLflow's column for a version's description, where a person sees it.
    """
    rows = sorted(evaluation["models"].items(), key=lambda item: item[1]["pair_accuracy"]["mean"])
    figure = Figure(figsize=(8, 0.45 * len(rows) + 1.4), layout="constrained")
    axes = figure.subplots()
    for height, (_, row) in enumerate(rows):
        interval = row["pair_accuracy"]
        color = _COLORS.get(row["kind"], _RIVAL)
        axes.plot([interval["low"], interval["high"]], [height, height], color=color, linewidth=3, alpha=0.5)
        axes.plot(interval["mean"], height, "o", color=color)
        axes.annotate(
            f"{interval['mean']:.3f}",
            (interval["mean"], height),
            (0, 5),
            textcoords="offset points",
            ha="center",
        )
    axes.set_yticks(range(len(rows)), [f"{name} ({row['people']:,} people)" for name, row in rows])
    axes.axvline(0.5, color="#bbbbbb", linewidth=1, linestyle=":")
    axes.set_xlabel(f"pair accuracy, held out, per person, {evaluation['confidence']:.0%} interval")
    axes.set_title(f"Gate: {evaluation['gate']['decision']}", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=95, metadata={"Software": None})
