"""`make plan`: a household's days by what the last night packaged, in a service that runs for this answer."""

from __future__ import annotations

import contextlib
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from components.domain.errors import BadParams, NotFound
from flows.machine.programs import Child, free_port

WIDTH = 110  # letters of a line of the shopping list
ANSWER_S = 60.0  # more than the service takes until it answers or refuses
_ENDED_EARLY = {
    "within_gap": "a better plan could be better by at most {gap:.1%}",
    "stopped_early": "time was over; a better plan could be better by at most {gap:.1%}",
}


def text(tag: str, people: str, meals: str, days: str, bounds: str) -> str:
    """Plans and writes the plan as a table, or why there is none.

    Args:
        tag: Tag of the Bento that answers.
        people: Ids with commas between them.
        meals: Tags of dishes with commas between them, a meal each; empty for one meal of any dish.
        days: Number of days.
        bounds: `reference` for the reference intakes of an adult, in portions of half a serving to one and
            a half.

    Raises:
        BadParams: There are no people.
        NotFound: The service refuses the request.
        StageFailed: The service does not start.
    """
    if not _words(people):
        raise BadParams("Nobody is named for whom to plan: write `make plan PEOPLE=id,id`.")
    slots: list[dict[str, Any]] = [{"name": meal, "tags": [meal]} for meal in _words(meals)]
    slots = slots or [{"name": "meal"}]
    eaters = [{"person_id": each} for each in _words(people)]
    if bounds:
        slots = [{**slot, "portions": [0.5, 1, 1.5]} for slot in slots]
        eaters = [{**eater, "bounds": bounds} for eater in eaters]
    request = {"people": eaters, "slots": slots}
    answer = _asked(tag, {**request, "days": int(days) if days.isdigit() else days})
    if answer["status"] == "impossible":
        wishes = ["There is no such plan:", *(f"- {reason}" for reason in answer["reasons"])]
        return "\n".join([*wishes, *filter(None, [answer["change"]])])
    ended = _ENDED_EARLY.get(answer["status"], "no plan is better").format(gap=answer["gap"])
    lines = [*_table(answer["meals"]), "", *map(_person, answer["people"]), f"plan: {ended}"]
    return "\n".join([*lines, *_shopping(answer["shopping"])])


def _words(listed: str) -> list[str]:
    return [word.strip() for word in listed.split(",") if word.strip()]


def _asked(tag: str, request: Mapping[str, Any]) -> dict[str, Any]:
    token = Path(os.environ.get("PALATE_TOKEN_FILE", ""))  # the same file that the service reads
    headers = {"Authorization": f"Bearer {token.read_text().strip()}"} if token.is_file() else {}
    with _service(tag) as address:
        response = httpx.post(f"{address}/plan", json=request, headers=headers, timeout=ANSWER_S)
    if response.is_error:
        raise NotFound(f"The plan was refused: {response.json()['error']}")
    return dict(response.json())


@contextlib.contextmanager
def _service(tag: str) -> Iterator[str]:
    port = str(free_port())
    command = ["bentoml", "serve", tag, "--host", "127.0.0.1", "--port", port]
    child = Child("plan", command, f"http://127.0.0.1:{port}", "/readyz")
    try:
        child.start()
        child.wait_until_up()
        yield child.address
    finally:
        child.stop()


def _table(meals: Sequence[Mapping[str, Any]]) -> list[str]:
    """Writes a row for each day and a column for each meal, as wide as its longest dish."""
    slots = list(dict.fromkeys(meal["slot"] for meal in meals))
    cells = {(meal["day"], meal["slot"]): ", ".join(map(_dish, meal["dishes"])) for meal in meals}
    rows = [["day", *slots]]
    rows += [
        [str(day), *(cells.get((day, slot), "") for slot in slots)] for day in sorted({d for d, _ in cells})
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _dish(dish: Mapping[str, Any]) -> str:
    portion = "" if dish["portion"] == 1 else f"{dish['portion']:g} x "
    liking = sum(dish["liking"].values()) / len(dish["liking"])
    return f"{portion}{dish['name']} ({liking:.2f})"


def _person(person: Mapping[str, Any]) -> str:
    """Writes how much a person likes the plan, and their energy where all dishes state theirs."""
    liking = "eats nothing" if person["liking"] is None else f"likes it {person['liking']:.2f}"
    energy = person["total"].get("kcal")
    total = f", {energy['low']:,.0f} kcal in all" if energy and energy["low"] == energy["high"] else ""
    known = "" if person["allergies_known"] else "; nobody knows of allergies"
    return f"{person['person_id']}: {liking}{total}{known}; answer {person['answer_id']}"


def _shopping(shopping: Mapping[str, Any]) -> list[str]:
    """Writes the ingredients with their servings, and how many dishes list none."""
    words = [f"{each['ingredient']} {each['servings']:g}" for each in shopping["ingredients"]]
    lines = textwrap.wrap(f"shopping, in servings: {', '.join(words) or 'nothing is listed'}", WIDTH)
    unlisted = len(shopping["unlisted"])
    return [*lines, *([f"Of {unlisted} dishes no ingredients are listed."] if unlisted else [])]
