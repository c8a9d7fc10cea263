"""Tasks between the night and the registry.

The champion comes in, the best candidate goes out, a Bento is built.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.errors import StageFailed
from components.domain.params import Params
from components.integrations import bentos, data_versions
from components.integrations.model_registry import CHALLENGER, CHAMPION, Registry
from components.stages import paths
from components.stages.paths import ERROR_PREFIX, read_json, write_json
from flows.environment import ARTIFACTS, REPO, STATE
from flows.steps.data import Versions
from flows.steps.stages import night_key

SERVED = Path("models/served")
BENTO_TAG = STATE / "bento"  # the tag that `make serve` serves


@dataclass(frozen=True)
class Registered:
    """Tonight's best candidate in the registry, and whether it was there before."""

    version: str
    new: bool
    passed: bool
    champion: str | None


@dataclass(frozen=True)
class Packaged:
    """The Bento that serves, and whether it was there before."""

    tag: str
    version: str
    preview: bool
    new: bool


def registry() -> Registry:
    """The tracking server that the environment names."""
    return Registry(os.environ["MLFLOW_TRACKING_URI"], ARTIFACTS)


@task(cache_policy=NO_CACHE)
def register(params: Params, versions: Versions, night_commit: str) -> Registered:
    """Logs the night and makes the best candidate a version, once for each gate report.

    Sets the aliases it earned.
    """
    model, server = params.register_.model, registry()
    evaluation = read_json(REPO / paths.EVALUATION)
    gate_sha256 = _sha256(REPO / paths.EVALUATION)
    version = server.find_version(model, gate_sha256)
    new = version is None
    if version is None:
        version = _register_new(params, versions, night_commit, server, evaluation, gate_sha256)
    server.finish_night(night_key(versions))
    passed = evaluation["gate"]["decision"] == "pass"
    if passed:
        server.point(model, CHALLENGER, version)
        if params.register_.promote_first:
            server.make_first_champion(model, version)
    return Registered(version, new, passed, server.alias(model, CHAMPION))


def _register_new(
    params: Params,
    versions: Versions,
    night_commit: str,
    server: Registry,
    evaluation: Mapping[str, Any],
    gate_sha256: str,
) -> str:
    best, model = evaluation["gate"]["candidate"], params.register_.model
    night = server.night_run(night_key(versions))
    lineage = _lineage(versions, evaluation, gate_sha256)
    tags = lineage | {"night_commit": night_commit, "night_run": night, "night": night_key(versions)}
    runs = _log_night(params, server, night, tags, evaluation)
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        facts = {"dish_fields": params.prompt.dish_fields, "max_history": params.split.max_history}
        write_json(Path(folder) / "lineage.json", {**tags, **facts})
        # MLflow stores a folder under its own name, which readers of any version must know.
        adapter = shutil.copytree(REPO / paths.ADAPTERS / best, Path(folder) / "adapter")
        artifacts = {
            "adapter": adapter,
            "lineage": Path(folder) / "lineage.json",
            "canary": REPO / paths.CANARY,
            "evaluation": REPO / paths.EVALUATION,
        }
        python_model = REPO / "serving" / "mlflow_model.py"
        return server.register(model, runs[best], python_model, artifacts, REPO / "components", tags)


def _log_night(
    params: Params, server: Registry, night: str, tags: Mapping[str, str], evaluation: Mapping[str, Any]
) -> dict[str, str]:
    """The night's run and a child for each candidate; returns the children's ids by candidate."""
    runs = {}
    for name, candidate in params.train.candidates.items():
        runs[name] = server.candidate_run(night, name, afresh=False)
        row = evaluation["models"][name]
        metrics = {metric: row[metric]["mean"] for metric in ("pair_accuracy", "top1", "ndcg")}
        server.log_candidate(
            runs[name], candidate.model_dump(), metrics, REPO / paths.REPORTS / "training" / f"{name}.csv"
        )
    gap = evaluation["gate"]["difference"]
    reports = (
        paths.EVALUATION,
        paths.CHECKS,
        paths.REPORTS / "checks.html",
        paths.REPORTS / "evaluation.png",
    )
    files = [REPO / path for path in ("dvc.lock", "data/events.dvc", "params.yaml", *reports)]
    server.log_night(night, tags, {"gate_difference": gap["mean"], "gate_difference_low": gap["low"]}, files)
    return runs


def _lineage(versions: Versions, evaluation: Mapping[str, Any], gate_sha256: str) -> dict[str, str]:
    """The tags that lead from a version back to its rows: DESIGN.md, "Registry and release"."""
    best = evaluation["gate"]["candidate"]
    return {
        "candidate": best,
        "gate": evaluation["gate"]["decision"],
        "gate_reason": evaluation["gate"]["reason"],
        "gate_sha256": gate_sha256,
        "checks_sha256": _sha256(REPO / paths.CHECKS),
        "data_md5": versions.data_md5,
        "git_sha": data_versions.git_sha(REPO),
        "adapter_sha256": evaluation["adapters"][best],
        "base_id": evaluation["base"]["id"],
        "base_sha256": evaluation["base"]["sha256"],
        "prompt_hash": evaluation["prompt_hash"],
    }


@task(cache_policy=NO_CACHE)
def package(params: Params, registered: Registered) -> Packaged | None:
    """The champion as a Bento (without one.

    Tonight's best, marked as preview), built once for each version.
    """
    preview = registered.champion is None
    if preview and not params.package.preview:
        return None
    version, model = registered.champion or registered.version, params.register_.model
    tags = registry().tags(model, version)
    name = f"{'preview-' if preview else ''}v{version}-{tags['gate_sha256'][:8]}"
    tag = f"{model}:{name}"
    new = not bentos.exists(tag)
    if new:
        facts = {"model_version": version, "preview": preview, "model": model}
        _stage_model(model, version, facts | {"serve": params.serve.model_dump()})
        labels = {key: tags[key] for key in ("data_md5", "git_sha", "gate_sha256", "gate")}
        tag = bentos.build(REPO, name, labels | {"model_version": version, "preview": str(preview).lower()})
    BENTO_TAG.write_text(f"{tag}\n", encoding="utf-8")
    return Packaged(tag, version, preview, new)


def _stage_model(model: str, version: str, facts: Mapping[str, Any]) -> None:
    """Fills models/served: what bentofile.yaml takes along beside the code."""
    target = REPO / SERVED
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        artifacts = registry().download(model, version, Path(folder))
        merge = [
            sys.executable,
            "-m",
            "components.stages",
            "merge",
            str(artifacts / "adapter"),
            str(target / "model"),
        ]
        done = subprocess.run(merge, cwd=REPO, capture_output=True, text=True, check=False)
        if done.returncode:
            told = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise StageFailed(
                f"merging version {version} failed: {' '.join(told).removeprefix(ERROR_PREFIX)}"
            )
        shutil.copy(artifacts / "canary.json", target / "canary.json")
        lineage = read_json(artifacts / "lineage.json")
    write_json(target / "served.json", {**lineage, **facts})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
