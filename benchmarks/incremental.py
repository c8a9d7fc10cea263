"""`make benchmark NAME=incremental`: nights that go on from the champion, against nights from scratch.

Over the canteen's days: each day is forecast by what was trained on the days before it, once from scratch
and once night after night from the last adapter. Then the cost of one such night at one and ten times the
history with equal news. Writes results/incremental-canteen.md.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bootstrap import intervals, paired_differences
from benchmarks.measuring import BOOTSTRAP, metrics_of
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import base, canteen
from components.domain.preferences.arrays import Floats
from components.domain.preferences.splits import Split
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import Plan, Training, from_scratch, from_start
from components.domain.verdict.gate import METRIC
from components.integrations import adapters, comparison_files, finetuning, scoring
from components.stages.contenders import Setting

FIRST = 5  # days that the first training has
MIN_HISTORY, TIMES, RUNS = 3, 10, 3
WAYS = "from scratch", "from the last night"
_HEADER = """# Nights that go on from the champion

`make benchmark NAME=incremental`: the canteen, the candidate `vectors` and `train.incremental` of
params.yaml, one seed. Each day is forecast by what was trained on the days before it (held out, pair accuracy
per person, people with three choices or more before that day): once from scratch, once night after night from
the last adapter.
"""


def main() -> None:
    """Measures quality, then cost, and writes the page."""
    with tempfile.TemporaryDirectory() as folder:
        page = [_HEADER, *_quality(canteen(), Path(folder)), "", *_cost(Path(folder)), ""]
    publish(RESULTS / "incremental-canteen.md", "\n".join(page))


def _in_order(setting: Setting) -> Comparisons:
    """Training and test in one, in the order of time."""
    train, test = setting.train, setting.test
    names = [column.name for column in fields(train) if column.name != "log"]
    both: dict[str, Any] = {
        name: np.concatenate([getattr(train, name), getattr(test, name)]) for name in names
    }
    comparisons = replace(train, **both)
    return comparisons.take(np.argsort(comparisons.at, kind="stable"))


def _days(comparisons: Comparisons) -> Iterator[tuple[np.datetime64, Comparisons, Comparisons]]:
    """Each day that is forecast, with what came before it and what is tested."""
    for day in np.unique(comparisons.day)[FIRST:]:
        before = comparisons.day < day
        counts = np.bincount(comparisons.person[before], minlength=len(comparisons.log.people))
        tested = (comparisons.day == day) & (counts[comparisons.person] >= MIN_HISTORY)
        yield day, comparisons.take(np.flatnonzero(before)), comparisons.take(np.flatnonzero(tested))


def _quality(setting: Setting, folder: Path) -> list[str]:
    settings, candidate = setting.params.train, setting.params.train.candidates["vectors"]
    days: dict[str, dict[str, list[Floats]]] = {way: {} for way in WAYS}
    rows, last = [], None
    for day, train, test in _days(_in_order(setting)):
        scratch = from_scratch(train, candidate, settings.seed)
        plan = from_start(train, candidate, settings, last, "last") if last else scratch
        last, cells = plan.training, list[str]()
        for way, night in zip(WAYS, (scratch, plan), strict=True):
            seconds, scores = _night(setting, night, folder / way, test)
            people = metrics_of(scores, test)
            for person, metrics in people.items():
                days[way].setdefault(person, []).append(metrics)
            cells += [f"{np.mean([metrics[0] for metrics in people.values()]):.3f}", f"{seconds:.1f}"]
        rows.append([f"{day}", f"{len(people):,}", *cells, f"{last.new:,}", f"{last.replayed:,}"])
    heading = f"day | people | {WAYS[0]} | s | {WAYS[1]} | s | new | replayed"
    return [*table(heading, rows), "", *_whole(days)]


def _whole(days: dict[str, dict[str, list[Floats]]]) -> list[str]:
    """The mean over all days, first of each person, then of all people."""
    scratch, chain = (
        {person: np.mean(metrics, axis=0) for person, metrics in days[way].items()} for way in WAYS
    )
    gap = paired_differences(chain, scratch, BOOTSTRAP)[METRIC]
    means = [intervals(people, BOOTSTRAP)[METRIC].mean for people in (scratch, chain)]
    return [
        f"All days, per person ({len(chain):,} people): {means[0]:.3f} from scratch,",
        f"{means[1]:.3f} from the last night; the difference is {gap.mean:+.4f}",
        f"(95 % interval {gap.low:+.4f} to {gap.high:+.4f}).",
    ]


def _night(setting: Setting, plan: Plan, folder: Path, test: Comparisons) -> tuple[float, Floats]:
    """Seconds of a training with all it loads, and the scores of what it left in `folder`."""
    started = time.monotonic()
    settings, candidate = setting.params.train, setting.params.train.candidates["vectors"]
    model, tokens = base(setting)
    if plan.training.started_from:
        adapted = adapters.resume(model, candidate, folder)
    else:
        adapted = adapters.attach(model.network, candidate, settings.seed)
    ratings = setting.ratings
    finetuning.fit(
        model, tokens, plan.comparisons, ratings, candidate, settings, plan.epochs, lambda _step: None
    )
    seconds = time.monotonic() - started
    adapters.save(adapted, model.head, folder, "base")
    model.vectors.clear()
    return seconds, scoring.score(model, tokens, test, 1, "")


def _cost(folder: Path) -> list[str]:
    """Seconds of the training stage's work, reading the comparisons included, at growing histories."""
    rows, seconds = [], []
    for times in (1, TIMES):
        setting = canteen(times)
        comparisons = _in_order(setting)
        is_last = comparisons.day == comparisons.day.max()
        first_time = np.array(["/" not in person for person in comparisons.log.people])
        old = comparisons.take(np.flatnonzero(~is_last))
        news = np.flatnonzero(is_last & first_time[comparisons.person])
        train = comparisons.take([*np.flatnonzero(~is_last), *news])
        comparison_files.write_split(
            folder / "splits", setting.dishes, Split(train, setting.test, setting.may_know)
        )
        start = from_scratch(old, setting.params.train.candidates["vectors"], 0).training
        scratch = _stage(setting, folder, None)
        seconds.append(statistics.median(_stage(setting, folder, start) for _ in range(RUNS)))
        rows.append([f"{len(old):,} comparisons", f"{scratch:.1f}", f"{seconds[-1]:.1f}"])
    return [
        f"A training with {len(news):,} new comparisons, reading all of them included (from the last night:",
        f"median of {RUNS}):",
        "",
        *table(f"history | {WAYS[0]} s | {WAYS[1]} s", rows),
        "",
        f"At {TIMES} times the history and equal news it costs {seconds[1] / seconds[0]:.2f} times as much.",
    ]


def _stage(setting: Setting, folder: Path, start: Training | None) -> float:
    started = time.monotonic()
    settings, candidate = setting.params.train, setting.params.train.candidates["vectors"]
    train = comparison_files.read_split(folder / "splits").train
    if start:
        plan = from_start(train, candidate, settings, start, "last")
    else:
        plan = from_scratch(train, candidate, settings.seed)
    _night(setting, plan, folder / WAYS[bool(start)], train.take([]))
    return time.monotonic() - started


if __name__ == "__main__":
    main()
