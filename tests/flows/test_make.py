"""What stands in PERSON, DATA and the other variables of `make` reaches the command as it was written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.domain.preferences.forgotten import Forgotten
from flows.keys import keys
from tests.conftest import needs
from tests.flows.clones import COMMANDS, clean_environment, free_ports, http_status, make_clone, wait_for
from tests.flows.forking import ForkServer
from tests.pages import command

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
HOSTILE = "`touch ran` $(touch ran) ${PATH} a$b $$ 'one' \"two\" \\ # ; & | Zoë 食"


@pytest.fixture(scope="module")
def clone(forks: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("make") / "clone")


def _make(clone: Path, target: str, python: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the Makefile with a Python that forks, or with another one; it takes it for installed."""
    assignments = [f"{name}={value}" for name, value in variables.items()]
    folder = Path(python or COMMANDS[-1]).parent
    command = ["make", "-o", f"{folder}/installed", f"BIN={folder}", target, *assignments]
    outside = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}  # of the make that may have started these tests
    env = {name: value for name, value in clean_environment().items() if name not in outside}
    done = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, timeout=300)
    assert not (clone / "ran").exists()
    return done


@pytest.mark.parametrize("person", [HOSTILE, "-x $(shell touch ran)\nof two lines"])
def test_exactly_the_person_who_is_named_is_forgotten(clone: Path, person: str) -> None:
    path = clone / "data" / "forgotten.json"
    path.unlink(missing_ok=True)
    done = _make(clone, "forget", PERSON=person)
    assert done.returncode == 0, done.stderr
    forgotten = Forgotten.from_json(json.loads(path.read_text()), keys(clone / ".palate")["people"])
    assert forgotten.hashes == {forgotten.hash_of(person)}


def test_with_make_env_the_tools_own_commands_see_the_state_of_the_clone(clone: Path) -> None:
    variables = _make(clone, "env", sys.executable).stdout
    script = f"{variables}\nmlflow experiments search && prefect deployment ls && bentoml list && ls -A"
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=clone,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "mlflow.db" not in done.stdout  # nothing strays into the clone's root
    state = clone / ".palate"
    assert (state / "mlflow.db").exists()
    assert (state / "prefect" / "prefect.db").exists()


def test_the_doctor_reads_the_folder_that_is_named(clone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my $x fol`touch ran`der $(touch ran) \"of\" 'tables' ñ"
    shutil.copytree(clone / "data" / "sample" / "canteen", folder)
    done = _make(clone, "doctor", DATA=str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("What becomes of the rows")


def test_mlflows_pages_open_on_the_port_that_is_named(clone: Path) -> None:
    (port,) = free_ports(1)
    line = ["make", "-o", f"{BIN}/installed", f"BIN={BIN}", "mlflow", f"PORT={port}"]
    with (clone / "mlflow.log").open("w") as log:
        server = subprocess.Popen(
            line, cwd=clone, env=clean_environment(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(lambda: http_status(f"http://127.0.0.1:{port}/") == 200, 120, "MLflow's pages")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def test_the_doctor_writes_settings_beside_tables_that_have_none(clone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    shutil.copytree(
        clone / "data" / "sample" / "canteen", folder, ignore=shutil.ignore_patterns("params.yaml")
    )
    done = _make(clone, "doctor", DATA=str(folder), WRITE="1")
    assert done.returncode == 0, done.stderr
    assert (folder / "params.yaml").read_text().startswith("# Proposed by make doctor")


def test_a_fresh_clone_says_what_comes_next_and_that_nobody_was_shown_a_dish(clone: Path) -> None:
    assert "run `make nightly`" in _make(clone, "status").stdout
    assert "Nobody was shown, chose or ordered" in _make(clone, "recall", DISH="d1").stderr


def test_an_overlay_of_the_page_is_held_against_the_rules(clone: Path) -> None:
    needs("kubectl")
    assignment = command("docs/kubernetes.md", "make check-manifests").split()[-1]
    mine = clone / assignment.partition("=")[2]
    shutil.copytree(clone / "deploy" / "overlays" / "prod", mine)
    done = _make(clone, "check-manifests", OVERLAY=assignment.partition("=")[2])
    assert done.stdout.strip().endswith("objects, all rules hold"), done.stderr


@pytest.mark.parametrize(
    ("target", "variables", "sentence"),
    [
        ("forget", {}, "No person is named: say whom to forget, as in `make forget PERSON=p17`."),
        ("forget", {"PERSON": os.fsdecode(b"Zo\xeb")}, "'Zo\\udceb' is not written in UTF-8"),
        ("restore", {}, "No night is named: say which to bring back"),
        ("bring-back", {"FROM": "-`touch ran`"}, "'-`touch ran`' is no file: name a back-up"),
        ("serve", {"PORT": "-1; touch ran"}, "The port '-1; touch ran' cannot be used: name one from 1 to"),
        ("mlflow", {"PORT": "99999999"}, "The port '99999999' cannot be used: name one from 1 to 65535"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    clone: Path, target: str, variables: dict[str, str], sentence: str
) -> None:
    done = _make(clone, target, **variables)
    ours, ends_with = done.stderr.splitlines()[-2:]
    assert done.returncode == 2  # make's own
    assert ours.startswith(f"palate: {sentence}")
    assert ends_with.startswith("make: ***")
    assert "Traceback" not in done.stderr
    assert "usage:" not in done.stderr


def test_a_set_of_a_benchmark_is_quoted(clone: Path) -> None:
    done = _make(clone, "benchmark", NAME="new-dishes", SET="`touch ran`$(touch ran)")
    assert done.returncode == 2
    assert "`touch ran`$(touch ran)" in done.stderr
    assert "is one of: quality" in _make(clone, "benchmark", NAME="$(shell touch ran)").stderr


def test_benchmarks_are_listed_and_an_unknown_one_is_an_error(clone: Path) -> None:
    listed, unknown = _make(clone, "benchmark"), _make(clone, "benchmark", NAME="nothing")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "is one of: quality" in listed.stdout
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "is one of: quality" in unknown.stderr
