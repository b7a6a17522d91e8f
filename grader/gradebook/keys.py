"""The teacher's token: the gradebook keeps a hash of it, so that it outlives the server that asks for it."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import sqlalchemy as sa

from grader.gradebook.book import Gradebook
from grader.gradebook.tables import keys

_TEACHER = keys.c.role == "teacher"


def issue_teacher(book: Gradebook, *, anew: bool = False) -> str | None:
    """A token for the teacher's view, told this once; None when there is one, unless it is wanted `anew`.

    Then the former one is void.
    """
    token = secrets.token_hex(20)
    with book._writing() as tx:
        if anew:
            tx.execute(keys.delete().where(_TEACHER))
        elif tx.execute(sa.select(keys.c.role).where(_TEACHER)).scalar() is not None:
            return None
        tx.execute(keys.insert().values(role="teacher", token=_hash(token)))
    return token


def is_teacher(book: Gradebook, token: str) -> bool:
    """Is it the teacher's? That takes as long for a token that is nearly right."""
    with book._reading() as tx:
        known = tx.execute(sa.select(keys.c.token).where(_TEACHER)).scalar()
    return known is not None and hmac.compare_digest(known, _hash(token))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
