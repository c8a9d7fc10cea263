"""BentoML: the service with its model as one archive, built once for each version."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import bentoml
from bentoml.exceptions import BentoMLException, NotFound

from components.domain.errors import StageFailed


def exists(tag: str) -> bool:
    """Whether the store holds a Bento with this tag."""
    try:
        bentoml.bentos.get(tag)
    except NotFound:
        return False
    return True


def build(repo: Path, version: str, labels: Mapping[str, str]) -> str:
    """Builds what bentofile.yaml names, and returns the Bento's tag.

    Raises:
        StageFailed: BentoML's own words.
    """
    logging.getLogger("bentoml").setLevel(logging.ERROR)  # else every build warns that a model is large
    try:
        bento = bentoml.bentos.build_bentofile(
            str(repo / "bentofile.yaml"), version=version, labels=dict(labels), build_ctx=str(repo)
        )
    except BentoMLException as error:
        raise StageFailed(f"the Bento {version} could not be built: {error}") from error
    return str(bento.tag)
