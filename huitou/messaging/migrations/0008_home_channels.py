"""Which channel belongs to where customers buy."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0007_urgent_and_polls"),
    ]

    operations = [
        migrations.AddField(
            model_name="contactpolicy",
            name="home_channels",
            field=models.JSONField(
                default=dict, help_text="by channel kind the sales channels whose buyers hear this way first"
            ),
        ),
    ]
