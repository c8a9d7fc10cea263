"""MLflow: the registered model, its versions with their lineage, and its aliases.

The adapter is stored without its base: logging a PEFT model on a local base through `mlflow.transformers`
stores 292 MB that reload at random (MLflow 3.17).
"""

from __future__ import annotations

import contextlib
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import sqlalchemy as sa
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.store.artifact.models_artifact_repo import REGISTERED_MODEL_META_FILE_NAME
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema
from sqlalchemy.exc import SQLAlchemyError

from components.domain.errors import StageFailed
from components.domain.verdict.admission import ALL_ARTIFACTS
from components.files import folder_sha256, remove_bytecode
from components.integrations.model_registry.checksums import grouped, ungrouped

CHAMPION, CHALLENGER = "champion", "challenger"
ABOUT = (
    "The best candidate of each night, and the rule that serves while there is no champion. Read a version's "
    "description, the gate's table; then give the version the alias champion, and the next release pass "
    "serves it."
)
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
    """Turns MLflow's exceptions within the block into one sentence each.

    Raises:
        StageFailed: MLflow is down, read-only, refused a call or has a damaged database; the message is cut
            to 300 characters.
    """
    # This logger writes the traceback of an error that MLflow also raises.
    logger = logging.getLogger("mlflow.store.db.utils")
    logger.addFilter(_without_traceback)
    try:
        _connect_to_database(mlflow.get_tracking_uri())
        yield
    except (MlflowException, SQLAlchemyError) as error:
        words = _without_password(" ".join(str(error).split()))[:300]
        raise StageFailed(
            f"MLflow ({_without_password(mlflow.get_tracking_uri())}) did not do what was asked: {words}. "
            "Is it running, and may it be written to? Nothing is lost: run again once it is."
        ) from error
    finally:
        logger.removeFilter(_without_traceback)


def _connect_to_database(uri: str) -> None:
    """Fails at once if MLflow's own database does not answer, which MLflow itself would retry for minutes."""
    if uri.startswith(("postgresql", "mysql", "mssql")):
        sa.create_engine(uri, poolclass=sa.NullPool).connect().close()


def _without_password(text: str) -> str:
    """Replaces user and password in a database's address by stars."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def _without_traceback(record: logging.LogRecord) -> bool:
    return not record.exc_info


class Registry:
    """The registered models of one tracking server or database."""

    def __init__(self, uri: str) -> None:
        mlflow.set_tracking_uri(uri)
        self.client = MlflowClient(uri)

    def find_version(self, model: str, gate_sha256: str, candidate: str) -> str | None:
        """Finds the version of a candidate or rule in the gate report with this SHA-256; None without any."""
        query = f"name = '{model}' and tags.gate_sha256 = '{gate_sha256}' and tags.candidate = '{candidate}'"
        matches = self.client.search_model_versions(query)
        return str(matches[0].version) if matches else None

    def register(
        self,
        model: str,
        run: str,
        python_model: Path,
        artifacts: Mapping[str, Path],
        code: Path,
        tags: Mapping[str, str],
    ) -> str:
        """Stores an adapter or a rule as a pyfunc model and makes it a version of the registered model.

        Args:
            model: Name of the registered model; created where it does not exist.
            python_model: Python file that defines the pyfunc model.
            artifacts: Files and folders that are stored with the model, by name.
            code: Package folder that the python file imports.
            tags: Lineage; set together with the version, so that no version is ever without it. The tag
                ALL_ARTIFACTS is added: a checksum of what MLflow stored, code and settings as well.

        Returns:
            The version number.
        """
        with mlflow.start_run(run_id=run), warnings.catch_warnings():
            # With an input example MLflow would load and run the model to infer the signature.
            warnings.filterwarnings("ignore", message=".*input example was not provided")
            logged = mlflow.pyfunc.log_model(
                name=model,
                python_model=str(python_model),
                artifacts={name: str(path) for name, path in artifacts.items()},
                code_paths=[str(code)],
                signature=SIGNATURE,
                pip_requirements=[
                    "torch",
                    "transformers",
                    "peft",
                    "safetensors",
                    "scipy",
                    "gguf",
                    "pydantic",
                ],
            )
        with tempfile.TemporaryDirectory() as folder:
            whole = folder_sha256(_download(logged.model_uri, Path(folder)))
        tags = grouped({**tags, ALL_ARTIFACTS: whole})
        version = str(mlflow.register_model(logged.model_uri, model, tags=tags).version)
        if not self.client.get_registered_model(model).description:
            self.client.update_registered_model(model, ABOUT)
        return version

    def alias(self, model: str, name: str) -> str | None:
        """Looks up the version that an alias points at; None where the model or the alias does not exist."""
        try:
            return str(self.client.get_model_version_by_alias(model, name).version)
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None
            raise

    def point(self, model: str, name: str, version: str) -> None:
        """Moves an alias to a version."""
        if self.alias(model, name) != version:
            self.client.set_registered_model_alias(model, name, version)

    def make_first_champion(self, model: str, version: str) -> None:
        """Makes a version the champion, unless this model ever had a first champion.

        So an alias that a person removed is not set again. The tag that records it is set last: if a night is
        killed before that, the next night sets the alias again.
        """
        if "first_champion" in self.client.get_registered_model(model).tags:
            return
        if self.alias(model, CHAMPION) is None:
            self.point(model, CHAMPION, version)
        self.client.set_registered_model_tag(model, "first_champion", "exists since this tag does")

    def tags(self, model: str, version: str) -> dict[str, str]:
        """Reads the tags of a version, its lineage among them."""
        return ungrouped(self.client.get_model_version(model, version).tags)

    def run_of(self, model: str, version: str) -> str:
        """Looks up the id of the MLflow run that trained a version."""
        return str(self.client.get_model_version(model, version).run_id)

    def log(self, model: str, version: str, metrics: Mapping[str, float]) -> None:
        """Adds a point to curves of the run that trained a version."""
        for name, number in metrics.items():
            self.client.log_metric(self.run_of(model, version), name, number)

    def versions(self, model: str) -> dict[str, dict[str, str]]:
        """Reads the tags of every version, oldest version first."""
        versions = self.client.search_model_versions(f"name = '{model}'")
        oldest_first = sorted(versions, key=lambda version: int(version.version))
        return {str(version.version): ungrouped(version.tags) for version in oldest_first}

    def tag(self, model: str, version: str, name: str, value: str) -> None:
        """Sets a tag of a version, unless it has this value already."""
        if self.tags(model, version).get(name) != value:
            self.client.set_model_version_tag(model, version, name, value)

    def untag(self, model: str, version: str, name: str) -> None:
        """Removes a tag of a version, if the version has it."""
        if name in self.tags(model, version):
            self.client.delete_model_version_tag(model, version, name)

    def is_described(self, model: str, version: str) -> bool:
        """Tells whether a version has a description."""
        return bool(self.client.get_model_version(model, version).description)

    def comment(self, model: str, version: str, sentence: str) -> None:
        """Puts a dated paragraph on top of a version's description, unless the top one has this sentence.

        A description longer than MAX_DESCRIPTION characters loses its second oldest comments first; the
        oldest one holds the gate report.
        """
        description = self.client.get_model_version(model, version).description or ""
        if description.partition(": ")[2].startswith(sentence):
            return
        paragraphs = [paragraph for paragraph in description.split("\n\n") if paragraph]
        comments = [paragraph for paragraph in paragraphs if _DATED.match(paragraph)]
        rest = [paragraph for paragraph in paragraphs if not _DATED.match(paragraph)]
        comments.insert(0, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {sentence}")
        while len("\n\n".join([*comments, *rest])) > MAX_DESCRIPTION and len(comments) > 2:
            comments.pop(-2)
        text = "\n\n".join([*comments, *rest])[:MAX_DESCRIPTION]
        self.client.update_model_version(model, version, text)

    def download(self, model: str, version: str, target: Path) -> Path:
        """Downloads a version and returns its folder `artifacts` (adapter/, canary.json, evaluation.json).

        Beside that folder lie the model's code and settings. Files that MLflow adds to each download are left
        out.

        Args:
            target: Folder of the download; created where it is missing.
        """
        target.mkdir(parents=True, exist_ok=True)
        return _download(f"models:/{model}/{version}", target) / "artifacts"


def _download(uri: str, target: Path) -> Path:
    """Downloads a model without the files that MLflow adds to each download, and without bytecode."""
    folder = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(target)))
    (folder / REGISTERED_MODEL_META_FILE_NAME).unlink(missing_ok=True)
    remove_bytecode(folder)
    return folder
