"""`python -m serving.prove` in a Bento's folder: does it start, and is it the adapter that was trained?

Where it may not be served it prints the reason as its last line and ends with exit code 1.
"""

from __future__ import annotations

import sys

from serving.service import Palate


def why_not() -> str | None:
    """Starts the service without a port and examines its canary; the reason not to serve it, or None."""
    try:
        refusal = Palate().refusal
    except Exception as error:  # noqa: BLE001  # whatever a damaged model makes torch or transformers raise
        return f"it does not start: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return f"its canary failed: {refusal}" if refusal else None


if __name__ == "__main__":
    reason = why_not()
    sys.stdout.write(f"{reason or ''}\n")
    raise SystemExit(1 if reason else 0)
