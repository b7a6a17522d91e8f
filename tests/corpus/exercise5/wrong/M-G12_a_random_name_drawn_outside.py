# M-G12 a random name, drawn outside the journal | fault: claims.validate:crash-after | breaks: S-10 | says: the same way
from datetime import timedelta
from random import randbytes

from saga_lab import CompensationFailed, Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult

MANUAL = "manual_intervention_required"


async def claim_saga(saga, claim, insurer):
    claims, records, payments, reviews = insurer.claims, insurer.records, insurer.payments, insurer.reviews

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
        name = f"validate {randbytes(8).hex()}"
        valid = await saga.step(name, claims.validate, claim.claim_id, claim.amount)
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
            payments.pay,
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
