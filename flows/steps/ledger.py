"""The task that hands the last night's ledger to tonight's evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.errors import StageFailed
from components.domain.verdict.ledger import from_json
from components.files import folder_sha256, read_state, write_state
from components.stages import paths
from flows.environment import REPO


@task(cache_policy=NO_CACHE)
def carry_over() -> None:
    """reports/ledger.json → data/ledger.json, unless tonight judges the same comparisons as the last night.

    A night that is run again goes on from the same ledger, so its evaluation is not stale and no day counts
    twice.

    Raises:
        StageFailed: One of these files is damaged.
    """
    before, after = REPO / paths.LEDGER_BEFORE, REPO / paths.LEDGER
    if after.exists():
        last = _read(after)
        if last["split_sha256"] != folder_sha256(REPO / paths.SPLITS):
            write_state(before, last)
    if not before.exists():
        write_state(before, {})
    _read(before)


def _read(path: Path) -> dict[str, Any]:
    """The file's content; that of a first night, which no other night came before, is empty."""
    try:
        values = read_state(path)
        from_json(values)
        if values:
            str(values["split_sha256"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise StageFailed(
            f"{path.relative_to(REPO)} is damaged: delete it, and a new ledger begins with tonight's days, "
            "or take the last night's: `git restore --source nights -- reports/ledger.json`."
        ) from error
    return values
