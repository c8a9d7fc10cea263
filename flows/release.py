"""The release: what a person made the champion in MLflow becomes a Bento, an image and manifests.

Level-triggered: a pass compares what is wanted with what is there, however it came about. It runs every
minute; a webhook only makes it sooner.
"""

from __future__ import annotations

from prefect import flow

from components.domain.params_file import read_params
from flows import environment
from flows.steps.reconciliation import Outcome, reconcile


@flow(name="release", validate_parameters=False)
def release() -> Outcome:
    """One pass.

    Raises:
        PalateError: With the sentence for the user; what is served stays as it is.
    """
    return reconcile(read_params(environment.REPO / "params.yaml"))
