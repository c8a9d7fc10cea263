"""The task that makes tonight's best candidate a version in the registry, with its lineage."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain import gate_report
from components.domain.params import Params
from components.integrations import data_versions
from components.integrations.model_registry import CHALLENGER, CHAMPION, Registry
from components.stages import paths
from components.stages.paths import file_sha256, read_json, write_json
from flows.environment import ARTIFACTS, REPO, STATE
from flows.steps.data import Versions
from flows.steps.stages import night_key

PLOT = "Pair accuracy of every model with its interval"


@dataclass(frozen=True)
class Registered:
    """Tonight's best candidate in the registry, and whether it was there before."""

    version: str
    new: bool
    passed: bool
    champion: str | None


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
    gate_sha256 = file_sha256(REPO / paths.EVALUATION)
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
        version = server.register(model, runs[best], python_model, artifacts, REPO / "components", tags)
    # Beside MLflow's own pages this path leads to the night's artifact, so the person sees the plot at once.
    plot = f"get-artifact?path=evaluation.png&run_uuid={night}"
    server.comment(model, version, f"{gate_report.as_markdown(evaluation)}\n\n![{PLOT}]({plot})")
    return version


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
        "checks_sha256": file_sha256(REPO / paths.CHECKS),
        "data_md5": versions.data_md5,
        "git_sha": data_versions.git_sha(REPO),
        "adapter_sha256": evaluation["adapters"][best],
        "base_id": evaluation["base"]["id"],
        "base_sha256": evaluation["base"]["sha256"],
        "prompt_hash": evaluation["prompt_hash"],
    }
