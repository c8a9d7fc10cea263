"""What a release pass does: watch what is served, verify what is wanted, make what is missing.

Every step looks at the world first and does nothing where it finds its work done, so a pass that was killed
is finished by the next one, and a rollback finds everything made already.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain import release as rules
from components.domain.params import Params
from components.integrations import images, manifests, service_probe
from components.integrations.model_registry import CHAMPION, Registry
from components.stages import paths
from components.stages.paths import file_sha256, read_json, weights_sha256, write_json
from flows.environment import REPO, STATE
from flows.steps import bento
from flows.steps.registration import registry

RELEASED = STATE / "released.json"  # written last: what it names was made whole
COMPONENT = Path("deploy/released/kustomization.yaml")
RENDERED = STATE / "manifests"


@dataclass(frozen=True)
class Release:
    """What is released.

    Attributes:
        version: Of the registered model.
        bento: Its tag.
        image: Name and digest; empty where no engine is set.
        previous: The version released before it; empty for the first.
        at: When it was released first or again, ISO 8601.
    """

    version: str
    bento: str
    image: str
    previous: str
    at: str


@dataclass(frozen=True)
class Outcome:
    """How a pass ended: one sentence, whether it changed anything, and what is released now."""

    said: str
    changed: bool
    release: Release | None


def reconcile(params: Params) -> Outcome:
    """One pass: the champion in the registry becomes what is released, or it is said why not."""
    server, model = registry(), params.register_.model
    released = current()
    stepped_back = _watch(params, server, released) if released else ""
    wanted = server.alias(model, CHAMPION)
    if wanted is None:
        return Outcome(
            "there is no champion: give a version the alias champion in MLflow",
            changed=False,
            release=released,
        )
    if released and released.version == wanted and _is_made(params, released):
        return Outcome(f"version {wanted} is released; nothing to do", changed=False, release=released)
    refusal = _verify(params, server, wanted)
    if refusal:
        return _refuse(params, server, wanted, refusal, released)
    server.untag(model, wanted, rules.REFUSED)
    made = _make(params, wanted, released)
    server.tag(model, wanted, rules.RELEASED, f"{made.at} as {made.image or made.bento}")
    return Outcome(
        stepped_back or f"version {wanted} was released as {made.image or made.bento}",
        changed=True,
        release=made,
    )


release_champion = task(name="release", cache_policy=NO_CACHE)(reconcile)  # as a step of the night


def current() -> Release | None:
    """What the last whole pass released."""
    return Release(**read_json(RELEASED)) if RELEASED.exists() else None


def _verify(params: Params, server: Registry, version: str) -> str:
    """Why the version may not be served, from what its artifacts really are."""
    tags = server.tags(params.register_.model, version)
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        artifacts = server.download(params.register_.model, version, Path(folder))
        report = artifacts / "evaluation.json"
        measured = rules.Measured(
            file_sha256(report) if report.exists() else None,
            read_json(report)["gate"]["decision"] if report.exists() else "",
            weights_sha256(artifacts / "adapter"),
            read_json(REPO / paths.BASE_MARKER)["sha256"],
        )
    return rules.why_refused(tags, measured)


def _refuse(
    params: Params, server: Registry, version: str, refusal: str, released: Release | None
) -> Outcome:
    """Writes the reason on the version, where the person looks, and moves the alias back if params say so."""
    model = params.register_.model
    said = f"version {version} may not be served: {refusal}"
    server.tag(model, version, rules.REFUSED, refusal)
    server.comment(model, version, f"Not released: {refusal}.")
    # Whoever moved the alias meanwhile wants another version, and the next pass looks at that one.
    if params.release.move_back and released and server.alias(model, CHAMPION) == version:
        server.point(model, CHAMPION, released.version)
        said += f"; the alias champion was moved back to version {released.version}"
    return Outcome(said, changed=False, release=released)


def _make(params: Params, version: str, released: Release | None) -> Release:
    packaged = bento.build(params, version, preview=False)
    image = _image(params, packaged.tag)
    if image:
        manifests.write_component(REPO / COMPONENT, image, _facts(packaged))
        manifests.render(REPO / "deploy" / "overlays", RENDERED)
    before = released.version if released and released.version != version else ""
    previous = before or (released.previous if released else "")
    made = Release(version, packaged.tag, image, previous, datetime.now(UTC).isoformat(timespec="seconds"))
    bento.serve_from_now_on(packaged.tag)
    write_json(RELEASED, asdict(made))
    return made


def _image(params: Params, tag: str) -> str:
    """`NAME@sha256:…` of the Bento's image, built and pushed as params say; empty without an engine."""
    settings = params.release
    if settings.engine == "none":
        return ""
    name = f"{settings.image}:{tag.partition(':')[2]}"
    digest = images.build(tag, settings.engine, name, settings.build_options)
    if settings.push:
        digest = images.push(settings.engine, name)
    return f"{settings.image}@{digest}"


def _facts(packaged: bento.Packaged) -> dict[str, str]:
    return {"model-version": packaged.version, "bento": packaged.tag}


def _is_made(params: Params, released: Release) -> bool:
    """Whether all that the release names is still there."""
    if bento.find_whole(released.bento) is None:
        return False
    if params.release.engine == "none":
        return True
    return bool(released.image) and manifests.names_image(REPO / COMPONENT, released.image)


def _watch(params: Params, server: Registry, released: Release) -> str:
    """Steps back from a newly released version whose service is not well; says so, or nothing."""
    settings, model = params.release, params.register_.model
    age = (datetime.now(UTC) - datetime.fromisoformat(released.at)).total_seconds()
    if not settings.service or not released.previous or age > settings.watch_s:
        return ""
    served = service_probe.ask(settings.service)
    if served is None or served.version != released.version:
        return ""  # not started yet, or still the one before
    why = rules.why_step_back(served, settings.max_error_rate, settings.min_requests)
    if not why or server.alias(model, CHAMPION) != released.version:
        return ""
    server.tag(model, released.version, rules.STEPPED_BACK, why)
    server.comment(model, released.version, f"Taken back: {why}.")
    server.point(model, CHAMPION, released.previous)
    write_json(RELEASED, asdict(replace(released, previous="")))  # no way back from the way back
    return f"version {released.version} was taken back: {why}; version {released.previous} is released again"
