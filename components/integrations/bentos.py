"""BentoML: Bentos (a service with its model in one archive) in BentoML's store."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import bentoml
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml.exceptions import BentoMLException, NotFound

from components.domain.errors import StageFailed

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredBento:
    """A Bento in the store: its folder and its labels."""

    folder: Path
    labels: Mapping[str, str]


def find(tag: str) -> StoredBento | None:
    """The Bento with this tag; None where the store has none. A damaged one is removed.

    Raises:
        StageFailed: The store's disk cannot be read.
    """
    try:
        bento = bentoml.bentos.get(tag)
    except NotFound:
        return None
    except OSError as error:  # the disk may answer again, so the Bento is not removed
        raise StageFailed(f"the Bento {tag} cannot be read: {error}") from error
    except Exception as error:  # noqa: BLE001  # a damaged bento.yaml raises errors of many libraries
        logger.warning("Bento %s cannot be read (%s); it is built anew", tag, type(error).__name__)
        remove(tag)
        return None
    return StoredBento(Path(bento.path), dict(bento.info.labels))


def newest_first(name: str) -> list[str]:
    """Tags of all Bentos of a service, also of damaged ones, the one that was built last first."""
    folders = [folder for folder in _store(name).glob("*") if folder.is_dir()]
    ordered = sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True)
    return [f"{name}:{folder.name}" for folder in ordered]


def _store(name: str) -> Path:
    """Folder of the store with a service's Bentos."""
    return Path(BentoMLContainer.bento_store_dir.get()) / name


def remove(tag: str) -> None:
    """Deletes a Bento's folder in the store, which also works for a damaged Bento."""
    name, _, version = tag.partition(":")
    shutil.rmtree(_store(name) / version, ignore_errors=True)


def build(repo: Path, version: str, labels: Mapping[str, str], env: Mapping[str, str]) -> str:
    """Builds the Bento of bentofile.yaml and returns its tag.

    Args:
        repo: Folder of bentofile.yaml.
        version: Version part of the Bento's tag.
        labels: Labels that the Bento stores.
        env: Environment variables from which serving/image.py chooses the contents of the image; they stay
            set in this process.

    Raises:
        StageFailed: The build failed, with BentoML's message.
    """
    logging.getLogger("bentoml").setLevel(logging.ERROR)  # every build would warn that the model is large
    os.environ.update(env)
    try:
        bento = bentoml.bentos.build_bentofile(
            str(repo / "bentofile.yaml"), version=version, labels=dict(labels), build_ctx=str(repo)
        )
    except BentoMLException as error:
        raise StageFailed(f"the Bento {version} could not be built: {error}") from error
    return str(bento.tag)
