"""What waits at a provider can be asked back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0004_welcome"),
    ]

    operations = [
        migrations.AddField(
            model_name="touch",
            name="recall",
            field=models.CharField(
                blank=True, default="", help_text="to be taken back at the provider, and why", max_length=50
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="touch",
            name="recall_at",
            field=models.DateTimeField(help_text="when the provider is asked to stop it", null=True),
        ),
        migrations.AddField(
            model_name="touch",
            name="recall_tries",
            field=models.SmallIntegerField(default=0, help_text="how often it was asked"),
        ),
        migrations.AddIndex(
            model_name="touch",
            index=models.Index(
                condition=models.Q(("recall_at__isnull", False)), fields=["recall_at"], name="touch_recall"
            ),
        ),
    ]
