from django.db import migrations, models

# Letters from before: their sizes, and of those that are too large the beginning.
MEASURE = """
UPDATE sources_deadletter SET size = octet_length(payload), payload = substring(payload FROM 1 FOR 32768)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("sources", "0005_urgent_events"),
    ]

    operations = [
        migrations.AddField(
            model_name="deadletter",
            name="size",
            field=models.BigIntegerField(default=0, help_text="bytes of the whole payload"),
            preserve_default=False,
        ),
        migrations.RunSQL(MEASURE, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="deadletter",
            name="digest",
            field=models.BinaryField(help_text="hash of feed and whole payload: the same is one letter", max_length=16),
        ),
        migrations.AlterField(
            model_name="deadletter",
            name="payload",
            field=models.BinaryField(help_text="of an event that is too large, its beginning"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                condition=models.Q(("state", "open"), _negated=True), fields=["last_at"], name="letter_settled"
            ),
        ),
        migrations.AddIndex(
            model_name="inboxevent",
            index=models.Index(
                condition=models.Q(("letter_id__isnull", False)), fields=["letter_id"], name="inbox_replayed"
            ),
        ),
    ]
