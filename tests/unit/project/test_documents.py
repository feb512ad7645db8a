"""Links in the documents lead somewhere, and the README leads to every page."""

import re
from pathlib import Path

from tests.unit.project.sources import ROOT, tracked_files

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def prose(path: Path) -> str:
    """Returns a document without what is code."""
    return CODE.sub(lambda code: re.sub(r"[\[\]()#]", "", code[0]), path.read_text())


def anchors(path: Path) -> set[str]:
    """Returns the names under which a document's headings can be linked to, as GitHub and GitLab make them."""
    headings = re.findall(
        r"^#+ (.+)$", CODE.sub(lambda code: code[0].strip("`").replace("#", ""), path.read_text()), re.MULTILINE
    )
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading)).strip().lower().replace(" ", "-")
        for heading in headings
    }


def documents() -> list[Path]:
    """Returns every tracked document."""
    return [path for path in tracked_files() if path.suffix == ".md"]


def test_every_link_within_the_repository_leads_somewhere() -> None:
    """To a file that is there, and to a heading that it has."""
    dead = []
    for document in documents():
        for target in LINK.findall(prose(document)):
            if re.match(r"[a-z]+:", target):  # elsewhere
                continue
            name, _, anchor = target.partition("#")
            path = (document.parent / name).resolve() if name else document
            if not path.exists() or (anchor and anchor not in anchors(path)):
                dead.append(f"{document.relative_to(ROOT)}: {target}")
    assert dead == []


def test_the_readme_leads_to_every_page() -> None:
    """What nobody finds need not be written."""
    readme = (ROOT / "README.md").read_text()
    pages = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))
    assert [page for page in pages if f"]({page})" not in readme] == []
