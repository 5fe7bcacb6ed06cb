"""What can be wrong with a pull, in words, what mends it, and whether trying again can help."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.errors import DomainError
from huitou.core.redaction import redact

_LONGEST_DETAIL = 200


@dataclass(frozen=True)
class Trouble:
    """One thing that can be wrong. A permanent one stops the connection until somebody mends it."""

    text: str | Promise
    remedy: str | Promise
    permanent: bool = False


TROUBLE: dict[str, Trouble] = {
    "credentials_refused": Trouble(
        gettext_lazy("The outside system refuses the credentials: they are wrong, or the authorization was revoked."),
        gettext_lazy("Authorize the application again there, enter the new credentials here, and pull."),
        permanent=True,
    ),
    "forbidden": Trouble(
        gettext_lazy("The credentials are right, but may not read this."),
        gettext_lazy("Apply there for the permission that the guide names, then pull."),
        permanent=True,
    ),
    "secrets_lost": Trouble(
        gettext_lazy("The stored credentials cannot be opened: the deployment's secret key is another one now."),
        gettext_lazy("Enter the credentials again."),
        permanent=True,
    ),
    "address_refused": Trouble(
        gettext_lazy("This address is not called: it is not https, or it leads to this machine or to a cloud's own."),
        gettext_lazy("Give an https address of the system that holds the data."),
        permanent=True,
    ),
    "not_a_table": Trouble(
        gettext_lazy("What came is no CSV and no Parquet file; often it is a page that asks for a login."),
        gettext_lazy("Open the address in a browser without being signed in: it must give the file itself."),
        permanent=True,
    ),
    "request_refused": Trouble(
        gettext_lazy("The outside system does not understand the request."),
        gettext_lazy("Check the settings. If they are right, its interface has changed: report it with the detail."),
        permanent=True,
    ),
    "rate_limited": Trouble(
        gettext_lazy("The outside system asks for fewer requests."),
        gettext_lazy("Nothing to do: it is tried again, later each time. Pull less often if this stays."),
    ),
    "quota_used_up": Trouble(
        gettext_lazy("The paid number of requests is used up there."),
        gettext_lazy("Buy more there, or wait for the next month; it is tried again meanwhile."),
    ),
    "outside_error": Trouble(
        gettext_lazy("The outside system has an error of its own."),
        gettext_lazy("Nothing to do: it is tried again, later each time. If it lasts a day, ask its support."),
    ),
    "unreachable": Trouble(
        gettext_lazy("The outside system does not answer."),
        gettext_lazy("It is tried again. If it lasts, check this server's way to the internet and the address."),
    ),
    "not_found": Trouble(
        gettext_lazy("Nothing is at this address now."),
        gettext_lazy("It is tried again, as exports are often renewed. If it lasts, give the address of the export."),
    ),
    "too_large": Trouble(
        gettext_lazy("What comes is larger than an upload may be."),
        gettext_lazy("Let the export hold fewer days, or raise HUITOU_UPLOAD_MAX_MB."),
        permanent=True,
    ),
    "changes_too_fast": Trouble(
        gettext_lazy("The orders change faster than they can be read."),
        gettext_lazy("Nothing is lost: it is tried again from the same place."),
    ),
    "unexpected": Trouble(
        gettext_lazy("The pull tripped over a fault of the product."),
        gettext_lazy("It is tried again. Report it with the detail and the log."),
    ),
}


class PullError(DomainError):
    """A pull that ended before its end. `detail` is what the outside said, without secrets and personal data."""

    def __init__(self, code: str, detail: str = "") -> None:
        known = TROUBLE[code]
        super().__init__(known.text, code=code)
        self.permanent = known.permanent
        self.detail = redact(" ".join(detail.split()))[:_LONGEST_DETAIL]
        self.status = 409

    def __str__(self) -> str:
        return describe(self.code, self.detail)


def describe(code: str, detail: str = "") -> str:
    """What is wrong, in one line, in the reader's language."""
    known = TROUBLE.get(code)
    if known is None:
        return detail
    return _("%(text)s (%(detail)s)") % {"text": known.text, "detail": detail} if detail else str(known.text)


def remedy_of(code: str) -> str:
    """What to do about it."""
    known = TROUBLE.get(code)
    return str(known.remedy) if known else _("Mend what it says, then pull.")
