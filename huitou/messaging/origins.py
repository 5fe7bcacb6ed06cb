"""What asked for a message, in words. An installed app of ours may have a `touch_origins.py` with `origins(sources)`,
which tells those of the given sources that are its own."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.apps import apps
from django.utils.translation import gettext as _

from huitou.accounts.models import User


@dataclass(frozen=True)
class Origin:
    """What asked for a message: its title, the page where it stands, and its steps' titles by their ids."""

    title: str
    url: str = ""
    steps: Mapping[str, str] = field(default_factory=dict)


def origins_of(sources: Iterable[str]) -> dict[str, Origin]:
    """Every given source in the reader's language; one that nobody knows is shown as it is."""
    wanted = sorted(set(sources))
    told = {source: Origin(source) for source in wanted} | _by_people(wanted)
    for config in apps.get_app_configs():
        name = f"{config.name}.touch_origins"
        if config.name.startswith("huitou.") and importlib.util.find_spec(name) is not None:
            told |= importlib.import_module(name).origins(wanted)
    return told


def _by_people(sources: list[str]) -> dict[str, Origin]:
    """Messages that somebody wrote on a customer's page, tests, and welcomes of an account."""
    kinds = {"manual": _("by hand, %(who)s"), "test": _("test, %(who)s"), "welcome": _("welcome message")}
    found = [(s, *s.split(":", 1)) for s in sources if s.split(":", 1)[0] in kinds and ":" in s]
    numbers = [int(who) for _source, _kind, who in found if who.isascii() and who.isdigit() and len(who) < 18]
    names = {str(pk): name for pk, name in User.objects.filter(pk__in=numbers).values_list("pk", "username")}
    return {source: Origin(kinds[kind] % {"who": names.get(who, who)}) for source, kind, who in found}
