"""Tasks that bring the champion in: to be compared with, and to go on training from."""

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
from components.domain.ranker.prompts import prompt_hash
from components.domain.verdict.admission import why_no_lineage
from components.files import read_json, weights_sha256, write_json
from components.integrations import base_models, comparison_files
from components.integrations.model_registry.registry import CHAMPION
from components.stages import paths
from flows.environment import REPO, STATE
from flows.steps.night import Night
from flows.steps.registration import registry

logger = logging.getLogger(__name__)


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def fetch_champion(night: Night) -> str | None:
    """The champion's adapter → models/champion, unless it is one of tonight's own candidates.

    That is so where this very night ran before and was promoted. The folder stays as it is then: the
    candidate was already judged, against the champion of that time, and trained from it. A version that no
    night registered is no champion here, since nothing could serve it.
    """
    target, model = REPO / paths.CHAMPION, night.params.register_.model
    version = registry().alias(model, CHAMPION)
    tags = registry().tags(model, version) if version else {}
    if version and why_no_lineage(tags):
        logger.warning("version %s is no champion to compare with: %s", version, why_no_lineage(tags))
        version = None
    known = read_json(target / "champion.json") if (target / "champion.json").exists() else None
    if version is None:
        if known is None or known["version"]:
            shutil.rmtree(target, ignore_errors=True)
            write_json(target / "champion.json", {"version": None})
        return None
    tonight = {weights_sha256(REPO / paths.ADAPTERS / name) for name in night.params.train.candidates}
    own = tags.get("night") == night.key and tags["adapter_sha256"] in tonight
    if known is not None and (known["version"] == version or own):
        return version
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        artifacts = registry().download(model, version, Path(folder))
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(artifacts / "adapter", target)
        facts = read_json(artifacts / "lineage.json")
    write_json(
        target / "champion.json", {"version": version, **facts}
    )  # last: it says that the folder is whole
    return version


@task(cache_policy=NO_CACHE)
def choose_start(params: Params, *, full: bool) -> None:
    """Fills models/start: the champion's adapter, or only the reason why tonight trains from scratch.

    Written only where it changes, since the training stages depend on it.
    """
    champion, start = REPO / paths.CHAMPION, REPO / paths.START
    version = read_json(champion / "champion.json")["version"]
    known = champion / TRAINING_FILE
    made = Training.from_json(read_json(known)) if version and known.exists() else None
    newest = comparison_files.newest(REPO / paths.SPLITS / "train.parquet")
    changed = _changed(params, read_json(champion / "champion.json")) if made else ""
    why = why_from_scratch(params.train, params.split.by, made, changed, newest, full=full)
    wanted = {"version": "" if why else version, "why": why}
    if (start / "start.json").exists() and read_json(start / "start.json") == wanted:
        return
    shutil.rmtree(start, ignore_errors=True)
    if not why:
        shutil.copytree(champion, start)
        (start / "champion.json").unlink()
    write_json(start / "start.json", wanted)


def _changed(params: Params, champion: Mapping[str, Any]) -> str:
    """What its weights do not fit any more."""
    base = read_json(REPO / paths.BASE / base_models.MARKER)
    if champion["base_sha256"] != base["sha256"]:
        return "base"
    return "" if champion["prompt_hash"] == prompt_hash(params.prompt.dish_fields) else "prompt"
