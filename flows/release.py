"""The release: what a person made the champion in MLflow becomes a Bento, an image and manifests.

Level-triggered: a pass compares what is wanted with what is there, however it came about. It runs every
minute; a webhook only makes it sooner.
"""

from __future__ import annotations

from prefect import flow

from components.domain.params import read_params
from components.integrations import model_registry
from flows import environment
from flows.steps.lock import Busy, one_at_a_time
from flows.steps.release import Outcome, current, reconcile


@flow(name="release", validate_parameters=False)
def release() -> Outcome:
    """One pass.

    Raises:
        PalateError: With the sentence for the user; what is served stays as it is.
    """
    params = read_params(environment.REPO / "params.yaml")
    try:
        with one_at_a_time(environment.STATE, "release"), model_registry.failures_as_sentences():
            return reconcile(params)
    except Busy:
        return Outcome("another pass is running", changed=False, release=current())
