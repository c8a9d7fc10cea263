"""While there is no champion the best rule serves, marked; a person promotes it like an adapter."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from tests.flows.clones import Done, copy_of, make_clone, run_flows, run_night
from tests.flows.forking import ForkServer
from tests.flows.releasing import Passes, serving
from tests.flows.test_night import post

ASK = {
    "person_id": "ada",
    "history": [{"dish": {"dish_id": "h", "name": "Halloumi", "description": "vegetarian"}}],
    "dishes": [{"dish_id": "1", "name": "Pea stew"}, {"dish_id": "2", "name": "Beef roulade"}],
}


@pytest.fixture(scope="module")
def best(night: Done, prefect: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The night once more in a copy of its clone, with the default of `package.serve`."""
    clone = copy_of(night.clone, tmp_path_factory.mktemp("best") / "clone")
    params = clone / "params.yaml"
    params.write_text(params.read_text().replace("serve: preview", "serve: best"))
    done = run_night(clone, env=prefect)
    assert done.returncode == 0, done.stderr
    return Done(clone, done)


@pytest.fixture(scope="module")
def client(best: Done) -> Iterator[MlflowClient]:
    before = mlflow.get_tracking_uri()
    uri = f"sqlite:///{best.clone / '.palate' / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    yield MlflowClient(uri)
    mlflow.set_tracking_uri(before)


def _served(clone: Path, tag: str) -> dict[str, Any]:
    folder = clone / ".palate" / "bentoml" / "bentos" / Path(tag.replace(":", "/"))
    return dict(json.loads((folder / "src" / "models" / "served" / "served.json").read_text()))


def test_a_first_night_ends_with_a_service_that_ranks_by_the_best_rule(
    best: Done, client: MlflowClient, forks: ForkServer
) -> None:
    tag, rule = (best.clone / ".palate" / "bento").read_text().strip(), best.evaluation["served_rule"]
    assert tag.startswith("palate:best-v2-")
    assert f"{tag} (BEST, not promoted; built tonight)" in best.first.stdout
    assert "Running stage" not in best.first.stderr
    assert rule["name"] == max(rule["means"], key=rule["means"].get) or rule["name"] == "popularity"
    facts, version = _served(best.clone, tag), client.get_model_version("palate", "2")
    assert (facts["kind"], facts["standing"]) == ("rule", "unproven")
    assert "base" not in facts
    assert version.tags["candidate"] == rule["name"]
    assert version.tags["gate"] == rule["gate"]["decision"] != "pass"
    with serving(forks, best.clone) as address:
        answer = post(f"{address}/rank", ASK)
    assert (answer["ranked_by"], answer["standing"], answer["preview"]) == (rule["name"], "unproven", True)


def test_the_rule_is_a_pyfunc_model_that_ranks_without_a_base(best: Done, client: MlflowClient) -> None:
    assert "Gate: " in client.get_model_version("palate", "2").description
    columns = {"question_id": "q", "dish_id": ["h", "1", "2"], "role": ["past", "offer", "offer"]}
    columns |= {"name": ["Halloumi", "Pea stew", "Roulade"], "verdict": [1, 0, 0]}
    columns |= dict.fromkeys(("description", "cuisine", "tags", "ingredients"), "")
    ranked = mlflow.pyfunc.load_model("models:/palate/2").predict(pd.DataFrame(columns))
    assert sorted(ranked["dish_id"]) == ["1", "2"]
    done = run_flows(best.clone, "lineage", "2")
    assert done.returncode == 0, done.stderr
    assert "rule_sha256" in done.stdout


@pytest.mark.slow
def test_a_preview_that_no_service_could_prove_gives_way_to_the_best_rule(
    small_base: Path, inbox: Path, prefect: dict[str, str], forks: ForkServer, tmp_path: Path
) -> None:
    unmoved = shutil.copytree(inbox, tmp_path / "inbox")
    params = unmoved / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.01,", "learning_rate: 1.0e-12,"))
    clone = make_clone(tmp_path / "clone", small_base)
    done = run_night(clone, "--data", str(unmoved), env=prefect)
    assert done.returncode == 0, done.stderr
    assert "no service could prove that it serves it: the best rule serves" in done.stderr
    assert "(BEST, not promoted; built tonight)" in done.stdout
    with serving(forks, clone) as address:
        assert post(f"{address}/rank", ASK)["standing"] == "unproven"


@pytest.mark.slow
def test_a_rule_that_is_not_proven_needs_a_name_and_is_the_next_nights_champion(
    best: Done, client: MlflowClient, passes: Passes, prefect: dict[str, str], inbox: Path, tmp_path: Path
) -> None:
    client.set_registered_model_alias("palate", "champion", "2")
    assert "version 2 may not be served: its gate report says" in passes.sentence(best.clone)
    client.set_model_version_tag("palate", "2", "release_override", "nothing else is there")
    client.set_model_version_tag("palate", "2", "release_by", "Ada")
    assert passes.sentence(best.clone).startswith("version 2 was released as palate:v2-")
    tag = (best.clone / ".palate" / "bento").read_text().strip()
    assert _served(best.clone, tag)["standing"] == "promoted"
    news = shutil.copytree(inbox, tmp_path / "news")
    first = (news / "events.csv").read_text().splitlines()[1]
    with (news / "events.csv").open("a") as file:
        file.write(f"somebody,{first.partition(',')[2]}\n")
    params = best.clone / "params.yaml"
    params.write_text(params.read_text().replace(str(inbox), str(news)))
    after = run_night(best.clone, env=prefect)
    assert after.returncode == 0, after.stderr
    (line,) = (line for line in after.stdout.splitlines() if line.startswith("champion "))
    assert line.endswith("version 2")
    models = json.loads((best.clone / "reports" / "evaluation.json").read_text())["models"]
    assert models["champion"]["kind"] == "champion"
    assert models["champion"]["people"] == models["served-rule"]["people"]
