"""`make benchmark NAME=incremental`: nights that go on from the champion, against nights from scratch.

Over the canteen's days each day is forecast by what was trained on the days before it, with five seeds: from
scratch, from the last night's adapter whatever it was worth, and from a champion that only the gate replaces.
Then what a few news do to a champion. Writes results/incremental-canteen.md.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from benchmarks.bootstrap import intervals, paired_differences
from benchmarks.measuring import BOOTSTRAP, metrics_of
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import BASE, canteen, tokens_of
from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import Plan, Training, from_scratch, from_start
from components.domain.ranker.language_model import LanguageModel
from components.domain.training_params import CandidateParams, TrainParams
from components.domain.verdict import ledger
from components.domain.verdict.gate import METRIC, judge
from components.domain.verdict.table import Contender, ResultTable
from components.integrations import adapters, base_models, finetuning, scoring
from components.integrations.comparison_files import SplitFiles
from components.stages.contenders import Setting
from components.stages.epochs import choose_epochs

FIRST = 5  # days that the first training has
MIN_HISTORY, SEEDS, NEWS = 3, (1, 2, 3, 4, 5), (1, 4, 20, 100, 500)
SCRATCH, LAST, CHAMPION = WAYS = "from scratch", "from the last night", "from the champion"
Forecasts = Mapping[str, dict[str, list[Floats]]]  # way -> person -> metrics of each day
_HEADER = """# Nights that go on from the champion

`make benchmark NAME=incremental`: the canteen, the candidate `vectors` and `train.incremental` of
params.yaml, five seeds. Each day is forecast by what was trained on the days before it (held out, pair
accuracy per person, people with three choices or more before that day): from scratch, with epochs chosen
anew; from the last night's adapter, whatever it was worth; and from the champion, which is the first night's
adapter until the gate's ledger shows a later one to be better.
"""


def main() -> None:
    """Measures whole chains of nights, then a few news, and writes the page."""
    setting, page = canteen(), [_HEADER]
    comparisons, gaps = _in_order(setting), []
    with tempfile.TemporaryDirectory() as name:
        for seed in SEEDS:
            seeded = _seeded(setting, seed)
            rows, forecasts, promoted = _chain(seeded, comparisons, Path(name) / str(seed))
            gaps.append([_gap(forecasts, way) for way in WAYS])
            if seed == SEEDS[0]:
                heading = f"day | people | {' | '.join(f'{way} | s' for way in WAYS)} | new | replayed"
                page += ["Seed 1, day by day:", "", *table(heading, rows), ""]
            gaps[-1].append(str(promoted))
        page += _seeds(gaps)
        page += ["", *_few_news(setting, comparisons, Path(name) / "few")]
    publish(RESULTS / "incremental-canteen.md", "\n".join([*page, ""]))


def _seeded(setting: Setting, seed: int) -> Setting:
    train = setting.params.train.model_copy(update={"seed": seed})
    return replace(setting, params=setting.params.model_copy(update={"train": train}))


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


def _chain(
    setting: Setting, comparisons: Comparisons, folder: Path
) -> tuple[list[list[str]], Forecasts, int]:
    """A line a day, every forecast's metrics, and how often the gate replaced the champion."""
    candidate, settings = setting.params.train.candidates["vectors"], setting.params.train
    forecasts: Forecasts = {way: {} for way in WAYS}
    rows, starts, entry, promoted = [], dict[str, Training](), ledger.Ledger("", "1"), 0
    for day, train, test in _days(comparisons):
        plans = {way: _plan(train, candidate, settings, starts.get(way)) for way in WAYS}
        nights = {way: _night(setting, plan, folder / way, test) for way, plan in plans.items()}
        cells = list[str]()
        for way, (seconds, scores) in nights.items():
            people = metrics_of(scores, test)
            for person, metrics in people.items():
                forecasts[way].setdefault(person, []).append(metrics)
            cells += [f"{np.mean([metrics[0] for metrics in people.values()]):.3f}", f"{seconds:.1f}"]
        entry, passed = _gate(setting, entry, folder / CHAMPION, test, nights[CHAMPION][1])
        starts[LAST] = plans[LAST].training
        if CHAMPION not in starts or passed:
            promoted += CHAMPION in starts
            starts[CHAMPION] = plans[CHAMPION].training
            shutil.copytree(folder / CHAMPION, folder / "serves", dirs_exist_ok=True)
        shutil.copytree(folder / "serves", folder / CHAMPION, dirs_exist_ok=True)
        last = plans[LAST].training
        rows.append([f"{day}", f"{len(people):,}", *cells, f"{last.new:,}", f"{last.replayed:,}"])
    return rows, forecasts, promoted


def _plan(
    train: Comparisons, candidate: CandidateParams, settings: TrainParams, start: Training | None
) -> Plan:
    if start is None:
        return from_scratch(train, candidate, settings.seed)
    return from_start(train, candidate, settings, start, "1")


def _gate(
    setting: Setting, before: ledger.Ledger, folder: Path, test: Comparisons, scores: Floats
) -> tuple[ledger.Ledger, bool]:
    """The ledger with this day, and whether it says that what was trained tonight beats what serves."""
    serves = folder.parent / "serves"
    if not serves.exists():
        return before, False
    model = _load()
    adapters.load(model, serves)
    rivals = [
        Contender("tonight", "candidate", scores),
        Contender("champion", "champion", scoring.score(model, tokens_of(model, setting), test, 1, "")),
    ]
    confidence = setting.params.evaluate.confidence
    differences = ResultTable(test, rivals, confidence).differences
    entry = before.next(differences, test)
    result = judge("tonight", {"champion": entry.differences("champion")}, 1, confidence)
    return (ledger.Ledger("", "1", entry.last), True) if result.decision == "pass" else (entry, False)


def _load() -> LanguageModel:
    return base_models.load_on_best_device(BASE)


def _fresh(setting: Setting, plan: Plan, folder: Path) -> tuple[LanguageModel, nn.Module]:
    model, settings = _load(), setting.params.train
    candidate = settings.candidates["vectors"]
    if plan.training.started_from:
        return model, adapters.resume(model, candidate, folder)
    return model, adapters.attach(model.network, candidate, settings.seed)


def _night(setting: Setting, plan: Plan, folder: Path, test: Comparisons) -> tuple[float, Floats]:
    """Seconds of a training with all it loads, and the scores of what it left in `folder`."""
    started, params = time.monotonic(), setting.params
    candidate = params.train.candidates["vectors"]
    split = SplitFiles(setting.dishes, plan.comparisons, test, setting.may_know)
    plan = choose_epochs(plan, lambda: _fresh(setting, plan, folder)[0], split, candidate, params)
    model, adapted = _fresh(setting, plan, folder)
    tokens = tokens_of(model, setting)
    finetuning.fit(model, tokens, plan, setting.ratings, candidate, params.train, lambda _step: None)
    seconds = time.monotonic() - started
    adapters.save(adapted, model.head, folder, "base")
    return seconds, scoring.score(model, tokens, test, 1, "")


def _gap(forecasts: Forecasts, way: str) -> str:
    """Pair accuracy over all days, first the mean of each person, then of all people; and beside scratch."""
    scratch, people = (
        {person: np.mean(metrics, axis=0) for person, metrics in forecasts[name].items()}
        for name in (SCRATCH, way)
    )
    mean = f"{intervals(people, BOOTSTRAP)[METRIC].mean:.3f}"
    if way == SCRATCH:
        return mean
    gap = paired_differences(people, scratch, BOOTSTRAP)[METRIC]
    return f"{mean}; {gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"


def _seeds(gaps: list[list[str]]) -> list[str]:
    rows = [[str(seed), *cells] for seed, cells in zip(SEEDS, gaps, strict=True)]
    return [
        "All days, per person, and the difference to nights from scratch (95 % interval over people):",
        "",
        *table(f"seed | {' | '.join(WAYS)} | champions replaced", rows),
    ]


def _few_news(setting: Setting, comparisons: Comparisons, folder: Path) -> list[str]:
    """What news of different number do to a champion: how far scores move, and pair accuracy."""
    *_, (_, train, test) = _days(comparisons)
    newest = np.unique(train.day)[-1]
    old, news = (train.take(np.flatnonzero((train.day < newest) == is_old)) for is_old in (True, False))
    rows: dict[int, list[tuple[float, float]]] = {count: [] for count in NEWS}
    for seed in SEEDS:
        seeded = _seeded(setting, seed)
        settings = seeded.params.train
        incremental = settings.incremental.model_copy(update={"min_new": 1})
        settings = settings.model_copy(update={"incremental": incremental})
        candidate = settings.candidates["vectors"]
        plan = from_scratch(old, candidate, seed)
        before = _night(seeded, plan, folder, test)[1]
        for count in NEWS:
            some = np.random.default_rng(seed).permutation(len(news))[:count]
            both = train.take([*range(len(old)), *(len(old) + np.sort(some))])
            tonight = shutil.copytree(folder, folder.parent / "tonight", dirs_exist_ok=True)
            start = from_start(both, candidate, settings, plan.training, "1")
            after = _night(seeded, start, tonight, test)[1]
            accuracy = [np.mean([each[0] for each in metrics_of(s, test).values()]) for s in (before, after)]
            rows[count].append((float(np.abs(after - before).mean()), float(accuracy[1] - accuracy[0])))
    lines = [
        [f"{count:,}", f"{np.mean(moves):.3f}", *(f"{change:+.4f}" for change in (min(gains), max(gains)))]
        for count, values in rows.items()
        for moves, gains in [tuple(zip(*values, strict=True))]
    ]
    return [
        "So many news of one day, read by the champion of the day before (`min_new: 1`), and the next day's",
        "forecast; mean of five seeds, and the least and the most of them:",
        "",
        *table("new comparisons | scores move by, nats | pair accuracy, least | most", lines),
    ]


if __name__ == "__main__":
    main()
