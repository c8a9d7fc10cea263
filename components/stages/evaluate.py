"""Splits, adapters, base and champion → reports/evaluation.json, .csv, .png and canary.json."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from components.domain import baselines
from components.domain.canary import CanaryCase, to_json
from components.domain.collaborative import collaborative_rules
from components.domain.gate import Verdict, judge
from components.domain.metrics import METRICS, Floats, intervals, paired_differences, per_person
from components.domain.params import EvaluateParams, Params
from components.domain.prompts import prompt_hash
from components.domain.records import Comparison, Dish
from components.domain.stacked_rules import fit_stacked_rules
from components.integrations import adapters, base_models, charts, comparison_files, scoring
from components.stages.paths import (
    ADAPTERS,
    BASE,
    CANARY,
    CHAMPION,
    EVALUATION,
    REPORTS,
    SPLITS,
    read_json,
    weights_sha256,
    write_json,
)

CANARY_CASES = 4
Table = dict[str, tuple[str, dict[str, Floats]]]  # name -> (kind, scores by comparison key)


def evaluate(params: Params) -> None:
    """Scores every candidate and rival on the frozen test comparisons, judges.

    And stores the canary of the best.
    """
    torch.set_num_threads(params.train.threads)
    train = comparison_files.read_comparisons(SPLITS / "train.parquet")
    test = comparison_files.read_comparisons(SPLITS / "test.parquet")
    dishes = comparison_files.read_dishes(SPLITS / "dishes.parquet")
    reader = _Reader(params, dishes)
    table: Table = {name: ("candidate", reader.scores(test, name)) for name in params.train.candidates}
    people = {name: per_person(scores, test) for name, (_, scores) in table.items()}
    best = max(people, key=lambda name: sum(row[0] for row in people[name].values()))
    table |= _rules(params, dishes, train, test)
    table |= _costly_rows(
        reader, best, subset(test, params.evaluate.subset, params.evaluate.seed), params.evaluate
    )
    champion = read_json(CHAMPION / "champion.json")
    comparable = not champion["version"] or champion["base_sha256"] == reader.base["sha256"]
    if champion["version"] and comparable:
        table["champion"] = ("champion", reader.scores(test, "", champion=champion))
    people = {name: per_person(scores, test) for name, (_, scores) in table.items()}
    verdict = _verdict(params, people, champion, comparable)
    report = _report(params, table, people, verdict, test, train, reader.base)
    write_json(EVALUATION, report)
    write_json(CANARY, {"candidate": best, "cases": to_json(reader.canary(test, best))})
    _write_csv(report["models"])
    charts.evaluation_chart(report, REPORTS / "evaluation.png")


class _Reader:
    """Loads models one at a time and reads comparisons with them."""

    def __init__(self, params: Params, dishes: dict[str, Dish]) -> None:
        self.params, self.dishes = params, dishes
        self.base: dict[str, str] = read_json(BASE / base_models.MARKER)

    def scores(
        self,
        cases: Sequence[Comparison],
        adapter: str,
        label: str = "",
        champion: Mapping[str, Any] | None = None,
    ) -> dict[str, Floats]:
        """Scores of the cases by a candidate, the champion, or (no adapter) the untuned base."""
        device = base_models.choose_device()
        model = base_models.load(BASE, base_models.choose_dtype(device), device)
        fields = tuple(champion["dish_fields"]) if champion else self.params.prompt.dish_fields
        if champion or adapter:
            adapters.load(model, CHAMPION if champion else ADAPTERS / adapter)
        what = label or adapter or ("champion" if champion else "base")
        tokens = model.dish_tokens(self.dishes, fields)
        return scoring.score(model, tokens, cases, self.params.train.row_tokens, what)

    def canary(self, cases: Sequence[Comparison], adapter: str) -> list[CanaryCase]:
        """A few test questions with the scores of adapter and base, both in float32 and unmerged."""
        asked = sorted(cases, key=lambda each: (-len(each.history), each.key))[:CANARY_CASES]
        model = base_models.load(BASE, torch.float32, torch.device("cpu"))
        tokens = model.dish_tokens(self.dishes, self.params.prompt.dish_fields)
        base = [scoring.score_menu(model, tokens, each) for each in asked]
        adapters.load(model, ADAPTERS / adapter)
        tuned = [scoring.score_menu(model, tokens, each) for each in asked]
        return [
            CanaryCase(
                tuple((self.dishes[past.dish_id], past.verdict, past.rating) for past in each.history),
                tuple(self.dishes[dish] for dish in each.dishes),
                tuple(own),
                tuple(plain),
            )
            for each, own, plain in zip(asked, tuned, base, strict=True)
        ]


def subset(cases: Sequence[Comparison], size: int, seed: int) -> list[Comparison]:
    """All cases of randomly drawn people, until `size` cases are reached."""
    people = sorted({case.person_id for case in cases})
    random.Random(seed).shuffle(people)
    order = {person: index for index, person in enumerate(people)}
    return sorted(cases, key=lambda case: order[case.person_id])[:size]


def _rules(
    params: Params, dishes: dict[str, Dish], train: Sequence[Comparison], test: Sequence[Comparison]
) -> Table:
    by_time = params.split.by == "time"
    stacked = fit_stacked_rules(
        dishes, train, lambda each: each.at.date().isoformat() if by_time else each.person_id
    )
    rules = {
        "random": baselines.random_scores(test, params.evaluate.seed),
        "popularity": baselines.popularity(train, test),
        "tag-affinity": baselines.tag_affinity(dishes, test),
        "content-history": baselines.content_history(dishes, train, test),
        **collaborative_rules(train, test),
        "stacked-rules": stacked.scores(dishes, test),
    }
    return {name: ("rule", scores) for name, scores in rules.items()}


def _costly_rows(reader: _Reader, best: str, cases: Sequence[Comparison], params: EvaluateParams) -> Table:
    """Rows that cost a forward pass each and are therefore measured on a subset of the cases."""
    alone, swapped = baselines.without_history(cases), baselines.with_history_of_another(cases, params.seed)
    return {
        "base": ("untuned", reader.scores(cases, "", "base")),
        "no-history": ("probe", reader.scores(alone, best, "no-history")),
        "other-history": ("probe", reader.scores(swapped, best, "other-history")),
    }


def _verdict(
    params: Params, people: Mapping[str, Mapping[str, Floats]], champion: Mapping[str, Any], comparable: bool
) -> Verdict:
    settings = params.evaluate
    verdict = judge(
        people, list(params.train.candidates), settings.resamples, settings.confidence, settings.seed
    )
    if comparable:
        return verdict
    reason = f"champion version {champion['version']} was tuned on another base: remove its alias to go on"
    return Verdict("fail", reason, verdict.candidate, "champion", verdict.difference, verdict.confidence)


def _report(
    params: Params,
    table: Table,
    people: Mapping[str, Mapping[str, Floats]],
    verdict: Verdict,
    test: Sequence[Comparison],
    train: Sequence[Comparison],
    base: Mapping[str, str],
) -> dict[str, Any]:
    settings = params.evaluate
    sample = settings.resamples, settings.confidence, settings.seed
    models = {}
    for name, (kind, scores) in table.items():
        measured = {metric: asdict(each) for metric, each in intervals(people[name], *sample).items()}
        row = {"kind": kind, **measured, "people": len(people[name]), "comparisons": len(scores)}
        if name != verdict.candidate:
            gap = paired_differences(people[verdict.candidate], people[name], *sample)["pair_accuracy"]
            row["best_minus_it"] = asdict(gap)
        models[name] = row | ({"best_minus_it": None} if name == verdict.candidate else {})
    return {
        "models": models,
        "gate": asdict(verdict),
        "slices": _slices(params, table, test, train),
        "confidence": settings.confidence,
        "test": {"comparisons": len(test), "people": len({each.person_id for each in test})},
        "adapters": {name: weights_sha256(ADAPTERS / name) for name in params.train.candidates},
        "base": dict(base),
        "prompt_hash": prompt_hash(params.prompt.dish_fields),
    }


def _slices(
    params: Params, table: Table, test: Sequence[Comparison], train: Sequence[Comparison]
) -> dict[str, dict[str, Any]]:
    """Candidates and the strongest rule on people.

    Dishes and histories of which training saw nothing or little.
    """
    people = {each.person_id for each in train}
    dishes = {dish for each in train for dish in each.dishes}
    short = sorted(len(each.history) for each in test)[len(test) // 2]
    parts = {
        "unseen people": [each for each in test if each.person_id not in people],
        "unseen dishes": [each for each in test if each.chosen not in dishes],
        f"histories up to {short}": [each for each in test if len(each.history) <= short],
    }
    settings = params.evaluate
    slices: dict[str, dict[str, Any]] = {}
    for part, cases in parts.items():
        if len({each.person_id for each in cases}) < 2:
            continue
        for name in (*params.train.candidates, "content-history"):
            measured = per_person(table[name][1], cases)
            row = intervals(measured, settings.resamples, settings.confidence, settings.seed)["pair_accuracy"]
            slices.setdefault(part, {})[name] = {
                **asdict(row),
                "people": len(measured),
                "comparisons": len(cases),
            }
    return slices


def _write_csv(models: Mapping[str, Mapping[str, Any]]) -> None:
    with (REPORTS / "evaluation.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "kind", *METRICS])
        for name, row in models.items():
            writer.writerow([name, row["kind"], *(row[metric]["mean"] for metric in METRICS)])
