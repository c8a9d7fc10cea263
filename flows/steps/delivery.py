"""What a version becomes so that it can be served: Bento, proof, image, pinned and rendered manifests.

Every step looks at the world first and does nothing where it finds its work done.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.domain.params import Params
from components.files import read_json, write_json
from components.integrations import images
from components.integrations.kubernetes import manifests
from flows.environment import REPO, STATE
from flows.steps import bento

RELEASED = STATE / "released.json"  # written last: what it names was made whole
PUSHED = STATE / "pushed-images.json"  # Bento → the image that a registry holds, so a rollback needs neither
COMPONENT = Path("deploy/released/kustomization.yaml")
RENDERED = STATE / "manifests"


@dataclass(frozen=True)
class Release:
    """What is released.

    Attributes:
        version: Of the registered model.
        bento: Its tag.
        image: Name and digest; empty where no engine is set.
        previous: The version to step back to; empty where there is none.
        at: When it was released first or again, ISO 8601.
    """

    version: str
    bento: str
    image: str
    previous: str
    at: str


def current() -> Release | None:
    """What the last whole pass released."""
    return Release(**read_json(RELEASED)) if RELEASED.exists() else None


def is_complete(params: Params, released: Release) -> bool:
    """Whether all that the release names is still there, and is what is served."""
    if bento.find_whole(released.bento) is None or bento.served() != released.bento:
        return False
    settings = params.release
    if settings.engine == "none":
        return True
    up_to_date = released.image.startswith(f"{settings.image}@")
    if settings.push:
        up_to_date = up_to_date and _pushed().get(released.bento) == released.image
    return up_to_date and manifests.names_image(REPO / COMPONENT, released.image)


def _pushed() -> dict[str, str]:
    return dict(read_json(PUSHED)) if PUSHED.exists() else {}


def image_of(params: Params, packaged: bento.Packaged) -> str:
    """`NAME@sha256:…` of a Bento's image, built and pushed as params say; empty without an engine.

    What was pushed before is not built again, even where the engine has forgotten it; a Bento that was built
    anew, since somebody deleted it, gets a new image.
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
    write_json(PUSHED, {**pushed, tag: image})
    return image


def change_to(packaged: bento.Packaged, image: str, previous: str) -> Release:
    """From here on it is what is served.

    Raises:
        StageFailed: The manifests break a rule; they stay pinned to the image of before.
    """
    if image:
        facts = {"model-version": packaged.version, "bento": packaged.tag}
        with manifests.pinned(REPO / COMPONENT, image, facts):
            manifests.render(REPO / "deploy" / "overlays", RENDERED)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    release = Release(packaged.version, packaged.tag, image, previous, at)
    bento.serve_from_now_on(packaged.tag)
    write_json(RELEASED, asdict(release))
    return release
