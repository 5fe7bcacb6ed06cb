"""Welcome messages 欢迎语: one answer to a customer who was just added, within 20 seconds, by the code of the event."""

from __future__ import annotations

from datetime import timedelta

from huitou.messaging.channel import Outcome, Outgoing, accepted, refused
from huitou.messaging.channels.wecom.client import Client, WeComError
from huitou.messaging.channels.wecom.sending import content_of, content_problem, outcome_of
from huitou.messaging.wire import NoAnswerError, NotSentError

WINDOW = timedelta(seconds=20)


def send_welcome(client: Client, message: Outgoing) -> Outcome:
    """Answer with the code. What does not go out now never will, so every refusal is for good.

    WeCom takes the first answer only and says 41051 to the others: then the customer has been welcomed, not by us.
    """
    if problem := content_problem(message):
        return problem
    payload = {"welcome_code": message.reply_token, **content_of(message)}
    try:
        client.ask("externalcontact/send_welcome_msg", payload)
    except (WeComError, NotSentError, NoAnswerError) as error:
        made = outcome_of(error)
        if isinstance(error, NoAnswerError):
            return made
        return refused(made.code, made.message, permanent=True, account_trouble=made.account_trouble)
    return accepted(f"welcome:{message.key}")
