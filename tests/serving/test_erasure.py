"""Who is erased over HTTP is hidden at once, and stays so whatever writes meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from components.domain.errors import Erased, StageFailed
from components.domain.exposures import Exposure, Feedback
from components.integrations.service_store import People, ServiceStore
from components.integrations.service_store.answers import FEEDBACK
from components.integrations.service_store.erasures import refuse_erased
from serving.store import ERASED
from tests.serving.conftest import send
from tests.serving.published import ADA, BOB, LIKE, MENU, publish, ranked_for


def _refused(address: str) -> dict[str, tuple[int, dict[str, Any]]]:
    bodies: dict[str, dict[str, Any]] = {
        "rank": {"person_id": "bob", "dishes": MENU},
        "recommend": {"person_id": " bob ", "allergies": []},
        "feedback": LIKE,
    }
    posted = {name: send(f"{address}/{name}", **body)[:2] for name, body in bodies.items()}
    read = httpx.get(f"{address}/people/bob")
    return posted | {"people": (read.status_code, read.json())}


def test_who_is_erased_is_gone_at_once_and_everybody_else_stays(storing: str, url: str) -> None:
    publish(url, [ADA, BOB])
    ranked_for(storing)
    assert send(f"{storing}/feedback", **LIKE)[0] == 200
    first, again = (httpx.delete(f"{storing}/people/bob") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert _refused(storing) == dict.fromkeys(
        ("rank", "recommend", "feedback", "people"), (410, {"error": ERASED})
    )
    assert not any(People(url).read("bob").values())
    assert People(url).queued() == ["bob"]
    assert send(f"{storing}/recommend", person_id="ada")[0] == 200
    assert httpx.get(f"{storing}/people/ada").status_code == 200


def test_after_the_night_the_store_holds_no_id_and_a_stranger_must_send_allergies(
    storing: str, url: str, tmp_path: Path
) -> None:
    publish(url, [BOB])  # the only person of the table
    for _ in range(2):
        assert httpx.delete(f"{storing}/people/bob").status_code == 202
    People(url).mark_done("bob")
    assert httpx.get(f"{storing}/people/bob").status_code == 404
    status, answer, _ = send(f"{storing}/recommend", person_id="bob")
    assert (status, "send allergies" in answer["error"]) == (400, True)
    assert (
        send(f"{storing}/recommend", person_id="bob", allergies=["nuts"])[1]["dishes"][0]["dish_id"] == "peas"
    )
    httpx.delete(f"{storing}/people/bob")
    People(url).mark_done("bob")
    for path in tmp_path.glob("service.db*"):
        assert b"bob" not in path.read_bytes()


def test_what_a_night_publishes_while_a_person_waits_does_not_bring_them_back(storing: str, url: str) -> None:
    publish(url, [ADA, BOB])
    assert httpx.delete(f"{storing}/people/bob").status_code == 202
    publish(url, [ADA, BOB], "v2")
    assert not any(People(url).read("bob").values())
    assert send(f"{storing}/recommend", person_id="bob", allergies=[])[0] == 410
    publish(url, [BOB], "v3")
    assert send(f"{storing}/recommend", person_id="new")[0] == 400  # there still was a table of people


def _exposure(number: int) -> Exposure:
    return Exposure(f"a{number}", "bob", datetime.now(UTC), (), "{}", "1", "x")


def _feedback(number: int) -> Feedback:
    return Feedback(f"f{number}", "bob", "peas", "like", None, "", datetime.now(UTC))


@pytest.mark.parametrize("after", range(6))
def test_whatever_writes_while_a_person_is_erased_nothing_of_theirs_stays(
    served: Path, url: str, after: int
) -> None:
    people, answers, now = People(url), ServiceStore(url), threading.Event()
    writes: list[Callable[[int], Any]] = [
        lambda number: answers.add_exposure(_exposure(number)),
        lambda number: answers.add_feedback(_feedback(number)),
        lambda number: publish(url, [ADA, BOB], f"v{number}"),
    ]
    errors: list[StageFailed] = []

    def work(write: Callable[[int], Any]) -> None:
        for number in range(12):
            if number == after:
                now.set()
            try:
                write(number)
            except Erased:
                pass
            except StageFailed as error:
                errors.append(error)

    threads = [threading.Thread(target=work, args=(write,)) for write in writes]
    for thread in threads:
        thread.start()
    assert now.wait(60)
    people.erase("bob")
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert not any(people.read("bob").values())
    assert people.read("ada")["people"]
    with pytest.raises(Erased):
        answers.add_feedback(_feedback(99))


def test_an_erasure_waits_for_what_is_being_written_and_removes_it(served: Path, url: str) -> None:
    people = People(url)
    erasing = threading.Thread(target=people.erase, args=("bob",))
    with ServiceStore(url).engine.begin() as connection:
        values = {**vars(_feedback(1)), "received_at": datetime.now(UTC)}
        connection.execute(sa.insert(FEEDBACK).values(values))
        refuse_erased(connection, "bob")
        erasing.start()
        erasing.join(1)  # long enough to get ahead of the row, if nothing made it wait
    erasing.join(60)
    assert people.queued() == ["bob"]
    assert not any(people.read("bob").values())


@pytest.mark.slow
def test_a_store_that_is_read_meanwhile_hides_at_once(served: Path, tmp_path: Path) -> None:
    import sqlite3

    url = f"sqlite:///{tmp_path / 'service.db'}"
    publish(url, [BOB])
    with sqlite3.connect(tmp_path / "service.db", isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM people").fetchall()
        People(url).erase("bob")
        assert not any(People(url).read("bob").values())
        with pytest.raises(StageFailed, match="run again"):
            People(url).mark_done("bob")
        reader.execute("COMMIT")
    reader.close()
