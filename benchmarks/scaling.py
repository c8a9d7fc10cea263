"""`make benchmark NAME=scaling`: seconds and peak memory of training against comparisons, dishes and history.

Made-up people and menus of six dishes with the canteen's words: what they like does not matter, only how much
there is of it. Every size runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from benchmarks.measuring import in_a_process, peak_mb, seconds
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import REPO, base, canteen, more_dishes
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import from_scratch
from components.domain.ranker.closed_form import give_text_factors
from components.domain.records import LIKED, Comparison, Past
from components.integrations import adapters, finetuning

USUAL = {"comparisons": 4000, "dishes": 66, "history": 12}
SIZES = {
    "comparisons": (2000, 4000, 8000, 16000, 32000),
    "dishes": (66, 132, 264, 528, 1056),
    "history": (6, 12, 24, 48, 96),
}
EPOCHS, ON_MENU, A_PERSONS = 2, 6, 8
LARGE = {  # a first night: by candidate, what it learns from
    "vectors": {"comparisons": 20000, "dishes": 1056, "history": 12, "epochs": 10},
    "factors": {"comparisons": 20000, "dishes": 10000, "history": 12, "epochs": 1},
}
PLOT = REPO / "docs" / "images" / "scaling.png"
Results = Mapping[str, Sequence[Mapping[str, Any]]]  # what grows -> its sizes in ascending order


def main() -> None:
    """Measures every size and writes results/scaling.json, .md and docs/images/scaling.png."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--one", type=json.loads, help="sizes as JSON")
    one = parser.parse_args().one
    if one:
        print(json.dumps(_measure(**one)))
        return
    base(canteen())  # made here where it is not yet, so that no size pays for it
    results = {what: [_result(what, size) for size in sizes] for what, sizes in SIZES.items()}
    large = {
        name: in_a_process("benchmarks.scaling", json.dumps({**size, "name": name}))
        for name, size in LARGE.items()
    }
    publish(RESULTS / "scaling.md", _page(results, large), {**results, "large": large})
    _plot(results)


def _result(what: str, size: int) -> dict[str, float]:
    return {"size": size, **in_a_process("benchmarks.scaling", json.dumps({**USUAL, what: size}))}


def _measure(
    comparisons: int, dishes: int, history: int, epochs: int = EPOCHS, name: str = "vectors"
) -> dict[str, float]:
    setting = canteen()
    setting = replace(setting, dishes=more_dishes(setting.dishes, dishes))
    train = _comparisons(list(setting.dishes), comparisons, history)
    settings, candidate = setting.params.train, setting.params.train.candidates[name]
    model, tokens = base(setting)
    loaded = peak_mb()
    if candidate.factors:
        may_know = np.ones(len(train.log), bool)
        closed_form = partial(give_text_factors, model, tokens, train, may_know, candidate.factors, "person")
        return {"seconds": seconds(closed_form), "peak_mb": peak_mb(), "loaded_mb": loaded}
    adapters.attach(model.network, candidate, 1)
    plan = from_scratch(train, candidate, settings.seed).with_epochs(epochs)
    fit = partial(
        finetuning.fit, model, tokens, plan, setting.ratings, candidate, settings, lambda _step: None
    )
    return {"seconds": seconds(fit), "peak_mb": peak_mb(), "loaded_mb": loaded}


def _comparisons(dishes: Sequence[str], count: int, history: int) -> Comparisons:
    draw, at = random.Random(1), datetime(2026, 1, 1, tzinfo=UTC)
    comparisons = []
    for number in range(count):
        if number % A_PERSONS == 0:
            past = tuple(Past(dish, LIKED) for dish in draw.choices(dishes, k=history))
        offered = tuple(draw.sample(dishes, ON_MENU))
        person, key = f"p{number // A_PERSONS}", f"c{number}"
        comparisons.append(Comparison(person, past, offered, key, at, offered[0]))
    return comparison_table(comparisons)


def _exponent(sizes: Sequence[Mapping[str, float]]) -> float:
    """Of the power law through seconds against size: 1 is linear."""
    logs = np.log([[result["size"], result["seconds"]] for result in sizes])
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])


def _page(results: Results, large: Mapping[str, Mapping[str, float]]) -> str:
    usual = ", ".join(f"{value:,} {name}" for name, value in USUAL.items())
    rows = (
        [what, f"{result['size']:,}", f"{result['seconds']:.1f}", f"{result['peak_mb']:,.0f}"]
        for what, sizes in results.items()
        for result in sizes
    )
    exponents = ", ".join(f"{what} {_exponent(sizes):.2f}" for what, sizes in results.items())
    lines = [
        "# What a training costs as it grows",
        "",
        f"`make benchmark NAME=scaling`: the candidate `vectors`, {EPOCHS} epochs, one thing grown at a time",
        f"from {usual} (past dishes a person); each size in a process of its own. Peak memory is the whole",
        "process with the base model.",
        "",
        *table("grown | size | seconds | peak MB", rows),
        "",
        f"Seconds grow with size to the power of (1 is linear): {exponents}.",
        "",
        "A first night on many dishes, with all its epochs and the default settings:",
        "",
        *table("candidate | comparisons | dishes | seconds | peak MB", _large_rows(large)),
    ]
    return "\n".join([*lines, ""])


def _large_rows(large: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    return [
        [f"`{name}`", f"{LARGE[name]['comparisons']:,}", f"{LARGE[name]['dishes']:,}",
         f"{result['seconds']:.0f}", f"{result['peak_mb']:,.0f}"]
        for name, result in large.items()
    ]  # fmt: skip


def _plot(results: Results) -> None:
    mpl.use("Agg")
    figure, axes = plt.subplots(2, len(results), figsize=(11, 5.5), sharey="row")
    for column, (what, measured) in enumerate(results.items()):
        sizes = [result["size"] for result in measured]
        for axis, key in zip(axes[:, column], ("seconds", "peak_mb"), strict=True):
            axis.plot(sizes, [result[key] for result in measured], marker="o")
            axis.set_xscale("log", base=2)
            axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axis.grid(visible=True, alpha=0.3)
        linear = [measured[0]["seconds"] * size / sizes[0] for size in sizes]
        axes[0, column].plot(sizes, linear, ":", color="grey")
        axes[1, column].set_xlabel({"history": "past dishes a person"}.get(what, what))
    axes[0, 0].set_yscale("log")
    axes[0, 0].set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    axes[0, 0].set_ylabel("seconds (dotted: linear)")
    highest = max(result["peak_mb"] for measured in results.values() for result in measured)
    axes[1, 0].set_ylim(bottom=0, top=1.1 * highest)
    axes[1, 0].set_ylabel("peak memory, MB")
    figure.tight_layout()
    figure.savefig(PLOT, dpi=90)


if __name__ == "__main__":
    main()
