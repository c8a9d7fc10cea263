"""MLflow, Prefect, PostgreSQL and an S3 remote that are down, hang or are slow: one sentence in time.

Each is real, behind a proxy that refuses, holds back or delays. Once it lets through again, all ends well.
The time limits are a second or two here; by default they add up to two minutes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from components.domain.errors import PalateError
from components.integrations import data_versions
from components.integrations.data_versions import integrity
from components.integrations.sources.database import SILENCE
from flows import environment
from tests import bucket
from tests.flows.clones import clean_environment, free_ports, http_status, make_clone, run_flows, wait_for
from tests.flows.forking import ForkServer
from tests.flows.releasing import Passes
from tests.gate import Gate, gate
from tests.postgresql import postgresql

pytestmark = pytest.mark.slow
BOUND_S = 60  # of waiting by LIMITS, and of starting a process on a busy machine
DEFAULT_S = 120
LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "2",
    "PREFECT_API_REQUEST_TIMEOUT": "2",
    "PREFECT_CLIENT_MAX_RETRIES": "1",
    "PGCONNECT_TIMEOUT": "2",  # the least that libpq takes
    "AWS_MAX_ATTEMPTS": "1",
}
AWAY = ["down", "hangs"]
DATABASES = """
from flows import environment
environment.prepare()
from components.domain.errors import PalateError
from components.integrations.service_store.engine import engine_of
from components.integrations.sources.database import Database
for open_it in (lambda url: Database(url).read({{}}), engine_of):
    try:
        open_it("{url}")
    except PalateError as error:
        print(error)
"""
NO_CHAMPION = "there is no champion: give a version the alias champion in MLflow"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path / "clone")


@pytest.fixture(scope="module")
def mlflow_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server of MLflow on SQLite."""
    folder, (port,) = tmp_path_factory.mktemp("mlflow"), free_ports(1)
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
    ]
    command += ["--workers", "1", "--port", str(port)]
    with (folder / "log").open("w") as log:
        env = clean_environment() | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        server = subprocess.Popen(
            command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(lambda: http_status(f"http://127.0.0.1:{port}/health") == 200, 120, "MLflow's server")
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(120)


def test_by_default_the_limits_add_up_to_two_minutes_at_most() -> None:
    limits = {name: int(environment.VARIABLES[name]) for name in LIMITS}
    backoff_s = 2 + 4 + 8  # between MLflow's four tries
    tries = limits["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] + 1
    assert tries * limits["MLFLOW_HTTP_REQUEST_TIMEOUT"] + backoff_s <= DEFAULT_S
    tries = limits["PREFECT_CLIENT_MAX_RETRIES"] + 1
    assert tries * limits["PREFECT_API_REQUEST_TIMEOUT"] <= DEFAULT_S
    assert integrity.ANSWER_S <= DEFAULT_S


@pytest.mark.parametrize("how", AWAY)
def test_a_pass_without_mlflow_is_a_sentence_and_an_alarm_and_the_next_ends_well(
    clone: Path, passes: Passes, mlflow_port: int, how: str
) -> None:
    with gate(mlflow_port) as proxy:
        env = LIMITS | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{proxy.port}"}
        away(proxy, how)
        since = time.monotonic()
        done = passes.run(clone, **env)
        assert time.monotonic() - since < BOUND_S
        assert done.returncode == 1
        assert_one_sentence(done.stderr, "MLflow (http://127.0.0.1:")
        assert "release failed" in (clone / ".palate" / "alarms.jsonl").read_text()
    assert passes.sentence(clone, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{mlflow_port}") == NO_CHAMPION


def test_a_slow_mlflow_only_takes_longer(clone: Path, passes: Passes, mlflow_port: int) -> None:
    with gate(mlflow_port) as proxy:
        proxy.delay_s = 1
        env = LIMITS | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{proxy.port}"}
        assert passes.sentence(clone, **env) == NO_CHAMPION


@pytest.mark.parametrize("how", AWAY)
def test_a_pass_on_a_postgresql_of_mlflow_that_is_away(clone: Path, passes: Passes, how: str) -> None:
    with postgresql("mlflow") as uri, gate(int(urlsplit(uri).port or 0)) as proxy:
        behind = uri.replace(f":{urlsplit(uri).port}/", f":{proxy.port}/")
        away(proxy, how)
        since = time.monotonic()
        done = passes.run(clone, **LIMITS, MLFLOW_TRACKING_URI=behind)
        assert time.monotonic() - since < BOUND_S
        assert done.returncode == 1
        assert_one_sentence(done.stderr, "MLflow (postgresql://***@127.0.0.1:")
        assert passes.sentence(clone, MLFLOW_TRACKING_URI=uri) == NO_CHAMPION


@pytest.mark.parametrize("how", AWAY)
def test_an_inbox_and_a_store_on_a_postgresql_that_is_away(clone: Path, forks: ForkServer, how: str) -> None:
    with postgresql("tables") as uri, gate(int(urlsplit(uri).port or 0)) as proxy:
        url = uri.replace(f":{urlsplit(uri).port}/", f":{proxy.port}/")
        away(proxy, how)
        since = time.monotonic()
        done = forks.start(clone, clean_environment() | LIMITS, code=DATABASES.format(url=url)).wait()
        assert time.monotonic() - since < BOUND_S
        inbox, store = done.stdout.splitlines()
        assert inbox.startswith(f"The inbox '{url}' cannot be read (")
        assert store.startswith("the service's store does not answer (")


def test_an_inbox_with_a_lock_in_it_and_a_limit_that_is_none(clone: Path, forks: ForkServer) -> None:
    with postgresql("tables") as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as other:
            other.execute(sa.text("CREATE TABLE events (person_id text)"))
        locked, wrong = f"The inbox '{url}' cannot be read (canceling", f"{SILENCE} is '٣': set it to"
        with engine.begin() as other:
            other.execute(sa.text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
            for limit, words in (("2", locked), ("٣", wrong)):
                env = clean_environment() | {SILENCE: limit}
                done = forks.start(clone, env, "-m", "flows", "doctor", "--data", url).wait(BOUND_S)
                assert done.returncode == 1
                assert_one_sentence(done.stderr, words)


@pytest.mark.parametrize("how", AWAY)
def test_a_night_and_a_pass_without_prefects_server(
    clone: Path, prefect: dict[str, str], how: str, tmp_path: Path
) -> None:
    with gate(int(urlsplit(prefect["PREFECT_API_URL"]).port or 0)) as proxy:
        env = LIMITS | {"PREFECT_API_URL": f"http://127.0.0.1:{proxy.port}/api"}
        away(proxy, how)
        for arguments in (("release",), ("nightly", "--data", str(tmp_path / "nowhere"))):
            since = time.monotonic()
            done = run_flows(clone, *arguments, env=env)
            assert time.monotonic() - since < BOUND_S
            assert done.returncode == 1
            assert_one_sentence(done.stderr, "Prefect (http://127.0.0.1:")
    kinds = [json.loads(line)["kind"] for line in (clone / ".palate/alarms.jsonl").read_text().splitlines()]
    assert kinds == ["release failed", "night failed"]
    assert run_flows(clone, "release", env=prefect).stdout.strip() == NO_CHAMPION


def test_prefects_server_goes_away_during_a_pass(clone: Path, prefect: dict[str, str]) -> None:
    with gate(int(urlsplit(prefect["PREFECT_API_URL"]).port or 0)) as proxy:
        env = clean_environment() | LIMITS | {"PREFECT_API_URL": f"http://127.0.0.1:{proxy.port}/api"}
        command = [sys.executable, "-m", "flows", "release"]
        process = subprocess.Popen(command, cwd=clone, env=env, stderr=subprocess.PIPE, text=True)
        wait_for((clone / ".palate" / "release.lock").exists, 120, "the pass to begin")
        proxy.stop()
        stderr = process.communicate(timeout=BOUND_S)[1]
    assert process.returncode == 1
    assert_one_sentence(stderr, "Prefect (http://127.0.0.1:")
    assert (clone / ".palate" / "last-pass.json").exists()  # it has done its work


@pytest.mark.parametrize("how", AWAY)
def test_a_push_to_a_bucket_that_is_away(clone: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", LIMITS["AWS_MAX_ATTEMPTS"])
    with bucket.object_storage() as endpoint, bucket.bucket(endpoint, monkeypatch) as client:
        with gate(int(urlsplit(endpoint).port or 0)) as proxy:
            (clone / "data" / "events").mkdir(parents=True)
            (clone / "data" / "events" / "rows").write_text("rows")
            dvc = data_versions.dvc
            dvc(clone, "remote", "add", "--default", "--force", "bucket", f"s3://{bucket.NAME}/dvc")
            settings = {"endpointurl": f"http://127.0.0.1:{proxy.port}", "read_timeout": "2"}
            for name, value in settings.items():
                dvc(clone, "remote", "modify", "bucket", name, value)
            data_versions.add(clone, "data/events")
            away(proxy, how)
            since = time.monotonic()
            with pytest.raises(PalateError) as failure:
                data_versions.push(clone, ["data/events"], answer_s=2)
            assert str(failure.value).startswith(f"DVC's remote s3://{bucket.NAME}/dvc does not answer: ")
            assert time.monotonic() - since < BOUND_S
        dvc(clone, "remote", "modify", "bucket", "endpointurl", endpoint)
        data_versions.push(clone, ["data/events"])
        assert bucket.keys(client)


def away(proxy: Gate, how: str) -> None:
    if how == "down":
        proxy.stop()
    else:
        proxy.is_open = False


def assert_one_sentence(stderr: str, start: str) -> None:
    """That the last line is a sentence that begins so, and none is a traceback."""
    assert "Traceback" not in stderr, stderr
    assert stderr.strip().splitlines()[-1].startswith(f"palate: {start}"), stderr
