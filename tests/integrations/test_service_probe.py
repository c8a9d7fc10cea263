"""What listens at the service's address may be anything; a service's canary is asked once a release."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from pathlib import Path

import pytest

from components.domain.verdict.service_health import Served
from components.integrations.service_probe import NOT_READY, Expected, Memory, probe
from tests.receiver import receiver

METRICS = """palate_model_answers_total{model_version="2"} 40
palate_model_errors_total{model_version="2"} 10
"""
NEW = Expected("2", "palate:v2-x today")


@pytest.mark.parametrize("text", ["{}", "[]", "null", "<html>", '{"model_version": "1"}', METRICS[:46]])
def test_what_is_no_service_of_ours_tells_nothing(text: str, tmp_path: Path) -> None:
    with receiver({"*": (200, text)}) as other:
        assert probe(other.address, NEW, Memory(tmp_path / "looks.json")) == []


def test_where_nothing_listens_nothing_is_told(tmp_path: Path) -> None:
    with receiver() as gone:
        pass
    assert probe(gone.address, NEW, Memory(tmp_path / "looks.json")) == []


@pytest.mark.parametrize("reason", ["", "scores are off"])
def test_the_canary_is_asked_once_a_release_with_the_token(tmp_path: Path, reason: str) -> None:
    looks, failed = tmp_path / "looks.json", bool(reason)
    answers = {"/metrics": (200, METRICS), "/canary": (200, f'{{"reason": "{reason}"}}')}
    with receiver(answers | {"/readyz": (503 if failed else 200, "")}) as service:
        expected = [Served("2", reason or None, 40, 10, service.address)]
        for _ in range(3):
            assert probe(service.address, NEW, Memory(looks), "secret") == expected
        canaries = [call.authorization for call in service.calls if call.path == "/canary"]
        assert canaries == ["Bearer secret"]
        probe(service.address, Expected("2", "palate:v2-x tomorrow"), Memory(looks))
        probe(service.address, Expected("3", "palate:v3-x"), Memory(looks))  # which does not serve yet
        assert [call.path for call in service.calls].count("/canary") == 2
    assert Memory(looks).rate("2") == 0.25
    assert Memory(looks).rate("1") == 0


@pytest.mark.parametrize(("ready", "reason"), [(200, None), (503, NOT_READY)])
def test_without_the_right_token_readiness_is_the_verdict(
    tmp_path: Path, ready: int, reason: str | None
) -> None:
    with receiver({"/metrics": (200, METRICS), "/canary": (401, ""), "/readyz": (ready, "")}) as service:
        (served,) = probe(service.address, NEW, Memory(tmp_path / "looks.json"))
        assert served.canary == reason


def test_a_canary_that_is_late_is_no_verdict_and_asked_again(tmp_path: Path) -> None:
    looks = tmp_path / "looks.json"
    answers = {"/metrics": (200, METRICS), "/canary": (200, '{"reason": "scores are off"}')}
    with receiver(answers) as service:
        served = Served("2", "scores are off", 40, 10, service.address)
        service.held.add("/canary")
        late = probe(service.address, NEW, Memory(looks), canary_timeout_s=0.2)
        service.held.clear()
        assert late == [dataclasses.replace(served, canary=None, is_slow=True)]
        assert probe(service.address, NEW, Memory(looks)) == [served]


@pytest.mark.parametrize("status", [429, 504])
def test_a_service_with_too_much_to_do_is_slow(tmp_path: Path, status: int) -> None:
    with receiver({"/metrics": (200, METRICS), "/canary": (status, "")}) as service:
        (served,) = probe(service.address, NEW, Memory(tmp_path / "looks.json"))
    assert (served.canary, served.is_slow) == (None, True)


def test_what_another_process_noted_meanwhile_stays(tmp_path: Path) -> None:
    ours, theirs = (Memory(tmp_path / "looks.json") for _ in range(2))
    theirs.remember_canary("palate:v2-x today", "scores are off")
    theirs.remember_rates({"1": (10, 1)})
    ours.remember_rates({"2": (4, 1)})
    both = Memory(tmp_path / "looks.json")
    assert both.looks.canary == {"release": "palate:v2-x today", "reason": "scores are off"}
    assert both.looks.rates == {"1": 0.1, "2": 0.25}


def test_in_a_trial_the_new_version_is_looked_at_and_the_rate_of_the_one_before_remembered(
    tmp_path: Path,
) -> None:
    both = METRICS + METRICS.replace('"2"', '"1"').replace("} 10", "} 4")
    with receiver({"/metrics": (200, both), "/canary": (200, '{"reason": ""}')}) as service:
        reports = probe(service.address, NEW, Memory(tmp_path / "looks.json"))
        assert reports == [Served("2", None, 40, 10, service.address)]
    memory = Memory(tmp_path / "looks.json")
    assert (memory.rate("2"), memory.rate("1")) == (0.25, 0.1)


def test_each_machine_behind_a_name_is_looked_at_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"/metrics": (200, METRICS), "/canary": (200, '{"reason": ""}')}
    old = answers | {"/metrics": (200, METRICS.replace('"2"', '"1"'))}
    down = {"*": (500, "")}
    with contextlib.ExitStack() as stack:
        port = int(stack.enter_context(receiver(answers)).address.rpartition(":")[2])
        for host, texts in (("127.0.0.2", answers), ("127.0.0.3", old), ("127.0.0.4", down)):
            stack.enter_context(receiver(texts, host, port))
        entries = [(2, 1, 6, "", (f"127.0.0.{n}", port)) for n in range(1, 6)]  # nothing listens at the last
        resolve = socket.getaddrinfo
        monkeypatch.setattr(
            "socket.getaddrinfo",
            lambda host, *rest, **more: entries if host == "palate-pods" else resolve(host, *rest, **more),
        )
        memory = Memory(tmp_path / "looks.json")
        reports = probe(f"http://palate-pods:{port}", NEW, memory)
    assert reports == [Served("2", None, 40, 10, f"http://127.0.0.{n}:{port}") for n in (1, 2)]
    assert (memory.rate("2"), memory.rate("1")) == (0.25, 0.25)
