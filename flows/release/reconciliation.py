"""What a release pass decides: watch what is served, verify the champion, build what is missing.

A pass that was killed is finished by the next one, and a rollback finds everything built already.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.errors import PalateError
from components.domain.params import Params
from components.domain.verdict import admission, service_health
from components.files import read_as, write_state
from components.integrations.model_registry.registry import CHAMPION, Registry, failures_as_sentences
from flows.environment import STATE
from flows.lock import Busy, one_at_a_time
from flows.registry import Registered, registry
from flows.release import bento, delivery, last_pass, rollout, verification, withdrawal
from flows.release.delivery import Release, current
from flows.release.rollout import RolloutFailed
from flows.release.trial import trial_of

CHAMPION_SEEN = STATE / "champion.json"  # which version the last pass saw as champion, and since when


@dataclass(frozen=True)
class Outcome:
    """How a pass ended.

    Attributes:
        sentence: What the pass did or why it did nothing.
        changed: Whether it released a version.
        release: What is released now; None where nothing is.
        refused: Whether it refused the champion or took it back.
    """

    sentence: str
    changed: bool
    release: Release | None
    refused: bool = False

    @property
    def name(self) -> str:
        """Name of the flow run's final state in Prefect."""
        return "Released" if self.changed else "Refused" if self.refused else "Completed"


@task(name="release", cache_policy=NO_CACHE)
def deliver(params: Params, registered: Registered) -> str:
    """Ends a night: releases the champion or, while there is none, packages what `package.serve` names.

    The night is registered even if its release fails: the next pass tries again.

    Returns:
        A sentence on what is released.
    """
    packaged = _unpromoted(params, registered) if current() is None else None
    if packaged:
        if current() is None:  # a pass beside this night may have released a champion meanwhile
            bento.serve_from_now_on(packaged.tag)
        built = "built tonight" if packaged.new else "built before"
        what = "BEST" if packaged.version == registered.rule else "PREVIEW"
        return f"{packaged.tag} ({what}, not promoted; {built})"
    try:
        return reconcile(params).sentence
    except PalateError as error:
        return f"failed, the next pass tries again: {error}"


def _unpromoted(params: Params, registered: Registered) -> bento.Packaged | None:
    """Builds the Bento that serves while there is no champion; None where nothing is to serve without one."""
    version = registered.unpromoted
    if version is None:
        return None
    server, model = registry(), params.register_.model
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        artifacts = server.download(model, version, Path(folder))
        return bento.build(params, version, server.tags(model, version), artifacts, promoted=False)


def reconcile(params: Params) -> Outcome:
    """Runs one pass: releases the champion in the registry, or says why not.

    Args:
        params: Settings of the release and the registered model.

    Raises:
        PalateError: The pass failed, with the sentence for the user; what is served stays as it is.
    """
    try:
        with one_at_a_time(STATE, "release"), failures_as_sentences():
            before = last_pass.situation(params)
            outcome = _pass(params)
            last_pass.record(before)
            return outcome
    except Busy:
        return Outcome("another pass is running", changed=False, release=current())


def _pass(params: Params) -> Outcome:
    server, model = registry(), params.register_.model
    released = current()
    step_back = _watch(params, server, released) if released else None
    champion = server.alias(model, CHAMPION)
    if champion is None:
        sentence = "there is no champion: give a version the alias champion in MLflow"
        return Outcome(sentence, changed=False, release=released)
    _note_since_when(server, model, champion)
    tags, trial = server.tags(model, champion), trial_of(params, server, released, champion)
    tag = bento.tag_of(champion, tags, promoted=True, trial=trial)
    if released and released.bento == tag and delivery.is_complete(params, released):
        _tag_as_released(params, server, released)  # the pass that released it may have died before this
        sentence = step_back or f"version {champion} is released; nothing to do"
        return Outcome(sentence, changed=False, release=released)
    gone = admission.why_gone(tags)
    if gone:
        sentence = withdrawal.refuse(params, server, champion, gone, released)
        return Outcome(sentence, changed=False, release=released, refused=True)
    with tempfile.TemporaryDirectory(dir=STATE) as folder:  # what is verified is what is built
        artifacts = server.download(model, champion, Path(folder))
        refusal = verification.why_refused(tags, artifacts, verification.base_of(tag, tags))
        packaged = (
            None if refusal else bento.build(params, champion, tags, artifacts, promoted=True, trial=trial)
        )
    if packaged and (packaged.new or not admission.was_released(tags)):
        refusal = bento.why_unproven(packaged.tag)
    if refusal or packaged is None:
        sentence = withdrawal.refuse(params, server, champion, str(refusal), released)
        return Outcome(sentence, changed=False, release=released, refused=True)
    return _release(params, server, packaged, released, step_back)


def _release(
    params: Params,
    server: Registry,
    packaged: bento.Packaged,
    released: Release | None,
    step_back: str | None,
) -> Outcome:
    model, version = params.register_.model, packaged.version
    image = delivery.image_of(params, packaged)
    if server.alias(model, CHAMPION) != version:
        sentence = f"the alias champion was moved while version {version} was built: the next pass follows it"
        return Outcome(sentence, changed=False, release=released)
    server.untag(model, version, admission.REFUSED)
    decision = admission.decision(server.tags(model, version))
    server.comment(model, version, f"Released, {decision}.")
    try:
        release = delivery.change_to(
            params, packaged, image, withdrawal.previous(server, model, released, version)
        )
    except RolloutFailed as error:
        sentence = withdrawal.take_back(params, server, version, str(error), released)
        return Outcome(sentence, changed=False, release=released, refused=True)
    _tag_as_released(params, server, release)
    sentence = step_back or f"version {version} was released as {release.image or release.bento}, {decision}"
    if image:
        sentence += rollout.what_became_of_it(params)
    return Outcome(sentence, changed=True, release=release)


def _note_since_when(server: Registry, model: str, champion: str) -> None:
    """Tags the champion with the moment at which a pass first saw it; a returning champion is tagged anew."""
    last = read_as(dict[str, str], CHAMPION_SEEN) if CHAMPION_SEEN.exists() else {}
    if last.get("version") != champion:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        server.tag(model, champion, admission.CHAMPION_SEEN, at)
        write_state(CHAMPION_SEEN, {"version": champion, "at": at})


def _tag_as_released(params: Params, server: Registry, release: Release) -> None:
    """Tags a version as rendered where it has an image, and as released once it serves.

    Without an image, this machine serves the version. After `apply`, all of its pods are ready. Otherwise
    every pass asks the watched service until it reports this version.
    """
    model, moment = params.register_.model, f"{release.at} as {release.image or release.bento}"
    tags = server.tags(model, release.version)
    if release.image and tags.get(admission.RENDERED) != moment:
        server.tag(model, release.version, admission.RENDERED, moment)
    if tags.get(admission.RELEASED) == moment:
        return
    if release.image and params.release.deploy != "apply":
        served = delivery.look(params, release)
        if not served or served[0].version != release.version:
            return
    server.tag(model, release.version, admission.RELEASED, moment)


def _watch(params: Params, server: Registry, released: Release) -> str | None:
    """Steps back from a newly released version whose service is not well; returns a sentence if it did."""
    model = params.register_.model
    served = delivery.look(params, released)  # also later: the next version is held against its error rate
    if delivery.seconds_under_watch(params, released) is None:
        return None
    if not served or served[0].version != released.version:
        return None  # the new service has not started yet
    before = delivery.error_rate(released.previous)
    why = service_health.why_step_back(served, before)
    if not why or server.alias(model, CHAMPION) != released.version:
        return None
    if released.previous not in server.versions(model):
        gone = f"version {released.previous}, to which it would step back, was deleted"
        return f"version {released.version} is not well ({why}), and {gone}: give another the alias champion"
    withdrawal.bar(server, model, released.version, why, released.previous)
    return f"version {released.version} was taken back: {why}; version {released.previous} is released again"
