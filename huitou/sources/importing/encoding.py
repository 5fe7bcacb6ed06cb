"""What bytes a text file is made of, found out over the whole file in one pass, and its way to plain UTF-8."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

UTF8, UTF8_BOM, GB18030, LATIN1, MIXED = "utf-8", "utf-8-sig", "gb18030", "latin-1", "mixed"
_BLOCK = 1 << 22
_BOMS = ((codecs.BOM_UTF8, UTF8_BOM), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_JUDGED_LINES = 20_000
# What is certainly no table in text: packed files, programs, pictures, documents, pages.
NO_TEXT = (
    b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"MZ", b"\x7fELF", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8",
    b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"\xca\xfe\xba\xbe", b"<!DOCTYPE", b"<!doctype", b"<html", b"<svg", b"<?xml",
    b"#!/",
)  # fmt: skip
_JUDGED_BYTES = 1 << 16
# Control characters that text does not hold, and the share of them that only other files have.
_CONTROLS = bytes({*range(9), *range(14, 32)} - {0x1A, 0x1B})
_BINARY_SHARE = 0.05


@dataclass(frozen=True)
class FileScan:
    """One pass over a file: identity, and what a fast reader must know. `has_blank_lines`: inside, not at the end;
    `has_only_cr`: its lines end as those of old Macintosh programs do.
    """

    sha256: str
    size: int
    bom: str
    is_utf8: bool
    has_blank_lines: bool
    has_nul: bool
    has_only_cr: bool = False


def scan_file(path: Path) -> FileScan:
    """Read the file once, in blocks; asked again about an unchanged file, what was found is known."""
    stat = path.stat()
    return _scan(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _scan(path: Path, _size: int, _changed: int) -> FileScan:
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    size, is_utf8, blank, nul, bom, tail = 0, True, False, False, "", b""
    cr = lf = False
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if not size:
                bom = next((name for mark, name in _BOMS if block.startswith(mark)), "")
            size += len(block)
            digest.update(block)
            is_utf8 = is_utf8 and _decodes(decoder, block)
            nul = nul or b"\0" in block
            cr, lf = cr or b"\r" in block, lf or b"\n" in block
            if not blank:
                # What only ends the file is held back until more follows it.
                text = (tail + block).replace(b"\r\n", b"\n")
                body = text.rstrip(b"\n\r")
                blank = b"\n\n" in body
                tail = text[max(0, len(body) - 1) :][-(1 << 10) :]
        is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    return FileScan(digest.hexdigest(), size, bom, is_utf8, blank, nul, cr and not lf)


def is_binary(path: Path, scan: FileScan) -> bool:
    """Whether the file is no text at all, by how it begins and by the control characters in its first part."""
    with path.open("rb") as file:
        head = file.read(_JUDGED_BYTES)
    if scan.bom == "utf-16":
        return False
    return head.startswith(NO_TEXT) or len(head) - len(head.translate(None, _CONTROLS)) > len(head) * _BINARY_SHARE


def end_lines_plainly(path: Path, target: Path) -> None:
    """Write the file to `target` with line feeds where it has carriage returns."""
    with path.open("rb") as source, target.open("wb") as out:
        while block := source.read(_BLOCK):
            out.write(block.replace(b"\r", b"\n"))


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    if block.isascii() and not final and not decoder.getstate()[0]:
        return True
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def detect_encoding(path: Path, scan: FileScan) -> str:
    """Name of the encoding: utf-8, utf-8-sig, utf-16, gb18030, latin-1, or mixed (decoded line by line)."""
    if scan.bom == "utf-16" or (scan.bom and scan.is_utf8):
        return scan.bom
    if scan.is_utf8:
        return UTF8
    utf8_lines = gb_lines = other_lines = high = lonely = 0
    with path.open("rb") as file:
        judged = 0
        for line in file:
            if line.isascii():
                continue
            judged += 1
            if _is(line, "utf-8"):
                utf8_lines += 1
            elif _is(line, "gb18030"):
                gb_lines += 1
            else:
                other_lines += 1
            high += sum(byte > 0x7F for byte in line)
            lonely += _lonely_bytes(line)
            if judged >= _JUDGED_LINES and utf8_lines and gb_lines:
                break
    # In GBK the high bytes come in pairs; a £ or é of a Western code page stands between ASCII letters.
    if high and lonely > high / 2:
        return LATIN1
    # A short GBK word may happen to be valid UTF-8, so a handful of such lines does not make a file mixed.
    if not other_lines and utf8_lines <= gb_lines // 100:
        return GB18030
    return MIXED


def _is(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _lonely_bytes(line: bytes) -> int:
    padded = b"\0" + line + b"\0"
    return sum(
        1 for i in range(1, len(padded) - 1) if padded[i] > 0x7F and padded[i - 1] < 0x80 and padded[i + 1] < 0x80
    )


def transcode(path: Path, encoding: str, target: Path) -> bool:
    """Write the file as UTF-8 to `target`, in blocks. False if it is not wholly in that encoding."""
    try:
        with path.open(encoding=encoding, newline="") as source, target.open("w", encoding="utf-8", newline="") as out:
            while block := source.read(_BLOCK):
                out.write(block)
    except UnicodeError:
        return False
    return True


def decoded_lines(path: Path, encoding: str) -> Iterator[tuple[str, bool]]:
    """Each physical line with its end, and whether it could be decoded; mixed files are tried line by line."""
    if encoding.startswith("utf-16"):
        with path.open(encoding=encoding, errors="replace", newline="") as text:
            for decoded in text:
                yield decoded, "\ufffd" not in decoded
        return
    tried = ("utf-8", "gb18030") if encoding == MIXED else ("utf-8" if encoding == UTF8_BOM else encoding,)
    with path.open("rb") as file:
        for number, raw in enumerate(file):
            line = raw.removeprefix(codecs.BOM_UTF8) if number == 0 else raw
            for name in tried:
                try:
                    yield line.decode(name), True
                    break
                except UnicodeDecodeError:
                    continue
            else:
                yield line.decode("utf-8", errors="replace"), False
