"""What holds batches and refreshes together knows no customers."""

IMPERSONAL = {
    "LakeBatch": "names of tables, folders and batches",
    "LakeMark": "a random number",
    "RefreshRun": "versions and seconds",
    "StoredAnswer": "answers to writes, which name customers by number; what is unmasked or exported is kept nowhere,"
    " and names of uploaded files are erased by sources",
    "RateLimit": "callers of the API: keys and operators",
}
