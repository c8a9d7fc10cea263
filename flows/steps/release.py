"""What a release pass decides: watch what is served, verify what is wanted, have made what is missing.

A pass that was killed is finished by the next one, and a rollback finds everything made already.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain import release as rules
from components.domain.errors import StageFailed
from components.domain.params import Params
from components.integrations import service_probe
from components.integrations.manifests import can_render
from components.integrations.model_registry import CHAMPION, Registry, failures_as_sentences
from components.stages import paths
from components.stages.paths import file_sha256, read_json, weights_sha256
from flows.environment import REPO, STATE
from flows.steps import bento, delivery
from flows.steps.delivery import Release, current
from flows.steps.lock import Busy, one_at_a_time
from flows.steps.registration import registry


@dataclass(frozen=True)
class Outcome:
    """How a pass ended: one sentence, whether it changed anything, and what is released now."""

    said: str
    changed: bool
    release: Release | None


def reconcile(params: Params) -> Outcome:
    """One pass: the champion in the registry becomes what is released, or it is said why not.

    Raises:
        PalateError: With the sentence for the user; what is served stays as it is.
    """
    try:
        with one_at_a_time(STATE, "release"), failures_as_sentences():
            return _pass(params)
    except Busy:
        return Outcome("another pass is running", changed=False, release=current())


release_champion = task(name="release", cache_policy=NO_CACHE)(reconcile)  # as a step of the night


def _pass(params: Params) -> Outcome:
    server, model = registry(), params.register_.model
    released = current()
    stepped_back = _watch(params, server, released) if released else ""
    wanted = server.alias(model, CHAMPION)
    if wanted is None:
        said = "there is no champion: give a version the alias champion in MLflow"
        return Outcome(said, changed=False, release=released)
    if released and released.version == wanted and delivery.is_made(params, released):
        _tell(server, model, released)  # a pass that was killed may not have come to it
        said = stepped_back or f"version {wanted} is released; nothing to do"
        return Outcome(said, changed=False, release=released)
    refusal = _verify(params, server, wanted)
    packaged = None if refusal else bento.build(params, wanted, preview=False)
    if packaged and (packaged.new or not server.tags(model, wanted).get(rules.RELEASED)):
        refusal = bento.prove(packaged.tag)
    if refusal or packaged is None:
        return _refuse(params, server, wanted, refusal, released)
    image = delivery.image_of(params, packaged)
    if server.alias(model, CHAMPION) != wanted:
        said = f"the alias champion was moved while version {wanted} was made: the next pass follows it"
        return Outcome(said, changed=False, release=released)
    server.untag(model, wanted, rules.REFUSED)
    excuse = rules.excuse(server.tags(model, wanted))
    if excuse:
        server.comment(model, wanted, f"Released although its gate did not pass: {excuse}.")
    made = delivery.change_to(packaged, image, _previous(server, model, released, wanted))
    _tell(server, model, made)
    said = stepped_back or f"version {wanted} was released as {made.image or made.bento}"
    if image and not can_render():
        said += "; deploy/released is pinned, nothing was rendered: kubectl is not on PATH"
    return Outcome(said, changed=True, release=made)


def _tell(server: Registry, model: str, made: Release) -> None:
    server.tag(model, made.version, rules.RELEASED, f"{made.at} as {made.image or made.bento}")


def _previous(server: Registry, model: str, released: Release | None, wanted: str) -> str:
    """The version to step back to: the one before, unless it was deleted or was itself taken back."""
    if released is None:
        return ""
    before = released.version if released.version != wanted else released.previous
    tags = server.versions(model).get(before)
    return before if tags is not None and not tags.get(rules.STEPPED_BACK) else ""


def _verify(params: Params, server: Registry, version: str) -> str:
    """Why the version may not be served, from what its artifacts really are."""
    tags = server.tags(params.register_.model, version)
    base_sha256 = _base_of(version, tags)
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        artifacts = server.download(params.register_.model, version, Path(folder))
        report, lineage = artifacts / "evaluation.json", artifacts / "lineage.json"
        gate_sha256 = file_sha256(report) if report.exists() else None
        # Where the checksum is another the content is nobody's word.
        known = gate_sha256 is not None and gate_sha256 == tags.get("gate_sha256")
        measured = rules.Measured(
            gate_sha256,
            read_json(report)["gate"]["decision"] if known else "",
            weights_sha256(artifacts / "adapter"),
            base_sha256,
            tuple(name for name in ("canary.json", "lineage.json") if not (artifacts / name).exists()),
            read_json(lineage) if lineage.exists() else {},
        )
    return rules.why_refused(tags, measured)


def _base_of(version: str, tags: Mapping[str, str]) -> str:
    """Checksum of the base that the version would be served with.

    A Bento that was released carries its base, so a rollback works after base.model was changed.
    """
    if tags.get(rules.RELEASED) and bento.find_whole(bento.tag_of(version, tags, preview=False)):
        return tags.get("base_sha256", "")
    marker = REPO / paths.BASE_MARKER
    if not marker.exists():
        raise StageFailed(f"{paths.BASE} is not here, so nothing can be verified: run `make nightly` once.")
    return str(read_json(marker)["sha256"])


def _refuse(
    params: Params, server: Registry, version: str, refusal: str, released: Release | None
) -> Outcome:
    """Writes the reason on the version, where the person looks, and moves the alias back if params say so."""
    model = params.register_.model
    said = f"version {version} may not be served: {refusal}"
    server.tag(model, version, rules.REFUSED, refusal)
    # Whoever moved the alias meanwhile wants another version, and the next pass looks at that one.
    back = released.version if released and released.version != version else ""
    if params.release.move_back and back and server.alias(model, CHAMPION) == version:
        server.point(model, CHAMPION, back)
        said += f"; the alias champion was moved back to version {back}"
    server.comment(model, version, f"Not released: {refusal}.")
    return Outcome(said, changed=False, release=released)


def _watch(params: Params, server: Registry, released: Release) -> str:
    """Steps back from a newly released version whose service is not well; says so, or nothing."""
    settings, model = params.release, params.register_.model
    age = (datetime.now(UTC) - datetime.fromisoformat(released.at)).total_seconds()
    if not released.previous or age > settings.watch_s:
        return ""
    served = service_probe.ask(params.watched_service)
    if served is None or served.version != released.version:
        return ""  # not started yet, or still the one before
    why = rules.why_step_back(served, settings.max_error_rate, settings.min_requests)
    if not why or server.alias(model, CHAMPION) != released.version:
        return ""
    if released.previous not in server.versions(model):
        gone = f"version {released.previous}, to which it would step back, was deleted"
        return f"version {released.version} is not well ({why}), and {gone}: give another the alias champion"
    server.tag(model, released.version, rules.STEPPED_BACK, why)
    server.point(model, CHAMPION, released.previous)
    server.comment(model, released.version, f"Taken back: {why}.")
    return f"version {released.version} was taken back: {why}; version {released.previous} is released again"
