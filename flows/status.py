"""`make status`: the last nights, what is served, and what waits for a person."""

from __future__ import annotations

from components.domain.params import Params
from components.domain.release import REFUSED
from components.integrations import data_versions, service_probe
from components.integrations.model_registry import CHALLENGER, CHAMPION
from flows.environment import REPO
from flows.steps.delivery import current
from flows.steps.registration import registry

NIGHTS = 5


def text(params: Params) -> str:
    """A few lines on the state of this clone."""
    server, model = registry(), params.register_.model
    nights = data_versions.last_nights(REPO, NIGHTS) or ["none yet: run `make nightly`"]
    lines = ["the last nights", *(f"  {each}" for each in nights), "", "served"]
    released = current()
    lines.append(
        f"  released   {f'version {released.version} since {released.at}' if released else 'nothing yet'}"
    )
    told = service_probe.ask(params.release.service) if params.release.service else None
    if told:
        proven = "its canary passed" if not told.canary else f"its canary FAILED: {told.canary}"
        answers = f"{told.requests} answers, {told.errors} errors"
        lines.append(f"  service    version {told.version} at {params.release.service}: {proven}; {answers}")
    else:
        lines.append(
            f"  service    nothing answers at {params.release.service or '(release.service is empty)'}"
        )
    champion, challenger = server.alias(model, CHAMPION), server.alias(model, CHALLENGER)
    lines += ["", "waits for a person"]
    waiting = []
    if challenger and challenger != champion:
        waiting.append(
            f"version {challenger} passed the gate: give it the alias champion in MLflow, or leave it"
        )
    since = int(released.version) if released else 0
    waiting += [
        f"version {version} was refused: {tags[REFUSED]}"
        for version, tags in server.versions(model).items()
        if tags.get(REFUSED) and int(version) > since
    ]
    return "\n".join([*lines, *(f"  {each}" for each in waiting or ["nothing"])])
