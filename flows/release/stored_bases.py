"""Base models in BentoML's store: each is stored once, by its checksum, however many Bentos serve with it."""

from __future__ import annotations

from collections.abc import Collection

from components.domain.errors import NotFound, StageFailed
from components.files import file_sha256, folder_sha256, read_as, write_state
from components.integrations import bentos
from components.stages.bases import base_with
from flows.environment import REPO, STATE
from flows.lock import one_at_a_time

NAME = "palate-base"  # of all of them
SUMS = STATE / "bases.json"  # by tag the checksum of all files of a base, its tokenizer as well
WEIGHTS = "model.safetensors"


def tag_of(sha256: str) -> str:
    """Builds the tag of the base with this checksum; BentoML allows no more than 63 characters."""
    return f"{NAME}:{sha256[:32]}"


def store(sha256: str) -> str:
    """Stores the base with this checksum in BentoML, unless an undamaged one is there, and returns its tag.

    Args:
        sha256: Checksum of the base's weights.

    Raises:
        NotFound: Neither the store nor models/ has this base.
        StageFailed: The copy below models/ is damaged, or the disk is full or cannot be written to.
    """
    tag = tag_of(sha256)
    with one_at_a_time(STATE, "bases", wait=True):  # a pass beside a night may store the same base
        if _is_whole(tag):
            return tag
        source = base_with(sha256, REPO)
        if source is None:
            raise NotFound(
                f"the base model with checksum {sha256[:12]} is neither in BentoML's store nor below "
                "models/: set base.model to it and run `make nightly` once."
            )
        if file_sha256(source / WEIGHTS) != sha256:
            raise StageFailed(f"{source} is damaged: delete this folder and run `make nightly` once.")
        try:
            bentos.store_model(tag, source)
            write_state(SUMS, {**_sums(), tag: folder_sha256(bentos.model_folder(tag))})
        except OSError as error:
            raise StageFailed(
                f"the base model {tag} could not be stored: {error}; what is served stays. Make room, then "
                "run again."
            ) from error
    return tag


def remove_all_but(checksums: Collection[str]) -> list[str]:
    """Removes all bases except those with the given checksums, and returns the removed tags."""
    needed = {tag_of(sha256) for sha256 in checksums}
    with one_at_a_time(STATE, "bases", wait=True):
        unneeded = [tag for tag in bentos.model_tags(NAME) if tag not in needed]
        for tag in unneeded:
            bentos.remove_model(tag)
    return unneeded


def _is_whole(tag: str) -> bool:
    folder = bentos.model_folder(tag)
    return folder.exists() and _sums().get(tag) == folder_sha256(folder)


def _sums() -> dict[str, str]:
    return read_as(dict[str, str], SUMS) if SUMS.exists() else {}
