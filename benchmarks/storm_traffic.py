"""A served clone in the storm: its process, what honest people ask it, and what attackers send."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from benchmarks.storm_attacks import Attack

START_S, PATIENCE_S, STOP_S = 240, 240, 60
ATTACKERS, DRIPPING = 4, 20  # at once: who send attacks, and sockets that never finish a request's head
ACKNOWLEDGED = (200, 202)
Write = tuple[str, str, str]  # person, dish and kind of acknowledged feedback
Body = dict[str, Any]


class Service:
    """The Bento of a clone, served on a free port, which can be killed and started again."""

    def __init__(self, clone: Path, env: Mapping[str, str]) -> None:
        self.clone, self.env, self.peak_mb = clone, env, 0.0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "flows", "serve", f"--port={self.port}"]
        with (self.clone / "serve.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.clone, env=self.env, stdout=log, stderr=log)

    def _tree(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def look(self) -> None:
        """Notes how much memory its processes hold together."""
        total = 0
        for process in self._tree():
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        self.peak_mb = max(self.peak_mb, total / 2**20)

    def kill_and_restart(self) -> None:
        """Kills it as a power cut does, and starts it again."""
        for process in self._tree():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.process.wait(STOP_S)
        self.process = self._started()

    def stop(self) -> None:
        """Ends it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_S)


@dataclass
class Traffic:
    """What a service was asked.

    Attributes:
        writes: Acknowledged feedback, of honest people and of attackers.
        turned_away: Number of honest writes that were put off until tomorrow.
        statuses: Number of answers to attacks by kind and status; status 0 stands for no answer.
        slowest_s: Longest time until an honest write was acknowledged, tries included.
    """

    writes: Counter[Write] = field(default_factory=Counter)
    turned_away: int = 0
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    slowest_s: float = 0.0


async def wait_until_ready(service: Service) -> None:
    """Waits for /readyz.

    Raises:
        SystemExit: The service ended, or it is not ready in time.
    """
    end = time.monotonic() + START_S
    async with aiohttp.ClientSession() as session:
        while service.process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{service.url}/readyz", timeout=aiohttp.ClientTimeout(5)) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.3)
    raise SystemExit(f"the service of {service.clone} did not become ready: its serve.log says why")


async def honest_person(session: aiohttp.ClientSession, url: str, person: str, traffic: Traffic) -> None:
    """Asks for a recommendation, chooses its best dish and likes the second, until both are acknowledged."""
    answer = await _until_answered(session, f"{url}/recommend", {"person_id": person, "k": 3}, traffic)
    first, second = (row["dish_id"] for row in answer["dishes"][:2])
    choice = {"dish_id": first, "kind": "choice", "answer_id": answer["answer_id"]}
    for body in (choice, {"dish_id": second, "kind": "like", "event_id": f"device-{person}"}):
        began = time.monotonic()
        if await _until_answered(session, f"{url}/feedback", {"person_id": person, **body}, traffic):
            traffic.writes[person, str(body["dish_id"]), str(body["kind"])] += 1
        traffic.slowest_s = max(traffic.slowest_s, time.monotonic() - began)


async def _until_answered(session: aiohttp.ClientSession, url: str, body: Body, traffic: Traffic) -> Body:
    """Returns the answer to a request that is sent again while the service is busy, away or full."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(url, json=body) as answer:
                if answer.status in ACKNOWLEDGED:
                    return dict(await answer.json())
                wait_s = float(answer.headers.get("Retry-After", 1))
                if wait_s > PATIENCE_S:
                    traffic.turned_away += 1
                    return {}
                if answer.status not in {429, 503, 504}:
                    raise SystemExit(f"an honest request was answered {answer.status}: {await answer.text()}")
        await asyncio.sleep(0.3)
    raise SystemExit(f"an honest request to {url} was not answered within {PATIENCE_S} s")


async def attacker(
    session: aiohttp.ClientSession, url: str, some: Iterator[Attack], traffic: Traffic, end: float
) -> None:
    """Sends attacks until the moment `end`, seconds on the monotonic clock."""
    while time.monotonic() < end:
        attack = next(some)
        status = 0
        headers = {"Content-Type": attack.media} if attack.media else {"Origin": "http://evil.example"}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            sent = session.request(attack.method, url + attack.path, data=attack.body, headers=headers)
            async with sent as answer:
                status = answer.status
                text = await answer.read()
                _follow(attack, status, text, traffic)
        traffic.statuses[attack.kind, status] += 1
        if not status:
            await asyncio.sleep(0.3)


def _follow(attack: Attack, status: int, text: bytes, traffic: Traffic) -> None:
    """Notes what an attacker was promised."""
    if attack.path == "/feedback" and status in ACKNOWLEDGED and not json.loads(text)["again"]:
        body = json.loads(attack.body)
        traffic.writes[body["person_id"], body["dish_id"], body["kind"]] += 1


async def drip(port: int, end: float) -> None:
    """Holds sockets open whose requests never come to the end of their heads."""
    writers = []
    for _ in range(DRIPPING):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /feedback HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            writers.append(writer)
    await asyncio.sleep(max(0.0, end - time.monotonic()))
    for writer in writers:
        writer.close()


async def missing_writes(url: str, writes: Counter[Write]) -> int:
    """Counts the acknowledged writes that the service does not show of their people."""
    missing = Counter(writes)
    async with aiohttp.ClientSession() as session:
        for person in {person for person, *_ in writes}:
            async with session.get(f"{url}/people/{person.replace(' ', '%20')}") as answer:
                stored = await answer.json()
            missing.subtract((person, row["dish_id"], row["kind"]) for row in stored.get("feedback", ()))
    return sum(count for count in missing.values() if count > 0)
