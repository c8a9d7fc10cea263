"""Whether a night's steps take far longer than they did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LEAST_NIGHTS = 5  # that ran a step, before its time says anything
LEAST_SECONDS = 60  # by which a step is longer, before anybody is told


def slow_steps(
    earlier: Sequence[Mapping[str, float]], tonight: Mapping[str, float], most: float
) -> list[str]:
    """A sentence for each step that took more than `most` times its longest of the earlier nights.

    The longest counts, and not the median, since a training from scratch takes longer than one that goes on.

    Args:
        earlier: Seconds by step of each night that ended well; a step that had nothing to do is missing.
        tonight: The same of tonight.
        most: From 1 up.
    """
    sentences = []
    for step, seconds in tonight.items():
        before = [night[step] for night in earlier if step in night]
        if len(before) < LEAST_NIGHTS or seconds < max(before) + LEAST_SECONDS:
            continue
        if seconds > most * max(before):
            sentences.append(
                f"The step {step} took {seconds:.0f} s, in the {len(before)} nights before "
                f"{max(before):.0f} s at most: look at what else the machine does, and at how much the data "
                "grew."
            )
    return sentences
