"""Every text that people see has its Chinese, and the compiled catalogue is the one that the source gives."""

from __future__ import annotations

from pathlib import Path

import polib
import pytest

from config.messages import CATALOGUE, build, gather, problems, python_messages, template_messages


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def test_every_text_is_in_the_catalogue(catalogue: polib.POFile) -> None:
    known = {(entry.msgid, entry.msgid_plural or None) for entry in catalogue}
    assert {(entry.msgid, entry.msgid_plural or None) for entry in build(catalogue, gather())} == known


def test_every_text_has_its_chinese(catalogue: polib.POFile) -> None:
    assert problems(catalogue) == []


def test_the_compiled_catalogue_is_fresh(catalogue: polib.POFile, tmp_path: Path) -> None:
    catalogue.save_as_mofile(str(tmp_path / "fresh.mo"))
    assert CATALOGUE.with_suffix(".mo").read_bytes() == (tmp_path / "fresh.mo").read_bytes()


def test_texts_are_found_in_python_and_templates() -> None:
    source = 'a = _("One")\nb = ngettext("%(n)s day", "%(n)s " "days", 2)\nc = other("Two")\n'
    assert list(python_messages(source)) == [("One", None), ("%(n)s day", "%(n)s days")]
    template = (
        '{% load i18n %}{% translate "It\'s" %}{% blocktranslate count n=x %}{{ n }} row{% plural %}{{ n }} rows'
        "{% endblocktranslate %}"
    )
    assert list(template_messages(template)) == [("It's", None), ("%(n)s row", "%(n)s rows")]


def test_a_missing_or_mangled_translation_is_named() -> None:
    entries = polib.POFile()
    entries.append(polib.POEntry(msgid="Left out"))
    entries.append(polib.POEntry(msgid="%(n)s rows", msgstr="%(m)s 行"))
    assert [line.split(":")[0] for line in problems(entries)] == [
        "no Chinese for",
        "other placeholders in the Chinese for",
    ]
