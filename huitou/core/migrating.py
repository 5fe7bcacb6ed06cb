"""Migrations that are whole or not there, wherever the process that applies them is killed."""

from __future__ import annotations

from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState


class WholeExecutor(MigrationExecutor):
    """Records each migration in the transaction that makes its tables.

    Django records one that has deferred statements (foreign keys, most indexes) after that transaction; killed in
    between, the store has tables that nothing knows of, and no later start gets past them.
    """

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        if not migration.atomic:
            return super().apply_migration(state, migration, fake=fake, fake_initial=fake_initial)
        with transaction.atomic(using=self.connection.alias):
            return super().apply_migration(state, migration, fake=fake, fake_initial=fake_initial)


def apply_migrations() -> None:
    """Apply every migration that the default database lacks, with the signals that Django's own command sends."""
    connection = connections[DEFAULT_DB_ALIAS]
    connection.prepare_database()
    executor = WholeExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    emit_pre_migrate_signal(0, False, connection.alias, plan=plan)
    executor.migrate(executor.loader.graph.leaf_nodes(), plan=plan)
    emit_post_migrate_signal(0, False, connection.alias, plan=plan)
