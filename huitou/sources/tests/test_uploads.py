"""What people send is kept inside the uploads folder, under its own name where that is harmless, and no further."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from huitou.core.home import Home
from huitou.sources import uploads
from huitou.sources.uploads import StorageError, UploadRefusedError, discard_upload, find_upload, keep_upload

LIMIT = 1024


def test_a_file_is_kept_and_found_by_its_token(home: Home) -> None:
    kept = keep_upload(SimpleUploadedFile("订单导出.csv", b"a,b\n1,2\n"), None, home=home, limit=LIMIT)
    found = find_upload(kept.token, home=home)
    assert found is not None
    assert found.path.name == "订单导出.csv"
    assert found.path.read_bytes() == b"a,b\n1,2\n"
    discard_upload(kept.token, home=home)
    assert find_upload(kept.token, home=home) is None


def test_an_order_file_may_have_a_line_file(home: Home) -> None:
    files = [SimpleUploadedFile(name, b"a\n1\n") for name in ("orders.csv", "lines.csv")]
    kept = keep_upload(files[0], files[1], home=home, limit=LIMIT)
    found = find_upload(kept.token, home=home)
    assert found is not None
    assert found.lines is not None
    assert (found.path.name, found.lines.name) == ("orders.csv", "lines.csv")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.csv", "..\\..\\x.csv", "/abs/x.csv", "a;rm -rf $HOME.csv", "....csv"]
)
def test_no_name_leaves_the_folder(home: Home, name: str) -> None:
    file = SimpleUploadedFile("x.csv", b"a\n1\n")
    vars(file)["_name"] = name  # what a hostile client would send, past Django's own cleaning
    kept = keep_upload(file, None, home=home, limit=LIMIT)
    assert kept.path.resolve().parent == (home.uploads / kept.token).resolve()


@pytest.mark.parametrize(
    ("name", "content"), [("virus.exe", b"MZ"), ("orders.csv", b""), ("orders.csv", b"x" * (LIMIT + 1))]
)
def test_other_kinds_empty_and_large_files_are_refused(home: Home, name: str, content: bytes) -> None:
    with pytest.raises(UploadRefusedError):
        keep_upload(SimpleUploadedFile(name, content), None, home=home, limit=LIMIT)


def packed(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, content in entries.items():
            folder.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.csv", b"MZ\x90\x00"),
        ("orders.csv", b"<html><script>alert(1)</script>"),
        ("orders.csv", b"%PDF-1.7"),
        ("orders.txt", b"#!/bin/sh\n"),
        ("orders.csv", packed({"a": b"x"})),
        ("orders.xlsx", b"a,b\n1,2\n"),
        ("orders.xlsx", b"PK\x03\x04 and nothing more"),
        ("orders.parquet", b"a,b\n1,2\n"),
        ("orders.ods", b"\xd0\xcf\x11\xe0"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(home: Home, name: str, content: bytes) -> None:
    with pytest.raises(UploadRefusedError, match=name):
        keep_upload(SimpleUploadedFile(name, content), None, home=home, limit=LIMIT)
    assert not home.uploads.exists()


def test_a_workbook_that_unpacks_to_more_than_memory_holds_is_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_UNPACKED_MAX_BYTES", 1 << 20)
    bomb = packed({"xl/worksheets/sheet1.xml": b"0" * (1 << 20) + b"0"})
    assert len(bomb) < 1 << 12
    with pytest.raises(UploadRefusedError):
        keep_upload(SimpleUploadedFile("orders.xlsx", bomb), None, home=home, limit=1 << 20)
    kept = keep_upload(
        SimpleUploadedFile("orders.xlsx", packed({"xl/worksheets/sheet1.xml": b"0"})), None, home=home, limit=1 << 20
    )
    assert kept.path.exists()


def test_what_is_kept_is_readable_by_its_owner_only_and_runs_for_nobody(home: Home) -> None:
    kept = keep_upload(SimpleUploadedFile("orders.csv", b"a\n1\n"), None, home=home, limit=LIMIT)
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert kept.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "text", ["订单号,金额\n1,2\n".encode("gb18030"), "订单号\t金额\n".encode("utf-16"), b"\xef\xbb\xbfa,b\n"]
)
def test_text_in_any_encoding_is_taken(home: Home, text: bytes) -> None:
    assert keep_upload(SimpleUploadedFile("orders.csv", text), None, home=home, limit=LIMIT).path.exists()


@pytest.mark.parametrize("token", ["", "..", "../uploads", "0" * 31, "G" * 32])
def test_only_tokens_are_looked_up(home: Home, token: str) -> None:
    home.uploads.mkdir(parents=True)
    assert find_upload(token, home=home) is None
    discard_upload(token, home=home)
    assert home.uploads.is_dir()


def test_a_folder_that_cannot_be_written_is_a_refusal_that_may_pass(home: Home) -> None:
    home.root.mkdir()
    home.uploads.symlink_to(home.root / "nowhere")
    with translation.override("en"), pytest.raises(StorageError, match="huitou doctor") as caught:
        keep_upload(SimpleUploadedFile("orders.csv", b"a\n1\n"), None, home=home, limit=LIMIT)
    assert (caught.value.status, caught.value.permanent) == (507, False)
