# M-G03 no key of the saga at all | fault: payments.pay:lost | breaks: S-1 | says: A time-out is not a no
from datetime import timedelta
from uuid import uuid4

from saga_lab import CompensationFailed, Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult

MANUAL = "manual_intervention_required"


async def claim_saga(saga, claim, insurer):
    claims, records, payments, reviews = insurer.claims, insurer.records, insurer.payments, insurer.reviews

    async def pay(key, claim_id, amount):
        return await payments.pay(str(uuid4()), claim_id, amount)

    async def close(status, payment_id=""):
        try:
            await saga.step("close", claims.close, claim.claim_id, status)
        except StepFailed as failure:
            saga.park(f"close {claim.claim_id}: {status}", failure)
        return ClaimResult(status, payment_id)

    async def end(status):
        try:
            await saga.compensate()
        except CompensationFailed:
            return ClaimResult(MANUAL)
        return await close(status)

    try:
        valid = await saga.step("validate", claims.validate, claim.claim_id, claim.amount)
    except Refused:
        valid = False
    except StepFailed:
        return await end("failed")
    if not valid:
        return await end("rejected_invalid")

    try:
        await saga.step(
            "records", records.request, claim.claim_id, compensate=records.withdraw, check=records.find
        )
        approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
    except TimedOut:
        return await end("timeout")
    except StepFailed:
        return await end("failed")
    if not approval.approved:
        return await end("rejected")

    try:
        payment_id = await saga.step(
            "pay",
            pay,
            claim.claim_id,
            claim.amount,
            compensate=payments.void,
            check=payments.find,
            pivot=True,
        )
    except StepFailed:
        try:
            await saga.compensate()
            await saga.step("review", reviews.open, claim.claim_id, "approved, but not paid")
        except CompensationFailed:
            return ClaimResult(MANUAL)
        except StepFailed as failure:
            saga.park(f"look at {claim.claim_id}: approved, but not paid", failure)
            return ClaimResult(MANUAL)
        return ClaimResult("payment_failed")
    return await close("paid", payment_id)
