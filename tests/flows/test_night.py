"""The whole night on a two-layer base model, with every tool the real one; only the data are few."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.files import file_sha256
from components.integrations import service_probe
from components.integrations.model_registry.checksums import ungrouped
from tests.flows.clones import (
    COMMANDS,
    Done,
    clean_environment,
    copy_of,
    post,
    run_night,
    state_of,
)
from tests.flows.forking import ForkServer
from tests.flows.releasing import serving


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
        "release",
        "seconds:",
    ):
        assert part in out
    assert "with feedback" not in out  # nobody gave any
    assert "Answers of the service" not in (night.clone / "reports" / "night.html").read_text()
    assert f"to base-{night.evaluation['gate']['candidate']}, for 0." in out  # what tuning adds
    counts = [
        int(number.replace(",", ""))
        for number in re.findall(r"events in .*?([\d,]+) rows = ([\d,]+) .*?([\d,]+) dup.*?([\d,]+) q", out)[
            0
        ]
    ]
    assert counts[0] == sum(counts[1:])
    assert "\r" not in night.first.stderr  # no progress bars where there is no terminal
    steps = re.findall(r"^step (\d+) of (\d+): (\w+)", night.first.stderr, re.MULTILINE)
    assert [int(number) for number, _, _ in steps] == list(range(1, int(steps[0][1]) + 1))
    assert "stacked-rules scored, " in night.first.stderr
    assert re.search(r"quarantined +1 of events, the first in .* at row \d+: .*; all in data/quarantine", out)


def test_the_evaluation_holds_every_row_with_intervals_and_the_gates_reason(night: Done) -> None:
    models = night.evaluation["models"]
    assert {
        "top",
        "tip",
        "base",
        "base-tip",
        "base-top",
        "random",
        "popularity",
        "tag-affinity",
        "content-history",
        "stacked-rules",
        "no-history",
        "other-history",
        "name-only",
        "base-bm25",
        "base-embeddings",
        "short-history",
        "usual",
        "base-cosine",
        "factors-on-words",
        "factors-on-tags",
        "mean-by-words",
        "served-rule",
    } == set(models)
    for row in models.values():
        for metric in ("pair_accuracy", "top1", "ndcg"):
            assert row[metric]["low"] <= row[metric]["mean"] <= row[metric]["high"]
    assert models["base"]["comparisons"] == 12 < models["top"]["comparisons"]
    gate = night.evaluation["gate"]
    assert gate["decision"] in {"pass", "fail", "inconclusive"}
    assert gate["rival"] in gate["reason"]
    (step,) = (line for line in night.first.stdout.splitlines() if line.strip().startswith("next step"))
    assert step.endswith("(version 1) serves, marked as not promoted")
    assert "step 18 of 18: room" in night.first.stderr  # 16 steps and two trainings


def test_a_second_night_with_nothing_new_changes_nothing_and_says_so(
    night: Done, inbox: Path, prefect: dict[str, str]
) -> None:
    before = state_of(night.clone)
    with sqlite3.connect(night.clone / ".palate" / "mlflow.db") as database:
        (description,) = database.execute("select description from model_versions").fetchone()
        database.execute("update model_versions set description = ''")  # as if killed before it was written
    second = run_night(night.clone, "--data", str(inbox), env=prefect)
    assert second.returncode == 0, second.stderr
    assert "WARNING" not in second.stdout
    assert "Nothing new: nothing was retrained and nothing was registered twice." in second.stdout
    assert "Running stage" not in second.stderr
    assert state_of(night.clone) == before
    with sqlite3.connect(night.clone / ".palate" / "mlflow.db") as database:
        (again,) = database.execute("select description from model_versions").fetchone()
    assert again.partition("UTC: ")[2] == description.partition("UTC: ")[2]


def test_the_version_has_its_card_the_run_its_data_and_prefect_the_table(
    night: Done, prefect: dict[str, str]
) -> None:
    (card,) = (night.clone / ".palate" / "mlartifacts").rglob("model_card.md")
    with sqlite3.connect(night.clone / ".palate" / "mlflow.db") as database:
        ((name, md5, source),) = database.execute(
            "select name, digest, dataset_source from datasets"
        ).fetchall()
        tags = ungrouped(dict(database.execute("select key, value from tags").fetchall()))
        params = dict(database.execute("select key, value from params").fetchall())
    assert md5 in card.read_text()
    assert (name, md5) == ("events", json.loads((night.clone / "data/night.json").read_text())["data_md5"])
    assert source
    assert {"seed", "threads"} <= params.keys()
    assert tags["requirements_sha256"] == file_sha256(night.clone / "requirements.lock")
    table = _ask(prefect, "artifacts/latest", {"artifacts": {"key": {"any_": ["night"]}}})
    assert "held out, per person" in table[0]["data"]
    runs = _ask(prefect, "flow_runs", {"flows": {"name": {"any_": ["nightly"]}}})
    assert {run["name"] for run in runs if run["state_type"] == "COMPLETED"} == {f"night {_day_of(night)}"}
    ids = {"any_": [run["id"] for run in runs]}
    logs = _ask(prefect, "logs", {"logs": {"flow_run_id": ids}})
    assert any("held out, per person" in log["message"] for log in logs)


def _day_of(night: Done) -> str:
    collected = json.loads((night.clone / "data/night.json").read_text())["collected_at"]
    return f"{datetime.fromisoformat(collected).astimezone():%Y-%m-%d}"


def _ask(prefect: dict[str, str], what: str, body: dict[str, Any]) -> Any:
    """What Prefect's server has of something, filtered."""
    address = f"{prefect['PREFECT_API_URL']}/{what}/filter"
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_an_inbox_that_has_brought_nothing_for_days_is_a_warning(
    night: Done, inbox: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = copy_of(night.clone, tmp_path / "clone")
    facts = json.loads((clone / "data/night.json").read_text())
    earlier = datetime.fromisoformat(facts["collected_at"]) - timedelta(days=3)
    (clone / "data/night.json").write_text(json.dumps(facts | {"collected_at": earlier.isoformat()}))
    later = run_night(clone, "--data", str(inbox), env=prefect)
    assert later.returncode == 0, later.stderr
    assert f"{inbox}: WARNING, nothing new for 3 days" in later.stdout


def test_lineage_leads_from_the_version_back_to_the_rows(night: Done) -> None:
    with sqlite3.connect(night.clone / ".palate" / "mlflow.db") as database:
        tags = ungrouped(dict(database.execute("select key, value from model_version_tags").fetchall()))
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
    dvc = [COMMANDS[-1], "-m", "dvc"]
    shown = subprocess.run(
        [*dvc, "metrics", "show"],
        cwd=night.clone,
        capture_output=True,
        text=True,
        env=clean_environment(),
    )
    header, numbers = shown.stdout.strip().splitlines()
    assert header.split()[:3] == ["Path", "gate_difference", "ndcg"], shown.stderr
    assert max(len(header), len(numbers)) <= 120
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
import json, warnings; warnings.simplefilter("ignore")
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model("models:/palate/1")
empty = dict.fromkeys(["description", "cuisine", "tags", "ingredients"], "")
rows = [dict(question_id="q", role=role, dish_id=dish, name=dish, verdict=1, **empty)
        for role, dish in (("past", "Halloumi"), ("offer", "Pea stew"), ("offer", "Beef roulade"))]
print(json.dumps(model.predict(pd.DataFrame(rows)).to_dict("records")))
"""


def test_the_registered_model_ranks_a_data_frame_in_a_fresh_process_without_the_bases_weights_in_it(
    night: Done, forks: ForkServer
) -> None:
    env = clean_environment() | {"MLFLOW_TRACKING_URI": f"sqlite:///{night.clone / '.palate' / 'mlflow.db'}"}
    done = forks.start(night.clone, env, code=ASK_PYFUNC).wait()
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])
    assert [row["rank"] for row in rows] == [1, 2]
    assert rows[0]["score"] > rows[1]["score"]
    stored = sum(
        file.stat().st_size for file in (night.clone / ".palate" / "mlartifacts").rglob("*") if file.is_file()
    )
    assert stored < 5_000_000


@pytest.fixture(scope="module")
def service(night: Done, forks: ForkServer) -> Iterator[str]:
    with serving(forks, night.clone) as address:
        yield address


def test_the_bento_answers_over_http_and_says_which_model_and_data_it_serves(
    night: Done, service: str, tmp_path: Path
) -> None:
    ask = {
        "person_id": "ada",
        "history": [{"dish": {"dish_id": "h", "name": "Halloumi", "description": "vegetarian"}}],
        "dishes": [
            {"dish_id": "1", "name": "Pea stew", "description": "vegetarian"},
            {"dish_id": "2", "name": "Beef roulade", "description": "with meat or fish"},
        ],
    }
    body = post(f"{service}/rank", ask)
    looks = service_probe.Memory(tmp_path / "looks.json")
    (health,) = service_probe.probe(service, service_probe.Expected("1", "now"), looks)
    assert (health.version, health.canary, health.errors) == ("1", None, 0)
    assert health.answers >= 1
    assert sorted(body["order"]) == ["1", "2"]
    assert body["model_version"] == "1"
    assert body["data_version"] in (night.clone / "data" / "events.dvc").read_text()
    with sqlite3.connect(night.clone / ".palate" / "mlflow.db") as database:
        champions = database.execute(
            "select 1 from registered_model_aliases where alias = 'champion'"
        ).fetchall()
    assert body["preview"] == (not champions)
