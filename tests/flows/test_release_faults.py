"""Release passes that are killed, meet a damaged store or a sick service: the next pass finishes the work."""

from __future__ import annotations

import importlib.util
import json
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from tests.flows.clones import Done, clean_environment, copy_of, wait_for
from tests.flows.releasing import Passes, champion
from tests.flows.room import set_params
from tests.pages import command
from tests.receiver import receiver

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "lost",
    [
        "the last step",
        "the Bento",
        "the Bento's weights",
        "the Bento's code",
        "the Bento's description",
    ],
)
def test_what_a_killed_pass_or_a_damaged_store_lacks_is_made_by_the_next_pass(
    promoted: Done, passes: Passes, client: MlflowClient, lost: str
) -> None:
    state = promoted.clone / ".palate" / "released.json"
    name, version = json.loads(state.read_text())["bento"].split(":")
    bento = promoted.clone / ".palate" / "bentoml" / "bentos" / name / version
    weights = bento / "src" / "models" / "served" / "adapter" / "adapter_model.safetensors"
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
    assert passes.sentence(promoted.clone).startswith("version 1 was released as palate:v1-")
    assert weights.read_bytes() == whole
    assert "# damaged" not in (bento / "src" / "serving" / "service.py").read_text()
    assert passes.sentence(promoted.clone) == "version 1 is released; nothing to do"


def test_bytecode_that_nobody_checked_never_runs(
    promoted: Done, passes: Passes, client: MlflowClient
) -> None:
    """Python runs what lies in __pycache__ without a look at the code, if its header says so."""
    name, version = json.loads((promoted.clone / ".palate" / "released.json").read_text())["bento"].split(":")
    source = promoted.clone / ".palate" / "bentoml" / "bentos" / name / version / "src"
    evil, ran = promoted.clone / "evil.py", promoted.clone / "ran"
    evil.write_text(f"open({str(ran)!r}, 'w').close()\n")
    for module in (source / "serving" / "__init__.py", source / "components" / "__init__.py"):
        target = importlib.util.cache_from_source(str(module))
        py_compile.compile(
            str(evil), target, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, doraise=True
        )
    done = passes.forks.start(promoted.clone, clean_environment(), code=SERVE).wait()
    assert done.returncode == 0, done.stderr
    assert not ran.exists()
    (source / "torch").symlink_to(promoted.clone)  # a package that the service imports, from elsewhere
    assert passes.sentence(promoted.clone).startswith("version 1 was released as palate:v1-")
    assert not (source / "torch").exists()


def test_a_bento_that_is_deleted_is_built_anew_on_the_other_base_image(
    promoted: Done, passes: Passes, tmp_path: Path
) -> None:
    clone = copy_of(promoted.clone, tmp_path / "clone")
    set_params(clone, "release", base_image="registry.example/base:1")
    tag = json.loads((clone / ".palate" / "released.json").read_text())["bento"]
    delete = command("docs/runbook.md", "BENTOML_HOME=").replace("palate:v…", tag)
    env = clean_environment() | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    subprocess.run(["bash", "-c", delete], cwd=clone, env=env, input="y\n", text=True, check=True)
    folder = clone / ".palate" / "bentoml" / "bentos" / tag.replace(":", "/")
    assert not folder.exists()
    assert passes.sentence(clone).startswith(f"version 1 was released as {tag}")
    assert "registry.example/base:1" in (folder / "bento.yaml").read_text()


SERVE = """
from flows import environment; environment.prepare()
import subprocess, sys
from flows.night.next_step import bento_to_serve
from components.integrations import bentos
source = bentos.folder_of(bento_to_serve()) / "src"
subprocess.run([sys.executable, "-m", "serving.prove"], cwd=source, check=True)
assert not list(source.rglob("__pycache__"))
"""


@pytest.fixture
def base(promoted: Done) -> Path:
    """The released version's base in BentoML's store."""
    (base,) = (promoted.clone / ".palate" / "bentoml" / "models" / "palate-base").glob("*/")
    return base


@pytest.mark.parametrize("lost", ["all of it", "its tokenizer"])
def test_a_damaged_base_is_stored_anew_by_the_next_pass_and_the_release_stays(
    promoted: Done, passes: Passes, client: MlflowClient, base: Path, lost: str
) -> None:
    whole = {path.name: path.read_bytes() for path in base.iterdir() if path.name != "model.yaml"}
    assert {"model.safetensors", "tokenizer.json", "palate.json"} <= whole.keys()
    if lost == "all of it":
        shutil.rmtree(base.parent)
    else:
        (base / "tokenizer.json").write_bytes(whole["tokenizer.json"][:-1])
    assert passes.sentence(promoted.clone) == "version 1 is released; nothing to do"
    assert {path.name: path.read_bytes() for path in base.iterdir() if path.name != "model.yaml"} == whole


def test_a_base_that_is_nowhere_is_one_sentence_and_the_release_comes_back_with_it(
    promoted: Done, passes: Passes, client: MlflowClient, base: Path
) -> None:
    marker = promoted.clone / "models" / "base" / "palate.json"
    marker.rename(marker.with_suffix(".hidden"))
    try:
        shutil.rmtree(base)
        done = passes.run(promoted.clone)
    finally:
        marker.with_suffix(".hidden").rename(marker)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("palate: models/base is not here")
    assert "Traceback" not in done.stderr
    assert passes.sentence(promoted.clone).startswith("version 1 was released as palate:v1-")
    assert (base / "model.safetensors").exists()


def test_a_pass_that_was_killed_once_the_bento_was_built_is_finished_by_the_next(
    promoted: Done, passes: Passes, client: MlflowClient, second: str
) -> None:
    store = promoted.clone / ".palate" / "bentoml" / "bentos" / "palate"
    client.set_registered_model_alias("palate", "champion", second)
    killed = passes.start(promoted.clone)
    wait_for(lambda: bool(list(store.glob(f"v{second}-*/bento.yaml"))), 120, "the Bento", every=0.002)
    killed.kill()
    killed.wait()
    _assert_the_next_pass_finishes(promoted.clone, passes, client, second)


@pytest.mark.parametrize("step", ["it is what is served", "it is written down"])
def test_a_pass_that_was_killed_while_it_changed_over_is_finished_by_the_next(
    promoted: Done, passes: Passes, built: str, client: MlflowClient, step: str
) -> None:
    state = promoted.clone / ".palate"
    client.set_registered_model_alias("palate", "champion", built)
    killed = passes.start(promoted.clone)
    ended = {
        "it is what is served": lambda: f":v{built}-" in (state / "bento").read_text(),
        "it is written down": lambda: json.loads((state / "released.json").read_text())["version"] == built,
    }[step]
    wait_for(lambda: bool(ended()), 120, step, every=0.002)
    killed.kill()
    killed.wait()
    _assert_the_next_pass_finishes(promoted.clone, passes, client, built)


def _assert_the_next_pass_finishes(clone: Path, passes: Passes, client: MlflowClient, version: str) -> None:
    assert f"version {version} " in passes.sentence(clone)
    assert passes.sentence(clone) == f"version {version} is released; nothing to do"
    assert " as palate:v" in client.get_model_version("palate", version).tags["released"]
    assert json.loads((clone / ".palate" / "released.json").read_text())["previous"] == "1"


def test_two_passes_at_once_do_no_harm(
    promoted: Done, passes: Passes, client: MlflowClient, second: str
) -> None:
    client.set_registered_model_alias("palate", "champion", second)
    both = [passes.start(promoted.clone) for _ in range(2)]
    ends = [each.wait() for each in both]
    assert [each.returncode for each in ends] == [0, 0]
    sentences = sorted(each.stdout.strip().splitlines()[-1] for each in ends)
    assert sentences[0] == "another pass is running" or sentences[0].endswith("nothing to do")
    assert sentences[1].startswith(f"version {second} ")
    assert any(each.startswith(f"version {second} was released") for each in sentences)
    assert passes.sentence(promoted.clone) == f"version {second} is released; nothing to do"


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://127.0.0.1:9", "MLflow (http://127.0.0.1:9) did not do what was asked"),
        ("read-only", "readonly"),
    ],
)
def test_a_registry_that_is_down_or_read_only_is_one_sentence_and_harms_nothing(
    promoted: Done, passes: Passes, client: MlflowClient, second: str, uri: str, words: str
) -> None:
    client.set_registered_model_alias("palate", "champion", second)
    client.set_model_version_tag("palate", second, "adapter_sha256", "0" * 64)
    if uri == "read-only":
        uri = f"sqlite:///file:{promoted.clone / '.palate' / 'mlflow.db'}?mode=ro&uri=true"
    before = (promoted.clone / ".palate" / "bento").read_text()
    done = passes.run(promoted.clone, MLFLOW_TRACKING_URI=uri, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert (promoted.clone / ".palate" / "bento").read_text() == before


def _not_well(version: str, canary: str, failures: int) -> dict[str, tuple[int, str]]:
    """What a service says that is not well: same addresses, same fields, same counters."""
    answer = {"model_version": version, "passed": not canary, "reason": canary}
    rows = (
        f'palate_model_{name}_total{{model_version="{version}"}} {count}'
        for name, count in (("answers", 100), ("errors", failures))
    )
    return {"/canary": (200, json.dumps(answer)), "*": (200, "\n".join(rows))}


@pytest.mark.parametrize(
    ("canary", "failures", "why"),
    [
        ("served scores are off", 0, "its canary failed: served scores are off"),
        (
            "",
            20,
            "its model failed on 20 of 100 requests (20.0%; the version before on 0.0%, "
            "allowed are 5.0% more)",
        ),
    ],
)
def test_a_new_version_that_is_not_well_is_taken_back(
    promoted: Done, passes: Passes, built: str, client: MlflowClient, canary: str, failures: int, why: str
) -> None:
    params = promoted.clone / "params.yaml"
    before = params.read_text()
    with receiver(_not_well(built, canary, failures)) as service:
        params.write_text(before.replace("service: ''", f"service: {service.address}"))
        client.set_registered_model_alias("palate", "champion", built)
        assert f"version {built} was released" in passes.sentence(promoted.clone)
        sentence = passes.sentence(promoted.clone)
        # As sick as the one that it stands in for: there is nothing to step back to.
        service.answers = _not_well("1", canary, failures)
        assert passes.sentence(promoted.clone) == "version 1 is released; nothing to do"
    params.write_text(before)
    assert sentence == f"version {built} was taken back: {why}; version 1 is released again"
    assert champion(client) == "1"
    assert client.get_model_version("palate", built).tags["release_taken_back"] == why
    client.set_registered_model_alias("palate", "champion", built)
    assert "it was taken back before" in passes.sentence(promoted.clone)
