"""Customer mass messages 客户群发: tasks that a member confirms, one for all customers who are told the same.

Without a sender in the call WeCom gives each customer to the member who last talked with them; a step may name a
member instead (`extra["sender"]`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from huitou.messaging.channel import Config, Outcome, Outgoing, accepted, refused, unknown
from huitou.messaging.channels.wecom.client import Client, WeComError
from huitou.messaging.channels.wecom.codes import Meaning, wait_seconds
from huitou.messaging.wire import NoAnswerError, NotSentError

RECEIVERS_OF_A_TASK = 10_000
_TEXT_BYTES = 4000
_TITLE_BYTES = 128
_UNSENT_WAIT = timedelta(minutes=1)
_Group = tuple[str, str, str, str]


def send_mass(client: Client, config: Config, outgoing: Sequence[Outgoing]) -> dict[int, Outcome]:
    """Create the tasks. One outcome per message, by its place in `outgoing`."""
    outcomes: dict[int, Outcome] = {}
    groups: dict[_Group, list[int]] = {}
    for place, message in enumerate(outgoing):
        if problem := _problem(config.settings["corp_id"], message):
            outcomes[place] = problem
        else:
            groups.setdefault(_group(message), []).append(place)
    stopped: Outcome | None = None
    for places in groups.values():
        for chunk in _chunks(outgoing, places):
            # What is wrong with the account is wrong for the rest of it too.
            if not stopped:
                config.leaving([outgoing[place] for place in chunk])
            made = dict.fromkeys(chunk, stopped) if stopped else _create(client, outgoing, chunk)
            outcomes |= made
            stopped = next((o for o in made.values() if o.account_trouble), None)
    return outcomes


def content_of(message: Outgoing) -> dict[str, Any]:
    """Text and attachments as WeCom takes them; a link that the text does not hold goes along as a card."""
    content: dict[str, Any] = {"text": {"content": message.text}} if message.text else {}
    if message.link and message.link not in message.text:
        title = _cut(message.title or message.text or message.link, _TITLE_BYTES)
        content["attachments"] = [{"msgtype": "link", "link": {"title": title, "url": message.link}}]
    return content


def content_problem(message: Outgoing) -> Outcome | None:
    """Why WeCom would not take the content, None where it would."""
    if not message.text and not message.link:
        return refused("no_content", permanent=True)
    if len(message.text.encode()) > _TEXT_BYTES:
        return refused("text_too_long", f"{len(message.text.encode())} > {_TEXT_BYTES}", permanent=True)
    return None


def outcome_of(error: WeComError | NotSentError | NoAnswerError) -> Outcome:
    """What a call that did not succeed means for everything that was in it."""
    if isinstance(error, NoAnswerError):
        return unknown(str(error))
    if isinstance(error, NotSentError):
        wait = None if error.permanent else _UNSENT_WAIT
        return refused(str(error), permanent=error.permanent, retry_after=wait, account_trouble=error.permanent)
    seconds = wait_seconds(error.meaning)
    trouble = error.meaning in (Meaning.CREDENTIALS, Meaning.STALE)
    return refused(
        str(error.code),
        str(error),
        permanent=seconds is None and not trouble,
        retry_after=timedelta(seconds=seconds) if seconds else None,
        account_trouble=trouble,
    )


def _problem(company: str, message: Outgoing) -> Outcome | None:
    if message.to.namespace not in ("", company):
        return refused("other_company", permanent=True)
    return content_problem(message)


def _group(message: Outgoing) -> _Group:
    return (message.extra.get("sender", ""), message.title, message.text, message.link)


def _chunks(outgoing: Sequence[Outgoing], places: list[int]) -> Iterator[list[int]]:
    """Places of one task each: no customer twice in one, since its results are told by customer."""
    rest = places
    while rest:
        chunk: dict[str, int] = {}
        later = []
        for place in rest:
            to = outgoing[place].to.value
            if to in chunk or len(chunk) == RECEIVERS_OF_A_TASK:
                later.append(place)
            else:
                chunk[to] = place
        yield list(chunk.values())
        rest = later


def _create(client: Client, outgoing: Sequence[Outgoing], places: list[int]) -> dict[int, Outcome]:
    first = outgoing[places[0]]
    payload: dict[str, Any] = {
        "chat_type": "single",
        "external_userid": [outgoing[place].to.value for place in places],
        **content_of(first),
    }
    if sender := first.extra.get("sender"):
        payload["sender"] = sender
    try:
        answer = client.ask("externalcontact/add_msg_template", payload)
    except (WeComError, NotSentError, NoAnswerError) as error:
        return dict.fromkeys(places, outcome_of(error))
    task = str(answer.get("msgid") or "")
    failed = set(map(str, answer.get("fail_list") or ()))
    return {place: _of_task(task, outgoing[place].to.value in failed) for place in places}


def _of_task(task: str, failed: bool) -> Outcome:
    if failed:
        return refused("fail_list", "not a customer of a member who may send", permanent=True)
    return accepted(task, awaits="member") if task else unknown("no msgid")


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")
