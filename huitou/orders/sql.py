"""What a refresh reads from the registers in PostgreSQL, as text that Arrow can parse as it streams."""

from __future__ import annotations

# Attributes under these names, or as long as free text, could name a person: they never enter the lake.
PERSONAL = (
    "name",
    "display_name",
    "phone",
    "mobile",
    "tel",
    "email",
    "wechat",
    "openid",
    "unionid",
    "address",
    "birthday",
    "birth_date",
    "id_card",
    "note",
    "notes",
    "remark",
)
LONGEST_VALUE = 100

PERSONS = """
SELECT id, (extract(epoch FROM known_since) * 1000000)::bigint FROM customers_person ORDER BY id
"""
ATTRIBUTES = """
SELECT person.id, attribute.key, attribute.value
FROM customers_person AS person, jsonb_each_text(person.attributes) AS attribute
WHERE attribute.value <> '' AND length(attribute.value) <= {longest}
    AND NOT lower(attribute.key) = ANY(ARRAY[{personal}])
ORDER BY person.id, attribute.key
"""
PRODUCTS = """
SELECT sku, nullif(category, ''), nullif(brand, ''), list_price_minor FROM catalog_product ORDER BY sku
"""
# One number per register that changes when any mirrored value does, in whatever order rows are read.
PERSONS_MARK = """
SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(
    id::text || '|' || coalesce(extract(epoch FROM known_since)::text, '') || '|' || attributes::text, 0)), 0)::text
FROM customers_person
"""
PRODUCTS_MARK = """
SELECT count(*)::text || ':' || coalesce(sum(hashtextextended(
    sku || '|' || category || '|' || brand || '|' || coalesce(list_price_minor::text, ''), 0)), 0)::text
FROM catalog_product
"""
LOCK = "SELECT pg_advisory_lock(hashtext('huitou.refresh'))"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('huitou.refresh'))"


def attributes_query() -> str:
    """ATTRIBUTES with its limits filled in."""
    return ATTRIBUTES.format(longest=LONGEST_VALUE, personal=", ".join(f"'{name}'" for name in PERSONAL))


# The first number in order where a person has several.
EXTERNAL_IDS = """
SELECT person_id, min(value COLLATE "C") FROM customers_identifier WHERE kind = 'customer_id'
GROUP BY person_id ORDER BY person_id
"""
