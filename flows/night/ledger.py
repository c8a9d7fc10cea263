"""The task that hands the last night's ledger to tonight's evaluation."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.domain.verdict.ledger import from_json
from components.files import folder_sha256, read_state, write_state
from components.stages import paths
from flows.environment import REPO
from flows.night.tonight import facts_of_last_night


@task(cache_policy=NO_CACHE)
def carry_over(params: Params) -> None:
    """Copies reports/ledger.json to data/ledger.json, unless tonight judges the last night's comparisons.

    A night that is run again starts from the same ledger. So its evaluation stays up to date in DVC, and no
    day counts twice. The copy also holds `today`, the day of the collection, which is not over.

    Raises:
        StageFailed: One of the two files is damaged.
    """
    before, after = REPO / paths.LEDGER_BEFORE, REPO / paths.LEDGER
    last = _read(after) if after.exists() else {}
    is_judged = bool(last) and last["split_sha256"] == folder_sha256(REPO / paths.SPLITS)
    if not before.exists() or (last and not is_judged):
        facts, zone = facts_of_last_night(), ZoneInfo(params.collect.timezone)
        today = (
            {"today": str(datetime.fromisoformat(facts.collected_at).astimezone(zone).date())}
            if facts
            else {}
        )
        write_state(before, ({} if is_judged else last) | today)
    _read(before)


def _read(path: Path) -> dict[str, Any]:
    """Reads and checks a ledger's file; the file of a first night is empty."""
    try:
        values = read_state(path)
        from_json(values)
        if values.keys() - {"today"}:
            str(values["split_sha256"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise StageFailed(
            f"{path.relative_to(REPO)} is damaged: delete it, and a new ledger begins with tonight's days, "
            "or take the last night's: `git restore --source nights -- reports/ledger.json`."
        ) from error
    return values
