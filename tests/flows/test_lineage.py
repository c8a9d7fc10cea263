"""`python -m flows lineage`: from an answer, a version, a Bento or data back to the rows, in any clone."""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from components.integrations.model_registry.checksums import ungrouped
from tests.flows.clones import Done, clean_environment, run_flows
from tests.flows.digits import DAYS
from tests.flows.forking import ForkServer

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("by", ["version", "Bento", "answer", "data"])
def test_lineage_leads_from_a_version_a_bento_an_answer_or_data_to_the_rows(
    promoted: Done, forks: ForkServer, client: MlflowClient, by: str
) -> None:
    tags = ungrouped(client.get_model_version("palate", "1").tags)
    bento = f"palate:v1-{tags['gate_sha256'][:8]}"
    what = {"version": "1", "Bento": bento, "answer": f"{bento}/{'0' * 16}", "data": tags["data_md5"][:12]}
    done = _lineage(forks, promoted.clone, what[by])
    assert done.returncode == 0, done.stderr
    for name in ("data_md5", "git_sha", "gate_sha256", "adapter_sha256", "night_commit"):
        assert tags[name] in done.stdout
    assert re.search(f"Bento +{re.escape(bento)}\n", done.stdout)
    assert client.get_model_version("palate", "1").run_id in done.stdout
    assert f"git restore --source={tags['night_commit']}" in done.stdout
    assert re.search(r"checks +\d+ passed, 0 failed", done.stdout)


def test_data_leads_forth_to_every_model_that_learnt_from_it(
    promoted: Done, forks: ForkServer, client: MlflowClient, second: str
) -> None:
    done = _lineage(forks, promoted.clone, client.get_model_version("palate", "1").tags["data_md5"])
    assert re.findall(r"version +palate (\d+)", done.stdout)[-1] == second
    assert re.search(r"version +palate 1\n", done.stdout)


@pytest.mark.parametrize("name", ["preview-v1-{}", "v1-{}-beside-v0-0.25"])
def test_a_preview_and_a_trial_are_named_as_they_were_served(
    promoted: Done, forks: ForkServer, client: MlflowClient, name: str
) -> None:
    bento = f"palate:{name.format(client.get_model_version('palate', '1').tags['gate_sha256'][:8])}"
    assert re.search(f"Bento +{bento}\n", _lineage(forks, promoted.clone, f"{bento}/{'0' * 16}").stdout)


def test_a_fresh_clone_with_the_remotes_finds_an_answers_rows(
    promoted: Done, forks: ForkServer, client: MlflowClient, tmp_path: Path
) -> None:
    tags = ungrouped(client.get_model_version("palate", "1").tags)
    answer = f"palate:v1-{tags['gate_sha256'][:8]}/0123456789abcdef"
    fresh = tmp_path / "fresh"
    subprocess.run(
        ["git", "clone", "-q", "--single-branch", f"file://{promoted.clone}", str(fresh)], check=True
    )
    (fresh / ".dvc" / "config.local").write_text(
        f"['remote \"local\"']\n    url = {promoted.clone / '.palate' / 'dvc-remote'}\n"
    )
    mlflow = {"MLFLOW_TRACKING_URI": f"sqlite:///{promoted.clone / '.palate' / 'mlflow.db'}"}
    missing = _lineage(forks, fresh, answer, "--person", "p1", env=mlflow)
    assert missing.returncode == 1
    assert "git fetch origin nights:nights" in missing.stderr
    subprocess.run(["git", "fetch", "-q", "origin", "nights:nights"], cwd=fresh, check=True)
    done = _lineage(forks, fresh, answer, "--person", "p1", env=mlflow)
    assert done.returncode == 0, done.stderr
    # The inbox may have grown since; version 1 learnt from its first ten days.
    rows = [row for row in _events(promoted.clone.parent / "inbox") if row["person_id"] == "p1"][:10]
    assert f"person_id p1: {DAYS} events" in done.stdout
    assert all(f"choice   {row['dish_id']}  {row['menu_id']}" in done.stdout for row in rows)
    stranger = _lineage(forks, fresh, answer, "--person", "stranger", env=mlflow)
    assert "Nothing is known of person 'stranger'" in stranger.stderr


def test_lineage_of_an_unknown_name_is_one_sentence(promoted: Done) -> None:
    done = run_flows(promoted.clone, "lineage", "no-such-thing")
    assert done.returncode == 1
    assert done.stderr.startswith("palate: 'no-such-thing' is no answer, version, Bento or data version")


def _lineage(
    forks: ForkServer, clone: Path, *what: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return forks.start(clone, clean_environment() | dict(env or {}), "-m", "flows", "lineage", *what).wait()


def _events(inbox: Path) -> list[dict[str, str]]:
    with (inbox / "events.csv").open() as file:
        return list(csv.DictReader(file))
