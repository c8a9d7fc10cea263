"""Addresses of MLflow's pages, which a browser may open; needs no MLflow."""

from __future__ import annotations

from urllib.parse import quote, urlsplit


def pages_of(uri: str) -> str:
    """Returns the address below which a tracking server has its pages; empty where a browser must not go.

    A database has no pages, and an address with a name and a password is nobody's to show.
    """
    parts = urlsplit(uri)
    is_plain = parts.scheme in {"http", "https"} and not {"@", "?", "#"} & set(uri)
    return uri.rstrip("/") if is_plain and parts.hostname else ""


def version_page(server: str, model: str, version: str) -> str:
    """Builds the address of a version's page, where the gate's report stands."""
    return f"{server}/#/models/{quote(model)}/versions/{quote(version)}"


def run_page(server: str, run: str) -> str:
    """Builds the address of a run's page."""
    return f"{server}/#/runs/{quote(run)}"
