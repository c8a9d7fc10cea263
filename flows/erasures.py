"""People who were erased over HTTP: the night takes them out of everything, as `make forget` does."""

from __future__ import annotations

import os

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.errors import PalateError, StageFailed
from components.domain.params import Params
from components.integrations.service_store import People
from flows.environment import STATE
from flows.forget import forget_within_night
from flows.steps.alarms import raise_alarm
from flows.steps.feedback import service_store


def erase_queued(params: Params) -> str:
    """Takes out everybody who waits in the service's store; whoever cannot be stays in its queue.

    Args:
        params: Settings.

    Returns:
        A sentence on what was done or failed; empty where nobody waits.
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
    queued, failures = people.queued(), list[str]()
    for person in queued:
        try:
            forget_within_night(params, person, history=False)
            people.mark_done(person)
        except PalateError as error:
            failures.append(str(error))
    if failures:
        raise StageFailed(
            f"{len(failures)} of {len(queued)} queued erasures failed and stay queued for the next night: "
            f"{failures[0]}"
        )
    return f"{len(queued)} queued erasures done; receipts in {STATE / 'receipts'}" if queued else ""
