"""What the service tests serve: a small base and an adapter, as the night stages it for a Bento."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import torch
import uvicorn
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from components.domain.param_types import DishField
from components.domain.params_file import read_params
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.training_plan import of_everything
from components.domain.ranker.prompts import prompt_hash
from components.domain.training_params import CandidateParams, VectorParams
from components.domain.verdict import canary
from components.files import file_sha256, weights_sha256
from components.integrations import adapters, base_models, bentos, finetuning
from components.integrations.service_store import ServiceStore
from components.integrations.service_store.engine import META
from components.stages.canary import with_scores
from serving import service
from serving.middleware import login
from serving.server import DeadlineProtocol
from serving.store import STORE
from tests.conftest import REPO, eight_dishes, twelve_comparisons
from tests.flows.clones import free_ports, http_status, wait_for
from tests.postgresql import postgresql

GRACE_S = 45  # terminationGracePeriodSeconds of deploy/base/deployment.yaml
FIELDS: tuple[DishField, ...] = ("name", "tags")
CANDIDATE = CandidateParams(
    rank=4,
    alpha=8,
    targets=("q_proj", "down_proj"),
    layers=(0, 2),
    learning_rate=0.05,
    warmup_share=0.1,
    comparisons=12,
    epochs=30,
    vectors=VectorParams(size=4, learning_rate=0.1, weight_decay=0.1, comparisons_per_step=4),
)
SERVE = read_params(REPO / "params.yaml").serve.model_dump()
HERE = "http://localhost"  # whom a client in this process asks
RATINGS = (1, 5)  # lowest and highest that can be meant


@pytest.fixture(scope="session")
def bentoml_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of BentoML's, whose store of models this process uses."""
    home = tmp_path_factory.mktemp("bentoml")
    BentoMLContainer.model_store_dir.set(str(home / "models"))
    BentoMLContainer.model_store.set(ModelStore(home / "models"))
    yield home
    BentoMLContainer.model_store_dir.reset()
    BentoMLContainer.model_store.reset()


def store_base(folder: Path) -> dict[str, str]:
    """Puts a base into BentoML's store; returns what served.json says of it."""
    sha256 = file_sha256(folder / "model.safetensors")
    bentos.store_model(f"palate-base:{sha256[:32]}", folder)
    return {"base": f"palate-base:{sha256[:32]}", "base_sha256": sha256}


def sign(served: Path, **facts: object) -> None:
    """Writes down facts, and which adapter belongs to the version: the one that is there."""
    before = json.loads((served / "served.json").read_text())
    facts["adapter_sha256"] = weights_sha256(served / "adapter")
    (served / "served.json").write_text(json.dumps(before | facts))


@pytest.fixture(scope="session")
def trained(small_base: Path, bentoml_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as the night stages it for the Bento, in another; only to be copied."""
    dishes, comparisons = eight_dishes(), twelve_comparisons()
    parent = tmp_path_factory.mktemp("trained")
    tuned = base_models.load(small_base, torch.float32, torch.device("cpu"))
    adapted = adapters.attach(tuned.network, CANDIDATE, 1)
    tokens = tuned.dish_tokens(dishes, FIELDS)
    plan = of_everything(comparison_table(comparisons), CANDIDATE).with_epochs(30)
    finetuning.fit(tuned, tokens, plan, RatingScale(), CANDIDATE, 7, str)
    folder = parent / "served"
    adapters.save(adapted, tuned.head, folder / "adapter", "small")
    questions = with_scores(
        canary.made_up_questions(list(dishes), 4, 2), dishes, FIELDS, small_base, folder / "adapter"
    )
    facts = {
        "dish_fields": FIELDS,
        "prompt_hash": prompt_hash(FIELDS),
        "model": "palate",
        "model_version": "7",
        "data_md5": "abc.dir",
        "gate_sha256": "abc0",
        "git_sha": "def0",
        "bento": "palate:v7-abc",
        **store_base(small_base),
        "preview": True,
        "candidate": "reader",
        "standing": "unproven",
        "reliability": [[0.5, 0.5], [0.6, 0.7], [1.0, 0.8]],
        "serve": {**SERVE, "max_dishes": 3, "max_history": 5},
        "value_range": RATINGS,
        "feedback_range": RATINGS,
    }
    (folder / "served.json").write_text(json.dumps(facts))
    sign(folder)
    (folder / "canary.json").write_text(json.dumps(canary.to_json("reader", questions)))
    return parent


@pytest.fixture
def served(trained: Path, bentoml_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the staged folder that the service reads."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("BENTOML_HOME", str(bentoml_home))  # for other processes
    monkeypatch.setattr(service, "SERVED", tmp_path / "served")
    return tmp_path / "served"


@contextlib.contextmanager
def listening(host: str = "127.0.0.1", protocol: type[DeadlineProtocol] = DeadlineProtocol) -> Iterator[str]:
    """The real service on a real port of this process."""
    app = service.Palate.to_asgi()
    config = uvicorn.Config(app, host=host, port=0, log_level="error", http=protocol)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)


@pytest.fixture
def address(served: Path) -> Iterator[str]:
    """The address of the real service."""
    with listening() as address:
        yield address


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL of the tests' own."""
    with postgresql("service") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store, in SQLite and in PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'service.db'}"
    server = str(request.getfixturevalue("server"))
    with ServiceStore(server).engine.begin() as connection:
        for table in META.sorted_tables:
            connection.execute(sa.delete(table))
    return server


@pytest.fixture
def storing(url: str, served: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the real service with its store."""
    monkeypatch.setenv(STORE, url)
    with listening() as address:
        yield address


def send(url: str, **body: object) -> tuple[int, dict[str, Any], Message]:
    """Status, body and headers of an answer, also of a refusal."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal), refusal.headers


def set_limits(served: Path, **limits: object) -> None:
    """Changes the section `serve` of what the service starts with."""
    facts = json.loads((served / "served.json").read_text())
    facts["serve"] |= limits
    (served / "served.json").write_text(json.dumps(facts))


def with_token(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The token that a service asks for which is served from here."""
    (tmp_path / "token").write_text("open sesame")
    monkeypatch.setenv(login.TOKEN_FILE, str(tmp_path / "token"))
    set_limits(served, token="always")  # noqa: S106
    return "open sesame"


@pytest.fixture
def knowing(store: str, served: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the real service that knows the catalogue and the people of a module's `store`."""
    set_limits(served, max_dishes=200)
    monkeypatch.setenv(STORE, store)
    with listening() as address:
        yield address


@pytest.fixture
def process(served: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`bentoml serve` of a copy of the code, and its port."""
    folder, port = tmp_path / "bento", free_ports(1)[0]
    for name in ("serving", "components"):
        shutil.copytree(REPO / name, folder / name)
    shutil.copy(REPO / "requirements-service.lock", folder)
    shutil.copytree(served, folder / "models" / "served")
    command = [str(Path(sys.executable).parent / "bentoml"), "serve", "serving.service:Palate"]
    env = os.environ | {"BENTOML_DO_NOT_TRACK": "true"}
    command += ["--host", "127.0.0.1", "--port", str(port)]
    running = subprocess.Popen(command, cwd=folder, env=env, start_new_session=True)
    try:
        wait_for(lambda: http_status(f"http://127.0.0.1:{port}/readyz") == 200, 180, "the service")
        yield running, port
    finally:
        running.terminate()
        running.wait(GRACE_S)
