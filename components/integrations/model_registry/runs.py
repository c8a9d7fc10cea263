"""MLflow: one run for each night, with a child run for each candidate.

A night's run is found by its key until it is finished, so a night that failed or was killed continues in the
same run.
"""

from __future__ import annotations

import contextlib
import csv
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Run
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from components.integrations.model_registry.checksums import grouped

logger = logging.getLogger(__name__)
EXPERIMENT = "palate"
ABOUT = "A run for each night, and below it a run for each candidate. Compare nights by pair_accuracy."
NIGHT_KEY, CANDIDATE = "PALATE_NIGHT", "PALATE_CANDIDATE"  # environment variables of a training stage
RUNNING, FINISHED, FAILED, KILLED = "RUNNING", "FINISHED", "FAILED", "KILLED"  # MLflow's statuses of runs
LogStep = Callable[[int, Mapping[str, float]], None]


class Runs:
    """The runs of one tracking server or database."""

    def __init__(self, uri: str, artifacts: Path) -> None:
        mlflow.set_tracking_uri(uri)
        self.client = MlflowClient(uri)
        experiment = self.client.get_experiment_by_name(EXPERIMENT)
        if experiment:
            self.experiment = str(experiment.experiment_id)
        else:  # without a server nothing else sets the artifacts' folder
            local = artifacts.resolve().as_uri() if "://" not in uri or uri.startswith("sqlite") else None
            about = {"mlflow.note.content": ABOUT}
            self.experiment = self.client.create_experiment(EXPERIMENT, artifact_location=local, tags=about)

    def night_run(self, key: str) -> str:
        """Finds the unfinished run of a night by its key, or creates a new run; returns its id."""
        unfinished = f"attributes.status != '{FINISHED}'"
        runs = self._runs(f"tags.night = '{key}' and tags.kind = 'night' and {unfinished}")
        if runs:
            return self._resumed(runs[0])
        tags, name = {"night": key, "kind": "night"}, f"night {datetime.now().astimezone():%Y-%m-%d}"
        return str(self.client.create_run(self.experiment, tags=tags, run_name=name).info.run_id)

    def candidate_run(self, night: str, name: str, *, afresh: bool) -> str:
        """Finds a candidate's run under a night's run, or creates a new run; returns its id.

        Args:
            afresh: Whether to delete earlier runs of a killed training, so that the loss curve shows only one
                training.
        """
        runs = self._runs(f"tags.`mlflow.parentRunId` = '{night}' and tags.candidate = '{name}'")
        if runs and not afresh:
            return self._resumed(runs[0])
        for run in runs:
            self.client.delete_run(run.info.run_id)
        tags = {"mlflow.parentRunId": night, "candidate": name, "kind": "candidate"}
        return str(self.client.create_run(self.experiment, tags=tags, run_name=name).info.run_id)

    def _resumed(self, run: Run) -> str:
        """Sets a run that failed or was killed to running again, and returns its id."""
        if run.info.status not in {RUNNING, FINISHED}:
            self.client.update_run(run.info.run_id, RUNNING)
        return str(run.info.run_id)

    def finish(self, run: str) -> None:
        """Marks a run as finished."""
        self.client.set_terminated(run)

    def end_night(self, key: str, status: str) -> None:
        """Ends all runs of a night that are running.

        If it ended well, also the runs of its killed attempts.

        Args:
            status: FINISHED, or how the night failed: FAILED or KILLED.
        """
        unfinished = f"!= '{FINISHED}'" if status == FINISHED else f"= '{RUNNING}'"
        which = f"attributes.status {unfinished}"
        for night in self._runs(f"tags.night = '{key}' and {which}"):
            of_night = f"tags.`mlflow.parentRunId` = '{night.info.run_id}' and {which}"
            for run in (*self._runs(of_night), night):
                self.client.set_terminated(run.info.run_id, status)

    def log_candidate(
        self, run: str, params: Mapping[str, Any], metrics: Mapping[str, float], curve: Path
    ) -> None:
        """Logs a candidate's params and metrics, and the part of its loss curve that training has not logged.

        That part is the whole curve if DVC restored the result, or the rest if MLflow failed during training.

        Args:
            curve: CSV file with the columns step and loss.
        """
        for name, value in params.items():
            self.client.log_param(run, name, value)
        for name, number in metrics.items():
            self.client.log_metric(run, name, number)
        logged = len(self.client.get_metric_history(run, "loss"))
        log = self._step_logger(run)
        with curve.open(encoding="utf-8", newline="") as file:
            for row in islice(csv.DictReader(file), logged, None):
                log(int(row["step"]), {"loss": float(row["loss"])})

    def log_data(self, run: str, name: str, md5: str, source: str) -> None:
        """Records the data version that a run learnt from, as MLflow's pages show datasets.

        Args:
            md5: Version of the data, DVC's md5.
            source: Address of DVC's remote that has the data.
        """
        data = Dataset(name, md5, "dvc", source)
        self.client.log_inputs(run, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])

    def log_night(
        self,
        run: str,
        tags: Mapping[str, str],
        metrics: Mapping[str, float],
        files: list[Path],
        params: Mapping[str, object],
    ) -> None:
        """Logs what holds for the whole night.

        Args:
            tags: Lineage; stored as tags of the run.
            files: Reports and pointers that are stored as artifacts.
        """
        for name, value in params.items():
            self.client.log_param(run, name, value)
        for name, value in grouped(tags).items():
            self.client.set_tag(run, name, value)
        for name, number in metrics.items():
            self.client.log_metric(run, name, number)
        for file in files:
            self.client.log_artifact(run, str(file))

    def remove_artifacts(self, run: str, names: Sequence[str]) -> None:
        """Removes files and folders of these names, if the run has them and was not removed itself."""
        try:
            uri = self.client.get_run(run).info.artifact_uri  # also of a run in the trash
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return
            raise
        stored = {entry.path for entry in self.client.list_artifacts(run)}
        repository = get_artifact_repository(uri)
        for name in stored.intersection(names):
            repository.delete_artifacts(name)

    def _step_logger(self, run: str) -> LogStep:
        def log(step: int, metrics: Mapping[str, float]) -> None:
            now_ms = int(mlflow.utils.time.get_current_time_millis())
            self.client.log_batch(run, [Metric(name, value, now_ms, step) for name, value in metrics.items()])

        return log

    def _runs(self, filter_string: str) -> list[Run]:
        return list(
            self.client.search_runs([self.experiment], filter_string, order_by=["attributes.start_time DESC"])
        )


class _Live:
    """The run of a candidate while it trains. If MLflow fails, training goes on without it."""

    def __init__(self, night: str, name: str) -> None:
        self._log: LogStep | None = None
        with self._or_without():
            runs = Runs(os.environ["MLFLOW_TRACKING_URI"], Path(os.environ["PALATE_ARTIFACTS"]))
            run = runs.candidate_run(runs.night_run(night), name, afresh=True)
            self._log, self._finish = runs._step_logger(run), partial(runs.finish, run)

    def step(self, step: int, metrics: Mapping[str, float]) -> None:
        if self._log:
            with self._or_without():
                self._log(step, metrics)

    def end(self) -> None:
        if self._log:
            with self._or_without():
                self._finish()

    @contextlib.contextmanager
    def _or_without(self) -> Iterator[None]:
        try:
            yield
        except (MlflowException, SQLAlchemyError, OSError) as error:
            self._log = None  # each further step would wait for it again
            logger.warning("MLflow failed, training goes on and is logged at its end: %s", _line(error))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


@contextlib.contextmanager
def live_run() -> Iterator[LogStep]:
    """Yields a function that logs a training step's metrics into the candidate's run of tonight.

    The function does nothing if `dvc repro` runs without a night, or if MLflow fails.
    """
    night, name = os.environ.get(NIGHT_KEY), os.environ.get(CANDIDATE)
    if not night or not name:
        yield lambda _step, _metrics: None
        return
    live = _Live(night, name)
    yield live.step
    live.end()
