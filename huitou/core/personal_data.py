"""What holds batches and refreshes together knows no customers."""

IMPERSONAL = {
    "LakeBatch": "names of tables, folders and batches",
    "RefreshRun": "versions and seconds",
}
