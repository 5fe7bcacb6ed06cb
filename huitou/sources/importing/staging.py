"""Checked rows to where they are kept: persons and products into PostgreSQL, order lines to staged Parquet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from huitou.analytics.engines import Scratch
from huitou.catalog.services import upsert_products
from huitou.core.clock import Clock
from huitou.core.terminal import Report, silent
from huitou.customers.identifier_kind import LONGEST_NAMESPACE
from huitou.customers.milestone_kinds import find_milestone
from huitou.customers.normalizing import read_account, read_phone
from huitou.customers.services import (
    TraitReport,
    give_identifiers,
    record_traits,
    resolve_persons,
    update_details,
)
from huitou.sources.canonical import ATTRIBUTE_PREFIX, Field
from huitou.sources.importing.cells import text
from huitou.sources.importing.examine import Examined
from huitou.sources.importing.records import column_name, record_fields

# So many people at a time: what is under way in memory does not grow with the file.
_PEOPLE = 200_000
_IDENTIFIERS = 50_000
_ROW_GROUP = 122_880
# What files of orders tell of buyers: of themselves, and of whom the parcels went to.
_DETAILS = {"name": ("customer_name", "recipient_name"), "phone": ("phone", "recipient_phone")}
# How files of several platforms call them: the word in their channel, and the platform's code.
PLATFORMS = {
    "淘宝": "taobao",
    "天猫": "taobao",
    "抖音": "douyin",
    "抖店": "douyin",
    "有赞": "youzan",
    "京东": "jd",
    "拼多多": "pdd",
    "快手": "kuaishou",
    "小红书": "xiaohongshu",
}


def resolve_customers(
    examined: Examined, *, clock: Clock, source: str, namespace: str = "", folder: Path, report: Report = silent
) -> int:
    """Find or make the person of every accepted customer number; the scratch table `persons` then maps them.

    Numbers are the brand's own, or accounts at a platform's shop. Phones that the file gives with them become the
    persons' identifiers, which may join them with persons of other shops. Returns how many persons are new.
    """
    scratch, mapping = examined.scratch, examined.mapping
    named = mapping.kind == "orders" and any(mapping.has(name) for pair in _DETAILS.values() for name in pair)
    details = ", ".join(
        _detail(name, *pair) if named else f"'' AS {name}, 0 AS {name}_at" for name, pair in _DETAILS.items()
    )
    place = text(namespace) if not mapping.platform else _shop(mapping.platform, source)
    first = "min(occurred_at)" if mapping.kind == "orders" else "CAST(NULL AS TIMESTAMP)"
    scratch.run(
        f"CREATE OR REPLACE TABLE people AS SELECT customer_id AS value, {details}, {place} AS place, {first} AS since"
        " FROM parsed WHERE rejected IS NULL AND customer_id IS NOT NULL GROUP BY customer_id, place"
        " ORDER BY value, place"
    )
    if mapping.platform:
        _drop_junk(scratch)
    scratch.run("CREATE OR REPLACE TABLE persons (value VARCHAR, place VARCHAR, person_id BIGINT)")
    total = scratch.row("SELECT count(*) FROM people")[0]
    created = 0
    for start in range(0, total, _PEOPLE):
        sql = (
            "SELECT value, name, name_at, phone, phone_at, place, strftime(since, '%Y-%m-%dT%H:%M:%S.%fZ') FROM people"
            f" WHERE rowid >= {start} AND rowid < {start + _PEOPLE}"
        )
        resolved = resolve_persons(
            blocks=csv_blocks(scratch, sql, folder),
            clock=clock,
            kind="buyer_id" if mapping.platform else "customer_id",
            source=source,
            with_details=named,
        )
        created += resolved.created
        _load_mapping(scratch, resolved.mapping, folder)
        report(min(start + _PEOPLE, total), total, _("recognizing customers"))
    if mapping.has("phone"):
        _give_phones(scratch, place, first, source=source, clock=clock)
    return created


def _detail(name: str, own: str, recipients: str) -> str:
    """SQL of what the last order says of the buyer, and when. Whom the parcel went to stands in where nothing does:
    told at no time, so that whatever is known of the buyer outranks it."""
    latest = "CAST(epoch_us(occurred_at) AS HUGEINT) * 4294967296 + row_order"
    return (
        f"coalesce(arg_max({own}, {latest}), arg_max({recipients}, {latest})) AS {name},"
        f" coalesce(epoch_us(max(occurred_at) FILTER ({own} IS NOT NULL)), 0) AS {name}_at"
    )


def _shop(platform: str, source: str) -> str:
    """SQL of a row's platform:shop; without a column for the shop, the feed is one."""
    words = " ".join(f"WHEN contains(channel, {text(word)}) THEN {text(code)}" for word, code in PLATFORMS.items())
    code = f"CASE {words} ELSE coalesce(channel, 'other') END" if platform == "channel" else text(platform)
    return f"left({code} || ':' || coalesce(store, {text(source)}), {LONGEST_NAMESPACE})"


def _drop_junk(scratch: Scratch) -> None:
    """Accounts that name nobody are nobody's: their orders stay anonymous."""
    junk: list[str] = []
    for batch in scratch.batches("SELECT DISTINCT value FROM people"):
        junk += [value for value in batch.column(0).to_pylist() if read_account(value) is None]
    if junk:
        scratch.run(f"DELETE FROM people WHERE value IN ({', '.join(map(text, junk))})")
        scratch.run("CREATE OR REPLACE TABLE people AS SELECT * FROM people ORDER BY value, place")


def _give_phones(scratch: Scratch, place: str, first: str, *, source: str, clock: Clock) -> None:
    """Let the persons have the phones that the file gives them."""
    given = (
        f"SELECT customer_id, {place} AS place, phone, {first} AS since FROM parsed WHERE rejected IS NULL"
        " AND customer_id IS NOT NULL AND phone IS NOT NULL GROUP BY customer_id, place, phone"
    )
    sql = (
        f"SELECT p.person_id, g.phone, g.since FROM ({given}) AS g"
        " JOIN persons AS p ON p.value = g.customer_id AND p.place = g.place ORDER BY g.customer_id, g.place"
    )
    pending: list[tuple[int, str, datetime]] = []
    now = clock.now()
    for batch in scratch.batches(sql):
        for person, phone, at in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if (read := read_phone(phone)) is not None:
                pending.append((person, read, at.replace(tzinfo=UTC) if at else now))
        if len(pending) >= _IDENTIFIERS:
            give_identifiers(kind="phone", rows=pending, source=source, clock=clock)
            pending = []
    give_identifiers(kind="phone", rows=pending, source=source, clock=clock)


def _load_mapping(scratch: Scratch, mapping: bytes, folder: Path) -> None:
    path = folder / "persons.csv"
    path.write_bytes(mapping)
    scratch.run(
        f"INSERT INTO persons SELECT * FROM read_csv({text(str(path))}, auto_detect=false, header=false, delim=',',"
        " quote='\"', escape='\"', nullstr='\\N',"
        " columns={'value': 'VARCHAR', 'place': 'VARCHAR', 'person_id': 'BIGINT'})"
    )
    path.unlink()


def csv_blocks(scratch: Scratch, sql: str, folder: Path) -> Iterator[bytes]:
    """The result of a query as CSV without a header, in blocks; texts are quoted, so that an empty one stays empty."""
    path = folder / "outgoing.csv"
    scratch.run(f"COPY ({sql}) TO {text(str(path))} (FORMAT csv, HEADER false, QUOTE '\"', ESCAPE '\"')")
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block
    path.unlink()


def save_order_products(examined: Examined, *, clock: Clock, folder: Path) -> int:
    """Bring products that the orders name into the catalog; returns how many changed."""
    mapping = examined.mapping
    if not any(mapping.has(name) for name in ("sku", "product_name")):
        return 0

    def last(column: str) -> str:
        known = mapping.has(column)
        return f"arg_max({column}, row_order)" if known else "CAST(NULL AS VARCHAR)"

    sql = (
        f"SELECT sku, {last('product_name')}, {last('category')}, {last('brand')}, NULL FROM parsed"
        " WHERE rejected IS NULL GROUP BY sku ORDER BY sku"
    )
    return upsert_products(blocks=csv_blocks(examined.scratch, sql, folder), clock=clock)


def save_products(examined: Examined, *, clock: Clock, folder: Path) -> int:
    """Bring a product file into the catalog; of a product that stands twice, what stands last counts."""
    columns = ", ".join(f"arg_max({name}, row_order)" for name in ("name", "category", "brand", "list_price"))
    sql = f"SELECT sku, {columns} FROM parsed WHERE rejected IS NULL GROUP BY sku ORDER BY sku"
    return upsert_products(blocks=csv_blocks(examined.scratch, sql, folder), clock=clock)


def save_customers(
    examined: Examined, *, clock: Clock, source: str, namespace: str = "", folder: Path
) -> list[dict[str, Any]]:
    """Make the persons of a customer file and take over what it says about them; returns what deserves a look."""
    resolve_customers(examined, clock=clock, source=source, namespace=namespace, folder=folder)
    plain = {"customer_id", "name", "phone", "registered_at"}
    # By the name that it is kept under: `attribute.birthday` stands for the birthday, too.
    named = {f.name.removeprefix(ATTRIBUTE_PREFIX): f for f in record_fields(examined.mapping) if f.name not in plain}
    attributes = list(named.values())
    pairs = ", ".join(
        f"{text(f.name.removeprefix(ATTRIBUTE_PREFIX))}: arg_max({column_name(f)}, row_order)" for f in attributes
    )
    # NULL members are left out, so that an empty cell never overwrites what is known.
    merged = f"json_merge_patch('{{}}', to_json({{{pairs}}}))" if pairs else "'{}'"
    sql = (
        f"SELECT customer_id, arg_max(name, row_order), arg_max(phone, row_order),"
        f" strftime(arg_max(CAST(registered_at AS TIMESTAMP), row_order), '%Y-%m-%dT%H:%M:%S.%fZ'), {merged}"
        f" FROM parsed WHERE rejected IS NULL GROUP BY customer_id ORDER BY customer_id"
    )
    update_details(blocks=csv_blocks(examined.scratch, sql, folder), clock=clock, namespace=namespace)
    return _tell_milestones(examined, attributes, source=source, clock=clock)


def _tell_milestones(
    examined: Examined, attributes: Sequence[Field], *, source: str, clock: Clock
) -> list[dict[str, Any]]:
    """Attributes that are milestones are read into their type as well; what cannot be read stays as it was given.

    Returns a warning for each column and reason, without the values: they are somebody's.
    """
    names = {f.name: f.name.removeprefix(ATTRIBUTE_PREFIX) for f in attributes}
    told = {column: name for column, name in names.items() if find_milestone(name)}
    if not told:
        return []
    unread: Counter[tuple[str, str]] = Counter()
    fields = [f for f in attributes if f.name in told]
    columns = ", ".join(f"arg_max({column_name(f)}, row_order)" for f in fields)
    sql = (
        f"SELECT p.person_id, {columns} FROM parsed AS r JOIN persons AS p ON p.value = r.customer_id"
        " WHERE rejected IS NULL GROUP BY p.person_id ORDER BY p.person_id"
    )
    now = clock.now()
    for batch in examined.scratch.batches(sql):
        reports = [
            TraitReport(person, now, "", "", dict(zip((told[f.name] for f in fields), values, strict=True)))
            for person, *values in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]
        problems = record_traits(traits=reports, source=source, clock=clock)
        unread.update((problem.name, problem.reason) for problem in problems)
    headings = {told[f.name]: examined.mapping.columns.get(f.name, f.name) for f in fields}
    return [_unread_warning(headings[name], reason, count) for (name, reason), count in sorted(unread.items())]


def _unread_warning(column: str, reason: str, count: int) -> dict[str, Any]:
    text = ngettext(
        "%(column)s: %(count)s value could not be read and is kept as it stands (%(reason)s).",
        "%(column)s: %(count)s values could not be read and are kept as they stand (%(reason)s).",
        count,
    )
    return {
        "code": "milestone_unread",
        "count": count,
        "message": text % {"column": column, "count": count, "reason": reason},
    }


def stage_lines(examined: Examined, *, batch_id: int, source: str, folder: Path) -> int:
    """Write the accepted rows as order lines of one batch to Parquet in `folder`, one folder a month; returns how many.

    A refunded row becomes two lines: the sale, and what went back of it. Lines are numbered in file order.
    """
    scratch = examined.scratch
    folder.mkdir(parents=True, exist_ok=True)
    # What waits in memory to be written is shared by all months; more would not make the files any better.
    scratch.run(f"SET partitioned_write_flush_threshold = {_ROW_GROUP}")
    copied = scratch.row(
        f"COPY ({_lines_sql(examined, batch_id, source)}) TO {text(str(folder))} (FORMAT parquet, COMPRESSION zstd,"
        " COMPRESSION_LEVEL 1, PARTITION_BY (month), FILENAME_PATTERN 'lines-{uuid}', OVERWRITE_OR_IGNORE)"
    )
    return int(copied[0])


def _lines_sql(examined: Examined, batch_id: int, source: str) -> str:
    scratch = examined.scratch
    refunds = scratch.row(
        "SELECT count(*) FROM parsed WHERE rejected IS NULL AND NOT is_refund AND (status = 'refunded'"
        " OR (status = 'partly_refunded' AND returned_minor > 0))"
    )[0]
    columns = "row_order, order_id, customer_id, sku, category, order_type, channel, store"
    lines = (
        f"SELECT {columns}, 0 AS part, CASE WHEN is_refund THEN 'refund' ELSE 'sale' END AS kind, quantity,"
        " amount_minor, discount_minor, status, occurred_at, refund_of FROM parsed WHERE rejected IS NULL"
    )
    if refunds:
        # What went back of a row that says so itself: all of it, or an amount without pieces.
        lines += (
            f" UNION ALL SELECT {columns}, 1, 'refund',"
            " CASE WHEN status = 'refunded' THEN quantity ELSE CAST(0 AS DECIMAL(18, 4)) END,"
            " CASE WHEN status = 'refunded' THEN amount_minor ELSE returned_minor END, 0, 'completed',"
            " coalesce(refunded_at, occurred_at), order_id FROM parsed WHERE rejected IS NULL AND NOT is_refund"
            " AND (status = 'refunded' OR (status = 'partly_refunded' AND returned_minor > 0))"
        )
    platform = examined.mapping.platform
    placed = f" AND p.place = {_shop(platform, source)}" if platform else ""
    numbered, joined = "row_number() OVER (PARTITION BY l.order_id ORDER BY l.row_order, l.part)", ""
    if not refunds and _are_together(scratch):
        numbered, joined = "l.row_order - s.first + 1", " JOIN order_spans AS s ON s.order_id = l.order_id"
    return f"""
SELECT CAST({batch_id} AS BIGINT) AS batch_id, {text(source)} AS source, l.order_id,
    CAST({numbered} AS INTEGER) AS line_no,
    l.kind, p.person_id, l.sku, l.category, CAST(l.quantity AS DECIMAL(18, 4)) AS quantity, l.amount_minor,
    CAST(l.discount_minor AS BIGINT) AS discount_minor, l.status, l.order_type,
    CAST(l.occurred_at AS TIMESTAMPTZ) AS occurred_at, l.refund_of, l.channel, l.store,
    strftime(l.occurred_at, '%Y-%m') AS month
FROM ({lines}) AS l{joined} LEFT JOIN persons AS p ON p.value = l.customer_id{placed}"""


def _are_together(scratch: Scratch) -> bool:
    """Whether every order's lines stand one after the other, as in most files: then a place in the file numbers them.

    Leaves `order_spans`, with the first row of each order.
    """
    scratch.run(
        "CREATE OR REPLACE TABLE order_spans AS SELECT order_id, min(row_order) AS first, max(row_order) AS last,"
        " count(*) AS n FROM parsed WHERE rejected IS NULL GROUP BY order_id"
    )
    return bool(scratch.row("SELECT count(*) FROM order_spans WHERE last - first + 1 <> n")[0] == 0)


def preview_rows(examined: Examined, limit: int) -> list[dict[str, str | None]]:
    """The first accepted rows as they will be kept: field to text, instants in ISO form in UTC."""
    names = {
        "orders": (
            "order_id, occurred_at, customer_id, sku, product_name, quantity, amount_minor, discount_minor, status,"
            " CASE WHEN is_refund THEN 'refund' ELSE 'sale' END AS kind, channel, store, category, order_type"
        ),
    }.get(examined.mapping.kind) or ", ".join(column_name(f) for f in record_fields(examined.mapping))
    taken = f"FROM parsed WHERE rejected IS NULL ORDER BY row_order LIMIT {limit}"
    sql = f"SELECT {examined.row_number} AS row, {names} {taken}"
    found: list[dict[str, str | None]] = []
    for batch in examined.scratch.batches(sql):
        found += [{name: _shown(value) for name, value in row.items()} for row in batch.to_pylist()]
    return found


def _shown(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ") + "Z"
    return None if value is None else str(value)
