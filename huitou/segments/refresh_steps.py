"""What segments add to a refresh: the mirrors that conditions read, then tag rules and membership in order."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import ibis
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from huitou.accounts.models import Brand
from huitou.accounts.queries import get_brand
from huitou.accounts.services import record_audit
from huitou.analytics.conditions import Facts, Moment, read_facts
from huitou.analytics.rebuild import find_links
from huitou.core.clock import SystemClock
from huitou.core.faultpoints import reach
from huitou.core.lake import claim_batch, reserve_batch_id
from huitou.orders.refresh_step import Refreshing, RefreshStep, Stepped
from huitou.segments import membership, sql
from huitou.segments.installing import install_layers
from huitou.segments.mirroring import MIRRORED, mark, mirror
from huitou.segments.models import Segment, SegmentSize, Tag
from huitou.segments.ordering import SEGMENT, Node, in_order, standing_nodes

_MACHINE = SystemClock()


def _mirror_mark(table: str, brand: Brand, as_of: datetime) -> str:
    return mark(table, as_of)


def _mirror(table: str, going: Refreshing) -> Stepped:
    kept = going.last.versions.get(table) if going.same and going.last else None
    if kept is None or going.lake.kept_files(table, kept) is None:
        kept = mirror(table, at=going.run.as_of, lake=going.lake, scratch=going.scratch)
    going.engine.pin(table, kept)
    return Stepped({table: kept})


def _segments_mark(brand: Brand, as_of: datetime) -> str:
    """Differs when a segment or rule is made, changed, stopped or archived."""
    told = [f"{node.kind}:{node.name}:{node.source}" for node in standing_nodes().values()]
    return hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()[:16]


def _refresh_segments(going: Refreshing) -> Stepped:
    moment = Moment(going.run.as_of, going.brand.zone)
    before = membership.members_before(going.engine, going.last, find_links(going.engine))
    work = _Work(going, moment, before, read_facts(going.engine), [], {})
    for node in in_order(standing_nodes()):
        if node.kind == SEGMENT:
            work.add_segment(node)
        else:
            work.apply_rule(node)
    return work.finish()


@dataclass
class _Work:
    """Membership as it grows, segment by segment."""

    going: Refreshing
    moment: Moment
    before: ibis.Table
    facts: Facts
    tables: list[ibis.Table]
    numbers: dict[str, int]

    def add_segment(self, node: Node) -> None:
        members = membership.members_of_node(node, self._facts_for(node), self.moment)
        rows = membership.entered(members, node.name, self.before, self.going.run.as_of)
        self.tables.append(self.going.engine.keep(f"members_{len(self.tables)}", rows))
        self.numbers[node.name] = node.number

    def _facts_for(self, node: Node) -> Facts:
        if any(kind == SEGMENT for kind, _name in node.needs):
            return membership.with_segments(self.facts, self.tables, self.going.engine)
        return self.facts

    def apply_rule(self, node: Node) -> None:
        members = membership.members_of_node(node, self._facts_for(node), self.moment)
        given, taken = apply_rule(node, self.going.engine.to_reader(members), self.going.run.as_of)
        reach("segments.rule_applied")
        if given or taken:
            version = mirror(
                "dim_person_tags", at=self.going.run.as_of, lake=self.going.lake, scratch=self.going.scratch
            )
            self.going.engine.pin("dim_person_tags", version)
            self.facts = read_facts(self.going.engine)

    def finish(self) -> Stepped:
        going, engine = self.going, self.going.engine
        whole = ibis.union(*self.tables) if self.tables else membership.nobody(engine)
        version, rows = engine.write(membership.MEMBERS, whole)
        members = engine.table(membership.MEMBERS)
        changes = engine.keep(
            "segment_changes", membership.changes_between(self.before, members, at=going.run.as_of, run=going.run.pk)
        )
        counts = membership.count_by_segment(engine, members, changes)
        staged = membership.stage_changes(engine, changes, home=going.home, run=going.run)
        tags = engine.version("dim_person_tags")
        assert tags is not None, "mirrored before"
        return Stepped(
            {membership.MEMBERS: version, "dim_person_tags": tags},
            {"members": rows, "changes": staged.rows, "versions": self.numbers},
            partial(_publish, going, counts, self.numbers, staged),
        )


def _publish(going: Refreshing, counts: Any, numbers: dict[str, int], staged: membership.Staged) -> None:
    """Sizes, and the claim on entries and exits: seen when the run is, or never."""
    ids = dict(Segment.objects.filter(name__in=list(numbers)).values_list("name", "pk"))
    SegmentSize.objects.bulk_create(
        SegmentSize(
            segment_id=ids[name],
            run=going.run,
            version=number,
            as_of=going.run.as_of,
            size=(count := counts.get(name, membership.Count())).size,
            entered=count.entered,
            left=count.left,
        )
        for name, number in numbers.items()
        if name in ids
    )
    if staged.rows:
        claim_batch(
            batch_id=reserve_batch_id(),
            key=f"segment_changes:{going.run.pk}",
            table=membership.CHANGES,
            staged_path=staged.path,
            row_count=staged.rows,
            clock=_MACHINE,
        )


def apply_rule(node: Node, members: Any, at: datetime) -> tuple[int, int]:
    """Give and take one tag by its rule, in one transaction; how many gained and lost it by the rule."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The rule may have been stopped while its members were computed.
        tag = Tag.objects.select_for_update().filter(name=node.name, rules=node.source, rules__stopped_at=None).first()
        if tag is None:
            return 0, 0
        cursor.execute(sql.CREATE_RULED)
        with cursor.copy(sql.COPY_RULED) as copy:
            for batch in members:
                copy.write(_lines(batch.column("person_id").to_pylist()))
        cursor.execute(sql.ANALYZE_RULED)
        values: dict[str, Any] = {"tag": tag.pk, "ref": str(node.source), "now": at}
        cursor.execute(sql.RULE_TAKES, values)
        taken = int(cursor.rowcount)
        cursor.execute(sql.RULE_GIVES, values)
        given = int(cursor.rowcount)
        cursor.execute("DROP TABLE ruled_customers")
        if given or taken:
            detail = {"given": given, "taken": taken}
            record_audit(
                action="tag.ruled",
                clock=_MACHINE,
                actor_label="worker",
                target=node.name,
                count=given + taken,
                detail=detail,
            )
    return given, taken


def _lines(persons: list[int]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows((person,) for person in persons)
    return buffer.getvalue()


STEPS = (
    *(
        RefreshStep(table, label, (table,), partial(_mirror_mark, table), partial(_mirror, table))
        for table, label in zip(MIRRORED, (_("tags"), _("consent"), _("identifiers"), _("dates")), strict=True)
    ),
    RefreshStep("segments", _("segments"), (membership.MEMBERS,), _segments_mark, _refresh_segments),
)


def create_layers_first(run_id: int) -> None:
    """After the first refresh of a store: create the ready layers, which another refresh then counts."""
    if not Segment.objects.filter(group="layer").exists():
        install_layers(clock=get_brand().clock, actor_label="worker")


AFTER = (create_layers_first,)
