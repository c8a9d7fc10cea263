"""The task that hands the last night's ledger to tonight's evaluation."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.files import folder_sha256, read_json, write_json
from components.stages import paths
from flows.environment import REPO


@task(cache_policy=NO_CACHE)
def carry_over() -> None:
    """reports/ledger.json → data/ledger.json, unless tonight judges the same comparisons as the last night.

    A night that is run again goes on from the same ledger, so its evaluation is not stale and no day counts
    twice.
    """
    before, after = REPO / paths.LEDGER_BEFORE, REPO / paths.LEDGER
    if after.exists():
        last = read_json(after)
        if last["split_sha256"] != folder_sha256(REPO / paths.SPLITS):
            write_json(before, last)
    if not before.exists():
        write_json(before, {})
