"""Runs DVC as subprocesses: stages and pointers.

Each runs in the repository's folder. DVC's Python API depends on the process's working directory, and does
not find earlier results of stages that are named by absolute paths (DVC 3.67).
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from components.domain.errors import StageFailed

REMOTE = "dvc-remote"  # folder of the default remote below the state
_KILLED = ("exited with -9", "exited with 137")  # how DVC's line ends on a stage that the system killed
_FULL = (os.strerror(errno.ENOSPC), "No possible cache link types")  # the latter where it cannot check out
_LAST_WORDS = 12  # lines of a failed command's output that the error message repeats


def dvc(
    repo: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], object] = str,
    failure_prefix: str = "",
    limit_s: float | None = None,
) -> str:
    """Runs one DVC command and returns its output.

    If stderr is a terminal the command writes to it directly, so that the progress bar of a stage works.

    Args:
        on_line: Function that receives each line of output as soon as it is written.
        failure_prefix: Start of the line in which a failed stage says why; empty if stages have no such line.
        limit_s: Seconds after which the command is killed; None for no limit.

    Raises:
        StageFailed: The command failed or took too long. The message is the stage's sentence, or else the
            command with its exit code and its last lines.
    """
    command, started = [sys.executable, "-m", "dvc", *arguments], time.monotonic()
    lines, exit_code = _stream(command, repo, env or {}, on_line, limit_s)
    if exit_code == -signal.SIGKILL and limit_s and time.monotonic() - started >= limit_s:
        raise StageFailed(
            f"`dvc {' '.join(arguments)}` was ended after {limit_s / 3600:.3g} hours, up.stage_limit_h: look "
            "at what made it slow, or raise the limit."
        )
    if exit_code:
        raise StageFailed(_why_it_failed(" ".join(arguments), lines, exit_code, failure_prefix))
    return "\n".join(lines)


def _stream(
    command: list[str],
    repo: Path,
    env: Mapping[str, str],
    on_line: Callable[[str], object],
    limit_s: float | None,
) -> tuple[list[str], int]:
    """Runs a command, passes each line of its output on, and returns all lines and the exit code."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=repo,
        env={**os.environ, "PATH": _path_with_this_python(), **env},
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.PIPE,  # never written to; it closes when this process dies, and a stage may watch it
        stdout=subprocess.PIPE,
        stderr=None if sys.stderr.isatty() else subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        with _ended_after(process, limit_s):
            for line in process.stdout:
                lines.append(line.rstrip())
                on_line(line.rstrip())
    return lines, process.returncode


@contextmanager
def _ended_after(process: subprocess.Popen[str], limit_s: float | None) -> Iterator[None]:
    """Kills the process once the block takes too long, and closes its stdin, which a stage watches."""

    def end() -> None:
        process.kill()
        if process.stdin:
            process.stdin.close()

    timer = threading.Timer(limit_s or threading.TIMEOUT_MAX, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _why_it_failed(command: str, lines: Sequence[str], exit_code: int, failure_prefix: str) -> str:
    """Explains from a command's output why it failed: by the stage's sentence, or by DVC's last lines."""
    sentence = _stage_sentence(lines, failure_prefix)
    if sentence:
        return sentence
    if exit_code == -signal.SIGKILL or any(line.endswith(_KILLED) for line in lines):
        return (
            f"`dvc {command}` was killed from outside, as the system does where memory runs out: give this "
            "machine more, or the stage less (a candidate's vectors.dishes_per_step), then run again."
        )
    full = [line for line in lines if any(words in line for words in _FULL)]
    if full:
        return (
            f"`dvc {command}` could not write, most likely since the disk is full ({full[0]}): make room, "
            "then run again."
        )
    words = " | ".join(line for line in lines[-_LAST_WORDS:] if line)
    return f"`dvc {command}` ended with {exit_code}: {words}"


def _stage_sentence(lines: Sequence[str], prefix: str) -> str | None:
    """Finds the sentence in which a failed stage says why; None where it says nothing."""
    sentences = [line.removeprefix(prefix) for line in lines if prefix and line.startswith(prefix)]
    return sentences[-1] if sentences else None


def _path_with_this_python() -> str:
    """Builds a PATH on which `python`, as dvc.yaml calls it, is the Python that runs this process."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def add(repo: Path, *folders: str) -> dict[str, str]:
    """Puts folders under DVC and returns the hash of each, by folder; the hash is the data version."""
    dvc(repo, "add", *folders)
    return {folder: pointer_md5(repo / f"{folder}.dvc") for folder in folders}


def pointer_md5(pointer: Path) -> str:
    """Reads the hash in a .dvc file."""
    md5: str = yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0]["md5"]
    return md5
