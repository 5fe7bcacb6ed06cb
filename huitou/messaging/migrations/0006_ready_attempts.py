"""Attempts are ready before they are open: only what may have left becomes unknown."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0005_recalls"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("ready", "ready"),
                    ("open", "open"),
                    ("accepted", "accepted"),
                    ("refused", "refused"),
                    ("unknown", "unknown"),
                ],
                default="ready",
                max_length=10,
            ),
        ),
        migrations.RemoveIndex(model_name="attempt", name="attempt_open"),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("outcome__in", ["ready", "open"])), fields=["run"], name="attempt_in_hand"
            ),
        ),
    ]
