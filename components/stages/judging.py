"""The gate on the night's table: day by day where the split is by time, otherwise look by look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.domain.params import Params
from components.domain.verdict import ledger
from components.domain.verdict.gate import GateResult, judge
from components.domain.verdict.ledger import Ledger
from components.domain.verdict.sequence import confidence_of_look
from components.domain.verdict.table import ResultTable


def after_tonight(
    params: Params,
    tables: Mapping[str, ResultTable],
    before: Mapping[str, Ledger],
    champion: str,
    base_sha256: Mapping[str, str],
    today: str,
) -> dict[str, Ledger]:
    """Adds tonight's look to every candidate's ledger.

    Args:
        params: Settings of the night.
        tables: By candidate, the table with the candidate and its rivals.
        before: By candidate, the ledger of the last night with other data.
        champion: Version number of the champion among the rivals; empty where there is none.
        base_sha256: By candidate, the SHA-256 of its base's weights.
        today: See `held_out_days.entries`.
    """
    result = {}
    for name, table in tables.items():
        recipe = ledger.recipe_hash(_recipe(params, name) | {"base": base_sha256[name]})
        entry = ledger.opened(before, name, recipe, champion)
        result[name] = entry.next(table.differences, table.test, today)
    return result


def _recipe(params: Params, name: str) -> dict[str, Any]:
    """Collects all settings that decide what a candidate learns and what is held out from it."""
    train = params.train.model_dump(exclude={"candidates", "threads"})
    return {
        "candidate": params.train.candidates[name].model_dump(),
        "train": train,
        "prompt": params.prompt.model_dump(),
        "split": params.split.model_dump(),
        "collect": params.collect.model_dump(include={"like_at", "dislike_at", "scales", "timezone"}),
    }


def decision(params: Params, table: ResultTable, entry: Ledger) -> GateResult:
    """Judges the best candidate.

    Args:
        params: Settings of the night.
        table: The best candidate and its rivals.
        entry: The best candidate's ledger after tonight.
    """
    candidates, confidence = len(params.train.candidates), params.evaluate.confidence
    if params.split.by == "time":
        days = {rival: entry.differences(rival) for rival in table.differences}
        return judge(table.best, days, candidates, confidence)
    return judge(table.best, table.gaps(), candidates, confidence_of_look(confidence, entry.looks))
