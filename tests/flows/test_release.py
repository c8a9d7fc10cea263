"""Release passes on a clone with a champion: what is wanted comes about, whatever was lost before."""

from __future__ import annotations

import fcntl
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from tests.flows.conftest import Done, clean_environment

pytestmark = pytest.mark.night

SCRIPT = """
from flows import environment
environment.prepare()
import sys
from components.domain.errors import PalateError
from flows.release import release
try:
    print(release.fn().said)
except PalateError as error:
    sys.exit(f"palate: {error}")
"""


def release_pass(clone: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """One pass without Prefect's server, which has nothing to do with what it does."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=clone,
        env=clean_environment() | env,
        capture_output=True,
        text=True,
        timeout=300,
    )


def said(clone: Path, **env: str) -> str:
    done = release_pass(clone, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture
def client(promoted: Done) -> Iterator[MlflowClient]:
    """The registry of the clone; whatever a test did, version 1 is the released champion again afterwards."""
    uri, before = f"sqlite:///{promoted.clone / '.palate' / 'mlflow.db'}", mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)  # making a version from another's source asks the global one
    client = MlflowClient(uri)
    yield client
    mlflow.set_tracking_uri(before)
    for version in client.search_model_versions("name = 'palate'"):
        for tag in ("release_refused", "release_override", "release_taken_back"):
            if tag in version.tags:
                client.delete_model_version_tag("palate", version.version, tag)
    client.set_registered_model_alias("palate", "champion", "1")
    assert "version 1" in said(promoted.clone)


@pytest.fixture
def second(promoted: Done, client: MlflowClient) -> str:
    """A second version: the first one's artifacts and lineage under a gate report of its own."""
    first = client.get_model_version("palate", "1")
    copy = client.create_model_version(
        "palate", first.source, first.run_id, tags={**first.tags, "released": ""}, model_id=first.model_id
    )
    return str(copy.version)


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
    "lost", ["the last step", "the Bento", "the Bento's weights", "the Bento's description"]
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
    else:
        (bento / "bento.yaml").write_text("{")
    assert said(promoted.clone).startswith("version 1 was released as palate:v1-")
    assert weights.read_bytes() == whole
    assert said(promoted.clone) == "version 1 is released; nothing to do"


def test_two_passes_at_once_do_no_harm(promoted: Done) -> None:
    with (promoted.clone / ".palate" / "release.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert said(promoted.clone) == "another pass is running"


def test_a_champion_that_was_deleted_leaves_what_is_served_alone(
    promoted: Done, client: MlflowClient, second: str
) -> None:
    client.set_registered_model_alias("palate", "champion", second)
    client.delete_model_version("palate", second)
    before = (promoted.clone / ".palate" / "bento").read_text()
    assert said(promoted.clone).startswith("there is no champion")
    assert (promoted.clone / ".palate" / "bento").read_text() == before


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
    """Says what a service says whose canary has failed: same addresses, same fields."""

    version = ""

    def do_POST(self) -> None:
        told = {"model_version": self.version, "passed": False, "reason": "served scores are off"}
        self._answer(json.dumps(told))

    def do_GET(self) -> None:
        self._answer("")

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


def test_a_new_version_whose_canary_fails_is_taken_back(
    promoted: Done, client: MlflowClient, second: str
) -> None:
    params = promoted.clone / "params.yaml"
    before = params.read_text()
    handler = type("_Second", (_ServiceThatIsNotWell,), {"version": second})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        params.write_text(before.replace("http://127.0.0.1:3000", address))
        client.set_registered_model_alias("palate", "champion", second)
        assert f"version {second} was released" in said(promoted.clone)
        told = said(promoted.clone)
        server.shutdown()
    params.write_text(before)
    assert told.startswith(f"version {second} was taken back: its canary failed: served scores are off")
    assert told.endswith("version 1 is released again")
    assert champion(client) == "1"
    assert "canary failed" in client.get_model_version("palate", second).tags["release_taken_back"]
    client.set_registered_model_alias("palate", "champion", second)
    assert "it was taken back before" in said(promoted.clone)


@pytest.mark.parametrize("by", ["version", "Bento", "data"])
def test_lineage_leads_from_a_version_a_bento_or_data_to_the_rows(
    promoted: Done, client: MlflowClient, by: str
) -> None:
    tags = client.get_model_version("palate", "1").tags
    what = {"version": "1", "Bento": f"palate:v1-{tags['gate_sha256'][:8]}", "data": tags["data_md5"][:12]}[
        by
    ]
    done = _lineage(promoted.clone, what)
    assert done.returncode == 0, done.stderr
    for name in ("data_md5", "git_sha", "gate_sha256", "adapter_sha256", "night_commit"):
        assert tags[name] in done.stdout
    assert f"git restore --source={tags['night_commit']}" in done.stdout


def test_lineage_of_nothing_known_is_one_sentence(promoted: Done) -> None:
    done = _lineage(promoted.clone, "no-such-thing")
    assert done.returncode == 1
    assert done.stderr.startswith("palate: 'no-such-thing' is no version, Bento or data version")


def _lineage(clone: Path, what: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows", "lineage", what]
    return subprocess.run(command, cwd=clone, env=clean_environment(), capture_output=True, text=True)
