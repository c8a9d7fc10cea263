"""One test for a whole table of cases, which reads all rows and names each that misses."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest


def whole_table(names: str, rows: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Stands where pytest.mark.parametrize does, and makes one case of all rows.

    Args:
        names: The arguments that a row fills, parted by spaces; others are fixtures, which all rows share.
        rows: A tuple each, or the value where there is one name.
    """
    filled, listed = names.split(), list(rows)

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(check)
        def test(**fixtures: Any) -> None:
            misses = []
            for row in listed:
                values = row if len(filled) > 1 else (row,)
                try:
                    check(**dict(zip(filled, values, strict=True)), **fixtures)
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  # the next rows count too
                    misses.append(f"{row!r}: {type(error).__name__}: {error}")
            assert listed, "the table is empty"
            assert not misses, f"{len(misses)} of {len(listed)} rows miss:\n" + "\n".join(misses)

        signature = inspect.signature(check)
        fixtures = [each for name, each in signature.parameters.items() if name not in filled]
        test.__signature__ = signature.replace(parameters=fixtures)
        return test

    return decorate
