"""The next step: what a person can do after a night."""

from __future__ import annotations

import re

from components.domain.params import Params
from components.integrations.model_registry.registry import CHALLENGER, CHAMPION
from components.stages.paths import EVALUATION
from components.stages.reports import read_report
from flows.environment import REPO
from flows.steps import bento
from flows.steps.registration import registry


def sentence(params: Params) -> str:
    """Says in one line what the last gate found, what is served as a result, and what to do.

    Args:
        params: Settings; they name the registered model.
    """
    if not (REPO / EVALUATION).exists():
        return "run `make nightly`"
    gate = read_report(REPO / EVALUATION).gate
    server, model = registry(), params.register_.model
    champion, challenger = server.alias(model, CHAMPION), server.alias(model, CHALLENGER)
    if challenger and int(challenger) > int(champion or 0):
        return f"version {challenger} passed the gate: give it the alias champion in MLflow, or leave it"
    if champion and gate.decision == "pass":
        return f"nothing: version {champion} is the champion"
    verdict = re.split(r": [+-]\d", gate.reason)[0]  # without its figures
    return f"{verdict}; {_served(champion)}"


def _served(champion: str | None) -> str:
    if champion:
        return f"version {champion} stays the champion"
    if bento.served():
        return f"{bento.served()} is served, marked as not promoted"
    return "nothing is served: with `package.serve: best` a night packages the best rule, marked"
