"""What became of mass messages: asked for task by task, member by member; members who wait are reminded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from huitou.messaging.channel import DELIVERED, FAILED, Address, Receipt, Sent
from huitou.messaging.channels.wecom.client import Client, WeComError
from huitou.messaging.channels.wecom.codes import wait_seconds
from huitou.messaging.wire import NoAnswerError, NotSentError

REMINDERS = 3
_PAGE = 1000
_MOST_PAGES = 100
_TASK_SENT, _SENT, _NOT_FRIEND, _OVER_QUOTA = 2, 1, 2, 3
_FAILURES = {_NOT_FRIEND: "not_friend", _OVER_QUOTA: "quota_reached"}
# A reminder whose hour was missed (nobody polled) is left out: WeCom takes three within 24 hours and no more.
_REMINDER_SLACK = timedelta(hours=1)


def poll_results(client: Client, sent: Sequence[Sent], now: datetime) -> list[Receipt]:
    """What is known by now. A customer whose member has not confirmed yet has no receipt.

    A task that WeCom does not know any more is passed over; where it cannot be asked the rest waits for the next poll.
    """
    receipts: list[Receipt] = []
    for task, of_task in _by_task(sent).items():
        waiting = {one.to.value: one for one in of_task}
        try:
            for row in _results(client, task):
                one = waiting.get(str(row.get("external_userid")))
                made = _receipt(task, one.to, row, now) if one else None
                if made:
                    receipts.append(made)
        except WeComError as error:
            if wait_seconds(error.meaning) is not None:
                break
        except (NotSentError, NoAnswerError):
            break
    return receipts


def remind_members(
    client: Client, sent: Sequence[Sent], *, after: timedelta, now: datetime, memory: MutableMapping[str, object]
) -> int:
    """Remind the members of tasks that wait since 1, 2 and 3 times `after`; how many reminders were sent."""
    count = 0
    for task, of_task in _by_task(sent).items():
        age = now - min(one.sent_at for one in of_task)
        number = int(age / after)
        place = f"reminded:{task}"
        if not 1 <= number <= REMINDERS or memory.get(place) == number or age - number * after > _REMINDER_SLACK:
            continue
        memory[place] = number
        try:
            if any(row.get("status") != _TASK_SENT for row in _members(client, task)):
                client.ask("externalcontact/remind_groupmsg_send", {"msgid": task})
                count += 1
        except (WeComError, NoAnswerError, NotSentError):
            # A reminder too many or too few does no harm; results are what is asked for.
            continue
    return count


def received_by(client: Client, task: str) -> set[str]:
    """Customers of the members who have confirmed, whether it reached them or not. Raises like `Client.ask`."""
    return {str(row.get("external_userid")) for row in _results(client, task)}


def _results(client: Client, task: str) -> Iterator[Mapping[str, Any]]:
    for member in _members(client, task):
        if member.get("status") == _TASK_SENT:
            asked = {"msgid": task, "userid": member.get("userid"), "limit": _PAGE}
            yield from _pages(client, "externalcontact/get_groupmsg_send_result", asked, "send_list")


def _members(client: Client, task: str) -> Iterator[Mapping[str, Any]]:
    yield from _pages(client, "externalcontact/get_groupmsg_task", {"msgid": task, "limit": _PAGE}, "task_list")


def _pages(client: Client, path: str, payload: Mapping[str, Any], rows: str) -> Iterator[Mapping[str, Any]]:
    cursor = ""
    for _ in range(_MOST_PAGES):
        answer = client.ask(path, {**payload, **({"cursor": cursor} if cursor else {})})
        yield from answer.get(rows) or ()
        cursor = str(answer.get("next_cursor") or "")
        if not cursor:
            return


def _receipt(task: str, to: Address, row: Mapping[str, Any], now: datetime) -> Receipt | None:
    status, told = row.get("status"), row.get("send_time")
    at = datetime.fromtimestamp(int(told), tz=UTC) if told else None
    if status == _SENT and at:
        return Receipt(task, DELIVERED, at, to)
    if status in _FAILURES:
        return Receipt(task, FAILED, at or now, to, code=_FAILURES[status])
    return None


def _by_task(sent: Sequence[Sent]) -> dict[str, list[Sent]]:
    tasks: dict[str, list[Sent]] = {}
    for one in sent:
        if one.provider_ref and not one.provider_ref.startswith("welcome:"):
            tasks.setdefault(one.provider_ref, []).append(one)
    return tasks
