from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_answers_and_rates"),
    ]

    operations = [
        migrations.CreateModel(
            name="LakeMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.CharField(max_length=32)),
                (
                    "is_placed",
                    models.BooleanField(default=False, help_text="whether the marker was written into the lake"),
                ),
            ],
        ),
    ]
