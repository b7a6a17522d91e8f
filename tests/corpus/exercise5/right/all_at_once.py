"""What can go side by side does: checking and deciding, and at the end withdrawing and closing."""

from datetime import timedelta

from saga_lab import CompensationFailed, Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult

MANUAL = "manual_intervention_required"


async def claim_saga(saga, claim, insurer):
    asked = []

    async def checked():
        try:
            valid = await saga.step("validate", insurer.claims.validate, claim.claim_id, claim.amount)
        except Refused:
            return False
        if valid:
            asked.append("records")
            await saga.step("records", insurer.records.request, claim.claim_id)
        return valid

    async def decided():
        try:
            return await saga.promise("approval", Approval, timeout=timedelta(days=30))
        except TimedOut:
            return None

    async def withdrawn():
        if asked:
            await saga.step("withdraw", insurer.records.withdraw, key=saga.key("records"))

    async def end(status):
        close = saga.step("close", insurer.claims.close, claim.claim_id, status)
        try:
            await saga.gather(withdrawn(), close)
        except StepFailed as failure:
            saga.park(f"ask for no records of {claim.claim_id}, and close it: {status}", failure)
            return ClaimResult(MANUAL)
        return ClaimResult(status)

    try:
        valid, decision = await saga.gather(checked(), decided())
    except StepFailed:
        return await end("failed")
    if not valid:
        return await end("rejected_invalid")
    if decision is None:
        return await end("timeout")
    if not decision.approved:
        return await end("rejected")

    try:
        payment_id = await saga.step(
            "pay",
            insurer.payments.pay,
            claim.claim_id,
            claim.amount,
            compensate=insurer.payments.void,
            check=insurer.payments.find,
            pivot=True,
        )
    except StepFailed as failure:
        try:
            await saga.compensate()
            await saga.step("review", insurer.reviews.open, claim.claim_id, f"approved, but {failure}")
        except CompensationFailed:
            return ClaimResult(MANUAL)
        except StepFailed as unopened:
            saga.park(f"look at {claim.claim_id}: approved, but not paid", unopened)
            return ClaimResult(MANUAL)
        return ClaimResult("payment_failed")
    try:
        await saga.step("close", insurer.claims.close, claim.claim_id, "paid")
    except StepFailed as failure:
        saga.park(f"close {claim.claim_id}: paid", failure)
    return ClaimResult("paid", payment_id)
