"""`python -m serving.prove` in a Bento's folder: does it start, and is it the adapter that was trained?

Where it may not be served it prints the reason as its last line and ends with exit code 1.
"""

from __future__ import annotations

import sys

from serving.service import Palate


def why_not() -> str:
    """Starts the service without a port and asks its canary; empty where all is well."""
    try:
        refusal = Palate().refusal
    except Exception as error:  # noqa: BLE001  # whatever a damaged model makes torch or transformers raise
        return f"it does not start: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return refusal and f"its canary failed: {refusal}"


if __name__ == "__main__":
    reason = why_not()
    sys.stdout.write(f"{reason}\n")
    raise SystemExit(1 if reason else 0)
