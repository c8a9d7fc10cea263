"""The task that makes tonight's best candidate and the rule versions in the registry, with their lineage."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.records import RULE
from components.domain.verdict.canary import from_json, proves_nothing
from components.domain.verdict.evaluation import SERVED_RULE, EvaluationReport
from components.domain.verdict.gate_report import as_markdown
from components.domain.verdict.metrics import METRICS
from components.domain.verdict.model_card import Trained, model_card
from components.files import file_sha256, read_json, write_json
from components.integrations import data_versions
from components.integrations.model_registry.registry import CHALLENGER, CHAMPION, Registry
from components.integrations.model_registry.runs import FINISHED, Runs
from components.stages import paths
from components.stages.bases import base_facts, base_with
from components.stages.reports import read_report
from flows.environment import REPO, STATE
from flows.night.tonight import Night
from flows.registry import Registered, registry, runs

logger = logging.getLogger(__name__)
PLOT = "Pair accuracy of every model with its interval"


@task(cache_policy=NO_CACHE)
def register(night: Night, commit: str) -> Registered:
    """Logs the night, makes the best candidate a version (once for each gate report), and sets its aliases.

    The rule becomes a version, too, if it serves while there is no champion, or if its gate passed.

    Args:
        commit: The night's commit on the branch `nights`.
    """
    model, server = night.params.register_.model, registry()
    report = read_report(REPO / paths.EVALUATION)
    version, new = _version(night, commit, server, report)
    passed = report.gate.decision == "pass"
    if passed:
        server.point(model, CHALLENGER, version)
        if night.params.register_.promote_first:
            server.make_first_champion(model, version)
    champion = server.alias(model, CHAMPION)
    serves = _unpromoted(night) if champion is None else None
    rule, rule_new = _rule(night, commit, server, report, serves)
    runs().end_night(night.key, FINISHED)
    unpromoted = rule if serves == RULE else version if serves else None
    return Registered(version, new, passed, champion, rule, rule_new, unpromoted)


def _unpromoted(night: Night) -> str | None:
    """Chooses what serves while there is no champion: the rule, the candidate, or nothing.

    A candidate serves only if a service can prove that it serves it.
    """
    wanted = night.params.package.serve
    if wanted == "preview" and proves_nothing(from_json(read_json(REPO / paths.CANARY))):
        logger.warning(
            "the candidate's scores hardly depend on its training, so no service could prove that it "
            "serves it: the best rule serves"
        )
        return RULE
    return {"best": RULE, "preview": "candidate", "champion": None}[wanted]


def _rule(
    night: Night, commit: str, server: Registry, report: EvaluationReport, serves: str | None
) -> tuple[str | None, bool]:
    """Makes the rule a version if it is to serve or be promoted; returns its number and whether it is new."""
    served = report.served_rule
    is_proven = served is not None and served.gate.decision == "pass"
    if served is None or not (serves == RULE or is_proven):
        return None, False
    version, new = _version(night, commit, server, replace(report, gate=served.gate))
    if is_proven and report.gate.decision != "pass":
        server.point(night.params.register_.model, CHALLENGER, version)
    return version, new


def _version(night: Night, commit: str, server: Registry, report: EvaluationReport) -> tuple[str, bool]:
    """Finds or registers the version that the report's gate judges, and whether it is new."""
    model, gate_sha256 = night.params.register_.model, file_sha256(REPO / paths.EVALUATION)
    tags = _lineage(night, report, gate_sha256)
    found = server.find_version(model, gate_sha256, tags["candidate"])
    version = found or _register_new(night, commit, server, report, tags)
    if not server.is_described(model, version):  # also after a night that was killed before it
        _describe(server, model, version, report)
    return version, found is None


def _register_new(
    night: Night, commit: str, server: Registry, report: EvaluationReport, lineage: Mapping[str, str]
) -> str:
    name, tracking = report.gate.candidate, runs()
    night_run = tracking.night_run(night.key)
    tags = {**lineage, "night_commit": commit, "night_run": night_run, "night": night.key}
    tags["registered_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    # A tag, since a night that goes on after an upgrade could not change a param of its run.
    tags["requirements_sha256"] = file_sha256(REPO / "requirements.lock")
    if name == SERVED_RULE:
        run = tracking.candidate_run(night_run, SERVED_RULE, afresh=False)
    else:
        run = _log_night(night, tracking, night_run, tags, report)[name]
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        artifacts = _artifacts(Path(folder), night, name, tags)
        artifacts["card"] = Path(folder) / "model_card.md"
        artifacts["card"].write_text(_card(night, report, tags), encoding="utf-8")
        python_model = REPO / "serving" / "mlflow_model.py"
        model = night.params.register_.model
        return server.register(model, run, python_model, artifacts, REPO / "components", tags)


def _describe(server: Registry, model: str, version: str, report: EvaluationReport) -> None:
    """Writes the gate's table on a version's page in MLflow, where a person decides whether to promote it."""
    # On MLflow's page of the version this relative address shows the plot that the night's run holds.
    plot = f"get-artifact?path=evaluation.png&run_uuid={server.tags(model, version).get('night_run')}"
    server.comment(model, version, f"{as_markdown(report)}\n\n![{PLOT}]({plot})")


def _settings(night: Night) -> dict[str, object]:
    """Collects what repeating the training needs besides data and code."""
    train = night.params.train
    return {"seed": train.seed, "threads": train.threads}


def _card(night: Night, report: EvaluationReport, tags: Mapping[str, str]) -> str:
    """Writes the version's model card, with the base's licence where the base's package names one."""
    folder = base_with(tags.get("base_sha256", ""), REPO)
    licence = str(base_facts(folder).get("licence") or "") if folder else ""
    base, data = (tags.get("base_id", ""), licence), (night.data_md5, night.events)
    return model_card(Trained(tags["candidate"], *base, *data, _settings(night)), report)


def _artifacts(folder: Path, night: Night, name: str, tags: Mapping[str, str]) -> dict[str, Path]:
    """Copies the files that travel with a version into `folder`, and returns their paths by name.

    Apart from them `folder` stays empty.
    """
    write_json(folder / "lineage.json", {**tags, "dish_fields": night.params.prompt.dish_fields})
    rule = name == SERVED_RULE
    kind, model, canary = (
        (RULE, paths.RULE, paths.RULE_CANARY) if rule else ("adapter", paths.ADAPTERS / name, paths.CANARY)
    )
    return {
        # MLflow stores files and folders under their own names: `folder` is what a download will be.
        kind: shutil.copytree(REPO / model, folder / kind),
        "lineage": folder / "lineage.json",
        "canary": Path(shutil.copy(REPO / canary, folder / "canary.json")),
        "evaluation": Path(shutil.copy(REPO / paths.EVALUATION, folder)),
    }


def _log_night(
    night: Night, tracking: Runs, night_run: str, tags: Mapping[str, str], report: EvaluationReport
) -> dict[str, str]:
    """Logs the night's run and a child run for each candidate; returns the children's ids by candidate."""
    candidate_runs = {}
    for name, candidate in night.params.train.candidates.items():
        candidate_runs[name] = tracking.candidate_run(night_run, name, afresh=False)
        result = report.models.get(name)  # where nobody was tested nothing was measured
        metrics = {metric: getattr(result, metric).mean for metric in METRICS if result}
        curve = REPO / paths.REPORTS / "training" / f"{name}.csv"
        tracking.log_candidate(candidate_runs[name], candidate.model_dump(), metrics, curve)
    gap = report.gate.difference
    reports = (
        paths.EVALUATION,
        paths.CHECKS,
        paths.REPORTS / "checks.html",
        paths.DATA_DOCS,
        paths.REPORTS / "evaluation.png",
        paths.REPORTS / "calibration.png",
    )
    pointers = "dvc.lock", "data/events.dvc", "params.yaml", "requirements.lock"
    files = [REPO / path for path in (*pointers, *reports)]
    metrics = {"gate_difference": gap.mean, "gate_difference_low": gap.low, **_curves(report)}
    tracking.log_data(night_run, "events", night.data_md5, data_versions.default_remote(REPO))
    tracking.log_night(night_run, tags, metrics, files, _settings(night))
    return candidate_runs


def _curves(report: EvaluationReport) -> dict[str, float]:
    """Collects the points of the curves over nights: the best candidate, the best rule, the champion."""
    rules = (name for name, result in report.best_first if result.kind == "rule")
    names = {
        "pair_accuracy": report.gate.candidate,
        "rule_pair_accuracy": next(rules, ""),
        "champion_pair_accuracy": "champion",
    }
    measured = {metric: report.models[name] for metric, name in names.items() if name in report.models}
    return {metric: result.pair_accuracy.mean for metric, result in measured.items()}


def _lineage(night: Night, report: EvaluationReport, gate_sha256: str) -> dict[str, str]:
    """Collects the tags that lead from a version back to its rows: DESIGN.md, "Registry and release"."""
    gate = report.gate
    common = {
        "gate": gate.decision,
        "gate_reason": gate.reason,
        "gate_sha256": gate_sha256,
        "checks_sha256": file_sha256(REPO / paths.CHECKS),
        "data_md5": night.data_md5,
        "git_sha": data_versions.git_sha(REPO),
    }
    if gate.candidate == SERVED_RULE and report.served_rule:
        rule = report.served_rule
        return {"kind": RULE, "candidate": rule.name, **common, "rule_sha256": rule.sha256}
    return {
        "candidate": gate.candidate,
        **common,
        "adapter_sha256": report.adapters[gate.candidate],
        "base_id": report.base["id"],
        "base_sha256": report.base["sha256"],
        "prompt_hash": report.prompt_hash,
    }
