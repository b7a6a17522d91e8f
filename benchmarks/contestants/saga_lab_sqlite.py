"""Saga Lab on SQLite, WAL and full sync."""

from __future__ import annotations

from pathlib import Path

from contestants import saga_lab_memory

from saga_lab import Engine, SqlJournal


class Contestant(saga_lab_memory.Contestant):
    durable = True

    def engine(self, folder: Path) -> Engine:
        return Engine(SqlJournal(f"sqlite:///{folder}/sagas.db"))
