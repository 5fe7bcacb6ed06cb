import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def add_open_pauses(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Launches that are paused now; when those of the past were is not known."""
    pause = apps.get_model("journeys", "LaunchPause")
    paused = apps.get_model("journeys", "Launch").objects.filter(state="paused")
    pause.objects.bulk_create(pause(launch=launch, began_at=launch.state_at) for launch in paused)


class Migration(migrations.Migration):
    dependencies = [
        ("journeys", "0004_trouble"),
    ]

    operations = [
        migrations.CreateModel(
            name="LaunchPause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "launch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="pauses", to="journeys.launch"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("launch",), name="launch_pause_one"
                    )
                ],
            },
        ),
        migrations.RunPython(add_open_pauses, migrations.RunPython.noop),
    ]
