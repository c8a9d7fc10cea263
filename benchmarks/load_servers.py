"""The servers of `make benchmark NAME=load`, each in processes of its own: the service, and its peer."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.sample import BASE, REPO, base, canteen
from components.domain.preferences.folds import unit_of
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.prompts import prompt_hash
from components.domain.verdict import canary
from components.files import weights_sha256, write_json
from components.integrations import adapters, bentos
from components.stages.bases import base_facts
from components.stages.canary import with_scores
from components.stages.contenders import Setting
from flows.release.stored_bases import tag_of

FOLDER = REPO / ".palate" / "benchmarks" / "load"
SERVED, BENTOML_HOME = FOLDER / "models" / "served", str(FOLDER / "bentoml")
PORTS = {"Palate": 3871, "FastAPI": 3872}
START_S, STOP_S = 300, 60
THREADS = 2  # of PyTorch, in both


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        process: What was started; the service works in children of it.
        url: Its address.
    """

    process: subprocess.Popen[bytes]
    url: str


def stage() -> Setting:
    """Puts the service into a folder as a Bento holds it, with text factors fitted on the canteen."""
    setting = canteen()
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("serving", "components"):
        shutil.copytree(REPO / name, FOLDER / name)
    shutil.copy(REPO / "requirements-service.lock", FOLDER)
    adapter = SERVED / "adapter"
    _fit(setting, adapter)
    base_sha256 = base_facts(BASE)["sha256"]
    os.environ["BENTOML_HOME"] = BENTOML_HOME  # where both this process and the service look for the base
    bentos.store_model(tag_of(base_sha256), BASE)
    params, fields = setting.params, setting.params.prompt.dish_fields
    collect = params.collect
    questions = canary.made_up_questions(list(setting.dishes), collect.like_at, collect.dislike_at)
    stored = with_scores(questions, setting.dishes, fields, BASE, adapter)
    write_json(SERVED / "canary.json", canary.to_json("factors", stored))
    names = ("model_version", "data_md5", "gate_sha256", "git_sha", "bento")
    facts = {
        "base": tag_of(base_sha256),
        "base_sha256": base_sha256,
        "adapter_sha256": weights_sha256(adapter),
        "dish_fields": fields,
        "prompt_hash": prompt_hash(fields),
        "model": "palate",
        "preview": True,
        "candidate": "reader",
        "standing": "unproven",
        "serve": params.serve.model_dump(),
    }
    write_json(SERVED / "served.json", facts | dict.fromkeys(names, "load"))
    return setting


def _fit(setting: Setting, adapter: Path) -> None:
    candidate, params = setting.params.train.candidates["factors"], setting.params
    if not candidate.factors:
        raise SystemExit("train.candidates.factors of params.yaml has no section `factors`.")
    model, tokens = base(setting)
    frozen = adapters.attach(model.network, candidate, params.train.seed)
    give_text_factors(
        model, tokens, setting.train, setting.may_know, candidate.factors, unit_of(params.split)
    )
    adapters.save(frozen, model.head, adapter, params.base.model)


@contextlib.contextmanager
def running(name: str) -> Iterator[Server]:
    """Starts a server, waits until it is ready, and ends it with the block; its log is in the folder."""
    command, folder, more = _commands()[name]
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS), "BENTOML_DO_NOT_TRACK": "true"} | more
    with (FOLDER / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    server = Server(process, f"http://127.0.0.1:{PORTS[name]}")
    try:
        _wait_until_ready(server, name)
        yield server
    finally:
        process.terminate()
        process.wait(STOP_S)


def _commands() -> Mapping[str, tuple[list[str], Path, dict[str, str]]]:
    port = {name: str(port) for name, port in PORTS.items()}
    programs = Path(sys.executable).parent
    service = [str(programs / "bentoml"), "serve", "serving.service:Palate", "--host", "127.0.0.1"]
    peer = [sys.executable, "-m", "uvicorn", "benchmarks.load_peer:application", "--factory", "--port"]
    return {
        "Palate": ([*service, "--port", port["Palate"]], FOLDER, {"BENTOML_HOME": BENTOML_HOME}),
        "FastAPI": ([*peer, port["FastAPI"]], REPO, {"LOAD_SERVED": str(SERVED), "LOAD_BASE": str(BASE)}),
    }


def _wait_until_ready(server: Server, name: str) -> None:
    end = time.monotonic() + START_S
    while server.process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.url}/readyz", timeout=5).is_success:
                return
        time.sleep(0.2)
    raise SystemExit(f"{name} did not become ready: {FOLDER / f'{name}.log'} says why.")
