"""The gate on the night's table: day by day where the split is by time, otherwise look by look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.domain.params import Params
from components.domain.verdict import ledger
from components.domain.verdict.evaluation import SERVED_RULE
from components.domain.verdict.gate import GateResult, judge
from components.domain.verdict.ledger import Ledger
from components.domain.verdict.sequence import DailyDifferences, confidence_of_look
from components.domain.verdict.table import ResultTable

LITTLE = 0.005  # of pair accuracy, below which tuning is not worth its time
ENOUGH_DAYS = 10  # after which the night says so


def after_tonight(
    tables: Mapping[str, ResultTable],
    before: Mapping[str, Ledger],
    champion: str,
    recipes: Mapping[str, Mapping[str, Any]],
    today: str,
) -> dict[str, Ledger]:
    """Adds tonight's look to the ledger of all that is judged.

    Args:
        tables: By name of what is judged, the table with it and its rivals.
        before: By name, the ledger of the last night with other data.
        champion: Version number of the champion among the rivals; empty where there is none.
        recipes: By name, all that decides what is learnt.
        today: See `held_out_days.entries`.
    """
    result = {}
    for name, table in tables.items():
        entry = ledger.opened(before, name, ledger.recipe_hash(recipes[name]), champion)
        result[name] = entry.next(table.differences, table.test, today)
    return result


def gains_of_tuning(ledgers: Mapping[str, Ledger], confidence: float) -> dict[str, DailyDifferences]:
    """Finds the candidates whose tuning is shown to add less than LITTLE to the same head on the frozen base.

    Returns:
        By name, the candidate's daily differences from that head.
    """
    days = {name: entry.differences(f"base-{name}") for name, entry in ledgers.items()}
    return {
        name: each
        for name, each in days.items()
        if each.clusters >= ENOUGH_DAYS and each.interval(confidence).high < LITTLE
    }


def recipes(params: Params, rule: str) -> dict[str, dict[str, Any]]:
    """Collects all settings that decide what is learnt and what is held out from it, by name.

    Args:
        rule: Name of the rule that serves while there is no champion.
    """
    data = {
        "split": params.split.model_dump(),
        "collect": params.collect.model_dump(include={"like_at", "dislike_at", "scales", "timezone"}),
    }
    train = params.train.model_dump(exclude={"candidates", "threads"})
    of_candidates = {
        name: {"candidate": each.model_dump(), "train": train, "prompt": params.prompt.model_dump(), **data}
        for name, each in params.train.candidates.items()
    }
    return {**of_candidates, SERVED_RULE: {"rule": rule, **data}}


def decision(params: Params, table: ResultTable, entry: Ledger) -> GateResult:
    """Judges the best candidate or the served rule, which have equal shares of the error.

    Args:
        table: What is judged and its rivals.
        entry: Its ledger after tonight.
    """
    candidates, confidence = len(params.train.candidates) + 1, params.evaluate.confidence
    if params.split.by == "time":
        days = {rival: entry.differences(rival) for rival in table.differences}
        return judge(table.best, days, candidates, confidence)
    return judge(table.best, table.gaps(), candidates, confidence_of_look(confidence, entry.looks))
