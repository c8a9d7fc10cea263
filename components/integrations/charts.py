"""matplotlib: pictures of pair accuracies with their intervals, and of calibration."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from components.domain.verdict.evaluation import EvaluationReport

_COLORS = {"candidate": "#16794c", "champion": "#1f5fbf"}
_RIVAL = "#888888"


def evaluation_chart(report: EvaluationReport, path: Path) -> None:
    """Draws every model's pair accuracy with its interval, the best on top, and writes a PNG.

    The picture is as wide as the column in which MLflow shows a version's description.
    """
    results = report.best_first[::-1]
    figure = Figure(figsize=(8, 0.45 * len(results) + 1.4), layout="constrained")
    axes = figure.subplots()
    for height, (_, result) in enumerate(results):
        interval, color = result.pair_accuracy, _COLORS.get(result.kind, _RIVAL)
        axes.plot([interval.low, interval.high], [height, height], color=color, linewidth=3, alpha=0.5)
        axes.plot(interval.mean, height, "o", color=color)
        axes.annotate(
            f"{interval.mean:.3f}", (interval.mean, height), (0, 5), textcoords="offset points", ha="center"
        )
    axes.set_yticks(range(len(results)), [f"{name} ({result.people:,} people)" for name, result in results])
    axes.axvline(0.5, color="#bbbbbb", linewidth=1, linestyle=":")
    axes.set_xlabel(f"pair accuracy, held out, per person, {report.confidence:.0%} interval")
    axes.set_title(f"Gate: {report.gate.decision}", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=95, metadata={"Software": None})


def calibration_chart(report: EvaluationReport, path: Path) -> None:
    """Draws how often each calibrated model was right against how sure it was, and writes a PNG."""
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0.5, 1], [0.5, 1], color="#bbbbbb", linewidth=1, linestyle=":", label="as sure as right")
    for name, bins in report.calibration.items():
        stated, observed = [part.stated for part in bins], [part.observed for part in bins]
        axes.plot(stated, observed, "o-", color=_COLORS.get(report.models[name].kind, _RIVAL), label=name)
    axes.set_xlabel("stated probability that the dish put first is preferred")
    axes.set_ylabel("share of pairs in which it was")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=95, metadata={"Software": None})
