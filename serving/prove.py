"""`python -m serving.prove` in a Bento's folder: checks that the service starts and passes its canary.

If it does not, the last line is the reason and the exit code is 1.
"""

from __future__ import annotations

import sys

from serving.service import Palate


def why_not_served() -> str | None:
    """Starts the service in this process, without a port, and explains why it may not be served.

    The explanation is None where its canary passed.
    """
    try:
        refusal = Palate().versions.refusal
    except Exception as error:  # noqa: BLE001  # torch and transformers raise many errors for a damaged model
        return f"it does not start: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return f"its canary failed: {refusal}" if refusal else None


if __name__ == "__main__":
    reason = why_not_served()
    sys.stdout.write(f"{reason or ''}\n")
    raise SystemExit(1 if reason else 0)
