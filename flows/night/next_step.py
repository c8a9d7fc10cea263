"""The next step: what a person can do after a night, and what serves after it."""

from __future__ import annotations

import contextlib
import os

from components.domain.errors import NotFound, PalateError
from components.domain.params import Params
from components.domain.params_file import read_params
from components.domain.verdict.admission import is_rule
from components.integrations.model_registry.registry import (
    CHALLENGER,
    CHAMPION,
    Registry,
    failures_as_sentences,
)
from components.stages.paths import EVALUATION
from components.stages.reports import read_report
from flows import console
from flows.environment import REPO
from flows.registry import registry
from flows.release import bento


def bento_to_serve() -> str:
    """Finds the tag of the Bento that serves, says the next step on stderr, and sets what its code needs.

    Raises:
        NotFound: There is no Bento, or it is damaged.
    """
    tag = bento.served()
    if not tag:
        raise NotFound(f"There is no Bento yet; next step: {_of_this_clone()}.")
    if bento.find_whole(tag) is None:
        raise NotFound(
            f"The Bento {tag} is damaged or not here, as after a bring-back: `make release` builds that of a "
            "champion anew, `make nightly` what serves without one."
        )
    with contextlib.suppress(PalateError):  # MLflow may be away, which serving does not need
        console.show(f"next step: {_of_this_clone()}")
    os.environ.update(bento.service_env())
    return tag


def _of_this_clone() -> str:
    with failures_as_sentences():
        return sentence(read_params(REPO / "params.yaml"))


def sentence(params: Params) -> str:
    """Says in one line what the last gate found, what serves as a result, and what to do."""
    if not (REPO / EVALUATION).exists():
        return "run `make nightly`"
    gate = read_report(REPO / EVALUATION).gate
    server, model = registry(), params.register_.model
    champion, challenger = server.alias(model, CHAMPION), server.alias(model, CHALLENGER)
    if challenger and int(challenger) > int(champion or 0):
        return f"version {challenger} passed the gate: give it the alias champion in MLflow, or leave it"
    if champion and gate.decision == "pass":
        return f"nothing: version {champion} is the champion"
    serves = f"version {champion} stays the champion" if champion else _served(server, model)
    return f"{gate.verdict or gate.reason}; {serves}"


def _served(server: Registry, model: str) -> str:
    """Says what serves while there is no champion."""
    if not bento.served():
        return "nothing serves: with `package.serve: best` a night packages the best rule, marked"
    version = bento.version_of(bento.served())
    tags = server.versions(model).get(version, {})
    kind = "the rule" if is_rule(tags) else "the candidate"
    return f"{kind} {tags.get('candidate', '')} (version {version}) serves, marked as not promoted"
