"""The release: the version with the alias champion in MLflow becomes a Bento, an image and manifests.

A pass compares the alias with what is released, whatever happened in between. The watcher starts one where
something differs from the last pass, a schedule now and then.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

from prefect import flow
from prefect.states import Completed

from components.domain.params_file import read_params
from flows import environment, prefect_failures
from flows.steps import alarms
from flows.steps.reconciliation import Outcome, reconcile


def _name_of_run() -> str:
    return f"release {datetime.now().astimezone():%Y-%m-%d %H:%M}"


@flow(name="release", flow_run_name=_name_of_run, validate_parameters=False)
def release() -> Outcome:
    """Runs one pass, whose state has the outcome's name and sentence.

    Raises:
        PalateError: The pass failed, with the sentence for the user; what is served stays as it is.
    """
    with alarms.if_it_fails("release"), prefect_failures.as_sentences():
        environment.limit_waits()
        params = read_params(environment.REPO / "params.yaml")
        alarms.look_back(params)
        outcome = reconcile(params)
        # Prefect shows this state, and gives the caller its data.
        return cast(Outcome, Completed(name=outcome.name, message=outcome.sentence, data=outcome))
