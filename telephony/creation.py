"""Creating a call once, however often it is asked for."""

import hashlib
import json
import re
import secrets
from dataclasses import asdict, dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from telephony.call import Call, NewCall
from telephony.changes import of_carrier, row_of
from telephony.errors import IdempotencyConflict, IdempotencyKeyInvalid
from telephony.rows import call_from, storable, write_call
from telephony.schema import CallRow, IdempotencyRow

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class CreatedCall:
    call: Call
    is_new: bool  # False: this request was made before, and this is the call it made


def check_key(key: str | None) -> None:
    """Raises IdempotencyKeyInvalid."""
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise IdempotencyKeyInvalid(
            "Idempotency-Key: write 1 to 255 printable ASCII characters without spaces"
        )


async def insert_call(
    session: AsyncSession, new: NewCall, key: str | None, owner: str, at_unix_ms: int
) -> Call:
    """Write a new call and its key. Raises IntegrityError when key or carrier's id is taken."""
    call = Call(
        id=secrets.token_hex(16),
        direction=new.direction,
        status=new.first_status,
        to_number=new.to_number,
        from_number=new.from_number,
        flow=new.flow,
        language=new.language,
        carrier=new.carrier,
        created_at_unix_ms=at_unix_ms,
        variables=new.variables,
        outcome_url=new.outcome_url,
        carrier_call_id=new.carrier_call_id,
        owner=owner,
    )
    row = write_call(call, CallRow())
    session.add(row)
    await session.flush()  # before what refers to it
    if key is not None:
        session.add(
            IdempotencyRow(
                key=key,
                request_sha256=_request_sha256(new),
                call_id=call.id,
                created_at_unix_ms=at_unix_ms,
            )
        )
        await session.flush()
    return call_from(row)


async def existing_call(session: AsyncSession, new: NewCall, key: str | None) -> Call | None:
    """The call made by this request before, if any. Raises IdempotencyConflict."""
    row = None if key is None else await session.get(IdempotencyRow, key)
    if row is not None:
        if row.request_sha256 != _request_sha256(new):
            raise IdempotencyConflict(
                f"Idempotency-Key {key!r} was used with another request; use a new key for each"
            )
        return call_from(await row_of(session, row.call_id))
    if new.carrier_call_id is None:
        return None
    same = await session.scalar(of_carrier(new.carrier, new.carrier_call_id))
    return None if same is None else call_from(same)


def _request_sha256(new: NewCall) -> str:
    return hashlib.sha256(json.dumps(storable(asdict(new)), sort_keys=True).encode()).hexdigest()
