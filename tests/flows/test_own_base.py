"""A candidate may name a base of its own: it is trained, judged, registered, released and served on it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml
from transformers import AutoTokenizer

from components.integrations.model_registry.checksums import ungrouped
from components.stages.bases import base_facts, base_with
from tests.conftest import save_random_llama
from tests.flows.clones import make_clone, run_flows, run_night
from tests.flows.digits import DAYS, write_inbox


@pytest.fixture(scope="module")
def wider(small_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of another width than the small base, with the same tokenizer."""
    folder = tmp_path_factory.mktemp("wider")
    save_random_llama(folder, 48, 3, 1)
    AutoTokenizer.from_pretrained(small_base).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_a_candidate_on_a_base_of_its_own_becomes_what_is_served(
    small_base: Path, wider: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    write_inbox(inbox, days=DAYS)
    params = yaml.safe_load((inbox / "params.yaml").read_text())
    params["base"]["others"] = {"wider": str(wider), "unused": str(small_base)}
    factors = {"size": 4, "template": "{dish}"}  # read a dish's words too, and so beat a tuned random base
    params["train"]["candidates"]["frozen"] = {"base": "wider", "method": "none", "factors": factors}
    (inbox / "params.yaml").write_text(yaml.safe_dump(params))
    clone = make_clone(tmp_path / "clone", small_base)
    night = run_night(clone, "--data", str(inbox), env=prefect)
    assert night.returncode == 0, night.stderr
    bases = {path.name: base_facts(path) for path in (clone / "models" / "bases").iterdir() if path.is_dir()}
    assert set(bases) == {"wider", "unused"}
    theirs = bases["wider"]["sha256"]
    assert theirs != base_facts(clone / "models" / "base")["sha256"]
    evaluation = json.loads((clone / "reports" / "evaluation.json").read_text())
    assert evaluation["gate"]["candidate"] == "frozen", evaluation["gate"]["reason"]
    assert evaluation["base"] == bases["wider"]
    config = json.loads((clone / "models" / "adapters" / "frozen" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(wider)
    with sqlite3.connect(clone / ".palate" / "mlflow.db") as database:
        tags = ungrouped(dict(database.execute("select key, value from model_version_tags").fetchall()))
    assert tags["base_sha256"] == theirs
    served = json.loads((clone / "models" / "served" / "served.json").read_text())
    assert served["value_range"] == served["feedback_range"] == [0, 100]
    assert (served["base"], served["base_sha256"]) == (f"palate-base:{theirs[:32]}", theirs)
    stored = clone / ".palate" / "bentoml" / "models" / "palate-base" / theirs[:32]
    assert json.loads((stored / "config.json").read_text())["hidden_size"] == 48
    assert [path.name for path in stored.parent.iterdir() if path.is_dir()] == [theirs[:32]]

    path = clone / "params.yaml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "unused:" not in line))
    shutil.rmtree(clone / "models" / "bases" / "wider")
    assert base_with(theirs, clone) is None
    again = run_flows(clone, "nightly", env=prefect)  # what was deleted is made anew
    assert again.returncode == 0, again.stderr
    assert base_with(theirs, clone) == clone / "models" / "bases" / "wider"
    assert not (clone / "models" / "bases" / "unused").exists()
