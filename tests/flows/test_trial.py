"""A release in which a new version answers a share of the people, and how it ends."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator

import pytest
import yaml
from mlflow.tracking import MlflowClient

from tests.flows.clones import Done
from tests.flows.releasing import Passes, serving


@pytest.mark.slow
def test_a_trial_is_released_ended_by_the_param_and_rolled_back_for_everybody(
    promoted: Done, passes: Passes, built: str, client: MlflowClient
) -> None:
    gate = client.get_model_version("palate", built).tags["gate_sha256"][:8]
    client.set_registered_model_alias("palate", "champion", built)
    with _share(promoted, 0.25):
        released = f"version {built} was released as palate:v{built}-{gate}-beside-v1-0.25"
        assert passes.sentence(promoted.clone).startswith(released)
        assert passes.sentence(promoted.clone) == f"version {built} is released; nothing to do"
        store = promoted.clone / ".palate" / "bentoml" / "bentos" / "palate"
        served = store / f"v{built}-{gate}-beside-v1-0.25" / "src" / "models" / "served"
        facts = [json.loads((each / "served.json").read_text()) for each in (served, served / "before")]
        assert [(each["model_version"], each["share"]) for each in facts] == [(built, 0.25), ("1", 1.0)]
        described = yaml.safe_load((served.parents[2] / "bento.yaml").read_text())
        assert {model["tag"] for model in described["models"]} == {each["base"] for each in facts}
        with serving(passes.forks, promoted.clone):  # it is ready only if both versions passed their canaries
            pass
    assert passes.sentence(promoted.clone).startswith(
        f"version {built} was released as palate:v{built}-{gate},"
    )
    with _share(promoted, 0.25):
        client.set_registered_model_alias("palate", "champion", "1")  # who goes back wants nobody to stay
        assert re.match(r"version 1 was released as palate:v1-[0-9a-f]{8},", passes.sentence(promoted.clone))


@contextlib.contextmanager
def _share(promoted: Done, share: float) -> Iterator[None]:
    """`release.share` of the clone, changed for a while."""
    path = promoted.clone / "params.yaml"
    before = path.read_text()
    path.write_text(re.sub(r"\bshare: 1\.0", f"share: {share}", before))
    try:
        yield
    finally:
        path.write_text(before)
