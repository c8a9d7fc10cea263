"""Whether a night's steps take far longer than they did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LEAST_NIGHTS = 5  # nights that ran a step before its time is judged
MOST = 2  # times its longest time that a step may take
LEAST_SECONDS = 60  # by which a step must take longer before it is reported


def slow_steps(earlier: Sequence[Mapping[str, float]], tonight: Mapping[str, float]) -> list[str]:
    """Writes a sentence for each step that took MOST times its longest time of earlier nights.

    The longest time is compared, not the median: a training from scratch takes longer than one from a
    champion.

    Args:
        earlier: Seconds by step, for each night that ended well; a step that had nothing to do is missing.
    """
    sentences = []
    for step, seconds in tonight.items():
        before = [night[step] for night in earlier if step in night]
        if len(before) < LEAST_NIGHTS or seconds < max(before) + LEAST_SECONDS:
            continue
        if seconds > MOST * max(before):
            sentences.append(
                f"The step {step} took {seconds:.0f} s, in the {len(before)} nights before "
                f"{max(before):.0f} s at most: look at what else the machine does, and at how much the data "
                "grew."
            )
    return sentences
