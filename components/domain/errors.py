"""What Palate says when it cannot go on. Each message: what was wrong, the value, what to do.

PalateError
├─ BadParams       params.yaml is wrong: every problem, with its key
├─ NotFound        a version, person, candidate, night or Bento does not exist
├─ Erased          the person was erased: nothing of theirs is stored
├─ QuotaReached    the day's limit for this person, or for new people, is reached
├─ DataRejected    the data broke the contract or a check: where, how often, the first rows
├─ StageFailed     a tool failed: which, command, exit code, the end of its output
└─ ReleaseRefused  the champion may not be served: why
"""


class PalateError(Exception):
    """A failure that ends the night with one sentence and exit code 1, never a traceback."""


class BadParams(PalateError):
    """Settings in params.yaml (or its override) that cannot be run."""


class NotFound(PalateError):
    """The user or a step named something that does not exist here."""


class Erased(PalateError):
    """The person was erased, so that nothing of theirs is stored."""


class QuotaReached(PalateError):
    """The limit of what is taken in one day is reached.

    Attributes:
        wait_s: Seconds after which the caller may try again.
    """

    def __init__(self, sentence: str, *, wait_s: int = 0) -> None:
        super().__init__(sentence)
        self.wait_s = wait_s


class DataRejected(PalateError):
    """Tables that break the input contract as a whole, or accepted rows that fail a check."""


class StageFailed(PalateError):
    """A tool that Palate runs (DVC, git, MLflow, a stage) ended with an error."""


class ReleaseRefused(PalateError):
    """A model version that must not be served."""
