"""Why a journal refuses a write."""


class Stale(Exception):
    """Somebody else wrote first: read what is new, then decide again."""


class Fenced(Exception):
    """The lease is lost: another worker runs this saga now."""
