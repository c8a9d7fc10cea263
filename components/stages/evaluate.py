"""Splits, adapters, base and champion → evaluation.json and .csv, two PNGs, canary.json and ledger.json."""

from __future__ import annotations

import csv
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from components.domain.params import Params
from components.domain.preferences.arrays import Bools, Ints
from components.domain.preferences.held_out_days import NOBODY_TO_TEST
from components.domain.preferences.splits import Split
from components.domain.preferences.tables import Comparisons
from components.domain.ranker.prompts import prompt_hash
from components.domain.verdict.calibration import CalibrationBin, calibration
from components.domain.verdict.canary import CanaryQuestion, made_up_questions, to_json
from components.domain.verdict.clusters import Clusters
from components.domain.verdict.evaluation import (
    DIET,
    HISTORIES,
    NEW_AGAINST_READ,
    EvaluationReport,
    HeldOut,
    SliceResult,
)
from components.domain.verdict.gate import GateResult
from components.domain.verdict.ledger import Ledger, from_json
from components.domain.verdict.ledger import to_json as ledger_json
from components.domain.verdict.metrics import METRICS, Interval
from components.domain.verdict.table import Contender, ResultTable
from components.files import folder_sha256, read_json, read_state, weights_sha256, write_json, write_state
from components.integrations import charts, comparison_files
from components.stages import canary, contenders, judging, model_contenders, paths
from components.stages.bases import base_facts, base_of, base_with
from components.stages.contenders import Setting
from components.stages.reports import write_report

logger = logging.getLogger(__name__)
MIN_OF_A_DIET = 5  # people, for their accuracy to be shown
STRONG_RULES = ("content-history", "item-knn", "stacked-rules")  # shown beside the candidates in the slices


def evaluate(params: Params) -> None:
    """Scores all contenders on the test comparisons, judges the best candidate, and stores its canary."""
    torch.set_num_threads(params.train.threads)
    setting, champion = _setting(params), read_json(paths.CHAMPION / "champion.json")
    report = _judged(setting, champion) if len(setting.test) else _not_judged(setting)
    write_report(paths.EVALUATION, report)
    best = report.gate.candidate
    write_json(paths.CANARY, to_json(best, _canary(setting, best)))
    _write_csv(report)
    write_json(paths.METRICS, _metrics(report))
    charts.evaluation_chart(report, paths.REPORTS / "evaluation.png")
    charts.calibration_chart(report, paths.REPORTS / "calibration.png")


def _judged(setting: Setting, champion: Mapping[str, Any]) -> EvaluationReport:
    """Scores all contenders, judges the best candidate, and builds the report.

    It also writes the ledger of every candidate after tonight.
    """
    params = setting.params
    candidates = list(_told(model_contenders.candidates(setting)))
    rivals = [
        *_told(contenders.simple_rules(setting)),
        *_told(contenders.factors_without_a_model(setting)),
        *_told(model_contenders.untuned(setting)),
        *_told(model_contenders.frozen(setting)),
        *_told(model_contenders.champion(setting, champion)),
    ]
    probes = {each.name: list(_told(model_contenders.probes(setting, each.name))) for each in candidates}
    tables = {
        candidate.name: _table(setting, [candidate, *rivals, *probes[candidate.name]])
        for candidate in candidates
    }
    best = _table(setting, candidates).best
    ledgers = _ledgers(params, tables, champion)
    gate = _gate(setting, judging.decision(params, tables[best], ledgers[best]), champion)
    rows = [*candidates, *rivals, *probes[best]]
    return _report(setting, _table(setting, rows), _slices(setting, rows), gate)


def _told(rows: Iterable[Contender]) -> Iterator[Contender]:
    """Logs each row once it is fitted and has scored, since some rows take minutes."""
    began = time.monotonic()
    for row in rows:
        logger.info("%s scored, %.1f s", row.name, time.monotonic() - began)
        yield row
        began = time.monotonic()


def _not_judged(setting: Setting) -> EvaluationReport:
    """Builds the report where nobody is tested: no rows, the first candidate, and ledgers as they were."""
    ledgers = from_json(read_state(paths.LEDGER_BEFORE))
    write_state(paths.LEDGER, ledger_json(ledgers, folder_sha256(paths.SPLITS)))
    name, confidence = next(iter(setting.params.train.candidates)), setting.params.evaluate.confidence
    nothing = Interval(0.0, -1.0, 1.0)
    gate = GateResult("inconclusive", f"{name}: {NOBODY_TO_TEST}", name, "", nothing, confidence)
    return _report(setting, _table(setting, []), {}, gate)


def _canary(setting: Setting, name: str) -> list[CanaryQuestion]:
    params, dishes = setting.params, setting.dishes
    collect, prompt = params.collect, params.prompt
    questions = made_up_questions(setting.test.log.dishes, collect.like_at, collect.dislike_at)
    adapter, max_history = paths.ADAPTERS / name, params.split.max_history
    base = base_of(params.train.candidates[name])
    return canary.with_scores(questions, dishes, prompt.dish_fields, max_history, base, adapter)


def _setting(params: Params) -> Setting:
    files = comparison_files.read_split(paths.SPLITS)
    split = Split(files.train, files.test, files.may_know)
    return contenders.setting_of(params, split, files.dishes, files.ratings)


def _table(setting: Setting, rows: Sequence[Contender]) -> ResultTable:
    """Builds the table of these rows on the comparisons that the gate uses."""
    counts = setting.counts[setting.test.owner]
    return _whole_table(
        setting, [replace(each, scores=np.where(counts, each.scores, np.nan)) for each in rows]
    )


def _whole_table(setting: Setting, rows: Sequence[Contender]) -> ResultTable:
    params = setting.params
    unit: Clusters = "dishes" if params.split.by == "dish" else "menu days"
    return ResultTable(setting.test, rows, params.evaluate.confidence, unit)


def _ledgers(
    params: Params, tables: Mapping[str, ResultTable], champion: Mapping[str, Any]
) -> dict[str, Ledger]:
    """Computes and writes every candidate's ledger after tonight."""
    stored = read_state(paths.LEDGER_BEFORE)
    before, today = from_json(stored), stored.get("today", "")
    candidates = params.train.candidates.items()
    checksums = {name: base_facts(base_of(candidate))["sha256"] for name, candidate in candidates}
    ledgers = judging.after_tonight(params, tables, before, champion["version"] or "", checksums, today)
    write_state(paths.LEDGER, ledger_json(ledgers, folder_sha256(paths.SPLITS)))
    return ledgers


def _gate(setting: Setting, result: GateResult, champion: Mapping[str, Any]) -> GateResult:
    """Replaces the gate's decision where the champion cannot be scored: then no candidate may pass."""
    version = champion["version"]
    if version and not base_with(champion["base_sha256"]):
        reason = f"champion version {version} was tuned on another base: remove its alias to go on"
        return replace(result, decision="fail", reason=reason, rival="champion")
    if version and not (model_contenders.unread_by_champion(setting) & setting.counts).any():
        reason = (
            f"champion version {version} has read all that is held out tonight: days that come decide, or "
            "lower split.test_days"
        )
        return replace(result, decision="inconclusive", reason=reason, rival="champion")
    return result


def _report(
    setting: Setting,
    table: ResultTable,
    slices: Mapping[str, Mapping[str, SliceResult]],
    gate: GateResult,
) -> EvaluationReport:
    params, test = setting.params, setting.test.take(np.flatnonzero(setting.counts))
    return EvaluationReport(
        models=table.results(),
        gate=gate,
        slices=slices,
        confidence=params.evaluate.confidence,
        test=HeldOut(len(test), len(np.unique(test.person))),
        adapters={name: weights_sha256(paths.ADAPTERS / name) for name in params.train.candidates},
        base=base_facts(base_of(params.train.candidates[gate.candidate])),
        prompt_hash=prompt_hash(params.prompt.dish_fields),
        calibration=_calibration(table),
    )


def _calibration(table: ResultTable) -> dict[str, tuple[CalibrationBin, ...]]:
    """Computes calibration where scores are log odds: candidates, the champion and the strongest rule."""
    names = {"champion", "stacked-rules"}
    fitted = [each for each in table.contenders if each.kind == "candidate" or each.name in names]
    return {each.name: calibration(each.scores, table.test) for each in fitted}


def _slices(setting: Setting, rows: Sequence[Contender]) -> dict[str, dict[str, SliceResult]]:
    """Computes results of candidates and the strongest rules on parts of the test.

    The parts are people or dishes that training has not read, short and long histories, and diets.
    """
    shown = {*setting.params.train.candidates, *STRONG_RULES}
    table = _whole_table(setting, [each for each in rows if each.name in shown])
    counts = setting.counts
    parts = {part: mask & counts for part, mask in _parts(setting).items()}
    if not counts.all():
        parts[NEW_AGAINST_READ] = ~counts
    slices = {part: table.slice(mask, table.measured) for part, mask in parts.items()}
    return {part: results for part, results in slices.items() if results}


def _parts(setting: Setting) -> dict[str, Bools]:
    train, test = setting.train, setting.test
    chosen, lines = test.offered[test.chosen_at], test.lines
    width = len(test.log.dishes)
    in_history = np.isin(
        test.owner * width + test.offered, lines.question * width + test.log.dish[lines.line]
    )
    sizes = test.history_sizes
    return {
        "unseen people": ~np.isin(test.person, train.person),
        "unseen dishes": ~np.isin(chosen, train.offered),
        "no dish in the history": np.bincount(test.owner, in_history, minlength=len(test)) == 0,
        **{
            f"{HISTORIES}{low}" + (f" to {high}" if high > low else ""): (low <= sizes) & (sizes <= high)
            for low, high in _quarters(sizes)
        },
        **_diets(test),
    }


def _diets(test: Comparisons) -> dict[str, Bools]:
    """Selects the comparisons of the people of each diet; omits diets of few people, whom it would expose."""
    written = read_json(paths.DIETS)
    texts = (written.get(person, "").split(";") for person in test.log.people)
    of_people = [{text.strip() for text in each} - {""} for each in texts]
    of_tested = Counter(diet for person in np.unique(test.person) for diet in of_people[person])
    return {
        f"{DIET}{diet}": np.array([diet in each for each in of_people])[test.person]
        for diet, people in sorted(of_tested.items())
        if people >= MIN_OF_A_DIET
    }


def _quarters(sizes: Ints) -> list[tuple[int, int]]:
    """Computes the shortest and longest history of each quarter of the test.

    There are fewer quarters where many histories are equally long.
    """
    ends = sorted({int(end) for end in np.quantile(sizes, (0.25, 0.5, 0.75, 1), method="lower")})
    starts = [int(sizes.min()), *(end + 1 for end in ends)]
    return list(zip(starts, ends, strict=False))


def _metrics(report: EvaluationReport) -> dict[str, float]:
    """Chooses the few numbers that `dvc metrics show` prints."""
    best, rival = report.models.get(report.gate.candidate), report.models.get(report.gate.rival)
    means = {metric: getattr(best, metric).mean for metric in METRICS if best}
    means |= {"rival": rival.pair_accuracy.mean} if rival else {}
    return {**means, "gate_difference": report.gate.difference.mean, "people": report.test.people}


def _write_csv(report: EvaluationReport) -> None:
    with (paths.REPORTS / "evaluation.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "kind", *METRICS])
        for name, result in report.models.items():
            writer.writerow([name, result.kind, *(getattr(result, metric).mean for metric in METRICS)])
