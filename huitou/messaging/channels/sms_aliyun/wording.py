"""What a short message may say: length, variables, the line to opt out, and how many are billed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

OPT_OUT = "拒收请回复R"
_MESSAGE_CHARACTERS = 500
_VARIABLE_CHARACTERS = 35
_SINGLE, _OF_SEVERAL = 70, 67
_PLACE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_BRACKETS = re.compile(r"[【】]")
_ADDRESS = re.compile(r"https?://|www\.|[a-z0-9-]+\.(com|cn|net|org|cc|top)\b", re.IGNORECASE)
_SYMBOLS = re.compile(r"[★※→●①-⑳『』「」〖〗㎡²³•]|[\U0001F000-\U0001FAFF]")
_UNSUBSCRIBING = frozenset({"R", "T", "TD", "退", "退订", "拒收", "取消", "N", "回复R", "回T", "拒收R", "STOP"})


class WordingError(Exception):
    """Text that the provider or the rules for marketing do not accept; `code` says why, `where` names the variable."""

    def __init__(self, code: str, where: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.where = where


def check_variables(values: Mapping[str, str]) -> None:
    """See that each variable is 1 to 35 characters without links, signature brackets or symbols.

    Raises WordingError with the name of the first that is not.
    """
    for name, value in values.items():
        if not 1 <= len(value) <= _VARIABLE_CHARACTERS:
            raise WordingError("variable_length", name)
        if _ADDRESS.search(value):
            raise WordingError("variable_link", name)
        if _BRACKETS.search(value) or _SYMBOLS.search(value) or "\n" in value:
            raise WordingError("variable_characters", name)


def names_in(template: str) -> list[str]:
    """The variables of a template, in their order."""
    return list(dict.fromkeys(_PLACE.findall(template)))


def check_message(text: str, *, is_marketing: bool) -> None:
    """See that the whole text fits, and that marketing ends with the line to opt out. Raises WordingError."""
    if len(text) > _MESSAGE_CHARACTERS:
        raise WordingError("too_long")
    if is_marketing and not text.rstrip("。. \u3000").endswith(OPT_OUT):
        raise WordingError("no_opt_out")
    if not is_marketing and OPT_OUT in text:
        raise WordingError("opt_out_in_notice")


def count_parts(text: str, signature: str) -> int:
    """How many messages are billed: one up to 70 characters with the signature in brackets, then one each 67."""
    length = len(text) + len(signature) + 2
    return 1 if length <= _SINGLE else -(-length // _OF_SEVERAL)


def asks_to_stop(reply: str) -> bool:
    """Whether a customer's reply means that no more is wanted."""
    # Chinese keyboards give letters of full width.
    plain = "".join(unicodedata.normalize("NFKC", reply).split())
    return plain.strip("。.!,、'\"“”").upper() in _UNSUBSCRIBING
