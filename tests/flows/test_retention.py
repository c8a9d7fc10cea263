"""A night makes room at its end, and never takes what is served or what somebody may go back to."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from tests.flows.clones import Done, copy_of
from tests.flows.container import Engine
from tests.flows.forking import ForkServer
from tests.flows.releasing import Passes
from tests.flows.room import make_room, set_params

DAY_S = 86_400
OTHERS = ("preview-v909-aaaaaaaa", "v908-bbbbbbbb", "preview-v907-cccccccc", "v906-dddddddd", "v905-eeeeeeee")

pytestmark = pytest.mark.slow


def _store(clone: Path) -> Path:
    return clone / ".palate" / "bentoml" / "bentos" / "palate"


@pytest.fixture
def clone(promoted: Done, passes: Passes, built: str, tmp_path: Path) -> Path:
    """A copy of the clone whose store has the Bentos of versions 1 and `built`, and of other nights.

    Those are folders of a small file, the last one the oldest. A step back from version 1 leads to `built`.
    """
    clone = copy_of(promoted.clone, tmp_path / "clone")
    client = MlflowClient(f"sqlite:///{clone / '.palate' / 'mlflow.db'}")
    for champion in (built, "1"):
        client.set_registered_model_alias("palate", "champion", champion)
        assert passes.sentence(clone).startswith(f"version {champion} was released")
    for path in _store(clone).iterdir():
        if path.is_dir() and not path.name.startswith(("v1-", f"v{built}-")):
            shutil.rmtree(path)
    for age, name in enumerate(OTHERS, 1):
        folder = _store(clone) / name
        folder.mkdir()
        (folder / "bento.yaml").write_text("damaged")
        os.utime(folder, (time.time() - age * DAY_S, time.time() - age * DAY_S))
    return clone


def test_the_newest_bentos_stay_and_those_that_are_needed(
    clone: Path, forks: ForkServer, prefect: dict[str, str], passes: Passes, built: str
) -> None:
    client = MlflowClient(f"sqlite:///{clone / '.palate' / 'mlflow.db'}")
    before = {path.name for path in _store(clone).iterdir()}
    client.set_registered_model_alias("palate", "challenger", built)
    (needed,) = (path for path in _store(clone).iterdir() if path.name.startswith(f"v{built}-"))
    os.utime(needed, (0, 0))  # it is the oldest of all
    make_room(forks, clone, prefect)
    assert {path.name for path in _store(clone).iterdir()} == before - set(OTHERS[2:])
    assert passes.sentence(clone) == "version 1 is released; nothing to do"
    client.set_registered_model_alias("palate", "challenger", "1")
    make_room(forks, clone, prefect)
    assert needed.exists()


def test_a_base_stays_as_long_as_a_bento_needs_it(
    clone: Path, forks: ForkServer, prefect: dict[str, str], passes: Passes
) -> None:
    bases = clone / ".palate" / "bentoml" / "models" / "palate-base"
    (needed,) = (path for path in bases.iterdir() if path.is_dir())
    for name in ("of-a-removed-bento", "of-another"):
        shutil.copytree(needed, bases / name)
    newer = _store(clone) / OTHERS[0] / "src" / "models" / "served"  # among the newest Bentos
    older = _store(clone) / OTHERS[-1] / "src" / "models" / "served"
    for folder, name in ((newer, "of-another"), (older, "of-a-removed-bento")):
        folder.mkdir(parents=True)
        (folder / "served.json").write_text(f'{{"base": "palate-base:{name}", "base_sha256": "{name}"}}')
    os.utime(older.parents[2], (0, 0))  # writing into it made it new
    make_room(forks, clone, prefect)
    assert {path.name for path in bases.iterdir() if path.is_dir()} == {needed.name, "of-another"}
    assert passes.sentence(clone) == "version 1 is released; nothing to do"


def test_what_a_killed_process_left_goes_after_a_day_and_long_logs_lose_their_beginning(
    promoted: Done, forks: ForkServer, prefect: dict[str, str]
) -> None:
    state = promoted.clone / ".palate"
    (state / "logs").mkdir(exist_ok=True)
    lines = [f"line {number} {'x' * 90}\n" for number in range(300_000)]
    log, short = state / "logs" / "service.log", state / "logs" / "worker.log"
    log.write_text("".join(lines))
    short.write_text("short\n")
    for name, age in (("tmpold", 2), ("tmpnew", 0)):
        (state / name).mkdir()
        (state / name / "part").write_text("x")
        os.utime(state / name, (time.time() - age * DAY_S, time.time() - age * DAY_S))
    with log.open("a") as open_log:  # as `make up` holds it
        make_room(forks, promoted.clone, prefect)
        open_log.write("the next line\n")
    left = log.read_text().splitlines()
    assert left[-2:] == [lines[-1].strip(), "the next line"]
    assert left[0] == lines[-len(left) + 1].strip()  # whole lines, none lost between
    assert log.stat().st_size < 12e6
    assert short.read_text() == "short\n"
    assert not (state / "tmpold").exists()
    assert (state / "tmpnew").exists()
    shutil.rmtree(state / "tmpnew")
    log.unlink()
    short.unlink()


def test_images_of_bentos_that_are_gone_go_and_all_others_stay(
    clone: Path, forks: ForkServer, prefect: dict[str, str], engine: Engine, tmp_path: Path
) -> None:
    newest, gone, in_use = OTHERS[1], OTHERS[3], OTHERS[4]
    names = [f"palate:{newest}", f"palate:{gone}", f"palate:{in_use}", "palate:mine", f"other:{gone}"]
    for name in names:
        (tmp_path / "Containerfile").write_text(f"FROM scratch\nLABEL of={name}\nCMD /nothing\n")
        engine.run("podman", "build", "-q", "-t", name, str(tmp_path))
    engine.run("podman", "create", f"palate:{in_use}")
    set_params(clone, "release", engine="podman", image="palate")
    log = make_room(forks, clone, prefect | engine.env)
    assert f"the image localhost/palate:{gone} was removed" in log
    assert f"the image localhost/palate:{in_use} stays: " in log
    left = engine.run("podman", "images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    assert set(left) >= {f"localhost/{name}" for name in names if name != f"palate:{gone}"}
    assert f"localhost/palate:{gone}" not in left
