"""The Chinese catalogue: gathers every text that people see, keeps translations, compiles (`make messages`).

Texts come from gettext calls in Python, from template tags, and from what plugins declare in plain English
(metric and feature definitions, import fields), because the pure layers know nothing of translation.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "huitou" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
_SINGULAR = {"_", "_t", "gettext", "gettext_lazy", "gettext_noop"}
_PLURAL = {"ngettext", "ngettext_lazy"}
_LITERAL = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_TEMPLATE_CALL = re.compile(rf"\b(n?gettext)\({_LITERAL}(?:, ?{_LITERAL})?", re.DOTALL)

# A message: the English text, and its plural where it has one.
Message = tuple[str, str | None]


def python_messages(source: str) -> Iterator[Message]:
    """Literal arguments of gettext calls."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        texts = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args[:2]]
        if name in _SINGULAR and texts and isinstance(texts[0], str) and texts[0]:
            yield texts[0], None
        elif name in _PLURAL and len(texts) == 2 and isinstance(texts[0], str) and isinstance(texts[1], str):
            yield texts[0], texts[1]


def template_messages(source: str) -> Iterator[Message]:
    """Texts of `translate` and `blocktranslate` tags."""
    from django.utils.translation.template import templatize

    for function, first, second in _TEMPLATE_CALL.findall(templatize(source)):
        singular = ast.literal_eval(first)
        if singular:
            yield singular, ast.literal_eval(second) if function == "ngettext" else None


def _ours(path: Path) -> bool:
    return not {"tests", "migrations", "locale"} & set(path.relative_to(ROOT).parts)


def gather() -> dict[Message, set[str]]:
    """Every message with the files that use it."""
    found: dict[Message, set[str]] = {}
    for folder in (ROOT / "huitou", ROOT / "config"):
        for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.html")]):
            if not _ours(path):
                continue
            read = python_messages if path.suffix == ".py" else template_messages
            for message in read(path.read_text(encoding="utf-8")):
                found.setdefault(message, set()).add(path.relative_to(ROOT).as_posix())
    for text, place in declared_texts():
        found.setdefault((text, None), set()).add(place)
    return found


def declared_texts() -> Iterator[tuple[str, str]]:
    """English texts that plugins declare, with the file that holds them."""
    from typer.main import get_command

    from config.cli import build as build_commands
    from config.help import help_texts
    from huitou.analytics.metrics import METRICS

    yield from ((text, "config/cli.py") for text in help_texts(get_command(build_commands())))
    for metric in METRICS:
        yield from ((text, f"huitou/analytics/metrics/{metric.kind}.py") for text in metric.texts())


def build(catalogue: polib.POFile, found: dict[Message, set[str]]) -> polib.POFile:
    """A catalogue of exactly these messages, sorted, with the translations that `catalogue` has."""
    known = {entry.msgid: entry for entry in catalogue if not entry.obsolete}
    fresh = polib.POFile(wrapwidth=110)
    fresh.metadata = {
        "Project-Id-Version": "huitou",
        "Language": "zh_Hans",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=1; plural=0;",
    }
    plurals: dict[str, str | None] = {}
    files: dict[str, set[str]] = {}
    for (singular, plural), places in found.items():
        plurals[singular] = plurals.get(singular) or plural
        files.setdefault(singular, set()).update(places)
    for singular in sorted(files):
        before = known.get(singular)
        text = (before.msgstr or before.msgstr_plural.get(0, "")) if before else ""
        plural = plurals[singular]
        entry = polib.POEntry(msgid=singular, occurrences=[(place, "") for place in sorted(files[singular])])
        if plural:
            entry.msgid_plural, entry.msgstr_plural = plural, {0: text}
        else:
            entry.msgstr = text
        if re.search(r"%\(\w+\)[sd]", singular):
            entry.flags.append("python-format")
        fresh.append(entry)
    return fresh


def problems(catalogue: polib.POFile) -> list[str]:
    """What is wrong with the translations: missing, fuzzy, or with other placeholders than the English."""
    wrong = []
    for entry in catalogue:
        text = entry.msgstr_plural.get(0, "") if entry.msgid_plural else entry.msgstr
        if not text:
            wrong.append(f"no Chinese for: {entry.msgid}")
        elif entry.fuzzy:
            wrong.append(f"fuzzy: {entry.msgid}")
        elif not _placeholders(text) <= _placeholders(entry.msgid + (entry.msgid_plural or "")):
            wrong.append(f"other placeholders in the Chinese for: {entry.msgid}")
    return wrong


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]|\{\w*\}", text))


def main() -> int:
    """Bring the catalogue up to date and compile it; 1 if something is left to translate."""
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    before = polib.pofile(str(CATALOGUE)) if CATALOGUE.exists() else polib.POFile()
    catalogue = build(before, gather())
    catalogue.save(str(CATALOGUE))
    catalogue.save_as_mofile(str(CATALOGUE.with_suffix(".mo")))
    wrong = problems(catalogue)
    sys.stdout.write("".join(f"{line}\n" for line in wrong) + f"{len(catalogue)} texts, {len(wrong)} to mend\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
