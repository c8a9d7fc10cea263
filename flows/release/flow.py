"""The release: the version with the alias champion in MLflow becomes a Bento, an image and manifests.

A pass compares the alias with what is released, whatever happened in between. The watcher starts a pass when
something differs from the last one; a schedule starts one now and then.
"""

from __future__ import annotations

from datetime import datetime

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from components.domain.params_file import read_params
from flows import alarms, environment, last_night, prefect_failures
from flows.release.reconciliation import Outcome, reconcile


def _name_of_run() -> str:
    return f"release {datetime.now().astimezone():%Y-%m-%d %H:%M}"


@flow(name="release", flow_run_name=_name_of_run, validate_parameters=False)
def release() -> State[Outcome]:
    """Runs one pass and returns its state; a caller of the flow gets the state's data, the outcome.

    Raises:
        PalateError: The pass failed, with the sentence for the user; what is served stays as it is.
    """
    with alarms.if_it_fails("release"), prefect_failures.as_sentences():
        environment.limit_waits()
        params = read_params(environment.REPO / "params.yaml")
        last_night.look_back(params)
        outcome = reconcile(params)
        return Completed(name=outcome.name, message=outcome.sentence, data=outcome)
