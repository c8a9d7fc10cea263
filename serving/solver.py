"""Solves plans in a process of its own, so that they hold no other request up.

It starts with the first plan, imports nothing but the planner, and ends with the service. A message is the
length of a pickle, then the pickle.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import sys
import time
from pathlib import Path
from typing import BinaryIO

from components.domain.plan import Conflict, Plan, Request, plan_of
from serving.refusals import Unavailable, must_go_on

LOOK_S = 0.1  # between two looks whether anybody waits
NICE = 10  # so that where cores are short the service's other answers come first
LENGTH = 8  # bytes of a message's length


class Solver:
    """Solves one plan at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def solve(self, week: Request, patience_s: float, deadline: float) -> Plan | Conflict | None:
        """Finds the best plan within a time; None if none was found.

        Args:
            week: What is asked.
            patience_s: Seconds after which the best plan that was found is the answer.
            deadline: Moment on the machine's monotonic clock, after which it is, too.

        Raises:
            NobodyWaits: The client went away, or its time is over; the process is killed.
            Unavailable: The process was killed by somebody else.
        """
        async with self._turn:
            process, self._process = self._process or await _started(), None
            task = asyncio.ensure_future(_answer(process, pickle.dumps((week, patience_s, deadline))))
            try:
                while not (await asyncio.wait({task}, timeout=LOOK_S))[0]:
                    must_go_on()
                plan = task.result()
                self._process = process
            except (OSError, EOFError) as error:
                raise Unavailable("The process that plans was ended: send it again.") from error
            finally:
                task.cancel()
                if not self._process:
                    _end(process)
            return plan

    async def stop(self) -> None:
        """Ends the process, if there is one."""
        async with self._turn:
            if self._process:
                _end(self._process)
                await self._process.wait()


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, cwd=Path(__file__).resolve().parent.parent,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended
        process.kill()


async def _answer(process: asyncio.subprocess.Process, message: bytes) -> Plan | Conflict | None:
    assert process.stdin  # noqa: S101  # it was started with both
    assert process.stdout  # noqa: S101
    process.stdin.write(len(message).to_bytes(LENGTH, "big") + message)
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(LENGTH), "big")
    plan: Plan | Conflict | None = pickle.loads(await process.stdout.readexactly(length))  # noqa: S301  # our own
    return plan


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answers messages until their end."""
    while length := int.from_bytes(questions.read(LENGTH), "big"):
        week, patience_s, deadline = pickle.loads(questions.read(length))  # noqa: S301  # the service's
        end = min(time.monotonic() + patience_s, deadline)
        answer = pickle.dumps(plan_of(week, lambda end=end: end - time.monotonic()))  # type: ignore[misc]
        answers.write(len(answer).to_bytes(LENGTH, "big") + answer)
        answers.flush()


if __name__ == "__main__":
    os.nice(NICE)
    serve(sys.stdin.buffer, sys.stdout.buffer)
