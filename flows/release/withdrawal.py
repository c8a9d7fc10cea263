"""How a pass marks a version that is not to be served, and moves the alias champion away from it."""

from __future__ import annotations

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.domain.verdict import admission
from components.integrations.model_registry.registry import CHAMPION, Registry
from flows.alarms import raise_alarm
from flows.release.delivery import Release


def refuse(params: Params, server: Registry, version: str, refusal: str, released: Release | None) -> str:
    """Writes the reason on the version's page in MLflow, and moves the alias back if params say so."""
    model = params.register_.model
    sentence = f"version {version} may not be served: {refusal}"
    raise_alarm("release refused", sentence)
    server.tag(model, version, admission.REFUSED, refusal)
    # If somebody moved the alias meanwhile, it stays where they put it, and the next pass follows it.
    back = released.version if released and released.version != version else ""
    if params.release.move_back and back and server.alias(model, CHAMPION) == version:
        server.point(model, CHAMPION, back)
        sentence += f"; the alias champion was moved back to version {back}"
    server.comment(model, version, f"Not released: {refusal}.")
    return sentence


def take_back(params: Params, server: Registry, version: str, why: str, released: Release | None) -> str:
    """Bars a version whose pods did not get ready, and moves the alias back to the one that still answers.

    Raises:
        StageFailed: The version before was itself taken back, so there is no good one to return to.
    """
    model = params.register_.model
    back = released.version if released and released.version != version else ""
    if back and server.tags(model, back).get(admission.STEPPED_BACK):
        raise StageFailed(f"the cluster does not go back to version {version}: {why}")
    back = back if server.alias(model, CHAMPION) == version else ""
    bar(server, model, version, why, back)
    sentence = f"version {version} was taken back: {why}"
    if back:
        sentence += f"; the alias champion was moved back to version {back}"
    return sentence


def bar(server: Registry, model: str, version: str, why: str, back: str) -> None:
    """Bars an unhealthy version from being released again; moves the alias to `back` unless that is empty."""
    server.tag(model, version, admission.STEPPED_BACK, why)
    if back:
        server.point(model, CHAMPION, back)
    server.comment(model, version, f"Taken back: {why}.")
    raise_alarm("version taken back", f"version {version} was taken back: {why}")


def previous(server: Registry, model: str, released: Release | None, version: str) -> str:
    """Finds the version to step back to; empty if the one before was deleted or was itself taken back."""
    if released is None:
        return ""
    before = released.version if released.version != version else released.previous
    tags = server.versions(model).get(before)
    return before if tags is not None and not tags.get(admission.STEPPED_BACK) else ""
