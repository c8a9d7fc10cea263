"""What takes a released version back."""

from __future__ import annotations

import pytest

from components.domain.verdict.service_health import Served, canary_of, why_step_back


@pytest.mark.parametrize(
    ("served", "before", "why"),
    [
        (Served("2", None, 100, 5), 0.0, None),
        (Served("2", None, 100, 6), 0.0, "failed on 6 of 100 requests (6.0%"),
        (Served("2", None, 100, 6), 0.02, None),  # hardly worse than the version before
        (Served("2", None, 100, 30), 0.2, "the version before on 20.0%"),
        (Served("2", None, 10, 10), 0.0, None),  # too few to say
        (Served("2", None, 0, 0), 0.0, None),
        (Served("2", "scores are off", 100, 0), 0.0, "canary failed: scores are off"),
    ],
)
def test_a_service_whose_model_is_worse_than_the_one_before_gives_way(
    served: Served, before: float, why: str | None
) -> None:
    reason = why_step_back([served], before)
    assert reason is None if why is None else why in str(reason)


def test_one_bad_machine_among_many_is_enough_and_many_that_are_each_too_few_count_together() -> None:
    good = [Served("2", None, 1000, 0, f"http://10.0.0.{n}:3000") for n in range(20)]
    bad = Served("2", None, 40, 20, "http://10.0.0.99:3000")
    assert why_step_back(good, 0.0) is None
    assert "20 of 40 requests at http://10.0.0.99:3000 (50.0%" in str(why_step_back([*good, bad], 0.0))
    few = [Served("2", None, 5, 1) for _ in range(4)]
    assert "4 of 20 requests (20.0%" in str(why_step_back(few, 0.0))


def test_the_canary_of_several_machines_is_one_phrase() -> None:
    good, slow = Served("2", None, 9, 0), Served("2", None, 9, 0, is_slow=True)
    assert canary_of([good, good]) == "its canary passed"
    assert canary_of([good, slow]) == "its canary did not answer in time"
    assert canary_of([slow, Served("2", "scores are off", 9, 0)]) == "its canary FAILED: scores are off"
    assert why_step_back([slow], 0.0) is None
