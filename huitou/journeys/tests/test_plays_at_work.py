"""Previews, rehearsals and launches of plays over a few customers whose purchases are known, counted by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils.translation import override
from procrastinate.contrib.django.models import ProcrastinateJob

from huitou.accounts.models import AuditEntry, Brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import Identifier, Person
from huitou.experiments.models import Assignment, Experiment, HoldoutShare
from huitou.journeys.models import Enrollment, Journey, JourneyVersion, Launch, Signal, Transition
from huitou.journeys.play import PlayParametersError
from huitou.journeys.plays.drafts import DraftUnknownError, find_draft
from huitou.journeys.plays.history import open_history, spell_out
from huitou.journeys.plays.launching import AlreadyRunningError, copy_play, launch_draft
from huitou.journeys.plays.numbers import numbers_of
from huitou.journeys.plays.preview import preview
from huitou.journeys.plays.rehearsing import Asked, find_rehearsal, start_rehearsal
from huitou.journeys.plays.replay import Replay, replay
from huitou.journeys.plays.tasks import rehearse_job
from huitou.journeys.plays.words import number_words, replay_header, replay_lines, replay_words
from huitou.journeys.steps.send import read_content
from huitou.journeys.tests.travelling import DAY
from huitou.messaging.models import Attempt, ChannelAccount, ContactSlot, Touch, TouchDecision
from huitou.messaging.tests.stage import agree
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed, feed
from huitou.segments.queries import read_where
from huitou.segments.saving import create_segment
from huitou.segments.services import create_tag
from huitou.segments.tests.conftest import buy, order
from huitou.segments.where import segments_in
from huitou.stats.allocation import bound, draw

__all__ = ["feed"]
pytestmark = pytest.mark.django_db
NOW = datetime(2024, 4, 9, 4, 0, tzinfo=UTC)
REAL = (Journey, JourneyVersion, Launch, Enrollment, Transition, Signal, Touch, TouchDecision, ContactSlot, Experiment)


@pytest.fixture
def brand(db: None) -> Brand:
    """A brand with nobody held out and one channel that only logs."""
    made = Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)
    HoldoutShare.objects.create(share_bp=0, first_day=date(2000, 1, 1), at=NOW)
    ChannelAccount.objects.create(
        kind="console_log", name="log", settings={"consent_channel": "sms"}, callback_token="t" * 20, created_at=NOW
    )
    return made


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture
def people(brand: Brand, feed: Feed, home: Home) -> list[int]:
    """Ten customers by the days since their purchases; the first five can be reached and agreed."""
    bought: list[list[float]] = [
        [70],  # silent: in from the start
        [65.5],  # crosses 60 days 5.5 days ago
        [62.5, 200],  # crosses 2.5 days ago
        [100, 10],  # came back 10 days ago, silent for 90 until then
        [5.5],  # bought lately
        [80],
        [61.5],
        [20],
        [59.5],  # crosses tomorrow
        [400],
    ]
    ids = [Person.objects.create(created_at=days_ago(900), known_since=days_ago(900)).pk for _ in bought]
    buy(feed, [order(person, days_ago(day)) for person, days in zip(ids, bought, strict=True) for day in days])
    for person in ids[:5]:
        Identifier.objects.create(person_id=person, kind="phone", value=f"1380013800{person % 10}")
        agree(person, "sms", at=days_ago(800))
    refresh(home=home, brand=brand, clock=brand.clock)
    return ids


def test_a_preview_counts_who_comes_in_and_when(brand: Brand, people: list[int]) -> None:
    """Silent for 60 days now: 70, 65.5, 62.5, 80, 61.5, 400 days. All but the last crossed in the past 28 days."""
    found = preview(find_draft("win_back_60d", {"channels": ["console_log"]}), brand=brand)
    assert found.now_count == 6
    assert found.per_week == 5 / 4
    # Six and five more would be eleven of ten customers.
    assert found.expected == 10
    assert {one.person_id for one in found.sample} == {people[i] for i in (0, 1, 2, 5, 6, 9)}
    # 28 days ago customers 3 and 9 were silent for 60 days; customer 3 has bought since.
    assert (found.base_rate, found.base_size) == (1 / 2, 2)
    assert found.suggested_bp == 5000
    assert found.control + found.treated + found.held == found.expected


def test_a_preview_of_a_segment_counts_what_its_condition_counts(brand: Brand, people: list[int]) -> None:
    """Named directly and through another segment: the same customers as the condition itself, now and week by week."""
    silent = {"feature": "days_since_last_order", "is": ">=", "value": 60}
    create_segment(name="silent", title="Silent", definition=silent, clock=brand.clock)
    both = {"all": [{"segment": "silent"}, {"not": {"feature": "days_since_last_order", "is": ">", "value": 365}}]}
    create_segment(name="lately_silent", title="Lately silent", definition=both, clock=brand.clock)
    spelled = {"all": [silent, {"feature": "days_since_last_order", "is": "<=", "value": 365}]}
    now = brand.now()
    for named, plain in (({"segment": "silent"}, silent), ({"segment": "lately_silent"}, spelled)):
        with open_history() as history:
            for at in (now, now - 9 * DAY, now - 28 * DAY):
                assert history.members_at(named, at) == history.members_at(plain, at) != frozenset()
    assert segments_in(spell_out(read_where({"segment": "lately_silent"}))) == []


def test_events_are_looked_through_only_where_a_condition_asks(brand: Brand, people: list[int]) -> None:
    """A month of looks at orders alone is what most previews need; the days of events cost more than all the rest."""
    with open_history() as history:
        history.members_at({"feature": "days_since_last_order", "is": ">=", "value": 60}, brand.now())
        assert "_span" not in vars(history)
        history.members_at({"feature": "interactions_30d", "is": ">=", "value": 1}, brand.now())
        assert "_span" in vars(history)


def test_a_segment_of_tags_or_of_time_inside_is_asked_as_it_was(brand: Brand, people: list[int]) -> None:
    create_tag(name="vip", clock=brand.clock)
    create_segment(name="vips", title="VIP", definition={"tag": "vip"}, clock=brand.clock)
    recent = {"segment": "vips", "entered_last_days": 7}
    for condition in ({"segment": "vips"}, recent):
        read = read_where(condition)
        assert spell_out(read) == read


def test_a_preview_asks_the_governor_who_could_be_reached(brand: Brand, people: list[int]) -> None:
    found = preview(find_draft("win_back_60d", {"channels": ["console_log"]}), brand=brand, control_bp=0)
    gift = found.steps[0]
    assert (gift.asked, gift.allowed) == (6, 3)
    assert gift.refused == {"no_consent": 3}
    assert gift.by_channel == {"log": 3}


def test_the_best_of_the_silent_are_called_by_staff(brand: Brand, people: list[int]) -> None:
    """Whom the branch asks for must be among those the play lets in: customer 2 bought more often than the others."""
    draft = find_draft("win_back_60d")
    (case,) = draft.definition.steps["worth"].settings["cases"]
    with open_history() as history:
        called = history.members_at({"all": [draft.definition.audience, case["when"]]}, brand.now())
    assert called == {people[2]}


def test_a_preview_keeps_nothing_and_says_the_same_again(brand: Brand, people: list[int]) -> None:
    draft = find_draft("win_back_60d", {"channels": ["console_log"]})
    before = counts()
    first = preview(draft, brand=brand)
    assert preview(draft, brand=brand) == first
    assert counts() == before


def counts() -> list[int]:
    return [model.objects.count() for model in (*REAL, Assignment, AuditEntry)]


def rehearsed(brand: Brand) -> Replay:
    return replay(find_draft("win_back_60d", {"channels": ["console_log"]}), brand=brand, control_bp=0, days=12)


def test_a_rehearsal_lets_in_who_would_have_come(brand: Brand, people: list[int]) -> None:
    """Over twelve days. Customer 3 was silent when they began, came back 10 days ago, and leaves by the goal."""
    found = rehearsed(brand)
    entered = {row["customer"]: row["entered_at"][:10] for row in found.rows}
    assert set(entered) == {people[i] for i in (0, 1, 2, 3, 5, 6, 9)}
    assert entered[people[9]] == days_ago(12).date().isoformat()
    # 70 days ago at noon: at ten o'clock of ten days ago it was not yet sixty whole days.
    assert entered[people[0]] == days_ago(9).date().isoformat()
    # 62.5 days ago at noon: at ten o'clock of the day after it has been sixty whole days.
    assert entered[people[2]] == days_ago(2).date().isoformat()
    goal = next(row for row in found.rows if row["customer"] == people[3])
    assert (goal["exit"], goal["exited_at"][:10]) == ("goal", days_ago(10).date().isoformat())

    # The gift at once; a week later a reminder, for those who were in that long. Who never agreed gets neither.
    by_customer = {row["customer"]: [(h["step"], h["verdict"]) for h in row["happened"]] for row in found.rows}
    assert by_customer[people[0]] == [("gift", "sent"), ("remind", "sent")]
    assert by_customer[people[1]] == [("gift", "sent")]
    assert by_customer[people[9]] == [("gift", "refused"), ("remind", "refused")]
    assert set(found.refused) == {"no_consent"}
    assert found.sent + sum(found.refused.values()) + found.waiting == found.asked


def test_a_rehearsal_keeps_the_share_as_control_that_is_suggested(brand: Brand, people: list[int]) -> None:
    """The preview of so few customers suggests half; the play itself says 10 %. A share that is named is taken."""
    draft = find_draft("win_back_60d", {"channels": ["console_log"]})
    found = replay(draft, brand=brand, days=12)
    shown = preview(draft, brand=brand)
    assert (found.control_bp, found.suggestion) == (5000, shown.suggestion)
    tenth = replay(draft, brand=brand, days=12, control_bp=1000)
    # Of so few the draw may leave none in control: it is told by the draw itself.
    for told, share in ((found, 5000), (tenth, 1000)):
        for row in told.rows:
            is_drawn = draw(f"replay:{draft.digest}", row["customer"]) < bound(share)
            assert row["arm"] == ("control" if is_drawn else "treatment") or row["arm"] == "holdout"
    with override("zh-hans"):
        found = replace(found, suggestion=preview(draft, brand=brand).suggestion)
        assert found.suggestion in replay_line(found, brand, "对照组比例")
        assert replay_line(tenth, brand, "对照组比例") == "10%"


def replay_line(found: Replay, brand: Brand, label: str) -> str:
    return dict(replay_words(found, brand.tz))[label]


def test_a_rehearsal_that_the_worker_does_is_what_was_asked_for(
    brand: Brand, people: list[int], settings: LazySettings
) -> None:
    """The suggestion goes by the days in which customers come in, and the channels are those of the caller."""
    ChannelAccount.objects.create(
        kind="list_handoff", name="list", settings={}, callback_token="l" * 20, created_at=NOW
    )
    asked = Asked("win_back_60d", None, ("list_handoff",), None, 14)
    key = start_rehearsal(settings.HOME, asked, language="en")
    job = ProcrastinateJob.objects.get(task_name="plays.rehearse")
    rehearse_job(**job.args)
    found = find_rehearsal(settings.HOME, key).result
    assert found is not None
    assert found.control_bp == 5000
    assert {each["channel"] for row in found.rows for each in row["happened"] if each["verdict"] == "sent"} <= {
        "list_handoff"
    }
    assert key != start_rehearsal(settings.HOME, replace(asked, enroll_days=None), language="en")


def test_a_rehearsal_reads_in_words(brand: Brand, people: list[int]) -> None:
    """Steps by their titles and channels by their names, not by the codes of the definition."""
    found = Replay(**(rehearsed(brand).to_json() | {"since": days_ago(12), "until": NOW}))
    with override("zh-hans"):
        lines = [dict(zip(replay_header(), line, strict=True)) for line in replay_lines(found, brand.tz)]
    told = {(line["步骤"], line["渠道"]) for line in lines if line["内部编号"] == str(people[0])}
    assert told == {("好久不见", "仅记录日志（试用）"), ("回归礼还为您留着", "仅记录日志（试用）")}
    assert len(set(replay_header())) == len(replay_header())


def test_a_rehearsal_keeps_nothing_and_is_the_same_again(brand: Brand, people: list[int]) -> None:
    before = counts()
    first = rehearsed(brand)
    assert counts() == before
    assert json.dumps(rehearsed(brand).to_json()) == json.dumps(first.to_json())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname = 'journeys_launch'")
        assert cursor.fetchone() == (1,)


def test_a_rehearsal_minds_what_really_went_out(brand: Brand, people: list[int]) -> None:
    """A contact of the first day fills the cap of that day: the gift has to wait for the next."""
    account = ChannelAccount.objects.get()
    touch = Touch.objects.create(
        key="manual:1", person_id=people[3], source="manual:1", purpose="marketing", channels=["console_log"],
        content={}, content_hash="x", send_after=days_ago(12), not_after=days_ago(11), created_at=days_ago(13),
        next_at=days_ago(12), state="sent", sent_at=days_ago(12.3), account=account, channel="console_log",
    )  # fmt: skip
    ContactSlot.objects.create(person_id=people[3], period="day", starts=date(2024, 3, 28), number=1, touch=touch)
    row = next(row for row in rehearsed(brand).rows if row["customer"] == people[3])
    assert row["happened"][0]["at"] >= "2024-03-28T16:00"
    assert Touch.objects.count() == 1


def test_a_rehearsal_knows_nothing_of_what_went_out_after_its_moment(brand: Brand, people: list[int]) -> None:
    """The very gift went out to customer 2 yesterday, and half of everybody opted out then: ten days ago it was new."""
    before = rehearsed(brand)
    words = next(step for step in find_draft("win_back_60d").definition.steps.values() if step.id == "gift")
    account = ChannelAccount.objects.get()
    for number in range(60):
        touch = Touch.objects.create(
            key=f"later:{number}", person_id=people[number % 3], source="later", purpose="marketing",
            channels=["console_log"], content={}, content_hash=read_content(words.settings).digest,
            send_after=days_ago(1), not_after=days_ago(0), created_at=days_ago(1), next_at=days_ago(1), state="sent",
            sent_at=days_ago(1), unsubscribed_at=days_ago(1), account=account, channel="console_log",
        )  # fmt: skip
        Attempt.objects.create(
            touch=touch, number=1, account=account, key=f"later:{number}", request_hash="x", run=1,
            started_at=days_ago(1), finished_at=days_ago(1), outcome="accepted",
        )  # fmt: skip
    for number in range(3):
        ContactSlot.objects.create(
            person_id=people[number], period="week", starts=date(2024, 4, 8), number=1,
            touch=Touch.objects.get(key=f"later:{number}"),
        )  # fmt: skip
    after = rehearsed(brand)
    gifts = [[(r["customer"], h["at"], h["verdict"]) for r in f.rows for h in r["happened"] if h["step"] == "gift"]
             for f in (before, after)]  # fmt: skip
    early = [[gift for gift in told if gift[1] < days_ago(1.5).isoformat()] for told in gifts]
    assert early[0] == early[1]
    assert any(verdict == "sent" for _customer, _at, verdict in early[0])


def test_a_rehearsal_minds_what_it_has_sent_itself(brand: Brand, people: list[int]) -> None:
    """A reminder with the very words of the gift comes a week later: a launch would be refused it, so would this."""
    draft = find_draft("win_back_60d", {"channels": ["console_log"]})
    steps = {step["id"]: dict(step) for step in draft.source["steps"]}
    steps["remind"] |= {part: steps["gift"][part] for part in ("title", "text")}
    twice = replace(draft, source={**draft.source, "steps": list(steps.values())})
    found = replay(twice, brand=brand, control_bp=0, days=12)
    row = next(row for row in found.rows if row["customer"] == people[0])
    assert [(h["step"], h["verdict"], h["reason"]) for h in row["happened"]] == [
        ("gift", "sent", "allowed"),
        ("remind", "refused", "duplicate"),
    ]


def test_care_comes_once_within_24_hours_of_each_purchase(brand: Brand, people: list[int]) -> None:
    """Noon ten days ago is cared for at ten o'clock of the day after, midnight at ten of the same day; nobody else.

    Consent to marketing is none to service: only one of the two gave it.
    """
    agree(people[3], "sms", "service", at=days_ago(800))
    found = replay(find_draft("post_purchase_care", {"channels": ["console_log"]}), brand=brand, control_bp=0, days=12)
    entered = {
        row["customer"]: [(h["step"], h["verdict"], h["at"][:13]) for h in row["happened"]] for row in found.rows
    }
    ten = {3: days_ago(9) - timedelta(hours=2), 4: days_ago(5) - timedelta(hours=2)}
    verdict = {3: "sent", 4: "refused"}
    assert entered == {people[n]: [("care", verdict[n], at.isoformat()[:13])] for n, at in ten.items()}
    assert found.refused == {"no_consent": 1}
    assert all(timedelta(0) < at - days_ago(bought) <= DAY for at, bought in ((ten[3], 10), (ten[4], 5.5)))


def test_launching_opens_a_dated_launch_with_its_experiment_once(brand: Brand, people: list[int]) -> None:
    draft = find_draft("win_back_60d", {"channels": ["console_log"]})
    made = launch_draft(draft, clock=brand.clock, control_bp=5000, key="first")
    again = launch_draft(draft, clock=brand.clock, control_bp=5000, key="first")
    assert again.pk == made.pk
    assert (made.starts_at, made.ends_at) == (NOW, NOW + 28 * DAY)
    experiment = Experiment.objects.get(key=f"launch:{made.pk}")
    assert experiment.arms == [["control", 5000], ["treatment", 5000]]
    assert experiment.ends_at == NOW + 56 * DAY
    with pytest.raises(AlreadyRunningError):
        launch_draft(draft, clock=brand.clock, control_bp=1000, key="second")


def test_other_settings_are_another_version_of_the_same_journey(brand: Brand, people: list[int]) -> None:
    launch_draft(find_draft("win_back_60d", {"channels": ["console_log"]}), clock=brand.clock, control_bp=5000)
    other = find_draft("win_back_60d", {"channels": ["console_log"], "silent_days": 90})
    made = launch_draft(other, clock=brand.clock, control_bp=5000, beside=True)
    assert made.version.number == 2
    assert made.version.definition["audience"]["value"] == [90, 730]
    assert Journey.objects.count() == 1


def test_a_launch_in_numbers(brand: Brand, people: list[int]) -> None:
    """Six come in at ten the next morning; three can be asked for, and half of nobody is held out."""
    from huitou.journeys.engine.advance import advance

    made = launch_draft(find_draft("win_back_60d", {"channels": ["console_log"]}), clock=brand.clock, control_bp=0)
    moved = NOW + 22 * timedelta(hours=1)
    Brand.objects.update(clock_now=moved)
    advance(brand=Brand.objects.get(), clock=FixedClock(moved))
    found = numbers_of(made)
    assert (found.entered, found.arms, found.asked) == (6, {"treatment": 6}, 6)
    assert found.touches == {"planned": 6}
    lost = Touch.objects.order_by("pk").values_list("pk", flat=True)[:3]
    Touch.objects.filter(pk__in=lost[:2]).update(state="failed")
    Touch.objects.filter(pk=lost[2]).update(state="expired")
    found = numbers_of(made)
    assert found.lost == {"failed": 2, "expired": 1}
    with override("zh-hans"):
        assert ("失败", "2") in list(number_words(found))


def test_a_play_becomes_a_journey_of_ones_own(brand: Brand) -> None:
    journey = copy_play(find_draft("birthday"), name="our_birthday", title="生日", clock=brand.clock)
    assert journey.play == "birthday"
    draft = find_draft("our_birthday")
    assert draft.source == find_draft("birthday").source
    with pytest.raises(PlayParametersError):
        find_draft("our_birthday", {"days_before": 3})


def test_a_name_that_is_nothing_is_told(brand: Brand) -> None:
    with pytest.raises(DraftUnknownError, match="win_back_60d"):
        find_draft("nothing")
