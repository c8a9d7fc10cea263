"""The whole night on the real base model, with every tool the real one; only the data are few."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import clean_environment, make_clone, run_night, start_night

pytestmark = pytest.mark.night


@dataclass
class Done:
    clone: Path
    first: subprocess.CompletedProcess[str]

    @property
    def evaluation(self) -> dict[str, Any]:
        return dict(json.loads((self.clone / "reports" / "evaluation.json").read_text()))


@pytest.fixture(scope="module")
def night(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A first night in a fresh clone, the base model made on the way."""
    clone = make_clone(tmp_path_factory.mktemp("clone"))
    first = run_night(clone, "--data", str(inbox))
    assert first.returncode == 0, first.stderr
    return Done(clone, first)


def _state(clone: Path) -> dict[str, Any]:
    """What a night leaves behind, without what depends on the clock or on chance ids."""
    with sqlite3.connect(clone / ".palate" / "mlflow.db") as database:
        runs = database.execute(
            "select name, status from runs where lifecycle_stage = 'active' order by name"
        ).fetchall()
        versions = database.execute("select version from model_versions").fetchall()
        tags = dict(database.execute("select key, value from model_version_tags").fetchall())
        aliases = sorted(database.execute("select alias, version from registered_model_aliases").fetchall())
    stable = (
        "candidate",
        "gate",
        "gate_sha256",
        "data_md5",
        "adapter_sha256",
        "base_sha256",
        "prompt_hash",
        "gate_reason",
    )
    return {
        "runs": runs,
        "versions": versions,
        "tags": {name: tags[name] for name in stable},
        "aliases": aliases,
        "bento": (clone / ".palate" / "bento").read_text(),
        "evaluation": (clone / "reports" / "evaluation.json").read_text(),
        "data": (clone / "data" / "events.dvc").read_text(),
    }


def test_the_table_says_all_that_a_newcomer_looks_for(night: Done) -> None:
    out = night.first.stdout
    for part in (
        "1 quarantined",
        "DVC md5",
        "checks",
        "top",
        "content-history",
        "gate",
        "model version",
        "Bento",
        "seconds:",
    ):
        assert part in out
    counts = [
        int(number.replace(",", ""))
        for number in re.findall(r"events in .*?([\d,]+) rows = ([\d,]+) .*?([\d,]+) dup.*?([\d,]+) q", out)[
            0
        ]
    ]
    assert counts[0] == sum(counts[1:])
    assert "\r" not in night.first.stderr  # no progress bars where there is no terminal


def test_the_evaluation_holds_every_row_with_intervals_and_the_gates_reason(night: Done) -> None:
    models = night.evaluation["models"]
    assert {
        "top",
        "tip",
        "base",
        "random",
        "popularity",
        "tag-affinity",
        "content-history",
        "no-history",
        "other-history",
    } == set(models)
    for row in models.values():
        for metric in ("pair_accuracy", "top1", "ndcg"):
            assert row[metric]["low"] <= row[metric]["mean"] <= row[metric]["high"]
    assert models["base"]["comparisons"] == 12 < models["top"]["comparisons"]
    gate = night.evaluation["gate"]
    assert gate["decision"] in {"pass", "fail"}
    assert gate["rival"] in gate["reason"]


def test_a_second_night_with_nothing_new_changes_nothing_and_says_so(night: Done, inbox: Path) -> None:
    before = _state(night.clone)
    second = run_night(night.clone, "--data", str(inbox))
    assert second.returncode == 0, second.stderr
    assert "Nothing new: nothing was retrained and nothing was registered twice." in second.stdout
    assert "Running stage" not in second.stderr
    assert _state(night.clone) == before


def test_lineage_leads_from_the_version_back_to_the_rows(night: Done) -> None:
    with sqlite3.connect(night.clone / ".palate" / "mlflow.db") as database:
        tags = dict(database.execute("select key, value from model_version_tags").fetchall())
    pointer = subprocess.run(
        ["git", "show", f"{tags['night_commit']}:data/events.dvc"],
        cwd=night.clone,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert tags["data_md5"] in pointer
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=night.clone, check=True, capture_output=True, text=True
    )
    assert tags["git_sha"].startswith(head.stdout.strip())


def test_dvc_metrics_and_plots_work_on_the_evaluation(night: Done, tmp_path: Path) -> None:
    dvc = [sys.executable, "-m", "dvc"]
    shown = subprocess.run(
        [*dvc, "metrics", "diff", "main", "nights", "--json"],
        cwd=night.clone,
        capture_output=True,
        text=True,
        env=clean_environment(),
    )
    assert "models.top.pair_accuracy.mean" in shown.stdout, shown.stderr
    subprocess.run(
        [*dvc, "plots", "show", "-o", str(tmp_path), "-q"],
        cwd=night.clone,
        check=True,
        env=clean_environment(),
    )
    page = (tmp_path / "index.html").read_text()
    assert "content-history" in page
    assert "Training loss of top" in page


ASK_PYFUNC = """
import json, sys, warnings; warnings.simplefilter("ignore")
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
empty = dict.fromkeys(["description", "cuisine", "tags", "ingredients"], "")
rows = [dict(case_id="c", role=role, dish_id=dish, name=dish, verdict=1, **empty)
        for role, dish in (("past", "Halloumi"), ("offer", "Pea stew"), ("offer", "Beef roulade"))]
print(json.dumps(model.predict(pd.DataFrame(rows)).to_dict("records")))
"""


def test_the_registered_model_ranks_a_data_frame_in_a_fresh_process_without_the_bases_weights_in_it(
    night: Done,
) -> None:
    env = clean_environment() | {"MLFLOW_TRACKING_URI": f"sqlite:///{night.clone / '.palate' / 'mlflow.db'}"}
    done = subprocess.run(
        [sys.executable, "-c", ASK_PYFUNC, "models:/palate/1"],
        cwd=night.clone,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])
    assert [row["rank"] for row in rows] == [1, 2]
    assert rows[0]["score"] > rows[1]["score"]
    stored = sum(
        file.stat().st_size for file in (night.clone / ".palate" / "mlartifacts").rglob("*") if file.is_file()
    )
    assert stored < 5_000_000


@pytest.fixture(scope="module")
def service(night: Done) -> Iterator[str]:
    """The built Bento in a fresh process; yields its address once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tag = (night.clone / ".palate" / "bento").read_text().strip()
    env = clean_environment() | {"BENTOML_HOME": str(night.clone / ".palate" / "bentoml")}
    command = [sys.executable, "-m", "bentoml", "serve", tag, "--host", "127.0.0.1", "--port", str(port)]
    with (night.clone / "serve.log").open("w") as log:
        process = subprocess.Popen(command, cwd="/", env=env, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: _status(f"{address}/readyz") == 200, 120, "the service to be ready")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except OSError:
        return 0


def _wait(until: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def test_the_bento_answers_over_http_and_says_which_model_and_data_it_serves(
    night: Done, service: str
) -> None:
    ask = {
        "person_id": "ada",
        "history": [{"dish": {"dish_id": "h", "name": "Halloumi", "description": "vegetarian"}}],
        "dishes": [
            {"dish_id": "1", "name": "Pea stew", "description": "vegetarian"},
            {"dish_id": "2", "name": "Beef roulade", "description": "with meat or fish"},
        ],
    }
    request = urllib.request.Request(
        f"{service}/rank", json.dumps(ask).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        body = json.load(answer)
    with urllib.request.urlopen(f"{service}/metrics", timeout=30) as answer:
        assert 'endpoint="/rank"' in answer.read().decode()
    assert sorted(body["order"]) == ["1", "2"]
    assert body["model_version"] == "1"
    assert body["data_version"] in (night.clone / "data" / "events.dvc").read_text()
    with sqlite3.connect(night.clone / ".palate" / "mlflow.db") as database:
        champions = database.execute(
            "select 1 from registered_model_aliases where alias = 'champion'"
        ).fetchall()
    assert body["preview"] == (not champions)


def test_a_night_killed_twice_ends_like_one_that_was_not(night: Done, inbox: Path, tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "killed", night.clone / "models" / "base")
    _kill_when(clone, inbox, lambda: (clone / "reports" / "training" / "top.csv").exists())  # during training
    assert not (clone / "models" / "adapters" / "top").exists()
    _kill_when(clone, inbox, lambda: _count(clone, "model_versions") > 0)  # between register and package
    assert not (clone / ".palate" / "bento").exists()
    last = run_night(clone, "--data", str(inbox))
    assert last.returncode == 0, last.stderr
    assert _state(clone) == _state(night.clone)


def _kill_when(clone: Path, inbox: Path, moment: Callable[[], bool]) -> None:
    process = start_night(clone, "--data", str(inbox))
    try:
        _wait(lambda: moment() or process.poll() is not None, 600, "the moment to kill the night")
        assert process.poll() is None, process.communicate()
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def _count(clone: Path, table: str) -> int:
    try:
        with sqlite3.connect(f"file:{clone / '.palate' / 'mlflow.db'}?mode=ro", uri=True) as database:
            return int(database.execute(f"select count(*) from {table}").fetchone()[0])  # noqa: S608
    except sqlite3.OperationalError:
        return 0


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("", "", "holds no events"),
        ("events.parquet", "this is no parquet", "not a readable Parquet file"),
        ("params.yaml", "train: {seeed: 1}", "train.seeed: unknown key"),
        ("params.yaml", "check: {min_events: 100000}", "events.rows table_row_count_to_be_between failed"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_1(
    night: Done, inbox: Path, tmp_path: Path, file: str, content: str, sentence: str
) -> None:
    clone = make_clone(tmp_path / "clone", night.clone / "models" / "base")
    folder = tmp_path / "inbox"
    if file == "params.yaml":
        shutil.copytree(inbox, folder)
    else:
        folder.mkdir()
    if file:
        (folder / file).write_text(content)
    before = (clone / "params.yaml").read_text()
    done = run_night(clone, "--data", str(folder))
    assert done.returncode == 1
    ours = [line for line in done.stderr.splitlines() if line.startswith("palate: ")]
    assert len(ours) == 1
    assert sentence in ours[0]
    assert "Traceback" not in done.stderr
    if "seeed" in content:
        assert (clone / "params.yaml").read_text() == before


def test_a_second_night_at_once_is_told_that_one_is_running(night: Done) -> None:
    import fcntl

    with (night.clone / ".palate" / "night.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run_night(night.clone)
    assert done.returncode == 1
    assert "A night is already running" in done.stderr


def test_another_inbox_in_a_used_clone_is_refused(night: Done, tmp_path: Path) -> None:
    done = run_night(night.clone, "--data", str(tmp_path))
    assert done.returncode == 1
    assert "use a fresh clone" in done.stderr
