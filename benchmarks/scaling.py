"""`make benchmark NAME=scaling`: seconds and peak memory of training against comparisons, dishes and history.

Made-up people and menus of six dishes with the canteen's words: what they like does not matter, only how much
there is of it. Every size runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt

from benchmarks.sample import REPO, base, canteen
from components.domain.records import LIKED, Comparison, Dish, Past
from components.integrations import adapters, finetuning

USUAL = {"comparisons": 4000, "dishes": 66, "history": 12}
SIZES = {
    "comparisons": (2000, 4000, 8000, 16000, 32000),
    "dishes": (66, 132, 264, 528, 1056),
    "history": (6, 12, 24, 48, 96),
}
EPOCHS, ON_MENU, A_PERSONS = 2, 6, 8
RESULT, PLOT = REPO / "benchmarks" / "results" / "scaling.json", REPO / "docs" / "images" / "scaling.png"


def main() -> None:
    """Measures every size and writes results/scaling.json, .md and docs/images/scaling.png."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--one", type=json.loads, help="sizes as JSON")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(_measure(**given.one)))
        return
    base(canteen()[0])  # made here where it is not yet, so that no size pays for it
    told: dict[str, list[dict[str, float]]] = {}
    for what, sizes in SIZES.items():
        for size in sizes:
            command = [sys.executable, "-m", "benchmarks.scaling", "--one", json.dumps({**USUAL, what: size})]
            done = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True)
            told.setdefault(what, []).append({"size": size, **json.loads(done.stdout.splitlines()[-1])})
            print(what, told[what][-1], flush=True)
    RESULT.write_text(json.dumps(told, indent=1) + "\n")
    RESULT.with_suffix(".md").write_text(_page(told))
    _plot(told)
    print(_page(told))


def _measure(comparisons: int, dishes: int, history: int) -> dict[str, float]:
    params, known, _ = canteen()
    torch.set_num_threads(params.train.threads)
    candidate = params.train.candidates["vectors"]
    if candidate.vectors is None:
        raise SystemExit("the candidate `vectors` of params.yaml has no section `vectors`.")
    menu = _dishes(list(known.values()), dishes)
    train = _comparisons(list(menu), comparisons, history)
    model = base(params)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    adapters.attach(model.network, candidate, 1)
    tokens = model.dish_tokens(menu, params.prompt.dish_fields)
    started = time.monotonic()
    finetuning.fit_vectors(
        model, tokens, train, candidate, candidate.vectors, EPOCHS, 1.0, lambda _step: None
    )
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak_mb": peak / 1024, "loaded_mb": before / 1024}


def _dishes(known: list[Dish], count: int) -> dict[str, Dish]:
    """The canteen's dishes, and beyond them two dishes' names in one."""
    made = {}
    for number in range(count):
        one, other = known[number % len(known)], known[number * 7 % len(known)]
        name = one.name if number < len(known) else f"{one.name} with {other.name}"
        made[f"d{number}"] = Dish(f"d{number}", name, one.description)
    return made


def _comparisons(dishes: list[str], count: int, history: int) -> list[Comparison]:
    draw = random.Random(1)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made: list[Comparison] = []
    while len(made) < count:
        past = tuple(Past(dish, LIKED) for dish in draw.choices(dishes, k=history))
        for _ in range(min(A_PERSONS, count - len(made))):
            offered = tuple(draw.sample(dishes, ON_MENU))
            made.append(
                Comparison(f"c{len(made)}", f"p{len(made) // A_PERSONS}", at, past, offered, offered[0])
            )
    return made


def _exponent(rows: list[dict[str, float]]) -> float:
    """Of the power law through seconds against size: 1 is linear."""
    logs = np.log([[row["size"], row["seconds"]] for row in rows])
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])


def _page(told: dict[str, list[dict[str, float]]]) -> str:
    usual = ", ".join(f"{value:,} {name}" for name, value in USUAL.items())
    lines = [
        "# What a training costs as it grows",
        "",
        f"`make benchmark NAME=scaling`: the candidate `vectors`, {EPOCHS} epochs, one thing grown at a time",
        f"from {usual} (past dishes a person); each size in a process of its own. Peak memory is the whole",
        "process with the base model.",
        "",
        "| grown | size | seconds | peak MB |",
        "|---|---|---|---|",
    ]
    for what, rows in told.items():
        lines += [
            f"| {what} | {row['size']:,} | {row['seconds']:.1f} | {row['peak_mb']:,.0f} |" for row in rows
        ]
    lines += ["", "Seconds grow with size to the power of (1 is linear): "]
    lines[-1] += ", ".join(f"{what} {_exponent(rows):.2f}" for what, rows in told.items()) + "."
    return "\n".join([*lines, ""])


def _plot(told: dict[str, list[dict[str, Any]]]) -> None:
    mpl.use("Agg")
    figure, axes = plt.subplots(2, len(told), figsize=(11, 5.5), sharey="row")
    for column, (what, rows) in enumerate(told.items()):
        sizes = [row["size"] for row in rows]
        for row, key in ((0, "seconds"), (1, "peak_mb")):
            axis = axes[row, column]
            axis.plot(sizes, [each[key] for each in rows], marker="o")
            axis.set_xscale("log", base=2)
            axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axis.grid(visible=True, alpha=0.3)
        first = rows[0]["seconds"]
        axes[0, column].plot(sizes, [first * size / sizes[0] for size in sizes], ":", color="grey")
        axes[1, column].set_xlabel({"history": "past dishes a person"}.get(what, what))
    axes[0, 0].set_yscale("log")
    axes[0, 0].set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    axes[0, 0].set_ylabel("seconds (dotted: linear)")
    axes[1, 0].set_ylim(bottom=0, top=1.1 * max(row["peak_mb"] for rows in told.values() for row in rows))
    axes[1, 0].set_ylabel("peak memory, MB")
    figure.tight_layout()
    figure.savefig(PLOT, dpi=90)


if __name__ == "__main__":
    main()
