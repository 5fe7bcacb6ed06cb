"""The catalog knows no customers."""

IMPERSONAL = {"Product": "goods", "Category": "kinds of goods"}
