"""`make benchmark NAME=incremental`: nights that go on from the champion, against nights from scratch.

Over the canteen's days: each day is forecast by what was trained on the days before it, once from scratch
and once night after night from the last adapter. Then the cost of one such night at one and ten times the
history with equal news. Writes results/incremental-canteen.md.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.sample import REPO, base, canteen_split
from components.domain.params import Params
from components.domain.preferences.strengths import known_opinions, rating_spread
from components.domain.preferences.training_plan import Plan, Training, from_scratch, from_start
from components.domain.records import Comparison, Dish
from components.domain.verdict.metrics import Floats, intervals, paired_differences, per_person
from components.integrations import adapters, comparison_files, finetuning, scoring

FIRST = 5  # days that the first training has
MIN_HISTORY, TIMES, RUNS = 3, 10, 3
SAMPLE = 2000, 0.95, 11  # resamples, confidence, seed
_HEADER = """# Nights that go on from the champion

`make benchmark NAME=incremental`: the canteen, the candidate `vectors` and `train.incremental` of
params.yaml, one seed. Each day is forecast by what was trained on the days before it (held out, pair accuracy
per person, people with three choices or more before that day): once from scratch,
once night after night from the last
adapter.
"""
PAGE = REPO / "benchmarks" / "results" / "incremental-canteen.md"
People = dict[str, list[Floats]]


def main() -> None:
    """Measures quality, then cost, and writes the page."""
    params, dishes, split = canteen_split()
    torch.set_num_threads(params.train.threads)
    comparisons = sorted((*split.train, *split.test), key=lambda each: each.at)
    with tempfile.TemporaryDirectory() as folder:
        page = [_HEADER, *_quality(params, dishes, comparisons, Path(folder))]
        page += ["", *_cost(params, comparisons, dishes, Path(folder))]
    PAGE.write_text("\n".join([*page, ""]))
    print("\n".join(page))


def _quality(
    params: Params, dishes: dict[str, Dish], comparisons: list[Comparison], folder: Path
) -> list[str]:
    days = sorted({each.at.date() for each in comparisons})
    candidate = params.train.candidates["vectors"]
    people: dict[str, People] = {"from scratch": {}, "from the last night": {}}
    lines = [
        "| day | people | from scratch | s | from the last night | s | new | replayed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    made: Training | None = None
    for day in days[FIRST:]:
        train = [each for each in comparisons if each.at.date() < day]
        test = _known([each for each in comparisons if each.at.date() == day], train)
        scratch = from_scratch(train, candidate, params.train.seed)
        plan = from_start(train, candidate, params.train, made, "last") if made else scratch
        took, scores = {}, {}
        for name, each, at in zip(
            people, (scratch, plan), (folder / "scratch", folder / "chain"), strict=True
        ):
            took[name], scores[name] = _night(params, dishes, each, at, test)
            for person, row in per_person(scores[name], test).items():
                people[name].setdefault(person, []).append(row)
        made = plan.training
        cells = (f"{_mean(scores[name], test):.3f} | {took[name]:.1f}" for name in people)
        people_tested = len({each.person_id for each in test})
        read = f"{made.new:,} | {made.replayed:,}"
        lines.append(f"| {day} | {people_tested:,} | {' | '.join(cells)} | {read} |")
    scratch_people, chain = (
        {person: np.mean(rows, axis=0) for person, rows in each.items()} for each in people.values()
    )
    gap = paired_differences(chain, scratch_people, *SAMPLE)["pair_accuracy"]
    whole = [intervals(each, *SAMPLE)["pair_accuracy"].mean for each in (scratch_people, chain)]
    return [
        *lines,
        "",
        f"All days, per person ({len(chain):,} people): {whole[0]:.3f} from scratch,",
        f"{whole[1]:.3f} from the last night; the difference is {gap.mean:+.4f}",
        f"(95 % interval {gap.low:+.4f} to {gap.high:+.4f}).",
    ]


def _known(test: list[Comparison], train: list[Comparison]) -> list[Comparison]:
    counts: dict[str, int] = {}
    for each in train:
        counts[each.person_id] = counts.get(each.person_id, 0) + 1
    return [each for each in test if counts.get(each.person_id, 0) >= MIN_HISTORY]


def _mean(scores: dict[str, Floats], test: list[Comparison]) -> float:
    return float(np.mean([row[0] for row in per_person(scores, test).values()]))


def _night(
    params: Params, dishes: dict[str, Dish], plan: Plan, folder: Path, test: list[Comparison]
) -> tuple[float, dict[str, Floats]]:
    """Seconds of a training with all it loads, and the scores of what it made and left in `folder`."""
    started = time.monotonic()
    model, candidate = base(params), params.train.candidates["vectors"]
    tokens = model.dish_tokens(dishes, params.prompt.dish_fields)
    if plan.training.started_from:
        adapted = adapters.resume(model, candidate, folder)
    else:
        adapted = adapters.attach(model.network, candidate, params.train.seed)
    head = candidate.vectors
    if head is None:
        raise SystemExit("the candidate `vectors` of params.yaml has no section `vectors`.")
    spread = rating_spread(known_opinions(plan.comparisons))
    finetuning.fit_vectors(
        model, tokens, plan.comparisons, candidate, head, plan.epochs, spread, lambda _step: None
    )
    seconds = time.monotonic() - started
    adapters.save(adapted, model.head, folder, "base")
    model.vectors.clear()
    return seconds, scoring.score(model, tokens, test, 1, "") if test else {}


def _cost(params: Params, comparisons: list[Comparison], dishes: dict[str, Dish], folder: Path) -> list[str]:
    """Seconds of the training stage's work, reading the comparisons included, at growing histories."""
    last = max(each.at.date() for each in comparisons)
    old = [each for each in comparisons if each.at.date() < last]
    news = [each for each in comparisons if each.at.date() == last]
    candidate = params.train.candidates["vectors"]
    made = from_scratch(old, candidate, params.train.seed).training
    took: dict[tuple[int, bool], list[float]] = {}
    for times in (1, TIMES):
        longer = [
            replace(each, key=f"{each.key}/{copy}", person_id=f"{each.person_id}/{copy}")
            for copy in range(times)
            for each in old
        ]
        file = folder / f"{times}.parquet"
        comparison_files.write_comparisons(file, [*longer, *news])
        for start, run in itertools.product((True, False), range(RUNS)):
            if not start and run:
                continue  # a training from scratch is long and only gives the scale
            started = time.monotonic()
            train = comparison_files.read_comparisons(file)
            if start:
                plan = from_start(train, candidate, params.train, made, "last")
            else:
                plan = from_scratch(train, candidate, params.train.seed)
            _night(params, dishes, plan, folder / ("chain" if start else "fresh"), [])
            took.setdefault((times, start), []).append(time.monotonic() - started)
    seconds = {each: statistics.median(runs) for each, runs in took.items()}
    lines = [
        f"A training with {len(news):,} new comparisons, reading all of them included (from the last night:",
        f"median of {RUNS}):",
        "",
        "| history | from scratch s | from the last night s |",
        "|---|---|---|",
    ]
    lines += [
        f"| {len(old) * times:,} comparisons | {seconds[times, False]:.1f} | {seconds[times, True]:.1f} |"
        for times in (1, TIMES)
    ]
    return [
        *lines,
        "",
        f"At {TIMES} times the history and equal news it costs {seconds[TIMES, True] / seconds[1, True]:.2f} "
        "times as much.",
    ]


if __name__ == "__main__":
    main()
