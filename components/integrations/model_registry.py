"""MLflow: one run a night with a child for each candidate, and the registered model with its lineage.

A night's run is found again by its key while it is unfinished, so a night that was killed goes on in the same
run. The adapter is stored without its base (logging a PEFT model on a local base through
`mlflow.transformers` stores 292 MB that reload at random: MLflow 3.17).
"""

from __future__ import annotations

import contextlib
import csv
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Metric, Run
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema

from components.domain.errors import StageFailed

EXPERIMENT = "palate"
CHAMPION, CHALLENGER = "champion", "challenger"
ALIAS_MOVED = ("model_version_alias.created", "model_version_alias.deleted")  # events of a webhook
NIGHT_KEY, CANDIDATE = "PALATE_NIGHT", "PALATE_CANDIDATE"  # environment variables of a training stage
MOST_CHARACTERS = 5000  # of a description: MLflow's column, of which SQLite does not mind the width
_DATED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC: ")
LogStep = Callable[[int, Mapping[str, float]], None]

_ASKED = ("case_id", "role", "dish_id", "name", "description", "cuisine", "tags", "ingredients")
SIGNATURE = ModelSignature(
    Schema(
        [ColSpec(DataType.string, name) for name in _ASKED]
        + [ColSpec(DataType.long, "verdict"), ColSpec(DataType.double, "rating", required=False)]
    ),
    Schema(
        [
            ColSpec(DataType.string, "case_id"),
            ColSpec(DataType.string, "dish_id"),
            ColSpec(DataType.double, "score"),
            ColSpec(DataType.long, "rank"),
        ]
    ),
)


@contextlib.contextmanager
def failures_as_sentences() -> Iterator[None]:
    """Turns what MLflow raises into one sentence.

    Raises:
        StageFailed: MLflow is down, read-only or refused; with its own words.
    """
    talk = logging.getLogger("mlflow.store.db.utils")  # logs a traceback of what it then raises
    talk.addFilter(_without_traceback)
    try:
        yield
    except MlflowException as error:
        words = _without_password(" ".join(str(error).split()))[:300]
        raise StageFailed(
            f"MLflow ({_without_password(mlflow.get_tracking_uri())}) did not do what was asked: {words}. "
            "Is it running, and may it be written to? Nothing is lost: run again once it is."
        ) from error
    finally:
        talk.removeFilter(_without_traceback)


def _without_password(text: str) -> str:
    """A database's address holds one."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def _without_traceback(record: logging.LogRecord) -> bool:
    return not record.exc_info


class Registry:
    """One tracking server (or database) as Palate uses it."""

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

    def find_version(self, model: str, gate_sha256: str) -> str | None:
        """The version that carries this very gate report, if it is registered already."""
        found = self.client.search_model_versions(f"name = '{model}' and tags.gate_sha256 = '{gate_sha256}'")
        return str(found[0].version) if found else None

    def register(
        self,
        model: str,
        run: str,
        python_model: Path,
        artifacts: Mapping[str, Path],
        code: Path,
        tags: Mapping[str, str],
    ) -> str:
        """Stores an adapter as a pyfunc model and makes it a version of the registered model.

        Args:
            model: Name of the registered model; made where it does not exist.
            run: The candidate's run.
            python_model: A models-from-code file.
            artifacts: Files and folders that travel with the model, by name.
            code: Package folder that the python model imports.
            tags: The lineage; on the version from its first moment.

        Returns:
            The version.
        """
        with mlflow.start_run(run_id=run), warnings.catch_warnings():
            # An example would make MLflow load and run the model; the signature is given.
            warnings.filterwarnings("ignore", message=".*input example was not provided")
            logged = mlflow.pyfunc.log_model(
                name=model,
                python_model=str(python_model),
                artifacts={name: str(path) for name, path in artifacts.items()},
                code_paths=[str(code)],
                signature=SIGNATURE,
                pip_requirements=["torch", "transformers", "peft", "safetensors", "gguf", "pydantic"],
            )
        return str(mlflow.register_model(logged.model_uri, model, tags=dict(tags)).version)

    def alias(self, model: str, name: str) -> str | None:
        """The version that an alias points at."""
        try:
            return str(self.client.get_model_version_by_alias(model, name).version)
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None
            raise

    def point(self, model: str, name: str, version: str) -> None:
        """Moves an alias; the version it pointed at stays findable."""
        if self.alias(model, name) != version:
            self.client.set_registered_model_alias(model, name, version)

    def make_first_champion(self, model: str, version: str) -> None:
        """Makes a version the champion unless this model ever had one: what a person takes away stays away.

        The tag that remembers it is set last, so a night killed in between does it again.
        """
        if "first_champion" in self.client.get_registered_model(model).tags:
            return
        if self.alias(model, CHAMPION) is None:
            self.point(model, CHAMPION, version)
        self.client.set_registered_model_tag(model, "first_champion", "exists since this tag does")

    def tags(self, model: str, version: str) -> dict[str, str]:
        """A version's lineage."""
        return dict(self.client.get_model_version(model, version).tags)

    def run_of(self, model: str, version: str) -> str:
        """Id of the training that made a version."""
        return str(self.client.get_model_version(model, version).run_id)

    def versions(self, model: str) -> dict[str, dict[str, str]]:
        """The tags of every version, oldest first."""
        found = self.client.search_model_versions(f"name = '{model}'")
        return {
            str(each.version): dict(each.tags) for each in sorted(found, key=lambda each: int(each.version))
        }

    def tag(self, model: str, version: str, name: str, value: str) -> None:
        """Sets a version's tag where it says something else."""
        if self.tags(model, version).get(name) != value:
            self.client.set_model_version_tag(model, version, name, value)

    def untag(self, model: str, version: str, name: str) -> None:
        """Takes a version's tag away where it has it."""
        if name in self.tags(model, version):
            self.client.delete_model_version_tag(model, version, name)

    def comment(self, model: str, version: str, sentence: str) -> None:
        """Puts a dated paragraph on top of a version's description, where the top one says something else.

        Where MLflow would take no more characters the older ones give way, but not the very first, which is
        the gate report.
        """
        known = self.client.get_model_version(model, version).description or ""
        if known.partition(": ")[2].startswith(sentence):
            return
        parts = [part for part in known.split("\n\n") if part]
        said = [part for part in parts if _DATED.match(part)]
        rest = [part for part in parts if not _DATED.match(part)]
        said.insert(0, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {sentence}")
        while len("\n\n".join([*said, *rest])) > MOST_CHARACTERS and len(said) > 2:
            said.pop(-2)
        text = "\n\n".join([*said, *rest])[:MOST_CHARACTERS]
        self.client.update_model_version(model, version, text)

    def ensure_webhook(self, name: str, url: str, events: Sequence[str], secret: str) -> None:
        """Makes one webhook of this name, with this address and secret, in place of any before it."""
        for known in self.client.list_webhooks():
            if known.name == name:
                self.client.delete_webhook(known.webhook_id)
        self.client.create_webhook(name, url, list(events), secret=secret)

    def download(self, model: str, version: str, target: Path) -> Path:
        """Fetches a version's artifacts (adapter/, canary.json, evaluation.json); returns their folder."""
        target.mkdir(parents=True, exist_ok=True)
        return (
            Path(mlflow.artifacts.download_artifacts(f"models:/{model}/{version}", dst_path=str(target)))
            / "artifacts"
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
    registry = Registry(os.environ["MLFLOW_TRACKING_URI"], Path(os.environ["PALATE_ARTIFACTS"]))
    run = registry.candidate_run(registry.night_run(key), name, afresh=True)
    yield registry._step_logger(run)
    registry.finish(run)
