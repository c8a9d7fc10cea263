"""The release: the version with the alias champion in MLflow becomes a Bento, an image and manifests.

A pass compares the alias with what is released, whatever happened in between. The watcher starts one where
something differs from the last pass, a schedule now and then.
"""

from __future__ import annotations

from prefect import flow

from components.domain.params_file import read_params
from flows import environment, prefect_failures
from flows.steps import alarms
from flows.steps.reconciliation import Outcome, reconcile


@flow(name="release", validate_parameters=False)
def release() -> Outcome:
    """One pass.

    Raises:
        PalateError: The pass failed, with the sentence for the user; what is served stays as it is.
    """
    with alarms.if_it_fails("release"), prefect_failures.as_sentences():
        environment.limit_waits()
        params = read_params(environment.REPO / "params.yaml")
        alarms.look_back(params)
        return reconcile(params)
