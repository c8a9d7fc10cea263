"""Tasks that run one DVC stage each; DVC skips what is up to date and restores what it computed before."""

from __future__ import annotations

import shutil

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.params import Params
from components.integrations import data_versions
from components.integrations.model_registry.runs import CANDIDATE, NIGHT_KEY
from components.stages.bases import MARKER
from components.stages.paths import BASE, BASES, ENDS_WITH_STDIN, ERROR_PREFIX
from flows import console, last_night
from flows.environment import REPO
from flows.night import data
from flows.night.tonight import Night

_DVC_CHATTER = (  # starts of DVC's lines that are not shown: they say nothing about the night
    "'data/",
    "> ",
    "Data and pipelines",
    "Generating lock",
    "Stage '",
    "To enable auto",
    "To track",
    "Updating lock",
    "Use `dvc push`",
    "\tdvc config",
    "\tgit add",
    "WARNING: 'models/bases' is empty",
)


@task(cache_policy=NO_CACHE)
def materialise_base(params: Params) -> None:
    """Writes the base models that params name to models/base and models/bases, unless they are there."""
    (REPO / BASES).mkdir(parents=True, exist_ok=True)
    for folder in (REPO / BASES).iterdir():
        if folder.is_dir() and folder.name not in params.base.others:
            shutil.rmtree(folder)
    others = {REPO / BASES / name: spec for name, spec in params.base.others.items()}
    for folder, spec in {REPO / BASE: params.base.model, **others}.items():
        marker = folder / MARKER
        if marker.exists() and f'"{spec}"' in marker.read_text(encoding="utf-8"):
            continue
        # Imported here, since transformers takes seconds to import.
        from components.integrations import base_models

        base_models.materialise(spec, folder)


@task(cache_policy=NO_CACHE, task_run_name="{stage}")
def run(stage: str, params: Params) -> bool:
    """Runs `dvc repro STAGE`; returns whether the stage ran, instead of being up to date or restored."""
    return _repro(stage, {}, params)


@task(cache_policy=NO_CACHE)
def check(night: Night) -> bool:
    """Runs `dvc repro check` and records tonight's data as accepted; returns whether the stage ran."""
    ran = _repro("check", {}, night.params)
    data.record_as_accepted(night)
    return ran


@task(cache_policy=NO_CACHE, task_run_name="train {name}")
def train(name: str, night: Night) -> bool:
    """Runs `dvc repro train@NAME`, which logs into tonight's MLflow run; returns whether it ran."""
    last_night.record_key(night.key)  # from now on MLflow may hold unfinished runs of it
    return _repro(f"train@{name}", {NIGHT_KEY: night.key, CANDIDATE: name}, night.params)


def _repro(stage: str, env: dict[str, str], params: Params) -> bool:
    ran = False

    def on_line(line: str) -> None:
        nonlocal ran
        ran = ran or line.startswith("Running stage")
        if line and not line.startswith(_DVC_CHATTER):
            console.show(line)

    data_versions.dvc(
        REPO,
        "repro",
        stage,
        env=env | {ENDS_WITH_STDIN: "1"},
        on_line=on_line,
        failure_prefix=ERROR_PREFIX,
        limit_s=params.up.stage_limit_h * 3600,
    )
    return ran
