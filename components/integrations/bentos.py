"""BentoML: its stores of Bentos (a service with its adapter in one archive) and of models."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import bentoml
import yaml
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml.exceptions import BentoMLException, NotFound

from components.domain.errors import StageFailed

logger = logging.getLogger(__name__)


def find(tag: str) -> Path | None:
    """Finds the folder of a Bento's code; None where the store has none. A damaged Bento is removed.

    Raises:
        StageFailed: The store's disk cannot be read.
    """
    try:
        return Path(bentoml.bentos.get(tag).path) / "src"
    except NotFound:
        return None
    except OSError as error:  # the disk may answer again, so the Bento is not removed
        raise StageFailed(f"the Bento {tag} cannot be read: {error}") from error
    except Exception as error:  # noqa: BLE001  # a damaged bento.yaml raises errors of many libraries
        logger.warning("Bento %s cannot be read (%s); it is built anew", tag, type(error).__name__)
        remove(tag)
        return None


def newest_first(name: str) -> list[str]:
    """Lists the tags of all Bentos of a service, the one that was built last first.

    Damaged ones are included.
    """
    folders = [folder for folder in _store(name).glob("*") if folder.is_dir()]
    ordered = sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True)
    return [f"{name}:{folder.name}" for folder in ordered]


def _store(name: str) -> Path:
    """Builds the path of the folder with a service's Bentos."""
    return Path(BentoMLContainer.bento_store_dir.get()) / name


def folder_of(tag: str) -> Path:
    """Builds the path at which the store has the Bento with this tag, whether it is there or not."""
    name, _, version = tag.partition(":")
    return _store(name) / version


def remove(tag: str) -> None:
    """Deletes a Bento's folder in the store, which also works for a damaged Bento."""
    shutil.rmtree(folder_of(tag), ignore_errors=True)


def build(
    repo: Path, version: str, labels: Mapping[str, str], models: Sequence[str], env: Mapping[str, str]
) -> str:
    """Builds the Bento of bentofile.yaml and returns its tag.

    Args:
        version: Version part of the Bento's tag.
        models: Tags of the models that the Bento needs; an image of the Bento then contains them.
        env: Environment variables from which serving/image.py chooses the contents of the image; they stay
            set in this process.

    Raises:
        StageFailed: The build failed; the error has BentoML's message.
    """
    logging.getLogger("bentoml").setLevel(logging.ERROR)  # it would warn of a large file of dish vectors
    os.environ.update(env)
    options = yaml.safe_load((repo / "bentofile.yaml").read_text(encoding="utf-8"))
    try:
        bento = bentoml.bentos.build(
            **options, version=version, labels=dict(labels), models=list(models), build_ctx=str(repo)
        )
    except BentoMLException as error:
        raise StageFailed(f"the Bento {version} could not be built: {error}") from error
    return str(bento.tag)


def model_folder(tag: str) -> Path:
    """Builds the path at which the store has the model with this tag, whether it is there or not."""
    name, _, version = tag.partition(":")
    return Path(BentoMLContainer.model_store_dir.get()) / name / version


def store_model(tag: str, folder: Path) -> None:
    """Copies a folder's files into the store of models, and replaces what the store has under this tag."""
    remove_model(tag)
    # BentoML would compare with the model of this file, which may be damaged; nothing asks for the latest.
    (model_folder(tag).parent / "latest").unlink(missing_ok=True)
    with bentoml.models.create(tag) as model:
        for path in folder.iterdir():
            Path(model.path_of(path.name)).symlink_to(path.absolute())  # BentoML copies what it leads to


def remove_model(tag: str) -> None:
    """Deletes a model from the store, which also works for a damaged one."""
    shutil.rmtree(model_folder(tag), ignore_errors=True)


def model_tags(name: str) -> list[str]:
    """Lists the tags of all models of a name, damaged ones included."""
    parent = model_folder(f"{name}:")
    return [f"{name}:{folder.name}" for folder in parent.glob("*") if folder.is_dir()]
