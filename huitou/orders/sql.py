"""What a refresh reads from the registers in PostgreSQL, as text that Arrow can parse as it streams."""

from __future__ import annotations

from huitou.customers.milestone_kinds import MILESTONE_KINDS
from huitou.customers.naming import PERSONAL

# Attributes whose name is personal, or as long as free text, could name a person: they never enter the lake.
LONGEST_VALUE = 100
# As customers/naming.py spreads names.
_SPREAD = r"lower(regexp_replace(attribute.key, '([a-z0-9])([A-Z])', '\1_\2', 'g'))"
# Values that look like a phone, an address or somebody's id name a person under whatever name they stand.
_NAMES_SOMEBODY = "'@|[0-9]{7,}|^[A-Za-z0-9_-]{16,}$'"

PERSONS = """
SELECT id, (extract(epoch FROM known_since) * 1000000)::bigint FROM customers_person ORDER BY id
"""
ATTRIBUTES = """
SELECT person.id, attribute.key, attribute.value
FROM customers_person AS person, jsonb_each_text(person.attributes) AS attribute
WHERE attribute.value <> '' AND length(attribute.value) <= {longest}
    AND {name} !~ {personal} AND attribute.value !~ {somebody}
    AND (length(person.display_name) < 2 OR position(person.display_name IN attribute.value) = 0)
ORDER BY person.id, attribute.key
"""
# The same by customer: of several persons' values the latest told, milestones as far as they may be seen.
CUSTOMER_ATTRIBUTES = """
SELECT DISTINCT ON (customer, name) customer, name, value FROM (
    SELECT coalesce(link.customer_id, person.id) AS customer, attribute.key AS name, attribute.value,
        coalesce((person.told_at ->> attribute.key)::bigint, 0) AS at, person.id AS person
    FROM customers_person AS person CROSS JOIN jsonb_each_text(person.attributes) AS attribute
    LEFT JOIN customers_personlink AS link ON link.person_id = person.id
    WHERE attribute.value <> '' AND length(attribute.value) <= {longest}
        AND {name} !~ {personal} AND attribute.value !~ {somebody}
        AND (length(person.display_name) < 2 OR position(person.display_name IN attribute.value) = 0)
    UNION ALL
    SELECT coalesce(link.customer_id, m.person_id), shown.name, substr(m.value, shown.first, shown.length),
        (extract(epoch FROM m.at) * 1000000)::bigint, m.person_id
    FROM customers_milestone AS m JOIN (VALUES {milestones}) AS shown (kind, name, first, length) USING (kind)
    LEFT JOIN customers_personlink AS link ON link.person_id = m.person_id
) AS told
ORDER BY customer, name, at DESC, value COLLATE "C" DESC, person
"""
LINKS = "SELECT person_id, customer_id FROM customers_personlink ORDER BY person_id"
PRODUCTS = """
SELECT sku, nullif(category, ''), nullif(brand, ''), list_price_minor FROM catalog_product ORDER BY sku
"""
# One number per register that changes when any mirrored value does, in whatever order rows are read.
LINKS_MARK = """
SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(person_id::text || '|' || customer_id::text, 0)), 0)::text
FROM customers_personlink
"""
# Links are in it, and of joined persons when things were told: attributes are mirrored by customer.
PERSONS_MARK = f"""
SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(
    id::text || '|' || coalesce(extract(epoch FROM known_since)::text, '') || '|' || attributes::text, 0)), 0)::text
    || '/' || (SELECT count(*)::text || ':' || coalesce(sum(id), 0)::text FROM customers_milestone)
    || '/' || ({LINKS_MARK})
    || '/' || (SELECT coalesce(sum(hashtextextended(p.id::text || p.told_at::text, 0)), 0)::text FROM customers_person p
        WHERE p.id IN (SELECT person_id FROM customers_personlink UNION SELECT customer_id FROM customers_personlink))
FROM customers_person
"""
PRODUCTS_MARK = """
SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(
    sku || '|' || category || '|' || brand || '|' || coalesce(list_price_minor::text, ''), 0)), 0)::text
FROM catalog_product
"""
LOCK = "SELECT pg_advisory_lock(hashtext('huitou.refresh'))"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('huitou.refresh'))"


def _limits() -> dict[str, object]:
    """What never enters the lake, as the attribute queries take it."""
    return {"longest": LONGEST_VALUE, "name": _SPREAD, "personal": f"'{PERSONAL}'", "somebody": _NAMES_SOMEBODY}


def attributes_query() -> str:
    """ATTRIBUTES with its limits filled in."""
    return ATTRIBUTES.format(**_limits())


def customer_attributes_query() -> str:
    """CUSTOMER_ATTRIBUTES with its limits and milestones filled in."""
    shown = [
        f"('{m.kind}', '{m.mirrored_as}', {m.mirrored_part[0]}, {m.mirrored_part[1]})"
        for m in MILESTONE_KINDS.values()
        if m.mirrored_as
    ]
    return CUSTOMER_ATTRIBUTES.format(milestones=", ".join(shown), **_limits())


# The first number in order where a customer has several.
EXTERNAL_IDS = """
SELECT coalesce(link.customer_id, i.person_id) AS customer, min(i.value COLLATE "C")
FROM customers_identifier AS i LEFT JOIN customers_personlink AS link ON link.person_id = i.person_id
WHERE i.kind = 'customer_id' GROUP BY customer ORDER BY customer
"""
