"""Tasks that fetch the champion, to compare candidates with it and to start tonight's training from it."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.params import Params
from components.domain.preferences.training_plan import TRAINING_FILE, Training, why_from_scratch
from components.domain.ranker.artifacts import HEAD_FILE
from components.domain.ranker.prompts import prompt_hash
from components.domain.records import RULE
from components.domain.verdict.admission import NEEDS_RETRAIN, is_rule, why_gone, why_no_lineage
from components.files import folder_sha256, read_json, weights_sha256, write_json
from components.integrations import comparison_files
from components.integrations.model_registry.registry import CHAMPION
from components.stages import paths
from components.stages.bases import base_with
from flows.environment import REPO, STATE
from flows.night.tonight import Night
from flows.registry import registry

logger = logging.getLogger(__name__)
NOT_COMPARED = "version %s is no champion to compare with: %s"
IN_CONTEXT = (
    "it reads dishes in context; its Bento serves on until a version of a candidate with `vectors` or "
    "`factors` is promoted"
)


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def fetch_champion(night: Night) -> str | None:
    """Downloads the champion's adapter or rule to models/champion, unless that folder holds it already.

    If the champion is a candidate of this very night (an earlier run of it was promoted), the folder stays as
    it is: that candidate was trained from, and compared with, the champion in it.

    Returns:
        Version number of the champion; None where there is none, no night registered it, or it reads dishes
        in context.
    """
    target, model = REPO / paths.CHAMPION, night.params.register_.model
    version, tags = _champion(model)
    marker = target / "champion.json"
    fetched = read_json(marker) if marker.exists() else None
    if version is None:
        _fetch_nothing(target)
        return None
    if not fetched or (fetched["version"] != version and not _is_of_tonight(night, tags)):
        _fetch(model, version, target)
    lineage = read_json(marker)
    if lineage["version"] and not is_rule(lineage) and not (target / HEAD_FILE).exists():
        logger.warning(NOT_COMPARED, version, IN_CONTEXT)
        _fetch_nothing(target)
        return None
    return version


def _fetch(model: str, version: str, target: Path) -> None:
    """Downloads the adapter or rule of a version, and its lineage."""
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        artifacts = registry().download(model, version, Path(folder))
        shutil.rmtree(target, ignore_errors=True)
        lineage = read_json(artifacts / "lineage.json")
        shutil.copytree(artifacts / (RULE if is_rule(lineage) else "adapter"), target)
    write_json(target / "champion.json", {"version": version, **lineage})  # last: the folder is complete


def _fetch_nothing(target: Path) -> None:
    """Empties models/champion, unless it is empty already."""
    marker = target / "champion.json"
    if not marker.exists() or read_json(marker)["version"]:
        shutil.rmtree(target, ignore_errors=True)
        write_json(marker, {"version": None})


def _champion(model: str) -> tuple[str | None, Mapping[str, str]]:
    """Looks up the champion's version and tags.

    There is no version where its model or a part of its lineage is missing.
    """
    version = registry().alias(model, CHAMPION)
    tags = registry().tags(model, version) if version else {}
    reason = (why_gone(tags) or why_no_lineage(tags)) if version else None
    if reason:
        logger.warning(NOT_COMPARED, version, reason)
        return None, tags
    return version, tags


def _is_of_tonight(night: Night, tags: Mapping[str, str]) -> bool:
    """Tells whether a version with these tags is a candidate of this night."""
    if tags.get("night") != night.key:
        return False
    if is_rule(tags):
        return (REPO / paths.RULE).exists() and tags["rule_sha256"] == folder_sha256(REPO / paths.RULE)
    candidates = {weights_sha256(REPO / paths.ADAPTERS / name) for name in night.params.train.candidates}
    return tags["adapter_sha256"] in candidates


@task(cache_policy=NO_CACHE)
def choose_start(params: Params, *, full: bool) -> None:
    """Fills models/start with the champion's adapter, or with the reason why tonight trains from scratch.

    The folder is written only if it changes, since DVC's training stages depend on it.

    Args:
        full: Whether to train from scratch, whatever the champion is.
    """
    champion, start = REPO / paths.CHAMPION, REPO / paths.START
    lineage = read_json(champion / "champion.json")
    version, record = lineage["version"], champion / TRAINING_FILE
    is_adapter = version and record.exists() and not is_rule(lineage)
    training = Training.from_json(read_json(record)) if is_adapter else None
    newest = comparison_files.newest(REPO / paths.SPLITS)
    changed = _changed(params, lineage) if training else ""
    why = why_from_scratch(params.train, params.split.by, training, changed, newest, full=full) or ""
    if not why and registry().tags(params.register_.model, version).get(NEEDS_RETRAIN):
        why = "a person in the champion's data was forgotten"
    choice = {"version": "" if why else version, "why": why}
    if (start / "start.json").exists() and read_json(start / "start.json") == choice:
        return
    shutil.rmtree(start, ignore_errors=True)
    if not why:
        shutil.copytree(champion, start)
        (start / "champion.json").unlink()
    write_json(start / "start.json", choice)


def _changed(params: Params, champion: Mapping[str, Any]) -> str:
    """Names what differs from the champion's training, `base` or `prompt`; empty where both are the same."""
    if not base_with(champion["base_sha256"], REPO):
        return "base"
    return "" if champion["prompt_hash"] == prompt_hash(params.prompt.dish_fields) else "prompt"
