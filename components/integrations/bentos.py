"""BentoML: the service with its model as one archive, built once for each version."""

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
class Found:
    """A Bento in the store: its folder and its labels."""

    folder: Path
    labels: Mapping[str, str]


def find(tag: str) -> Found | None:
    """The Bento with this tag, if the store holds it and can read it.

    Raises:
        StageFailed: The store itself cannot be read.
    """
    try:
        bento = bentoml.bentos.get(tag)
    except NotFound:
        return None
    except OSError as error:  # a disk that does not answer now is no reason to delete what lies on it
        raise StageFailed(f"the Bento {tag} cannot be read: {error}") from error
    except Exception as error:  # noqa: BLE001  # a damaged bento.yaml: YAML, attrs and file errors alike
        logger.warning("Bento %s cannot be read (%s); it is built anew", tag, type(error).__name__)
        remove(tag)
        return None
    return Found(Path(bento.path), dict(bento.info.labels))


def remove(tag: str) -> None:
    """Takes a Bento out of the store, however damaged it is."""
    name, _, version = tag.partition(":")
    shutil.rmtree(Path(BentoMLContainer.bento_store_dir.get()) / name / version, ignore_errors=True)


def build(repo: Path, version: str, labels: Mapping[str, str], env: Mapping[str, str]) -> str:
    """Builds what bentofile.yaml names, and returns the Bento's tag.

    Args:
        repo: Folder of bentofile.yaml.
        version: Of the Bento.
        labels: Written into it.
        env: Seen by the service's module, which says what is in the image.

    Raises:
        StageFailed: BentoML's own words.
    """
    logging.getLogger("bentoml").setLevel(logging.ERROR)  # else every build warns that a model is large
    os.environ.update(env)
    try:
        bento = bentoml.bentos.build_bentofile(
            str(repo / "bentofile.yaml"), version=version, labels=dict(labels), build_ctx=str(repo)
        )
    except BentoMLException as error:
        raise StageFailed(f"the Bento {version} could not be built: {error}") from error
    return str(bento.tag)
