"""Forms of staff, keys, one's own password, and the audit log's filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from huitou.accounts.models import ApiKey, User
from huitou.accounts.roles import ANALYST, PERMISSIONS, ROLE_LABELS


def _password_field(label: Any, autocomplete: str, **more: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, widget=widget, strip=False, max_length=200, **more)


class OwnPasswordForm(forms.Form):
    """The password of now, and the new one twice."""

    old = _password_field(_("Present password"), "current-password")
    new = _password_field(
        _("New password"),
        "new-password",
        help_text=_("At least 8 characters, not only digits, not a common word and nothing like your name."),
    )
    again = _password_field(_("New password again"), "new-password")

    def __init__(self, user: User, data: Mapping[str, Any] | None) -> None:
        super().__init__(data)
        self._user = user
        self._refusal = ""

    def refuse(self, why: str) -> None:
        """Show the form again with that reason, without looking at the password."""
        self._refusal = why

    def clean_old(self) -> str:
        old = str(self.cleaned_data["old"])
        if self._refusal:
            raise forms.ValidationError(self._refusal)
        if not self._user.check_password(old):
            raise forms.ValidationError(_("This is not your present password."))
        return old

    def clean_again(self) -> str:
        again = str(self.cleaned_data["again"])
        if again != self.cleaned_data.get("new", again):
            raise forms.ValidationError(_("The two new passwords differ."))
        return again


class StaffForm(forms.Form):
    """A person to let in."""

    username = forms.CharField(
        label=_("User name"), max_length=150, help_text=_("Signs in with it; it does not change later.")
    )
    full_name = forms.CharField(label=_("Full name"), max_length=150, required=False)
    role = forms.ChoiceField(label=_("Role"), choices=lambda: list(ROLE_LABELS.items()), initial=ANALYST)


class PersonForm(forms.Form):
    """Role and name of somebody who is in."""

    full_name = forms.CharField(label=_("Full name"), max_length=150, required=False)
    role = forms.ChoiceField(label=_("Role"), choices=lambda: list(ROLE_LABELS.items()))


class _KeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What it is for, for example: mini-program of the shop.")
    )

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if ApiKey.objects.filter(name=name, revoked_at=None).exists():
            raise forms.ValidationError(_("A key of this name is in use. Choose another name, or revoke that key."))
        return name


class WriteKeyForm(_KeyForm):
    """A key that sends events."""

    source = forms.CharField(
        label=_("Feed"), max_length=100, help_text=_("Order numbers are unique inside one feed, for example: youzan.")
    )
    channel = forms.CharField(
        label=_("Channel"), max_length=50, required=False, help_text=_("Of events that name none themselves.")
    )


class ApiKeyForm(_KeyForm):
    """A key that does what its scopes name."""

    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), choices=lambda: list(PERMISSIONS.items()), widget=forms.CheckboxSelectMultiple
    )


class AuditFilterForm(forms.Form):
    """What to look for in the audit log."""

    action = forms.ChoiceField(label=_("Action"), required=False)
    actor = forms.CharField(label=_("Who"), max_length=150, required=False)
    target = forms.CharField(label=_("What"), max_length=200, required=False)
    day = forms.DateField(label=_("On the day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Mapping[str, Any] | None, actions: list[tuple[str, str]]) -> None:
        super().__init__(data)
        field = self.fields["action"]
        assert isinstance(field, forms.ChoiceField), "declared above"
        field.choices = [("", _("All")), *actions]
