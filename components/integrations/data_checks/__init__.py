"""Great Expectations: checks whether the accepted tables, as a whole, may be trained on.

`suites` says what is expected, `frames` prepares the columns that are checked, `checkpoints` runs the checks,
and `data_docs` makes Great Expectations' own pages open without a network.
"""

from __future__ import annotations

from components.integrations.data_checks.checkpoints import check

__all__ = ["check"]
