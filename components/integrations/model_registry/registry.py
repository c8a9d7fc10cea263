"""MLflow: the registered model, its versions with their lineage, and its aliases.

The adapter is stored without its base: logging a PEFT model on a local base through `mlflow.transformers`
stores 292 MB that reload at random (MLflow 3.17).
"""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema

from components.domain.errors import StageFailed

CHAMPION, CHALLENGER = "champion", "challenger"
ALIAS_MOVED = ("model_version_alias.created", "model_version_alias.deleted")  # events of a webhook
MAX_DESCRIPTION = 5000  # characters; the width of MLflow's column, which SQLite does not enforce
_DATED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC: ")

_INPUTS = ("question_id", "role", "dish_id", "name", "description", "cuisine", "tags", "ingredients")
SIGNATURE = ModelSignature(
    Schema(
        [ColSpec(DataType.string, name) for name in _INPUTS]
        + [ColSpec(DataType.long, "verdict"), ColSpec(DataType.double, "rating", required=False)]
    ),
    Schema(
        [
            ColSpec(DataType.string, "question_id"),
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
    logger = logging.getLogger("mlflow.store.db.utils")  # logs a traceback of what it then raises
    logger.addFilter(_without_traceback)
    try:
        yield
    except MlflowException as error:
        words = _without_password(" ".join(str(error).split()))[:300]
        raise StageFailed(
            f"MLflow ({_without_password(mlflow.get_tracking_uri())}) did not do what was asked: {words}. "
            "Is it running, and may it be written to? Nothing is lost: run again once it is."
        ) from error
    finally:
        logger.removeFilter(_without_traceback)


def _without_password(text: str) -> str:
    """A database's address holds one."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def _without_traceback(record: logging.LogRecord) -> bool:
    return not record.exc_info


class Registry:
    """The registered models of one tracking server or database."""

    def __init__(self, uri: str) -> None:
        mlflow.set_tracking_uri(uri)
        self.client = MlflowClient(uri)

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
        while len("\n\n".join([*said, *rest])) > MAX_DESCRIPTION and len(said) > 2:
            said.pop(-2)
        text = "\n\n".join([*said, *rest])[:MAX_DESCRIPTION]
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
