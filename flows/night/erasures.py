"""People who were erased over HTTP: the night takes them out of everything, as `make forget` does."""

from __future__ import annotations

import os

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.errors import PalateError, StageFailed
from components.domain.params import Params
from components.integrations.service_store import People
from flows.alarms import raise_alarm
from flows.environment import STATE
from flows.night.feedback import service_store
from flows.night.forget import forget_within_night


def erase_queued(params: Params) -> str:
    """Forgets everybody whose erasure waits in the service's store, in one go; if it fails, all stay queued.

    Args:
        params: Settings.

    Returns:
        A sentence on what was done or what failed; empty where nobody waits.
    """
    try:
        return _erase(params)
    except PalateError as error:
        raise_alarm("erasure failed", str(error))
        return str(error)


# Retries, since a release pass may run just now.
@task(name="erase", cache_policy=NO_CACHE, retries=2, retry_delay_seconds=10)
def _erase(params: Params) -> str:
    if service_store() is None:
        return ""
    people = People(os.environ["PALATE_STORE"])
    queued = people.queued()
    if not queued:
        return ""
    try:
        forget_within_night(params, queued, history=False)
        people.mark_done(*queued)
    except PalateError as error:
        raise StageFailed(
            f"All {len(queued)} queued erasures failed and stay queued for the next night: {error}"
        ) from error
    return f"{len(queued)} queued erasures done; the receipt lies in {STATE / 'receipts'}"
