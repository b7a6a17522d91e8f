"""The thirty days are those of a scope; what cannot be closed is put into review, or left to a person."""

from datetime import timedelta

from saga_lab import CompensationFailed, Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult

MANUAL = "manual_intervention_required"


async def claim_saga(saga, claim, insurer):
    async def file(status):
        try:
            await saga.step("close", insurer.claims.close, claim.claim_id, status)
        except StepFailed:
            try:
                await saga.step("review", insurer.reviews.open, claim.claim_id, f"cannot be closed: {status}")
            except StepFailed as failure:
                saga.park(f"close {claim.claim_id}: {status}", failure)
                return MANUAL
        return status

    try:
        valid = await saga.step("validate", insurer.claims.validate, claim.claim_id, claim.amount)
    except Refused:
        return ClaimResult(await file("rejected_invalid"))
    except StepFailed:
        return ClaimResult(await file("failed"))
    if not valid:
        return ClaimResult(await file("rejected_invalid"))

    try:
        await saga.step(
            "records",
            insurer.records.request,
            claim.claim_id,
            compensate=insurer.records.withdraw,
            check=insurer.records.find,
        )
        async with saga.scope(within=timedelta(days=30)):
            approval = await saga.promise("approval", Approval)
        status = "approved" if approval.approved else "rejected"
    except TimedOut:
        status = "timeout"
    except StepFailed:
        status = "failed"
    try:
        if status != "approved":
            await saga.compensate()
            return ClaimResult(await file(status))
        payment_id = await saga.step(
            "pay",
            insurer.payments.pay,
            claim.claim_id,
            claim.amount,
            compensate=insurer.payments.void,
            check=insurer.payments.find,
            pivot=True,
        )
    except CompensationFailed:
        return ClaimResult(MANUAL)
    except StepFailed:
        try:
            await saga.compensate()
            await saga.step("review", insurer.reviews.open, claim.claim_id, "approved, but not paid")
        except CompensationFailed:
            return ClaimResult(MANUAL)
        except StepFailed as failure:
            saga.park(f"look at {claim.claim_id}: approved, but not paid", failure)
            return ClaimResult(MANUAL)
        return ClaimResult("payment_failed")
    status = await file("paid")
    return ClaimResult(status, payment_id if status == "paid" else "")
