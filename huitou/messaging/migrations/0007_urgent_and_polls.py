"""What has seconds only is found at once, and polls go on where the last one ended."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0006_ready_attempts"),
    ]

    operations = [
        migrations.AddField(
            model_name="channelaccount",
            name="polled_up_to",
            field=models.BigIntegerField(default=0, help_text="the attempt that the last poll ended with; 0: all"),
        ),
        migrations.AddIndex(
            model_name="touch",
            index=models.Index(
                condition=models.Q(("priority__gte", 1000), ("state__in", ["planned", "waiting"])),
                fields=["next_at"],
                name="touch_urgent",
            ),
        ),
    ]
