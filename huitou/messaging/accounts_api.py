"""Operations on channel accounts and on how often and when customers may be contacted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.core.clock import SystemClock
from huitou.core.http_api.fields import MAX_ID, Body, Id, Text, Whole, Word
from huitou.core.http_api.operations import Operations
from huitou.messaging import accounts, operating
from huitou.messaging.channel import CHANNELS
from huitou.messaging.content import Content, Words
from huitou.messaging.models import ChannelAccount, ContactPolicy
from huitou.messaging.queries import list_accounts
from huitou.messaging.rules import find_policy

router = Operations("platform")
_CLOCK = SystemClock()
AccountId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the channel account.")]
Setting = Annotated[Text, Field(max_length=4000)]
SettingName = Annotated[Text, Field(max_length=50)]
Time = Annotated[Word, Field(max_length=8)]


class ChannelSettingOut(Schema):
    """One setting of a channel."""

    name: str = Field(examples=["corp_id"])
    label: str
    hint: str
    form: str = Field(examples=["text"])
    is_secret: bool = Field(description="It is kept sealed and never shown again.")
    required: bool
    choices: list[str]
    default: str


class ChannelOut(Schema):
    """One kind of channel."""

    kind: str = Field(examples=["wecom"])
    label: str
    term_zh: str
    by_hand: bool = Field(description="Somebody exports a list; nothing is sent from here.")
    settings: list[ChannelSettingOut]


class ChannelsOut(Schema):
    """Every channel there is."""

    items: list[ChannelOut]


class AccountOut(Schema):
    """One channel account. No secret is in it."""

    id: int
    kind: str = Field(examples=["wecom"])
    name: str
    state: Literal["active", "paused", "stopped"] = Field(description="stopped: the provider refuses it.")
    settings: dict[str, str]
    secrets_set: list[str] = Field(description="Names of the secrets that are kept.")
    per_minute: int | None = Field(description="At most so many messages in a minute.")
    callback_url: str = Field(description="Where the provider reports to.")
    error_code: str
    error_detail: str
    last_ok_at: datetime | None


class AccountsOut(Schema):
    """Every channel account, by name."""

    items: list[AccountOut]


@router.read("/channels", permission="settings.view", returns=ChannelsOut)
def show_channels(request: HttpRequest) -> ChannelsOut:
    """Every channel with its settings."""
    return ChannelsOut(
        items=[
            ChannelOut(
                kind=channel.kind,
                label=str(channel.label),
                term_zh=channel.term_zh,
                by_hand=channel.by_hand,
                settings=[
                    ChannelSettingOut(
                        name=s.name,
                        label=str(s.label),
                        hint=str(s.hint),
                        form=s.form,
                        is_secret=s.is_secret,
                        required=s.required,
                        choices=[code for code, _label in s.choices()],
                        default=s.default,
                    )
                    for s in channel.settings
                ],
            )
            for channel in CHANNELS
        ]
    )


@router.read("/channel-accounts", permission="settings.view", returns=AccountsOut)
def show_accounts(request: HttpRequest) -> AccountsOut:
    """Every channel account: whether it sends, and what the provider said last."""
    return AccountsOut(items=[_out(row) for row in list_accounts()])


class AccountIn(Body):
    """An account at a provider."""

    kind: Annotated[Word, Field(max_length=50)] = Field(examples=["console_log"])
    name: Annotated[Word, Field(max_length=100)] = Field(examples=["log"])
    settings: dict[SettingName, Setting] = Field(max_length=50, description="Secrets too: see GET /channels.")
    per_minute: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = None


@router.write("/channel-accounts", permission="settings.write", returns=AccountOut, status=201)
def create_account(request: HttpRequest, body: AccountIn) -> AccountOut:
    """Set up an account of a channel."""
    return _out(accounts.create_account(**body.dict(), clock=_CLOCK, **acting(request)))


class AccountChangeIn(Body):
    """What to change; what is left out stays."""

    settings: dict[SettingName, Setting] | None = Field(
        None, max_length=50, description="Those to change; a secret that is empty stays as it is."
    )
    per_minute: Annotated[Whole, Field(ge=0, le=1_000_000)] | None = Field(None, description="0 lifts the limit.")


@router.write("/channel-accounts/{int:account_id}", method="PATCH", permission="settings.write", returns=AccountOut)
def change_account(request: HttpRequest, account_id: AccountId, body: AccountChangeIn) -> AccountOut:
    """Change settings or secrets; a stopped account is tried again."""
    return _out(accounts.change_account(account_id=account_id, **body.dict(), clock=_CLOCK, **acting(request)))


@router.write("/channel-accounts/{int:account_id}/pause", permission="settings.write", returns=AccountOut)
def pause_account(request: HttpRequest, account_id: AccountId) -> AccountOut:
    """Send nothing through it until the pause is deleted; what is due waits."""
    return _out(accounts.pause_account(account_id=account_id, clock=_CLOCK, **acting(request)))


@router.write(
    "/channel-accounts/{int:account_id}/pause", method="DELETE", permission="settings.write", returns=AccountOut
)
def resume_account(request: HttpRequest, account_id: AccountId) -> AccountOut:
    """Send through it again."""
    return _out(accounts.resume_account(account_id=account_id, clock=_CLOCK, **acting(request)))


class CheckOut(Schema):
    """What a test of an account found."""

    ok: bool
    message: str


@router.write("/channel-accounts/{int:account_id}/check", permission="settings.write", returns=CheckOut)
def check_account(request: HttpRequest, account_id: AccountId) -> CheckOut:
    """Ask the provider whether the account can send; nobody is contacted."""
    found = accounts.check_account(account_id=account_id, clock=_CLOCK)
    return CheckOut(ok=found.ok, message=str(found.message))


class WelcomeIn(Body):
    """What is answered to a customer who was just added; an empty text: nothing."""

    text: Annotated[Text, Field(max_length=4000)] = ""
    link: Annotated[Text, Field(max_length=2000)] = ""


@router.write(
    "/channel-accounts/{int:account_id}/welcome", method="PUT", permission="settings.write", returns=AccountOut
)
def set_welcome(request: HttpRequest, account_id: AccountId, body: WelcomeIn) -> AccountOut:
    """Set the welcome message of an account."""
    content = Content({"zh": Words(text=body.text, link=body.link)}) if body.text.strip() else None
    return _out(operating.set_welcome(account_id=account_id, content=content, clock=_CLOCK, **acting(request)))


class PolicyOut(Schema):
    """How often and when customers may be contacted."""

    cap_day: int
    cap_week: int
    service_is_capped: bool
    service_is_held_out: bool
    duplicate_days: int
    quiet_hours: dict[str, list[str]] = Field(description="[from, to] by channel; [] for none; else the channel's own.")
    home_channels: dict[str, list[str]] = Field(
        description="By channel the sales channels whose buyers hear this way first.",
        examples=[{"wecom": ["mini_program"], "sms_aliyun": ["tmall"]}],
    )
    max_retries: int
    fatigue_is_on: bool
    fatigue_unanswered: int
    fatigue_gap_days: int
    fatigue_stop_after: int
    fatigue_optout_bp: int


@router.read("/contact-policy", permission="settings.view", returns=PolicyOut)
def show_policy(request: HttpRequest) -> PolicyOut:
    """The settings in force."""
    return _policy(find_policy())


class PolicyIn(Body):
    """What to change; what is left out stays."""

    cap_day: Annotated[Whole, Field(ge=0, le=100)] | None = None
    cap_week: Annotated[Whole, Field(ge=0, le=500)] | None = None
    service_is_capped: bool | None = None
    service_is_held_out: bool | None = None
    duplicate_days: Annotated[Whole, Field(ge=0, le=3650)] | None = None
    quiet_hours: dict[SettingName, Annotated[list[Time], Field(max_length=2)]] | None = Field(None, max_length=50)
    home_channels: (
        dict[SettingName, Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=100)]]
        | None
    ) = Field(None, max_length=50)
    max_retries: Annotated[Whole, Field(ge=0, le=20)] | None = None
    fatigue_is_on: bool | None = None
    fatigue_unanswered: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    fatigue_gap_days: Annotated[Whole, Field(ge=1, le=365)] | None = None
    fatigue_stop_after: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    fatigue_optout_bp: Annotated[Whole, Field(ge=0, le=10_000)] | None = None


@router.write("/contact-policy", method="PATCH", permission="settings.write", returns=PolicyOut)
def change_policy(request: HttpRequest, body: PolicyIn) -> PolicyOut:
    """Change caps, quiet hours and what is done about fatigue."""
    changes: dict[str, Any] = {name: value for name, value in body.dict().items() if value is not None}
    return _policy(operating.change_policy(changes=changes, clock=_CLOCK, **acting(request)))


def _policy(row: ContactPolicy) -> PolicyOut:
    return PolicyOut(**{name: getattr(row, name) for name in PolicyOut.model_fields})


def _out(row: ChannelAccount) -> AccountOut:
    return AccountOut(
        id=row.pk,
        kind=row.kind,
        name=row.name,
        state=row.state,  # type: ignore[arg-type]  # the database knows only these
        settings=row.settings,
        secrets_set=list(accounts.secrets_set(row)),
        per_minute=row.per_minute,
        callback_url=accounts.callback_url(row),
        error_code=row.error_code,
        error_detail=row.error_detail,
        last_ok_at=row.last_ok_at,
    )
