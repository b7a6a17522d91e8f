"""A scope for the records and one for the payment: whatever ends a phase takes back what began in it."""

from datetime import timedelta

from saga_lab import CompensationFailed, Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult


class Unpaid(Exception):
    def __init__(self, status):
        self.status = status


async def decided(saga, claim, insurer):
    try:
        if not await saga.step("validate", insurer.claims.validate, claim.claim_id, claim.amount):
            raise Unpaid("rejected_invalid")
    except Refused:
        raise Unpaid("rejected_invalid") from None
    except StepFailed:
        raise Unpaid("failed") from None
    async with saga.scope():
        try:
            await saga.step(
                "records",
                insurer.records.request,
                claim.claim_id,
                compensate=insurer.records.withdraw,
                check=insurer.records.find,
            )
            approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
        except TimedOut:
            raise Unpaid("timeout") from None
        except StepFailed:
            raise Unpaid("failed") from None
        if not approval.approved:
            raise Unpaid("rejected")


async def claim_saga(saga, claim, insurer):
    async def insist(step, action, reason):
        try:
            await saga.step(step, action, claim.claim_id, reason)
        except StepFailed as failure:
            saga.park(f"{step} {claim.claim_id} by hand: {reason}", failure)
            return False
        return True

    try:
        await decided(saga, claim, insurer)
    except Unpaid as end:
        closed = await insist("close", insurer.claims.close, end.status)
        return ClaimResult(end.status if closed else "manual_intervention_required")
    except CompensationFailed:
        return ClaimResult("manual_intervention_required")

    try:
        async with saga.scope():
            payment_id = await saga.step(
                "pay",
                insurer.payments.pay,
                claim.claim_id,
                claim.amount,
                compensate=insurer.payments.void,
                check=insurer.payments.find,
                pivot=True,
            )
    except StepFailed:
        reviewed = await insist("review", insurer.reviews.open, "approved, but not paid")
        return ClaimResult("payment_failed" if reviewed else "manual_intervention_required")
    except CompensationFailed:
        await insist("review", insurer.reviews.open, "approved, and perhaps paid")
        return ClaimResult("manual_intervention_required")
    closed = await insist("close", insurer.claims.close, "paid")
    return ClaimResult("paid", payment_id) if closed else ClaimResult("manual_intervention_required")
