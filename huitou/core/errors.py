"""The errors a person can do something about, mapped once per door (API, page, task, command line)."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

from django.utils.functional import Promise, lazy


class DomainError(Exception):
    """An anticipated refusal: what, where and how to mend it, in the reader's language.

    `code` is stable and machine-readable, `status` is the HTTP status of the API and page doors, and
    `permanent` tells a task whether trying again can help. `at_terminal` is how to mend it with a command's options;
    only the command line shows it. `control` names the page's control that mends it.
    """

    code = "domain_error"
    status = 400
    permanent = True

    def __init__(
        self, message: str | Promise, *, code: str | None = None, at_terminal: str | Promise = "", control: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.at_terminal = at_terminal
        self.control = control
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return str(self.message)

    @property
    def for_terminal(self) -> str:
        """The message with the options that mend it."""
        return f"{self.message} {self.at_terminal}".strip()


def kind_and_place(error: BaseException) -> str:
    """An error that nobody anticipated by its kind and the line of ours that raised it.

    What it says itself may quote what somebody wrote, such as a row with a name and a phone.
    """
    frames = traceback.walk_tb(error.__traceback__)
    ours = [(f.f_globals.get("__name__", ""), line) for f, line in frames]
    places = [f"{module}:{line}" for module, line in ours if module.startswith("huitou.")]
    return f"{type(error).__name__} ({places[-1]})" if places else type(error).__name__


def _fill(message: Promise, values: Mapping[str, object]) -> str:
    return str(message) % values


# A lazy translation with its placeholders filled in, still lazy: for errors raised before Django is set up.
fill_later = lazy(_fill, str)
