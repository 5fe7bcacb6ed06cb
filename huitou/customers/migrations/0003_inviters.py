from django.db import migrations


class Migration(migrations.Migration):
    """Inviters' own numbers are not kept with those whom they invited: they could not be erased there."""

    dependencies = [("customers", "0002_identity")]

    operations = [
        migrations.RunSQL(
            "UPDATE customers_acquisition SET code = '' WHERE kind = 'inviter' AND code <> ''",
            migrations.RunSQL.noop,
        )
    ]
