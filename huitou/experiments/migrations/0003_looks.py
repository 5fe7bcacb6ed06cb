from django.db import migrations, models

_FIXED = """
CREATE OR REPLACE FUNCTION experiments_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'experiments_assignment' THEN
        IF OLD.batch_id IS NULL AND (OLD.experiment_id, OLD.person_id, OLD.arm, OLD.draw, OLD.at)
            = (NEW.experiment_id, NEW.person_id, NEW.arm, NEW.draw, NEW.at)
        THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'assignments never change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (OLD.key, OLD.kind, OLD.salt, OLD.arms, OLD.outcome, OLD.window_days, OLD.starts_at, OLD.ends_at{old})
        IS DISTINCT FROM (NEW.key, NEW.kind, NEW.salt, NEW.arms, NEW.outcome, NEW.window_days, NEW.starts_at, NEW.ends_at{new})
    THEN
        RAISE EXCEPTION 'the terms of an experiment never change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("experiments", "0002_exposures")]

    operations = [
        migrations.AddField(
            model_name="experiment",
            name="looks",
            field=models.PositiveSmallIntegerField(default=0, help_text="planned looks before the end, evenly spaced"),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(condition=models.Q(("looks__lte", 10)), name="experiment_few_looks"),
        ),
        migrations.RunSQL(_FIXED.format(old=", OLD.looks", new=", NEW.looks"), _FIXED.format(old="", new="")),
    ]
