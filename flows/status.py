"""`make status`: the last nights, what is served, and what waits for a person."""

from __future__ import annotations

from components.domain.params import Params
from components.domain.verdict.admission import REFUSED
from components.integrations import data_versions, service_probe
from components.integrations.model_registry.registry import CHALLENGER, CHAMPION
from flows.environment import REPO
from flows.steps import last_run
from flows.steps.delivery import current
from flows.steps.registration import registry

NIGHTS = 5


def text(params: Params) -> str:
    """A few lines on the state of this clone."""
    server, model = registry(), params.register_.model
    nights = data_versions.last_nights(REPO, NIGHTS) or ["none yet: run `make nightly`"]
    lines = ["the last nights with new data", *(f"  {each}" for each in nights)]
    if last_run.sentence():
        lines += ["", "the last run", f"  {last_run.sentence()}"]
    lines += ["", "served"]
    released = current()
    lines.append(
        f"  released   {f'version {released.version} since {released.at}' if released else 'nothing yet'}"
    )
    told = service_probe.probe(params.watched_service)
    if told:
        proven = "its canary passed" if not told.canary else f"its canary FAILED: {told.canary}"
        answers = f"{told.requests} answers, {told.errors} errors"
        lines.append(f"  service    version {told.version} at {params.watched_service}: {proven}; {answers}")
    else:
        lines.append(f"  service    nothing answers at {params.watched_service}")
    champion, challenger = server.alias(model, CHAMPION), server.alias(model, CHALLENGER)
    lines += ["", "waits for a person"]
    waiting = []
    if challenger and challenger != champion:
        waiting.append(
            f"version {challenger} passed the gate: give it the alias champion in MLflow, or leave it"
        )
    since, versions = int(released.version) if released else 0, server.versions(model)
    if champion and (released is None or champion != released.version):
        why = versions.get(champion, {}).get(REFUSED) or "the next pass releases it, or says why not"
        waiting.append(f"version {champion} is the champion and is not released: {why}")
    waiting += [
        f"version {version} was refused: {tags[REFUSED]}"
        for version, tags in versions.items()
        if tags.get(REFUSED) and int(version) > since and version != champion
    ]
    return "\n".join([*lines, *(f"  {each}" for each in waiting or ["nothing"])])
