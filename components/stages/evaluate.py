"""Splits, adapters, base and champion → reports of the evaluation, canaries, ledgers and the served rule."""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from components.domain.params import Params
from components.domain.preferences.arrays import Bools
from components.domain.preferences.held_out_days import NOBODY_TO_TEST
from components.domain.preferences.splits import Split
from components.domain.ranker.prompts import prompt_hash
from components.domain.records import RULE
from components.domain.verdict import judging
from components.domain.verdict.calibration import CalibrationBin, calibration
from components.domain.verdict.canary import CanaryQuestion, made_up_questions, to_json
from components.domain.verdict.evaluation import SERVED_RULE, EvaluationReport, HeldOut, SliceResult
from components.domain.verdict.gate import GateResult
from components.domain.verdict.ledger import Ledger, from_json
from components.domain.verdict.ledger import to_json as ledger_json
from components.domain.verdict.metrics import METRICS, Interval
from components.domain.verdict.promotion_changes import PromotionChanges, promotion_changes
from components.domain.verdict.table import Contender, ResultTable
from components.files import folder_sha256, read_json, read_state, weights_sha256, write_json, write_state
from components.integrations import charts, comparison_files
from components.integrations.rule_files import AnyRule
from components.stages import canary, contenders, model_contenders, paths, served_rule
from components.stages.bases import base_facts, base_of, base_with
from components.stages.contenders import Setting, table_of
from components.stages.ranked_people import ranked_people
from components.stages.reports import write_report
from components.stages.served_rule import Rules
from components.stages.slices import parts_of, slices

logger = logging.getLogger(__name__)


def evaluate(params: Params) -> None:
    """Scores all contenders on the test comparisons, judges the best candidate, and stores its canary.

    It also fits and judges the rule that serves while there is no champion.
    """
    torch.set_num_threads(params.train.threads)
    setting, champion = _setting(params), read_json(paths.CHAMPION / "champion.json")
    began = time.monotonic()
    fitted = Rules(contenders.fit_rules(setting), contenders.fit_factor_rules(setting))
    rule = served_rule.write(setting, fitted)
    logger.info("rules fitted, %.1f s", time.monotonic() - began)
    report = (
        _judged(setting, champion, fitted, rule) if len(setting.test) else _not_judged(setting, fitted, rule)
    )
    report = replace(report, ranked_people=ranked_people(setting))
    write_report(paths.EVALUATION, report)
    best = report.gate.candidate
    write_json(paths.CANARY, to_json(best, _canary(setting, best)))
    _write_csv(report)
    write_json(paths.METRICS, _metrics(report))
    charts.evaluation_chart(report, paths.REPORTS / "evaluation.png")
    charts.calibration_chart(report, paths.REPORTS / "calibration.png")


def _judged(setting: Setting, champion: Mapping[str, Any], fitted: Rules, rule: AnyRule) -> EvaluationReport:
    """Scores all contenders, judges the best candidate and the served rule, and builds the report.

    It also writes the ledgers of all that was judged after tonight.
    """
    params = setting.params
    candidates = list(_told(model_contenders.candidates(setting)))
    rivals = [
        *_told(contenders.simple_rules(setting, fitted.stacked.rules)),
        *_told(contenders.factor_rules(setting, fitted.factors)),
        *_told(model_contenders.untuned(setting)),
        *_told(model_contenders.frozen(setting)),
        *_told(model_contenders.champion(setting, champion)),
    ]
    probes = {each.name: list(_told(model_contenders.probes(setting, each.name))) for each in candidates}
    served = served_rule.contender(setting, rule)
    tables = {
        candidate.name: _table(setting, [candidate, *rivals, *probes[candidate.name]])
        for candidate in candidates
    }
    best = _table(setting, candidates).best
    of_rule = [each for each in rivals if each.name in served_rule.RIVALS]
    tables[SERVED_RULE] = _table(setting, [replace(served, kind="candidate"), *of_rule])
    ledgers = _ledgers(params, tables, champion, rule.name)
    gate, gate_of_rule = (
        _gate(setting, judging.decision(params, tables[name], ledgers[name]), champion)
        for name in (best, SERVED_RULE)
    )
    rows = [*candidates, *rivals, served, *probes[best]]
    table = _table(setting, rows)
    parts = parts_of(setting)
    report = _report(setting, table, slices(setting, rows, parts), gate)
    changes = _promotion(setting, report, table, parts)
    return replace(report, served_rule=served_rule.judged(rule, fitted, gate_of_rule), promotion=changes)


def _promotion(
    setting: Setting, report: EvaluationReport, table: ResultTable, parts: Mapping[str, Bools]
) -> PromotionChanges | None:
    """Compares the best candidate with the champion, or with the strongest rule where there is none."""
    scores = {each.name: each.scores for each in table.contenders}
    rules = [name for name, result in report.best_first if result.kind == "rule"]
    rival = "champion" if "champion" in scores else rules[0]
    parts = {part: mask for part, mask in parts.items() if part in report.slices}
    both = scores[report.gate.candidate], scores[rival]
    return promotion_changes(setting.test, setting.dishes, *both, rival, parts)


def _told(rows: Iterable[Contender]) -> Iterator[Contender]:
    """Logs each row once it is fitted and has scored, since some rows take minutes."""
    began = time.monotonic()
    for row in rows:
        logger.info("%s scored, %.1f s", row.name, time.monotonic() - began)
        yield row
        began = time.monotonic()


def _not_judged(setting: Setting, fitted: Rules, rule: AnyRule) -> EvaluationReport:
    """Builds the report where nobody is tested: no rows, the first candidate, and ledgers as they were."""
    ledgers = from_json(read_state(paths.LEDGER_BEFORE))
    write_state(paths.LEDGER, ledger_json(ledgers, folder_sha256(paths.SPLITS)))
    first, confidence = next(iter(setting.params.train.candidates)), setting.params.evaluate.confidence
    nothing = Interval(0.0, -1.0, 1.0)
    gate, gate_of_rule = (
        GateResult("inconclusive", f"{name}: {NOBODY_TO_TEST}", name, "", nothing, confidence)
        for name in (first, SERVED_RULE)
    )
    report = _report(setting, _table(setting, []), {}, gate)
    return replace(report, served_rule=served_rule.judged(rule, fitted, gate_of_rule))


def _canary(setting: Setting, name: str) -> list[CanaryQuestion]:
    params, dishes = setting.params, setting.dishes
    collect, prompt = params.collect, params.prompt
    questions = made_up_questions(setting.test.log.dishes, collect.like_at, collect.dislike_at)
    base = base_of(params.train.candidates[name])
    return canary.with_scores(questions, dishes, prompt.dish_fields, base, paths.ADAPTERS / name)


def _setting(params: Params) -> Setting:
    files = comparison_files.read_split(paths.SPLITS)
    split = Split(files.train, files.test, files.may_know)
    return contenders.setting_of(params, split, files.dishes, files.ratings)


def _table(setting: Setting, rows: Sequence[Contender]) -> ResultTable:
    """Builds the table of these rows on the comparisons that the gate uses."""
    counts = setting.counts[setting.test.owner]
    return table_of(setting, [replace(each, scores=np.where(counts, each.scores, np.nan)) for each in rows])


def _ledgers(
    params: Params, tables: Mapping[str, ResultTable], champion: Mapping[str, Any], rule: str
) -> dict[str, Ledger]:
    """Computes and writes the ledgers of all candidates and of the served rule after tonight."""
    stored = read_state(paths.LEDGER_BEFORE)
    before, today = from_json(stored), stored.get("today", "")
    recipes = judging.recipes(params, rule)
    for name, candidate in params.train.candidates.items():
        recipes[name]["base"] = base_facts(base_of(candidate))["sha256"]
    ledgers = judging.after_tonight(tables, before, champion["version"] or "", recipes, today)
    write_state(paths.LEDGER, ledger_json(ledgers, folder_sha256(paths.SPLITS)))
    return ledgers


def _gate(setting: Setting, result: GateResult, champion: Mapping[str, Any]) -> GateResult:
    """Replaces the gate's decision where the champion cannot be scored: then nothing may pass."""
    version = champion["version"]
    if version and champion.get("kind") != RULE and not base_with(champion["base_sha256"]):
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
    """Computes calibration of candidates, the champion, the strongest rule and the served one."""
    names = {"champion", "stacked-rules", SERVED_RULE}
    fitted = [each for each in table.contenders if each.kind == "candidate" or each.name in names]
    return {each.name: calibration(each.scores, table.test) for each in fitted}


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
