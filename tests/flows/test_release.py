"""Release passes on a clone with a champion: what is wanted comes about, whatever was lost before."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import re
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from components.files import folder_sha256
from tests.flows.clones import Done, run_night, wait_for
from tests.flows.releasing import release_pass, said, start_pass

pytestmark = pytest.mark.night


def champion(client: MlflowClient) -> str:
    return str(client.get_model_version_by_alias("palate", "champion").version)


def test_a_pass_with_nothing_to_do_changes_nothing(promoted: Done, client: MlflowClient) -> None:
    state = promoted.clone / ".palate" / "released.json"
    before = state.read_bytes()
    assert said(promoted.clone) == "version 1 is released; nothing to do"
    assert state.read_bytes() == before
    assert " as " in client.get_model_version("palate", "1").tags["released"]


def test_a_changed_adapter_is_refused_on_the_version_and_the_alias_moved_back(
    promoted: Done, client: MlflowClient, second: str
) -> None:
    client.set_model_version_tag("palate", second, "adapter_sha256", "0" * 64)
    client.set_registered_model_alias("palate", "champion", second)
    told = said(promoted.clone)
    assert f"version {second} may not be served: its adapter has checksum" in told
    assert "moved back to version 1" in told
    refused = client.get_model_version("palate", second)
    assert "its adapter has checksum" in refused.tags["release_refused"]
    assert "Not released: its adapter has checksum" in refused.description
    assert champion(client) == "1"


def test_a_version_that_no_night_registered_is_refused_and_stands_in_no_nights_way(
    promoted: Done, client: MlflowClient
) -> None:
    first = client.get_model_version("palate", "1")
    by_hand = client.create_model_version("palate", first.source, first.run_id).version
    client.set_registered_model_alias("palate", "champion", by_hand)
    night = run_night(promoted.clone)  # whose last step is a pass
    assert night.returncode == 0, night.stderr
    assert "its lineage is incomplete: the tag candidate is missing" in night.stdout
    assert champion(client) == "1"
    with _artifact(promoted.clone, "evaluation.json", lambda text: text) as report:
        report.unlink()  # neither tag nor report: two nothings are no equal checksums
        client.set_registered_model_alias("palate", "champion", by_hand)
        assert f"version {by_hand} may not be served: its lineage is incomplete" in said(promoted.clone)
    client.delete_model_version("palate", by_hand)


def test_rollback_needs_no_base_since_the_bento_carries_it(
    promoted: Done, client: MlflowClient, second: str
) -> None:
    client.set_registered_model_alias("palate", "champion", second)
    assert said(promoted.clone).startswith(f"version {second} was released")
    marker = promoted.clone / "models" / "base" / "palate.json"
    before = marker.read_text()
    marker.write_text(json.dumps({**json.loads(before), "sha256": "0" * 64}))  # as base.model was changed
    try:
        client.set_registered_model_alias("palate", "champion", "1")
        assert said(promoted.clone).startswith("version 1 was released as palate:v1-")
        client.delete_model_version_tag("palate", second, "released")  # never was: its base must be here
        client.set_registered_model_alias("palate", "champion", second)
        assert "the base model here has checksum 000000000000" in said(promoted.clone)
    finally:
        marker.write_text(before)


def test_promotion_releases_and_rollback_builds_nothing(
    promoted: Done, client: MlflowClient, second: str
) -> None:
    client.set_registered_model_alias("palate", "champion", second)
    assert said(promoted.clone).startswith(f"version {second} was released as palate:v{second}-")
    store = promoted.clone / ".palate" / "bentoml" / "bentos" / "palate"
    built = {path: path.stat().st_mtime_ns for path in store.iterdir()}
    client.set_registered_model_alias("palate", "champion", "1")
    assert said(promoted.clone).startswith("version 1 was released as palate:v1-")
    assert {path: path.stat().st_mtime_ns for path in store.iterdir()} == built
    assert (promoted.clone / ".palate" / "bento").read_text().startswith("palate:v1-")


@pytest.mark.parametrize(
    "lost",
    ["the last step", "the Bento", "the Bento's weights", "the Bento's code", "the Bento's description"],
)
def test_what_a_killed_pass_or_a_damaged_store_lacks_is_made_by_the_next_pass(
    promoted: Done, client: MlflowClient, lost: str
) -> None:
    state = promoted.clone / ".palate" / "released.json"
    name, version = json.loads(state.read_text())["bento"].split(":")
    bento = promoted.clone / ".palate" / "bentoml" / "bentos" / name / version
    weights = bento / "src" / "models" / "served" / "model" / "model.safetensors"
    whole = weights.read_bytes()
    if lost == "the last step":
        state.unlink()
    elif lost == "the Bento":
        subprocess.run(["rm", "-r", str(bento)], check=True)
    elif lost == "the Bento's weights":
        weights.write_bytes(whole[:-100])
    elif lost == "the Bento's code":
        with (bento / "src" / "serving" / "service.py").open("a") as code:
            code.write("# damaged\n")
    else:
        (bento / "bento.yaml").write_text("{")
    assert said(promoted.clone).startswith("version 1 was released as palate:v1-")
    assert weights.read_bytes() == whole
    assert "# damaged" not in (bento / "src" / "serving" / "service.py").read_text()
    assert said(promoted.clone) == "version 1 is released; nothing to do"


@pytest.mark.parametrize("step", ["the Bento is built", "it is what is served", "it is written down"])
def test_a_pass_that_was_killed_is_finished_by_the_next(
    promoted: Done, client: MlflowClient, second: str, step: str
) -> None:
    state = promoted.clone / ".palate"
    client.set_registered_model_alias("palate", "champion", second)
    began = start_pass(promoted.clone)
    done = {
        "the Bento is built": lambda: list((state / "bentoml/bentos/palate").glob(f"v{second}-*/bento.yaml")),
        "it is what is served": lambda: f":v{second}-" in (state / "bento").read_text(),
        "it is written down": lambda: json.loads((state / "released.json").read_text())["version"] == second,
    }[step]
    wait_for(lambda: bool(done()), 120, step, every=0.002)
    began.kill()
    began.communicate()
    assert f"version {second} " in said(promoted.clone)
    assert said(promoted.clone) == f"version {second} is released; nothing to do"
    assert " as palate:v" in client.get_model_version("palate", second).tags["released"]
    assert json.loads((state / "released.json").read_text())["previous"] == "1"


def test_two_passes_at_once_do_no_harm(promoted: Done, client: MlflowClient, second: str) -> None:
    client.set_registered_model_alias("palate", "champion", second)
    passes = [start_pass(promoted.clone) for _ in range(2)]
    told = sorted(each.communicate(timeout=300)[0].strip().splitlines()[-1] for each in passes)
    assert [each.returncode for each in passes] == [0, 0]
    assert told[0] == "another pass is running" or told[0].endswith("nothing to do")
    assert told[1].startswith(f"version {second} ")
    assert any(each.startswith(f"version {second} was released") for each in told)
    assert said(promoted.clone) == f"version {second} is released; nothing to do"


def test_a_refusal_never_undoes_what_another_person_chose_meanwhile(
    promoted: Done, client: MlflowClient, second: str
) -> None:
    first = client.get_model_version("palate", "1")
    third = client.create_model_version(
        "palate", first.source, first.run_id, tags={**first.tags, "released": ""}, model_id=first.model_id
    ).version
    client.set_model_version_tag("palate", second, "adapter_sha256", "0" * 64)
    client.set_registered_model_alias("palate", "champion", second)
    with sqlite3.connect(promoted.clone / ".palate" / "mlflow.db") as database:
        # In the very moment in which the second is refused another person chooses the third.
        database.execute(
            "create trigger meanwhile after insert on model_version_tags when new.key = 'release_refused' "
            "begin update registered_model_aliases set version = new.version + 1 "
            "where alias = 'champion'; end"
        )
    told = said(promoted.clone)
    with sqlite3.connect(promoted.clone / ".palate" / "mlflow.db") as database:
        database.execute("drop trigger meanwhile")
    assert f"version {second} may not be served" in told
    assert "moved back" not in told
    assert champion(client) == str(third)
    assert said(promoted.clone).startswith(f"version {third} was released as palate:v{third}-")


def test_a_champion_that_was_deleted_leaves_what_is_served_alone(
    promoted: Done, client: MlflowClient, second: str
) -> None:
    client.set_registered_model_alias("palate", "champion", second)
    client.delete_model_version("palate", second)
    before = (promoted.clone / ".palate" / "bento").read_text()
    assert said(promoted.clone).startswith("there is no champion")
    night = run_night(promoted.clone)
    assert night.returncode == 0, night.stderr
    assert "there is no champion" in night.stdout
    assert (promoted.clone / ".palate" / "bento").read_text() == before  # and no preview in its place
    client.set_registered_model_alias("palate", "champion", "1")
    assert said(promoted.clone) == "version 1 is released; nothing to do"


@contextlib.contextmanager
def _artifact(clone: Path, name: str, change: Callable[[str], str]) -> Iterator[Path]:
    """The stored file of version 1, which its copies share, changed for a while."""
    with contextlib.closing(sqlite3.connect(clone / ".palate" / "mlflow.db")) as database:
        (source,) = database.execute("select source from model_versions where version = 1").fetchone()
    model = clone / ".palate" / "mlartifacts" / "models" / source.rpartition("/")[2]
    path = model / "artifacts" / "artifacts" / name
    before = path.read_text()
    path.write_text(change(before))
    try:
        yield path
    finally:
        path.write_text(before)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("evaluation.json", lambda text: text[:-200], "its gate report has checksum"),
        ("canary.json", lambda text: re.sub(r"-?\d+\.\d{5,}", "0.25", text), "its artifacts have checksum"),
        (
            "adapter/adapter_config.json",
            lambda text: text.replace('"lora_alpha": ', '"lora_alpha": 1'),
            "its artifacts have checksum",
        ),
    ],
)
def test_damaged_artifacts_are_refused_on_the_version_and_never_served(
    promoted: Done, client: MlflowClient, second: str, name: str, change: Callable[[str], str], words: str
) -> None:
    before = (promoted.clone / ".palate" / "bento").read_text()
    with _artifact(promoted.clone, name, change):
        client.set_registered_model_alias("palate", "champion", second)
        assert words in said(promoted.clone)
    assert words in client.get_model_version("palate", second).tags["release_refused"]
    assert champion(client) == "1"
    assert (promoted.clone / ".palate" / "bento").read_text() == before


def test_a_failed_gate_is_served_for_a_persons_reason_which_is_recorded(
    promoted: Done, client: MlflowClient, second: str
) -> None:
    fail = lambda text: text.replace('"decision": "pass"', '"decision": "fail"')  # noqa: E731
    as_it_is = lambda text: text  # noqa: E731
    with (
        _artifact(promoted.clone, "evaluation.json", fail) as report,
        _artifact(promoted.clone, "lineage.json", as_it_is) as lineage,
    ):
        client.set_model_version_tag("palate", second, "gate", "fail")
        sha256 = hashlib.sha256(report.read_bytes()).hexdigest()
        client.set_model_version_tag("palate", second, "gate_sha256", sha256)
        client.set_registered_model_alias("palate", "champion", second)
        assert "its lineage.json says of gate pass, its tag says fail" in said(promoted.clone)
        told = json.dumps({**json.loads(lineage.read_text()), "gate": "fail", "gate_sha256": sha256})
        lineage.write_text(told)
        client.set_model_version_tag("palate", second, "artifacts_sha256", folder_sha256(report.parent))
        client.set_registered_model_alias("palate", "champion", second)
        assert "its gate report says fail" in said(promoted.clone)
        assert champion(client) == "1"
        client.set_model_version_tag("palate", second, "release_override", "the chef asked for it")
        client.set_registered_model_alias("palate", "champion", second)
        assert "set the tag release_by" in said(promoted.clone)
        client.set_model_version_tag("palate", second, "release_by", "Ada")
        client.set_registered_model_alias("palate", "champion", second)
        assert said(promoted.clone).startswith(f"version {second} was released")
    told = client.get_model_version("palate", second)
    assert "Released, decided by Ada, champion since 2" in told.description
    assert "although its gate did not pass: the chef asked for it" in told.description
    assert told.tags["champion_seen_at"].startswith("2")
    assert "release_refused" not in told.tags


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://127.0.0.1:9", "MLflow (http://127.0.0.1:9) did not do what was asked"),
        ("read-only", "readonly"),
    ],
)
def test_a_registry_that_is_down_or_read_only_is_one_sentence_and_harms_nothing(
    promoted: Done, client: MlflowClient, second: str, uri: str, words: str
) -> None:
    client.set_registered_model_alias("palate", "champion", second)
    client.set_model_version_tag("palate", second, "adapter_sha256", "0" * 64)
    if uri == "read-only":
        uri = f"sqlite:///file:{promoted.clone / '.palate' / 'mlflow.db'}?mode=ro&uri=true"
    before = (promoted.clone / ".palate" / "bento").read_text()
    done = release_pass(promoted.clone, MLFLOW_TRACKING_URI=uri, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert (promoted.clone / ".palate" / "bento").read_text() == before


class _ServiceThatIsNotWell(http.server.BaseHTTPRequestHandler):
    """Says what a service says that is not well: same addresses, same fields, same counters."""

    version, canary, failures = "", "", 0

    def do_POST(self) -> None:
        told = {"model_version": self.version, "passed": not self.canary, "reason": self.canary}
        self._answer(json.dumps(told))

    def do_GET(self) -> None:
        counted = {"answers": 100, "errors": self.failures}
        rows = (
            f'palate_model_{name}_total{{model_version="{self.version}"}} {count}'
            for name, count in counted.items()
        )
        self._answer("\n".join(rows))

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("sick", "why"),
    [
        ({"canary": "served scores are off"}, "its canary failed: served scores are off"),
        (
            {"failures": 20},
            "its model failed on 20 of 100 requests (20.0%; the version before on 0.0%, "
            "allowed are 5.0% more)",
        ),
    ],
)
def test_a_new_version_that_is_not_well_is_taken_back(
    promoted: Done, client: MlflowClient, second: str, sick: dict[str, object], why: str
) -> None:
    params = promoted.clone / "params.yaml"
    before = params.read_text()
    handler = type("_Sick", (_ServiceThatIsNotWell,), {"version": second, **sick})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        params.write_text(before.replace("service: ''", f"service: {address}"))
        client.set_registered_model_alias("palate", "champion", second)
        assert f"version {second} was released" in said(promoted.clone)
        told = said(promoted.clone)
        handler.version = "1"  # as sick as the one that it stands in for: there is nothing to step back to
        assert said(promoted.clone) == "version 1 is released; nothing to do"
        server.shutdown()
    params.write_text(before)
    assert told == f"version {second} was taken back: {why}; version 1 is released again"
    assert champion(client) == "1"
    assert client.get_model_version("palate", second).tags["release_taken_back"] == why
    client.set_registered_model_alias("palate", "champion", second)
    assert "it was taken back before" in said(promoted.clone)
