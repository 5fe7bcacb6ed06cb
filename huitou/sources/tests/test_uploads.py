"""What people send is kept inside the uploads folder, under its own name where that is harmless, and no further."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from huitou.core.home import Home
from huitou.sources.uploads import UploadRefusedError, discard_upload, find_upload, keep_upload

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


@pytest.mark.parametrize("token", ["", "..", "../uploads", "0" * 31, "G" * 32])
def test_only_tokens_are_looked_up(home: Home, token: str) -> None:
    home.uploads.mkdir(parents=True)
    assert find_upload(token, home=home) is None
    discard_upload(token, home=home)
    assert home.uploads.is_dir()
