"""A clone's programs as forks of one process that has imported all they need, so that a night costs little.

It makes a `python` that hands over `python -m MODULE …` and runs anything else itself. To the night, DVC, its
stages and MLflow's `gc` are the programs that they are, with their own output and exit codes.
"""

from __future__ import annotations

import gc
import importlib
import os
import runpy
import selectors
import socket
import stat
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

MODULES = (
    "dvc.cli", "dvc.commands.repro", "dvc.repo", "great_expectations", "mlflow.cli", "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store", "peft", "torch",
    "scipy.stats", "transformers.models.llama.modeling_llama", "bentoml._internal.bento.bento",
    "flows.nightly", "flows.night_report", "flows.console", "components.stages.check",
    "components.stages.evaluate", "components.stages.pack", "components.stages.split",
    "components.stages.train",
)  # fmt: skip
POLL_S = 0.02
_SHIM = """#!{python} -IS
import os, socket, sys
if sys.argv[1:2] != ["-m"]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
variables = [f"{{name}}={{value}}" for name, value in os.environ.items()]
program = "\\0".join([os.getcwd(), *sys.argv[2:], "", *variables]).encode()
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    socket.send_fds(connection, [len(program).to_bytes(4, "big")], [0, 1, 2])
    connection.sendall(program)
    sys.exit(int(connection.recv(8) or b"1"))
"""


class Forks:
    """The process that forks; `python` is what to run instead of Python's own."""

    def __init__(self, clone: Path, folder: Path, env: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        address, self.python = str(folder / "socket"), folder / "python"
        self.python.write_text(_SHIM.format(python=sys.executable, address=address))
        self.python.chmod(self.python.stat().st_mode | stat.S_IXUSR)
        command = [sys.executable, "-m", "benchmarks.forks", address, str(self.python)]
        self.process = subprocess.Popen(command, cwd=clone, env=dict(env))
        while not Path(address).exists():  # it is made once everything is imported
            if self.process.poll() is not None:
                raise ChildProcessError(f"`{' '.join(command)}` ended with {self.process.returncode}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Ends the process."""
        self.process.terminate()
        self.process.wait(30)


def _serve(listener: socket.socket) -> None:
    running: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as incoming:
        incoming.register(listener, selectors.EVENT_READ)
        while True:
            if incoming.select(POLL_S if running else None):
                connection, _ = listener.accept()
                pid = os.fork()
                if pid == 0:
                    _become(connection)
                running[pid] = connection
            for pid, connection in list(running.items()):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    del running[pid]
                    connection.sendall(str(os.waitstatus_to_exitcode(status) & 255).encode())
                    connection.close()


def _become(connection: socket.socket) -> NoReturn:
    """Turns this fork into the program that the connection names, and ends with its exit code."""
    code: object = 0
    try:
        size, streams, _, _ = socket.recv_fds(connection, 4, 3)
        program = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL).decode()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        parts = program.split("\0")
        end = parts.index("", 2)
        os.environ.clear()
        for variable in parts[end + 1 :]:
            name, _, value = variable.partition("=")
            os.environ[name] = value
        os.chdir(parts[0])
        sys.argv = parts[1:end]
        runpy.run_module(parts[1], run_name="__main__", alter_sys=True)
    except SystemExit as exit_:
        code = exit_.code
    except BaseException:  # noqa: BLE001  # as Python itself does at its end
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _main(address: str, python: str) -> None:
    from flows import environment

    environment.prepare()
    for module in MODULES:
        importlib.import_module(module)
    sys.executable = python
    listener = socket.socket(socket.AF_UNIX)
    gc.freeze()
    listener.bind(address)
    listener.listen()
    _serve(listener)


if __name__ == "__main__":
    _main(*sys.argv[1:])
