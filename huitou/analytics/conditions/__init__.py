"""The condition language: one tree, asked of all customers over the lake or of one customer in plain Python.

condition = parse_condition({"all": [{"feature": "order_count", "is": ">=", "value": 2}, {"tag": "vip"}]})
members = compile_members(condition, read_facts(engine), Moment(as_of, zone))
"""

from huitou.analytics.conditions.errors import ConditionError
from huitou.analytics.conditions.facts import Facts, History
from huitou.analytics.conditions.lake_facts import among, read_facts
from huitou.analytics.conditions.leaf import KINDS, Leaf, LeafKind
from huitou.analytics.conditions.members import compile_members
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.naming import Names
from huitou.analytics.conditions.schema import condition_schema
from huitou.analytics.conditions.tree import Condition, describe, holds, leaves_of, parse_condition

__all__ = [
    "KINDS",
    "Condition",
    "ConditionError",
    "Facts",
    "History",
    "Leaf",
    "LeafKind",
    "Moment",
    "Names",
    "among",
    "compile_members",
    "condition_schema",
    "describe",
    "holds",
    "leaves_of",
    "parse_condition",
    "read_facts",
]
