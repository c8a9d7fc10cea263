"""MLflow: one run a night with a child for each candidate.

A night's run is looked up by its key while it is unfinished: a night that was killed goes on in the same run.
"""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Metric, Run
from mlflow.tracking import MlflowClient

EXPERIMENT = "palate"
NIGHT_KEY, CANDIDATE = "PALATE_NIGHT", "PALATE_CANDIDATE"  # environment variables of a training stage
LogStep = Callable[[int, Mapping[str, float]], None]


class Runs:
    """The runs of one tracking server or database."""

    def __init__(self, uri: str, artifacts: Path) -> None:
        mlflow.set_tracking_uri(uri)
        self.client = MlflowClient(uri)
        experiment = self.client.get_experiment_by_name(EXPERIMENT)
        if experiment:
            self.experiment = str(experiment.experiment_id)
        else:  # a database has no server that knows where artifacts go
            local = artifacts.resolve().as_uri() if "://" not in uri or uri.startswith("sqlite") else None
            self.experiment = self.client.create_experiment(EXPERIMENT, artifact_location=local)

    def night_run(self, key: str) -> str:
        """Id of the unfinished run of this night; a new one where there is none."""
        found = self._runs(f"tags.night = '{key}' and tags.kind = 'night' and attributes.status = 'RUNNING'")
        if found:
            return str(found[0].info.run_id)
        tags = {"night": key, "kind": "night"}
        return str(self.client.create_run(self.experiment, tags=tags, run_name="night").info.run_id)

    def candidate_run(self, night: str, name: str, *, afresh: bool) -> str:
        """Id of a candidate's run under a night's run.

        Args:
            night: Id of the parent.
            name: Of the candidate.
            afresh: Delete what a killed training left, so that the curve is that of one training.
        """
        found = self._runs(f"tags.`mlflow.parentRunId` = '{night}' and tags.candidate = '{name}'")
        if found and not afresh:
            return str(found[0].info.run_id)
        for run in found:
            self.client.delete_run(run.info.run_id)
        tags = {"mlflow.parentRunId": night, "candidate": name, "kind": "candidate"}
        return str(self.client.create_run(self.experiment, tags=tags, run_name=name).info.run_id)

    def finish(self, run: str) -> None:
        """Marks a run as finished."""
        self.client.set_terminated(run)

    def finish_night(self, key: str) -> None:
        """Marks what is still open of a night as finished: a killed night may have left any of it."""
        for night in self._runs(f"tags.night = '{key}' and attributes.status = 'RUNNING'"):
            children = f"tags.`mlflow.parentRunId` = '{night.info.run_id}' and attributes.status = 'RUNNING'"
            for run in (*self._runs(children), night):
                self.finish(run.info.run_id)

    def log_candidate(
        self, run: str, params: Mapping[str, Any], metrics: Mapping[str, float], curve: Path
    ) -> None:
        """Params and results; and the loss curve, where DVC restored a training that never ran live."""
        for name, value in params.items():
            self.client.log_param(run, name, value)
        for name, number in metrics.items():
            self.client.log_metric(run, name, number)
        if not self.client.get_metric_history(run, "loss"):
            log = self._step_logger(run)
            with curve.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    log(int(row["step"]), {"loss": float(row["loss"])})

    def log_night(
        self, run: str, params: Mapping[str, str], metrics: Mapping[str, float], files: list[Path]
    ) -> None:
        """What holds for the whole night, and the files that prove it."""
        for name, value in params.items():
            self.client.set_tag(run, name, value)
        for name, number in metrics.items():
            self.client.log_metric(run, name, number)
        for file in files:
            self.client.log_artifact(run, str(file))

    def _step_logger(self, run: str) -> LogStep:
        def log(step: int, metrics: Mapping[str, float]) -> None:
            at = int(mlflow.utils.time.get_current_time_millis())
            self.client.log_batch(run, [Metric(name, value, at, step) for name, value in metrics.items()])

        return log

    def _runs(self, filter_string: str) -> list[Run]:
        return list(
            self.client.search_runs([self.experiment], filter_string, order_by=["attributes.start_time DESC"])
        )


@contextlib.contextmanager
def live_run() -> Iterator[LogStep]:
    """Logs a training stage's steps into its night's run.

    Does nothing where `dvc repro` runs without a night.
    """
    key, name = os.environ.get(NIGHT_KEY), os.environ.get(CANDIDATE)
    if not key or not name:
        yield lambda _step, _metrics: None
        return
    runs = Runs(os.environ["MLFLOW_TRACKING_URI"], Path(os.environ["PALATE_ARTIFACTS"]))
    run = runs.candidate_run(runs.night_run(key), name, afresh=True)
    yield runs._step_logger(run)
    runs.finish(run)
