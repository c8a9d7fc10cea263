"""The commands of docs/upgrading.md, as they stand there: a pull over settings, an older database."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command as alembic
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent
from mlflow.store.db import utils

from tests.flows.clones import clean_environment, make_clone
from tests.pages import command

pytestmark = pytest.mark.slow

VERSION = "SELECT version_num FROM alembic_version"
PAGE = "docs/upgrading.md"


def _run(folder: Path, *lines: str) -> str:
    env = clean_environment() | {"GIT_AUTHOR_NAME": "t", "GIT_COMMITTER_NAME": "t", "EMAIL": "t@localhost"}
    done = subprocess.run(
        ["bash", "-euc", "\n".join(lines)], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with settings of its own, whose origin has a newer params.yaml."""
    origin, clone = make_clone(tmp_path / "origin"), tmp_path / "clone"
    _run(tmp_path, "git clone -q origin clone")
    _run(clone, "git branch nights", "sed -i 's/nightly_cron: .*/nightly_cron: 7 7 * * */' params.yaml")
    _run(origin, "echo 'new: 1  # of the newer version' >> params.yaml", "git commit -qam newer")
    (clone / ".venv").symlink_to(Path(sys.executable).parent.parent)
    return clone


def test_a_pull_keeps_settings_and_nights_and_brings_new_keys(clone: Path) -> None:
    with pytest.raises(AssertionError, match="would be overwritten"):
        _run(clone, command(PAGE, "git pull"))
    _run(clone, command(PAGE, "git stash && git pull"))
    params = (clone / "params.yaml").read_text()
    assert "nightly_cron: 7 7 * * *" in params
    assert "new: 1" in params
    assert _run(clone, "git rev-parse nights HEAD~").split()[0] == _run(clone, "git rev-parse HEAD~").strip()


def test_settings_that_come_from_a_folder_are_left_out_of_the_merge(clone: Path) -> None:
    _run(clone, command(PAGE, "git checkout params.yaml"), command(PAGE, "git pull"))
    assert "new: 1" in (clone / "params.yaml").read_text()
    assert _run(clone, command("docs/bring-your-own-data.md", "git diff params.yaml")) == ""


def test_an_older_database_of_mlflow_is_migrated_and_loses_its_webhooks(clone: Path) -> None:
    state = clone / ".palate"
    state.mkdir()
    uri = f"sqlite:///{state / 'mlflow.db'}"
    client = MlflowClient(uri, uri)
    client.create_registered_model("palate")
    client.create_webhook(
        "gone", "https://1.1.1.1/gone", [WebhookEvent(WebhookEntity.MODEL_VERSION, WebhookAction.CREATED)]
    )
    alembic.downgrade(utils._get_alembic_config(uri), "-1")
    with closing(sqlite3.connect(state / "mlflow.db")) as database:
        assert database.execute(VERSION).fetchone() != (utils._get_latest_schema_revision(),)
        _run(clone, command(PAGE, ".venv/bin/mlflow db upgrade"), command(PAGE, ".venv/bin/python -c"))
        assert database.execute(VERSION).fetchone() == (utils._get_latest_schema_revision(),)
    assert client.list_webhooks() == []
    assert [model.name for model in client.search_registered_models()] == ["palate"]
