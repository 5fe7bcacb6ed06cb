from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sources", "0004_tracking_and_feeds"),
    ]

    operations = [
        migrations.AddField(
            model_name="inboxevent",
            name="urgent",
            field=models.BooleanField(
                db_default=False, default=False, help_text="tells a consent: taken before others"
            ),
        ),
        migrations.AddIndex(
            model_name="inboxevent",
            index=models.Index(condition=models.Q(("urgent", True)), fields=["id"], name="inbox_urgent"),
        ),
    ]
