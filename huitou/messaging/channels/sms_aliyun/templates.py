"""Templates as the provider approved them: their text is what customers get, whatever stands on our side."""

from __future__ import annotations

import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from huitou.messaging.channels.sms_aliyun.client import Client
from huitou.messaging.channels.sms_aliyun.wording import WordingError, check_message, check_variables, names_in

_APPROVED, _MARKETING = 1, 2
_KEPT_SECONDS = 3600.0


@dataclass(frozen=True)
class Template:
    """The text with `${name}` in it, whether it may be used, and whether it is for marketing 推广短信."""

    text: str
    is_approved: bool
    is_marketing: bool

    def values(self, params: Mapping[str, str], link: str, *, is_marketing: bool) -> tuple[str, dict[str, str]]:
        """The whole text and the variables that the template takes. Raises WordingError.

        Variables take no links, so that of our short link the last part goes in: the template holds the rest.
        """
        if not self.is_approved:
            raise WordingError("template_not_approved")
        # The kind of template decides about hours and the line to opt out, the purpose about consent: they must agree.
        if is_marketing != self.is_marketing:
            raise WordingError("template_for_notices" if is_marketing else "template_for_marketing")
        names = names_in(self.text)
        missing = [name for name in names if name not in params]
        if missing:
            raise WordingError("variable_missing", missing[0])
        taken = {
            name: params[name].rpartition("/")[2] if link and params[name] == link else params[name] for name in names
        }
        check_variables(taken)
        text = self.text
        for name, value in taken.items():
            text = text.replace(f"${{{name}}}", value)
        check_message(text, is_marketing=self.is_marketing)
        return text, taken


def look_up(client: Client, code: str, memory: MutableMapping[str, object]) -> Template:
    """The template of that code, asked for at most once an hour. Raises like `Client.ask`."""
    place = f"template:{code}"
    kept = memory.get(place)
    if isinstance(kept, tuple) and kept[0] > time.monotonic() and isinstance(kept[1], Template):
        return kept[1]
    answer = client.ask("QuerySmsTemplate", {"TemplateCode": code})
    made = Template(
        str(answer.get("TemplateContent") or ""),
        answer.get("TemplateStatus") == _APPROVED,
        answer.get("TemplateType") == _MARKETING,
    )
    if made.is_approved:
        memory[place] = (time.monotonic() + _KEPT_SECONDS, made)
    return made
