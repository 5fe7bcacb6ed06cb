"""E-mail against a real SMTP server that refuses often: what is definite, what is unknown, what a mail says."""

from __future__ import annotations

import re
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from huitou.core.clock import SystemClock
from huitou.messaging.channel import ACCEPTED, REFUSED, UNKNOWN, Address, Config, Outgoing
from huitou.messaging.channels.email import CHANNEL, EmailSettingsError, posting
from huitou.messaging.channels.email.composing import compose
from huitou.messaging.tests.providers.mail import HANG_UP, HANG_UP_AFTER_TEXT, PASSWORD, USER, MailServer
from huitou.messaging.tests.sample import NOON, account, message


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


def of(server: MailServer, **given: str) -> Config:
    told = {
        "host": "127.0.0.1",
        "port": str(server.port),
        "sender": "news@brand.example",
        "sender_name": "回头客",
        "bounce_address": "bounce+{touch}@brand.example",
    }
    return account(told | {"security": "plain"} | given)


def mail_to(name: str, **given: object) -> Outgoing:
    told = {"unsubscribe_url": "https://brand.example/u/abc"} | given
    return message(Address("email", "", f"{name}@mail.example"), **told)


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_a_mail_is_utf8_text_and_html_with_a_link_to_unsubscribe(server: MailServer) -> None:
    link = "https://brand.example/s/1?a=1&b=2"
    told = mail_to("ann", title="好久不见\r\nBcc: all@mail.example", text=f"想念您 <3\n.\n{link}", link=link)
    (outcome,) = CHANNEL.send(of(server), [told], NOON)
    (mail,) = server.mails
    assert (outcome.kind, outcome.provider_ref) == (ACCEPTED, mail["Message-ID"])
    assert mail["Message-ID"] == f"<{told.key}@brand.example>"
    assert mail["Subject"] == "好久不见 Bcc: all@mail.example"
    assert mail["Bcc"] is None
    assert str(mail["From"]) == "回头客 <news@brand.example>"
    assert mail["List-Unsubscribe"] == "<https://brand.example/u/abc>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert part(mail, "plain").startswith(f"想念您 <3\n.\n{link}\n")
    assert "https://brand.example/u/abc" in part(mail, "plain")
    html = part(mail, "html")
    assert '<html lang="zh-CN">' in html
    assert "想念您 &lt;3" in html
    assert html.count('href="https://brand.example/s/1?a=1&amp;b=2"') == 1
    assert server.envelopes == [(f"bounce+{told.touch_id}@brand.example", ["ann@mail.example"])]


def test_the_address_to_unsubscribe_stands_whole_in_its_header() -> None:
    """A long name of the deployment's own; as an encoded word no mail program would find it."""
    address = f"https://members.a-rather-long-name-of-a-brand.example/u/12345678-{'a1B2' * 12}"
    raw = compose({"sender": "news@brand.example"}, mail_to("ann", unsubscribe_url=address)).as_bytes()
    assert f"\r\nList-Unsubscribe: <{address}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


def test_one_click_is_offered_over_https_alone() -> None:
    """RFC 8058 knows no other; the page itself can be opened all the same."""
    mail = compose({"sender": "news@brand.example"}, mail_to("ann", unsubscribe_url="http://10.0.0.5:8000/u/1-abc"))
    assert mail["List-Unsubscribe"] == "<http://10.0.0.5:8000/u/1-abc>"
    assert mail["List-Unsubscribe-Post"] is None


def test_an_english_mail_is_english(server: MailServer) -> None:
    CHANNEL.send(of(server), [mail_to("ann", language="en", title="Hi", text="Come back")], NOON)
    (mail,) = server.mails
    assert mail["Content-Language"] == "en"
    assert "Unsubscribe" in part(mail, "html")


def test_what_may_not_be_sent_is_not(server: MailServer) -> None:
    bad = [
        mail_to("ann", unsubscribe_url=""),
        message(Address("email", "", "no address"), unsubscribe_url="https://b.example/u"),
        message(Address("email", "", "王@mail.example"), unsubscribe_url="https://b.example/u"),
        message(Address("email", "", "a@b.example\r\nRCPT TO:<c@d.example>"), unsubscribe_url="https://b.example/u"),
        mail_to("ann", text=""),
    ]
    outcomes = CHANNEL.send(of(server), bad, NOON)
    assert [outcome.permanent for outcome in outcomes] == [True] * 5
    assert [outcome.code for outcome in outcomes] == ["no_unsubscribe", *["address_invalid"] * 3, "no_content"]
    assert server.connections == 0


def test_one_connection_carries_the_batch_and_each_receiver_has_an_outcome(server: MailServer) -> None:
    server.of_receiver = {"bob@mail.example": "550 5.1.1 <bob@mail.example> no such user"}
    server.of_receiver["cat@mail.example"] = "450 4.2.2 mailbox full"
    outcomes = CHANNEL.send(of(server), [mail_to(name) for name in ("ann", "bob", "cat", "dan")], NOON)
    assert [outcome.kind for outcome in outcomes] == [ACCEPTED, REFUSED, REFUSED, ACCEPTED]
    assert (outcomes[1].permanent, outcomes[1].code) == (True, "5.1.1")
    assert "bob" not in outcomes[1].message, "what servers say is kept without addresses"
    assert (outcomes[2].permanent, outcomes[2].retry_after) == (False, timedelta(minutes=10))
    assert set(server.taken) == {"ann@mail.example", "dan@mail.example"}
    assert server.connections == 1


def test_answers_to_the_text_are_definite(server: MailServer) -> None:
    server.of_text = ["554 5.7.1 spam", "451 4.3.0 greylisted", "250 ok"]
    outcomes = CHANNEL.send(of(server), [mail_to(name) for name in ("ann", "bob", "cat")], NOON)
    assert [(outcome.kind, outcome.permanent) for outcome in outcomes] == [
        (REFUSED, True),
        (REFUSED, False),
        (ACCEPTED, False),
    ]
    assert outcomes[0].code == "text 5.7.1", "it is about what was said, not about who reads it"


@pytest.mark.parametrize(("cut", "taken"), [(HANG_UP, 0), (HANG_UP_AFTER_TEXT, 1)])
def test_a_line_that_is_cut_after_the_text_is_unknown(server: MailServer, cut: str, taken: int) -> None:
    """Whether the server kept the mail or not looks the same; the next mail takes a new connection."""
    server.of_text = [cut]
    outcomes = CHANNEL.send(of(server), [mail_to("ann"), mail_to("bob")], NOON)
    assert [outcome.kind for outcome in outcomes] == [UNKNOWN, ACCEPTED]
    assert server.taken["ann@mail.example"] == taken
    assert server.connections == 2


def test_no_answer_to_the_text_in_time_is_unknown(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "_SECONDS", 0.3)
    server.delay = 0.8
    assert CHANNEL.send(of(server), [mail_to("ann")], NOON)[0].kind == UNKNOWN


def test_a_line_that_is_cut_before_the_text_is_definite(server: MailServer) -> None:
    server.of_receiver = {"ann@mail.example": HANG_UP}
    outcomes = CHANNEL.send(of(server), [mail_to("ann"), mail_to("bob")], NOON)
    assert [(outcome.kind, outcome.permanent) for outcome in outcomes] == [(REFUSED, False)] * 2
    assert not server.taken


def test_where_nobody_listens_nothing_was_sent(server: MailServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcomes = CHANNEL.send(of(server, port=str(port)), [mail_to("ann"), mail_to("bob")], NOON)
    assert {(outcome.kind, outcome.permanent) for outcome in outcomes} == {(REFUSED, False)}
    outcome = CHANNEL.send(of(server, host="169.254.169.254"), [mail_to("ann")], NOON)[0]
    assert (outcome.code, outcome.account_trouble) == ("address_refused", True)


def test_a_sender_that_may_not_send_is_trouble_of_the_account(server: MailServer) -> None:
    server.of_sender = "550 5.7.1 sender not allowed"
    outcomes = CHANNEL.send(of(server), [mail_to("ann"), mail_to("bob")], NOON)
    assert {(outcome.account_trouble, outcome.permanent) for outcome in outcomes} == {(True, False)}
    server.of_sender = "421 4.7.0 too many connections"
    (busy,) = CHANNEL.send(of(server), [mail_to("ann")], NOON)
    assert (busy.account_trouble, busy.retry_after) == (False, timedelta(minutes=10))


def test_nothing_is_sent_twice_by_a_server_that_refuses_often() -> None:
    """Definite refusals go again as the outbox would send them; whatever breaks, nobody gets two."""
    with MailServer(seed=3) as server:
        server.refuse_rate = 0.4
        server.of_text = ["250 ok", "451 later", HANG_UP, HANG_UP_AFTER_TEXT, "554 no"] * 6
        waiting = [mail_to(f"c{number}") for number in range(60)]
        ends: Counter[str] = Counter()
        for _attempt in range(200):
            pairs = list(zip(waiting, CHANNEL.send(of(server), waiting, NOON), strict=True))
            waiting = [one for one, outcome in pairs if outcome.kind == REFUSED and not outcome.permanent]
            ends.update(outcome.kind for one, outcome in pairs if one not in waiting)
            if not waiting:
                break
        assert not waiting
        assert max(server.taken.values()) == 1
        assert ends[ACCEPTED] <= len(server.taken) <= ends[ACCEPTED] + ends[UNKNOWN]
        assert ends[UNKNOWN] == 12


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_the_login_is_asked_for_and_wrong_ones_are_trouble_of_the_account() -> None:
    with MailServer(login=True) as server:
        good = of(server, username=USER, password=PASSWORD)
        assert CHANNEL.send(good, [mail_to("ann")], NOON)[0].kind == ACCEPTED
        assert CHANNEL.check is not None
        assert CHANNEL.check(good, NOON).ok
        wrong = of(server, username=USER, password="wrong")
        outcome = CHANNEL.send(wrong, [mail_to("ann")], NOON)[0]
        assert (outcome.kind, outcome.code, outcome.account_trouble) == (REFUSED, "535", True)
        assert "535" in str(CHANNEL.check(wrong, NOON).message)
        without = CHANNEL.send(of(server), [mail_to("ann")], NOON)[0]
        assert (without.code, without.account_trouble) == ("530", True)


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = SystemClock().now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(pem)
    return path


def test_tls_is_asked_for_and_certificates_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for, or of another name, ends it before anything is said."""
    path = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with MailServer(tls=context) as server:
        config = of(server, host="localhost", security="starttls")
        unknown_issuer = CHANNEL.send(config, [mail_to("ann")], NOON)[0]
        assert (unknown_issuer.kind, unknown_issuer.code) == (REFUSED, "SSLCertVerificationError")
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        assert CHANNEL.send(config, [mail_to("ann")], NOON)[0].kind == ACCEPTED
        other_name = CHANNEL.send(of(server, security="starttls"), [mail_to("ann")], NOON)[0]
        assert other_name.code == "SSLCertVerificationError"
        in_the_open = CHANNEL.send(of(server), [mail_to("ann")], NOON)[0]
        assert (in_the_open.kind, in_the_open.code) == (REFUSED, "530")
    assert len(server.mails) == 1


def test_settings_are_looked_at() -> None:
    good = {"host": "smtp.example.com", "sender": "a@b.example", "bounce_address": "b+{touch}@b.example"}
    CHANNEL.check_settings(good)
    for change in (
        {"port": "smtp"},
        {"port": "70000"},
        {"sender": ""},
        {"sender": "nobody"},
        {"reply_to": "a b@c.example"},
        {"username": "u", "security": "plain"},
    ):
        with pytest.raises(EmailSettingsError):
            CHANNEL.check_settings(good | change)


def test_lines_that_begin_with_a_dot_arrive_whole(server: MailServer) -> None:
    CHANNEL.send(of(server), [mail_to("ann", text=".\n..\n.hidden")], NOON)
    assert re.match(r"\.\n\.\.\n\.hidden\n", part(server.mails[0], "plain"))
