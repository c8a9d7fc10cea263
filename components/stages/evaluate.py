"""Splits, adapters, base and champion → reports/evaluation.json, .csv, .png and canary.json."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from components.domain.params import Params
from components.domain.preferences.tables import Bools
from components.domain.ranker.prompts import prompt_hash
from components.domain.verdict.canary import to_json
from components.domain.verdict.evaluation import EvaluationReport, HeldOut, SliceResult
from components.domain.verdict.gate import GateResult
from components.domain.verdict.metrics import METRICS, Bootstrap
from components.domain.verdict.table import ResultTable
from components.files import read_json, weights_sha256, write_json
from components.integrations import charts, comparison_files
from components.stages import contenders, paths
from components.stages.contenders import Setting
from components.stages.reports import write_report

STRONG_RULES = ("content-history", "item-knn", "stacked-rules")  # shown beside the candidates in the slices


def evaluate(params: Params) -> None:
    """Scores all contenders on the test comparisons, judges the best candidate, and stores its canary."""
    torch.set_num_threads(params.train.threads)
    setting, champion = _setting(params), read_json(paths.CHAMPION / "champion.json")
    base = read_json(paths.BASE_MARKER)
    candidates = list(contenders.candidates(setting))
    best = ResultTable(setting.test, candidates, _bootstrap(params)).best
    rivals = [
        *contenders.simple_rules(setting),
        *contenders.untuned(setting, best),
        *contenders.probes(setting, best),
        *contenders.champion(setting, champion, base["sha256"]),
    ]
    table = ResultTable(setting.test, [*candidates, *rivals], _bootstrap(params))
    report = _report(setting, table, _gate(table, champion, base["sha256"]), base)
    write_report(paths.EVALUATION, report)
    write_json(paths.CANARY, to_json(best, contenders.canary(setting, best)))
    _write_csv(report)
    _write_people(table)
    charts.evaluation_chart(report, paths.REPORTS / "evaluation.png")


def _setting(params: Params) -> Setting:
    split = comparison_files.read_split(paths.SPLITS)
    few = contenders.subset(split.test, params.evaluate.subset, params.evaluate.seed)
    return Setting(params, split.dishes, split.train, split.test, few)


def _bootstrap(params: Params) -> Bootstrap:
    return Bootstrap(params.evaluate.resamples, params.evaluate.confidence, params.evaluate.seed)


def _gate(table: ResultTable, champion: Mapping[str, Any], base_sha256: str) -> GateResult:
    """The table's answer; a champion on another base cannot be scored, so nothing passes beside it."""
    result = table.judge()
    if not champion["version"] or champion["base_sha256"] == base_sha256:
        return result
    reason = f"champion version {champion['version']} was tuned on another base: remove its alias to go on"
    return replace(result, decision="fail", reason=reason, rival="champion")


def _report(
    setting: Setting, table: ResultTable, gate: GateResult, base: Mapping[str, str]
) -> EvaluationReport:
    params, test = setting.params, setting.test
    return EvaluationReport(
        models=table.results(),
        gate=gate,
        slices=_slices(setting, table),
        confidence=params.evaluate.confidence,
        test=HeldOut(len(test), len(np.unique(test.person))),
        adapters={name: weights_sha256(paths.ADAPTERS / name) for name in params.train.candidates},
        base=dict(base),
        prompt_hash=prompt_hash(params.prompt.dish_fields),
    )


def _slices(setting: Setting, table: ResultTable) -> dict[str, dict[str, SliceResult]]:
    """Candidates and the strongest rules where training read nothing or little of people or dishes."""
    names = [*setting.params.train.candidates, *(name for name in STRONG_RULES if name in table.people)]
    slices = {part: table.slice(mask, names) for part, mask in _parts(setting).items()}
    return {part: results for part, results in slices.items() if results}


def _parts(setting: Setting) -> dict[str, Bools]:
    train, test = setting.train, setting.test
    chosen, lines = test.offered[test.chosen_at], test.lines()
    width = len(test.log.dishes)
    in_history = np.isin(
        test.owner * width + test.offered, lines.question * width + test.log.dish[lines.line]
    )
    short = int(np.sort(test.history_sizes)[len(test) // 4])
    return {
        "unseen people": ~np.isin(test.person, train.person),
        "unseen dishes": ~np.isin(chosen, train.offered),
        "no dish in the history": np.bincount(test.owner, in_history, minlength=len(test)) == 0,
        f"histories up to {short}": test.history_sizes <= short,
    }


def _write_csv(report: EvaluationReport) -> None:
    with (paths.REPORTS / "evaluation.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "kind", *METRICS])
        for name, result in report.models.items():
            writer.writerow([name, result.kind, *(getattr(result, metric).mean for metric in METRICS)])


def _write_people(table: ResultTable) -> None:
    """Each contender's metrics for each person, and the best candidate's on the same comparisons."""
    paths.JUDGED.mkdir(parents=True, exist_ok=True)
    with (paths.JUDGED / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "person_id", *METRICS, *(f"best_{metric}" for metric in METRICS)])
        for name, people in table.people.items():
            best = table.pairs[name][0]
            writer.writerows(
                [name, person, *map(float, values), *map(float, best[person])]
                for person, values in sorted(people.items())
            )
