"""Files that people send to the console: kept below the uploads folder under a token, never executed, size-limited."""

from __future__ import annotations

import logging
import re
import secrets
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.core.home import Home
from huitou.core.http_api.problems import TOO_LARGE
from huitou.sources.importing.encoding import NO_TEXT

logger = logging.getLogger(__name__)
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".parquet", ".pq")
_ZIP, _OLE, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
# How a file of that kind begins; the others are text.
_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".xlsb"), (_ZIP, _OLE)),
    ".ods": (_ZIP,),
    **dict.fromkeys((".parquet", ".pq"), (_PARQUET,)),
}
_UNPACKED_MAX_BYTES = 4 << 30
_TOKEN = re.compile(r"[0-9a-f]{32}")


class UploadRefusedError(DomainError):
    """The file is too large, empty, or of a kind that is not read."""

    code = "upload_refused"


@dataclass(frozen=True)
class Upload:
    """One kept file. `lines` is the separate line file of an order export, if one was sent."""

    token: str
    path: Path
    lines: Path | None = None


class StorageError(DomainError):
    """What was sent cannot be kept: the disk is full or the folder cannot be written. Nothing of it stays."""

    code = "storage"
    status = 507
    permanent = False


class GuardedUpload(TemporaryFileUploadHandler):
    """Takes files from whoever may import, and no more of them than may be kept: the rest is not written.

    One handler serves one request, so the limit is of all its files together.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._bytes = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        request = self.request
        # A program with a key was let through by the operation before its body is read.
        if request is not None and not getattr(request, "auth", None) and not request.user.has_perm("data.write"):
            raise StopUpload(connection_reset=True)
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self._bytes += len(raw_data)
        if self._bytes > settings.UPLOAD_MAX_BYTES:
            if self.request is not None:
                self.request.META[TOO_LARGE] = "1"
            raise StopUpload(connection_reset=False)
        return super().receive_data_chunk(raw_data, start)


def _clean_name(name: str) -> str:
    """The file's own name without folders and without what a file system dislikes."""
    base = re.split(r"[/\\]", name)[-1]
    kept = re.sub(r"[^\w.()（）\- ]", "_", base).strip(". ")
    stem, dot, suffix = kept.rpartition(".")
    return f"{(stem or 'file')[:80]}{dot}{suffix}" if dot else (kept or "file")[:80]


def check_upload(file: UploadedFile[bytes], *, limit: int) -> None:
    """Raise UploadRefusedError unless the file may be kept; `limit` is in bytes."""
    name = file.name or ""
    if not name.lower().endswith(SUFFIXES):
        raise UploadRefusedError(
            _("%(name)s is not a file that can be read. Send CSV, TSV, Excel or Parquet.") % {"name": _clean_name(name)}
        )
    if not file.size:
        raise UploadRefusedError(_("%(name)s is empty.") % {"name": _clean_name(name)})
    if file.size > limit:
        raise too_large(limit)


def too_large(limit: int) -> UploadRefusedError:
    """What to say of a file of more than `limit` bytes."""
    return UploadRefusedError(
        _("The file is larger than %(limit)s MB. Import it on the command line: huitou import orders PATH")
        % {"limit": limit // 1024 // 1024}
    )


def check_content(file: UploadedFile[bytes]) -> None:
    """Raise UploadRefusedError unless the file is inside what its name says: a table, and no larger than it looks."""
    name = _clean_name(file.name or "")
    suffix = f".{name.rpartition('.')[2].lower()}"
    file.seek(0)
    head = file.read(4096)
    file.seek(0)
    expected = _BEGINNINGS.get(suffix)
    # Excel saves some workbooks in the older wrapping under the newer name, and the other way round: both are read.
    is_right = head.startswith(expected) if expected else not head.startswith(NO_TEXT)
    if not is_right:
        raise UploadRefusedError(
            _("%(name)s is not what its name says. Export it again, or save it as CSV or Excel.") % {"name": name}
        )
    if head.startswith(_ZIP):
        _check_unpacked(file, name)


def _check_unpacked(file: UploadedFile[bytes], name: str) -> None:
    """A workbook is a packed folder: a few kilobytes may unpack to more than the memory holds."""
    try:
        with zipfile.ZipFile(file) as folder:
            size = sum(entry.file_size for entry in folder.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UploadRefusedError(
            _("%(name)s is damaged. Save it again and send the new file.") % {"name": name}
        ) from error
    file.seek(0)
    if size > _UNPACKED_MAX_BYTES:
        raise UploadRefusedError(
            _("%(name)s unpacks to more than %(limit)s GB. Save it as CSV and send that.")
            % {"name": name, "limit": _UNPACKED_MAX_BYTES >> 30}
        )


def keep_upload(file: UploadedFile[bytes], lines: UploadedFile[bytes] | None, *, home: Home, limit: int) -> Upload:
    """Keep the file (and its line file) under a fresh token. Raises UploadRefusedError or StorageError."""
    for given in (file, lines):
        if given is not None:
            check_upload(given, limit=limit)
            check_content(given)
    token = secrets.token_hex(16)
    folder = home.uploads / token
    try:
        path = _write(file, folder)
        return Upload(token, path, _write(lines, folder / "lines") if lines is not None else None)
    except OSError as error:
        logger.error("an upload cannot be kept in %s", home.uploads, exc_info=error)
        shutil.rmtree(folder, ignore_errors=True)
        raise StorageError(
            _("The file could not be kept on the server (%(reason)s). huitou doctor there says how to mend it.")
            % {"reason": error.strerror or type(error).__name__}
        ) from error


def _write(file: UploadedFile[bytes], folder: Path) -> Path:
    folder.mkdir(parents=True, mode=0o700)
    path = folder / _clean_name(file.name or "file")
    with path.open("wb") as target:
        for chunk in file.chunks():
            target.write(chunk)
    path.chmod(0o600)
    return path


def find_upload(token: str, *, home: Home) -> Upload | None:
    """The kept file of that token, or None."""
    if not _TOKEN.fullmatch(token):
        return None
    folder = home.uploads / token
    path = _only_file(folder)
    return None if path is None else Upload(token, path, _only_file(folder / "lines"))


def _only_file(folder: Path) -> Path | None:
    if not folder.is_dir():
        return None
    return next((path for path in sorted(folder.iterdir()) if path.is_file()), None)


def discard_upload(token: str, *, home: Home) -> None:
    """Delete a kept file that was not imported."""
    if _TOKEN.fullmatch(token):
        shutil.rmtree(home.uploads / token, ignore_errors=True)
