"""`make status`: the last nights, what is served, and what waits for a person."""

from __future__ import annotations

from components.domain.params import Params
from components.domain.verdict.admission import MODEL_REMOVED, REFUSED
from components.domain.verdict.service_health import canary_of
from components.integrations import data_versions
from components.integrations.model_registry.registry import CHAMPION
from flows import last_night
from flows.environment import REPO
from flows.night import next_step
from flows.registry import registry
from flows.release.delivery import Release, current, look

NIGHTS = 5  # nights that are shown


def text(params: Params) -> str:
    """Describes the state of this clone in a few lines.

    Args:
        params: Settings; they name the registered model and the service's address.
    """
    nights = data_versions.last_nights(REPO, NIGHTS) or ["none yet: run `make nightly`"]
    lines = ["the last nights with new data", *(f"  {night}" for night in nights)]
    if last_night.sentence():
        lines += ["", "the last run", f"  {last_night.sentence()}"]
    released = current()
    version = f"version {released.version} since {released.at}" if released else "nothing yet"
    lines += ["", "served", f"  released   {version}", f"  service    {_service(params, released)}"]
    lines += ["", "kept", f"  remote     {_remote()}"]
    decisions = _decisions(params, released)
    if decisions:
        lines += ["", "waits for a person", *(f"  {decision}" for decision in decisions)]
    return "\n".join([*lines, "", "next step", f"  {next_step.sentence(params)}"])


def _remote() -> str:
    """Says where DVC's copies are, and warns if one broken disk would take them with the data."""
    address = data_versions.default_remote(REPO)
    if not address or "://" in address:
        return address or "none: `dvc remote add`"
    folder = REPO / address
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    words = address if nearest == folder else f"{address} is not there (mount its disk, or a night makes it)"
    if nearest.stat().st_dev == REPO.stat().st_dev:
        words += ", on the same disk as the data: one broken disk takes both"
    return words


def _service(params: Params, released: Release | None) -> str:
    address, served = params.watched_service, look(params, released)
    if not served:
        return f"nothing answers at {address}"
    answers, errors = sum(each.answers for each in served), sum(each.errors for each in served)
    machines = f" on {len(served)} machines" if len(served) > 1 else ""
    counts = f"{answers} answers, {errors} errors of the model"
    return f"version {served[0].version} at {address}{machines}: {canary_of(served)}; {counts}"


def _decisions(params: Params, released: Release | None) -> list[str]:
    """Lists what waits for a person: an unreleased champion, and newer versions that were refused."""
    server, model = registry(), params.register_.model
    champion, versions, decisions = server.alias(model, CHAMPION), server.versions(model), []
    if champion and (released is None or champion != released.version):
        reason = versions.get(champion, {}).get(REFUSED) or "the next pass releases it, or says why not"
        decisions.append(f"version {champion} is the champion and is not released: {reason}")
    newest_released = int(released.version) if released else 0
    return decisions + [
        f"version {version} was refused: {tags[REFUSED]}"
        for version, tags in versions.items()
        if tags.get(REFUSED)
        and not tags.get(MODEL_REMOVED)
        and int(version) > newest_released
        and version != champion
    ]
