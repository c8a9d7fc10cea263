"""Splits, adapters, base and champion → reports/evaluation.json, .csv, .png and canary.json."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from components.domain.params import Params
from components.domain.ranker.prompts import prompt_hash
from components.domain.records import Comparison
from components.domain.verdict.canary import to_json
from components.domain.verdict.evaluation import EvaluationReport, ModelResult, SliceResult, TestSize
from components.domain.verdict.gate import People, Verdict, judge
from components.domain.verdict.metrics import (
    METRICS,
    intervals,
    paired_differences,
    paired_people,
    per_person,
)
from components.files import read_json, weights_sha256, write_json
from components.integrations import charts, comparison_files
from components.stages.contenders import ABLATION, Reader, Table
from components.stages.paths import ADAPTERS, CANARY, CHAMPION, EVALUATION, JUDGED, REPORTS, SPLITS
from components.stages.reports import write_report

Pairs = Mapping[str, tuple[People, People]]  # the best candidate's people and the model's own

RIVALS = ("content-history", "item-knn", "stacked-rules")  # shown beside the candidates in the slices


def evaluate(params: Params) -> None:
    """Scores candidates and rivals on the test comparisons, judges, and stores the canary of the best."""
    torch.set_num_threads(params.train.threads)
    train = comparison_files.read_comparisons(SPLITS / "train.parquet")
    test = comparison_files.read_comparisons(SPLITS / "test.parquet")
    reader = Reader(params, comparison_files.read_dishes(SPLITS / "dishes.parquet"), train, test)
    table: Table = {name: ("candidate", reader.candidate(name)) for name in params.train.candidates}
    people = {name: per_person(scores, test) for name, (_, scores) in table.items()}
    best = max(people, key=lambda name: sum(row[0] for row in people[name].values()))
    table |= reader.rules() | reader.untuned(best) | reader.probes(best)
    champion = read_json(CHAMPION / "champion.json")
    comparable = not champion["version"] or champion["base_sha256"] == reader.base["sha256"]
    if champion["version"] and comparable:
        table["champion"] = ("champion", reader.champion(champion))
    people = {name: per_person(scores, test) for name, (_, scores) in table.items()}
    pairs = {name: paired_people(table[best][1], scores, test) for name, (_, scores) in table.items()}
    rivals = {name: pairs[name] for name, (kind, _) in table.items() if kind not in {"candidate", ABLATION}}
    verdict = _verdict(params, best, rivals, champion, comparable)
    report = _report(params, table, people, pairs, verdict, test, train, reader.base)
    write_report(EVALUATION, report)
    write_json(CANARY, {"candidate": best, "cases": to_json(reader.canary(best))})
    _write_csv(report)
    _write_people(people, pairs)
    charts.evaluation_chart(report, REPORTS / "evaluation.png")


def _verdict(
    params: Params, best: str, rivals: Pairs, champion: Mapping[str, Any], comparable: bool
) -> Verdict:
    settings, candidates = params.evaluate, len(params.train.candidates)
    verdict = judge(best, rivals, candidates, settings.resamples, settings.confidence, settings.seed)
    if comparable:
        return verdict
    reason = f"champion version {champion['version']} was tuned on another base: remove its alias to go on"
    return Verdict("fail", reason, verdict.candidate, "champion", verdict.difference, verdict.confidence)


def _report(
    params: Params,
    table: Table,
    people: Mapping[str, People],
    pairs: Pairs,
    verdict: Verdict,
    test: Sequence[Comparison],
    train: Sequence[Comparison],
    base: Mapping[str, str],
) -> EvaluationReport:
    settings = params.evaluate
    sample = settings.resamples, settings.confidence, settings.seed
    models = {}
    for name, (kind, scores) in table.items():
        gap = None
        if name != verdict.candidate:
            gap = paired_differences(pairs[name][0], pairs[name][1], *sample)["pair_accuracy"]
        means = intervals(people[name], *sample)
        models[name] = ModelResult(
            kind,
            means["pair_accuracy"],
            means["top1"],
            means["ndcg"],
            len(people[name]),
            len(scores),
            best_minus_it=gap,
        )
    return EvaluationReport(
        models=models,
        gate=verdict,
        slices=_slices(params, table, test, train),
        confidence=settings.confidence,
        test=TestSize(len(test), len({each.person_id for each in test})),
        adapters={name: weights_sha256(ADAPTERS / name) for name in params.train.candidates},
        base=dict(base),
        prompt_hash=prompt_hash(params.prompt.dish_fields),
    )


def _slices(
    params: Params, table: Table, test: Sequence[Comparison], train: Sequence[Comparison]
) -> dict[str, dict[str, SliceResult]]:
    """Candidates and the strongest rules where training saw nothing or little of people or dishes."""
    people = {each.person_id for each in train}
    dishes = {dish for each in train for dish in each.dishes}
    short = sorted(len(each.history) for each in test)[len(test) // 4]
    parts = {
        "unseen people": [each for each in test if each.person_id not in people],
        "unseen dishes": [each for each in test if each.chosen not in dishes],
        "no dish in the history": [
            each for each in test if not {past.dish_id for past in each.history} & set(each.dishes)
        ],
        f"histories up to {short}": [each for each in test if len(each.history) <= short],
    }
    settings = params.evaluate
    slices: dict[str, dict[str, SliceResult]] = {}
    for part, cases in parts.items():
        if len({each.person_id for each in cases}) < 2:
            continue
        for name in (*params.train.candidates, *(name for name in RIVALS if name in table)):
            measured = per_person(table[name][1], cases)
            row = intervals(measured, settings.resamples, settings.confidence, settings.seed)["pair_accuracy"]
            size = {"people": len(measured), "comparisons": len(cases)}
            slices.setdefault(part, {})[name] = SliceResult(**asdict(row), **size)
    return slices


def _write_csv(report: EvaluationReport) -> None:
    with (REPORTS / "evaluation.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "kind", *METRICS])
        for name, result in report.models.items():
            writer.writerow([name, result.kind, *(getattr(result, metric).mean for metric in METRICS)])


def _write_people(people: Mapping[str, People], pairs: Pairs) -> None:
    """Each model's metrics for each person, and the best candidate's on the same comparisons."""
    JUDGED.mkdir(parents=True, exist_ok=True)
    with (JUDGED / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "person_id", *METRICS, *(f"best_{metric}" for metric in METRICS)])
        for name, rows in people.items():
            best = pairs[name][0]
            writer.writerows(
                [name, person, *map(float, row), *map(float, best[person])]
                for person, row in sorted(rows.items())
            )
