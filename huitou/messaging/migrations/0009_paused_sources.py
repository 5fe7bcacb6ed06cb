"""Sources of which nothing goes out for now."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0008_home_channels"),
    ]

    operations = [
        migrations.CreateModel(
            name="PausedSource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=100, unique=True)),
                ("at", models.DateTimeField()),
            ],
        ),
    ]
