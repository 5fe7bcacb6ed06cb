from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("journeys", "0003_joined_through"),
    ]

    operations = [
        migrations.AddField(
            model_name="launch",
            name="trouble",
            field=models.CharField(
                blank=True, default="", help_text="why it cannot go on, as the last turn found", max_length=500
            ),
            preserve_default=False,
        ),
    ]
