"""What Palate says when it cannot go on. Each message: what was wrong, the value, what to do.

PalateError
├─ BadParams       params.yaml is wrong: every problem, with its key
├─ NotFound        no such version, person, candidate, night or Bento
├─ Erased          the person was erased: nothing of theirs is stored
├─ QuotaReached    of one person, or of new people, no more is taken today
├─ DataRejected    the data broke the contract or a check: where, how often, the first rows
├─ StageFailed     a tool broke: which, command, exit code, its last words
└─ ReleaseRefused  the champion may not be served: why
"""


class PalateError(Exception):
    """A failure that ends the night with one sentence and exit code 1, never a traceback."""


class BadParams(PalateError):
    """params.yaml (or its override) sets something that cannot be run."""


class NotFound(PalateError):
    """Something that the user or a step named does not exist here."""


class Erased(PalateError):
    """The person was erased, so that nothing of theirs is stored."""


class QuotaReached(PalateError):
    """As much came today as is taken in a day.

    Attributes:
        wait_s: Seconds until more is taken.
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
