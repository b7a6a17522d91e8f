"""Why a journal refuses a write, or cannot be used at all."""


class Stale(Exception):
    """Somebody else wrote first: read what is new, then decide again."""


class Fenced(Exception):
    """The lease is lost: another worker runs this saga now."""


class JournalError(Exception):
    """The journal cannot be read or written: what happened, what it means, and what to do.

    A write that raises this is not counted on: the sagas concerned suspend, as in a crash, and
    `Engine.recover` goes on from what the journal holds.
    """


class Locked(JournalError):
    """Another program writes to the database just now."""
