"""A process that imports the libraries once, and forks for each program that a test runs in a clone.

A fork is as good as a new process: it changes to the clone, takes its environment over, and only then imports
the project's own modules, so they are the clone's. What the libraries read when they are imported is the same
for all forks; Prefect does so, and is therefore imported by each fork itself, after all that it imports.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

LIBRARIES = (
    "coolname", "dotenv", "griffe", "httpx", "humanize", "pendulum", "prometheus_client", "pydantic_settings",
    "rich.console", "slugify", "websockets.asyncio.client", "mlflow", "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.artifact.local_artifact_repo", "bentoml",
    "bentoml._internal.configuration.containers", "bentoml._internal.bento.bento", "pandas", "psutil",
    "pyarrow.parquet", "pydantic", "ruamel.yaml", "yaml", "dvc.cli", "dvc.repo", "dvc.commands.repro",
    "great_expectations", "matplotlib.figure", "peft", "safetensors.torch", "scipy.optimize", "scipy.special",
    "torch", "transformers.integrations.sdpa_attention", "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto", "transformers.models.llama.modeling_llama",
)  # fmt: skip
FORKED = "FORKED"  # variable with the programs that a ForkServer's python forks for, if not for PROGRAMS
PROGRAMS = "components.stages dvc flows serving.prove"
PYTHON = """#!{real} -IS
import json, os, socket, sys
arguments = sys.argv[1:]
forked = os.environ.get({variable!r}, {programs!r}).split()
if arguments[:1] != ["-m"] or arguments[1] not in forked or "LD_PRELOAD" in os.environ:
    os.execv({real!r}, [sys.argv[0], *arguments])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    program = dict(clone=os.getcwd(), env=dict(os.environ), arguments=arguments, code="", python=sys.argv[0])
    socket.send_fds(server, [b" "], [0, 1, 2])
    server.sendall(json.dumps(program).encode() + b"\\n")
    lines = server.makefile()
    lines.readline()
    code = json.loads(lines.readline() or '{{"code": -9}}')["code"]
if code < 0:
    os.kill(os.getpid(), -code)
os._exit(code)
"""
OURS = {"benchmarks", "components", "flows", "prefect", "serving"}
POLL_S = 0.01


@dataclass
class Fork:
    """A program that runs in a fork; it is killed by its process id."""

    connection: socket.socket
    pid: int
    out: Path
    err: Path

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float = 900) -> subprocess.CompletedProcess[str]:
        """Its end, with what it wrote."""
        self.connection.settimeout(seconds)
        code = json.loads(_line(self.connection))["code"]
        self.connection.close()
        return subprocess.CompletedProcess([], code, self.out.read_text(), self.err.read_text())


def start_server(folder: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts the process that forks, and writes the python that leads to it."""
    address = str(folder / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        own_state = {"PREFECT_HOME": str(folder / "prefect"), "BENTOML_HOME": str(folder / "bentoml")}
        _write_python(folder / "venv", address)
        return subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            cwd=folder, env={**env, **own_state}, pass_fds=[listener.fileno()],
        )  # fmt: skip


def _write_python(venv: Path, address: str) -> None:
    """Makes a virtual environment whose python forks for some programs, and is the real one for all else."""
    real = Path(sys.executable)
    (venv / "bin").mkdir(parents=True)
    (venv / "lib").symlink_to(real.parent.parent / "lib")
    shutil.copy(real.parent.parent / "pyvenv.cfg", venv)
    python = venv / "bin" / "python"
    python.write_text(PYTHON.format(real=str(real), variable=FORKED, programs=PROGRAMS, address=address))
    python.chmod(0o755)


class ForkServer:
    """The process that forks, as a test sees it.

    Args:
        folder: Where `start_server` started it.
        outputs: Folder of what its forks write.
    """

    def __init__(self, folder: Path, outputs: Path) -> None:
        self._address, self._outputs, self._count = str(folder / "socket"), outputs, 0
        self.python = folder / "venv" / "bin" / "python"

    def start(self, clone: Path, env: Mapping[str, str], *arguments: str, code: str = "") -> Fork:
        """Starts `python ARGUMENTS` in a clone, `-m MODULE …`; or code, if given."""
        self._count += 1
        out, err = (self._outputs / f"{self._count}.{name}" for name in ("out", "err"))
        for file in (out, err):
            file.touch()
        program = {
            "clone": str(clone), "env": dict(env), "arguments": arguments, "code": code,
            "python": str(self.python), "out": str(out), "err": str(err),
        }  # fmt: skip
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(120)
        connection.connect(self._address)
        connection.sendall(b" " + json.dumps(program).encode() + b"\n")
        return Fork(connection, json.loads(_line(connection))["pid"], out, err)


def _line(connection: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("the other end was closed")
        received += part
    return received


def _serve(listener: socket.socket) -> None:
    """Forks for each connection, and sends the exit code once the fork has ended."""
    running: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as incoming:
        incoming.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in incoming.select(POLL_S if running else None):
                if key.data:  # the program whose end it waits for is gone
                    os.kill(key.data, signal.SIGKILL)
                    incoming.unregister(key.fileobj)
                    continue
                connection, _ = listener.accept()
                _, streams, _, _ = socket.recv_fds(connection, 1, 3)
                program = json.loads(_line(connection))
                pid = os.fork()
                if pid == 0:
                    _become(program, streams)
                for stream in streams:
                    os.close(stream)
                running[pid] = connection
                connection.sendall(json.dumps({"pid": pid}).encode() + b"\n")
                if streams:
                    incoming.register(connection, selectors.EVENT_READ, pid)
            for pid, connection in list(running.items()):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    del running[pid]
                    code = {"code": os.waitstatus_to_exitcode(status)}
                    with contextlib.suppress(KeyError):
                        incoming.unregister(connection)
                    with contextlib.suppress(BrokenPipeError):
                        connection.sendall(json.dumps(code).encode() + b"\n")
                    connection.close()


def _become(program: Mapping[str, Any], streams: Sequence[int]) -> NoReturn:
    """Turns this fork into the program, and ends with its exit code."""
    code = 1
    try:
        files = [] if streams else [os.devnull, program["out"], program["err"]]
        for number, stream in enumerate([*streams, *(_opened(path) for path in files)]):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(program["clone"])
        os.environ.clear()
        os.environ.update(program["env"])
        sys.path[0], sys.executable = program["clone"], program["python"]
        sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ
        assert not OURS & set(sys.modules), "the clone's own modules must be the ones that are imported"
        _run(program)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001  # as Python itself does at its end
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _opened(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)


def _run(program: Mapping[str, Any]) -> None:
    if program["code"]:
        exec(compile(program["code"], "<test>", "exec"), {"__name__": "__main__"})  # noqa: S102
        return
    _, module, *arguments = program["arguments"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
