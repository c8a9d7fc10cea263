"""The last steps of a release: the image, the pinned and rendered manifests, and the record of the release.

Every step first looks whether its result exists, and does nothing if so.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.domain.params import Params
from components.domain.records import Moment
from components.domain.verdict.service_health import Served
from components.files import read_as, write_state
from components.integrations import images, service_probe
from components.integrations.kubernetes import manifests
from components.integrations.service_probe import Expected, Memory
from flows.environment import REPO, STATE
from flows.release import bento, rollout
from flows.release.rollout import RolloutStopped

RELEASED = STATE / "released.json"  # the current release, written last: all that it names is complete
LOOKS = STATE / "looks-at-the-service.json"  # what the watch found, so that no canary is asked twice
PUSHED = STATE / "pushed-images.json"  # the pushed image of each Bento, so that a rollback builds nothing
RENDERED = (
    STATE / "manifests"
)  # of the current release: every overlay pinned, and rendered where kubectl is here


@dataclass(frozen=True)
class Release:
    """One release of a version.

    Attributes:
        version: Version number in the registry.
        bento: Tag of its Bento.
        image: Name and digest of its image; empty where `release.engine` is none.
        previous: Version to step back to; empty where there is none.
        at: Moment of the release, ISO 8601; a release of the same version again is a new moment.
    """

    version: str
    bento: str
    image: str
    previous: str
    at: Moment

    @property
    def name(self) -> str:
        """A name that differs for every release, also of the same version."""
        return f"{self.bento} {self.at}"


def current() -> Release | None:
    """Reads the release of the last complete pass; None before the first."""
    return read_as(Release, RELEASED) if RELEASED.exists() else None


def seconds_under_watch(params: Params, released: Release) -> float | None:
    """Computes the seconds since a release that may still be taken back.

    None where the release may not be taken back, or where it lies in the future by this clock.
    """
    age_s = (datetime.now(UTC) - datetime.fromisoformat(released.at)).total_seconds()
    is_new = 0 <= age_s <= params.release.watch_s  # below 0 it was released by a clock that was ahead
    return age_s if released.previous and is_new else None


def is_complete(params: Params, released: Release) -> bool:
    """Tells whether the release's Bento is undamaged and served, and its image pinned and, if set, pushed."""
    if bento.find_whole(released.bento) is None or bento.served() != released.bento:
        return False
    settings = params.release
    if settings.engine == "none":
        return True
    up_to_date = released.image.startswith(f"{settings.image}@")
    if settings.push:
        up_to_date = up_to_date and _pushed().get(released.bento) == released.image
    pin = RENDERED / manifests.IMAGE
    return up_to_date and pin.exists() and pin.read_text(encoding="utf-8") == released.image


def _pushed() -> dict[str, str]:
    return read_as(dict[str, str], PUSHED) if PUSHED.exists() else {}


def image_of(params: Params, packaged: bento.Packaged) -> str:
    """Builds and pushes a Bento's image as the section `release` asks, unless that has happened already.

    A pushed image is used again even if the engine has deleted it; a newly built Bento gets a new image.

    Args:
        packaged: Bento of the image.

    Returns:
        `NAME@sha256:…`; empty where `release.engine` is none.

    Raises:
        BadParams: The engine is not on PATH.
        StageFailed: The engine could not build or push the image.
    """
    settings, tag = params.release, packaged.tag
    if settings.engine == "none":
        return ""
    pushed = _pushed()
    if settings.push and not packaged.new and pushed.get(tag, "").startswith(f"{settings.image}@"):
        return pushed[tag]
    name = f"{settings.image}:{tag.partition(':')[2]}"
    digest = images.build(tag, settings.engine, name, settings.build_options, anew=packaged.new)
    if not settings.push:
        return f"{settings.image}@{digest}"
    image = f"{settings.image}@{images.push(settings.engine, name)}"
    write_state(PUSHED, {**pushed, tag: image})
    return image


def change_to(params: Params, packaged: bento.Packaged, image: str, previous: str) -> Release:
    """Makes a Bento the released one: pins, renders and deploys the manifests, and records the release.

    Args:
        packaged: Bento of the version.
        image: `NAME@sha256:…` of its image; empty where there is none, and the manifests stay as they are.
        previous: Version to step back to; empty where there is none.

    Raises:
        StageFailed: The manifests break a rule, cannot be rendered or cannot be deployed; they stay pinned to
            the earlier image.
        RolloutStopped: The version's pods did not get ready; the earlier manifests are applied again.
    """
    if image:
        _deploy(params, packaged, image)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    release = Release(packaged.version, packaged.tag, image, previous, at)
    bento.serve_from_now_on(packaged.tag)
    write_state(RELEASED, asdict(release))
    return release


def _deploy(params: Params, packaged: bento.Packaged, image: str) -> None:
    facts = {"model-version": packaged.version, "bento": packaged.tag}
    components = ["gpu"] * params.release.gpu + ["trial"] * packaged.trial
    tried = RENDERED.with_name("manifests-tried")  # beside it, so that the ways to deploy/ are the same
    manifests.render(REPO / "deploy" / "overlays", tried, image, facts, components)
    try:
        rollout.bring(params, packaged.version, tried)
    except RolloutStopped:
        if RENDERED.exists():
            rollout.apply_again(params, RENDERED)
        raise
    shutil.rmtree(RENDERED, ignore_errors=True)
    tried.rename(RENDERED)


def look(params: Params, released: Release | None) -> list[Served]:
    """Asks each machine of the watched service what it serves. Its canary is asked once a release.

    Args:
        params: Settings with the service's address.
        released: The release that it should serve; None where nothing is released.
    """
    expected = Expected(released.version, released.name) if released else Expected("", "")
    token = Path(os.environ.get("PALATE_TOKEN_FILE", ""))  # the same file that the service reads
    secret = token.read_text(encoding="utf-8").strip() if token.is_file() else ""
    return service_probe.probe(params.watched_service, expected, Memory(LOOKS), secret)


def error_rate(version: str) -> float:
    """Looks up the share of a version's answers that failed by the last look; 0 where it gave no answers."""
    return Memory(LOOKS).rate(version)
