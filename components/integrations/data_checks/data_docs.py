"""Makes Great Expectations' own pages of a night, Data Docs, open without a network.

As they are written, they load styles and scripts from a dozen hosts. Those are removed, and our own style is
added. A policy forbids the browser to run or load anything, whatever a page contains.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

_PARTS = {"validations": "What was checked", "expectations": "What is expected"}
_FAILED = ' <span class="text-danger">failed</span>'
_POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'"
_STYLE = Path(__file__).parent / "data_docs.css"
_LOADED = re.compile(
    r"<script\b.*?</script>|<link[^>]*\bhref=[\"']https?:[^>]*>|<img[^>]*\bsrc=[\"']https?:[^>]*>", re.S
)


def site(folder: Path) -> dict[str, Any]:
    """Builds the settings of a site in a folder."""
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder.resolve()),
        },
    }


def make_offline(folder: Path) -> None:
    """Rewrites all pages of a site so that they load nothing; links to other pages stay.

    The index is written anew, since Great Expectations' own index lists the pages by a script.
    """
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    style = f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"
    for page in folder.rglob("*.html"):
        text = _LOADED.sub("", page.read_text(encoding="utf-8"))
        text = text.replace("<head>", f"<head>{policy}", 1).replace("</head>", f"{style}</head>", 1)
        page.write_text(text, encoding="utf-8")
    for picture in (folder / "static" / "images").glob("*.gif"):
        picture.unlink()  # pictures of a walk through the pages, which needs scripts
    lists = [f"<h2>{title}</h2><ul>{_links(folder, name)}</ul>" for name, title in _PARTS.items()]
    head = f"<!doctype html><meta charset=utf-8>{policy}<title>Data Docs</title>{style}<h1>Data Docs</h1>"
    (folder / "index.html").write_text(head + "".join(lists), encoding="utf-8")


def _links(folder: Path, part: str) -> str:
    """Lists the pages below a folder as links, by the names of their suites."""
    pages = {page.relative_to(folder): page for page in sorted((folder / part).rglob("*.html"))}
    names = {path: path.parts[1].removesuffix(".html") for path in pages}
    return "".join(
        f'<li><a href="{quote(str(path))}">{name}</a>{_FAILED if _has_failed(pages[path]) else ""}</li>'
        for path, name in sorted(names.items(), key=lambda pair: pair[1])
    )


def _has_failed(page: Path) -> bool:
    return bool(re.search(r"Status:.{0,400}Failed", page.read_text(encoding="utf-8"), re.S))
