"""The decision is awaited from the start, side by side with the records: a no ends the claim at once."""

from datetime import timedelta

from saga_lab import CompensationFailed, Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult


async def claim_saga(saga, claim, insurer):
    async def records():
        await saga.step(
            "records",
            insurer.records.request,
            claim.claim_id,
            compensate=insurer.records.withdraw,
            check=insurer.records.find,
        )

    async def decision():
        return await saga.promise("approval", Approval, timeout=timedelta(days=30))

    async def over(status):
        try:
            await saga.compensate()
            await saga.step("close", insurer.claims.close, claim.claim_id, status)
        except CompensationFailed:
            return ClaimResult("manual_intervention_required")
        except StepFailed as failure:
            saga.park(f"close {claim.claim_id}: {status}", failure)
        return ClaimResult(status)

    try:
        valid = await saga.step("validate", insurer.claims.validate, claim.claim_id, claim.amount)
    except Refused:
        valid = False
    except StepFailed:
        return await over("failed")
    if not valid:
        return await over("rejected_invalid")
    try:
        _, approval = await saga.gather(records(), decision())
    except TimedOut:
        return await over("timeout")
    except StepFailed:
        return await over("failed")
    if not approval.approved:
        return await over("rejected")

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
    except StepFailed:
        try:
            await saga.compensate()
            await saga.step("review", insurer.reviews.open, claim.claim_id, "approved, but not paid")
        except CompensationFailed:
            return ClaimResult("manual_intervention_required")
        except StepFailed as failure:
            saga.park(f"look at {claim.claim_id}: approved, but not paid", failure)
            return ClaimResult("manual_intervention_required")
        return await closed(saga, claim, insurer, ClaimResult("payment_failed"))
    return await closed(saga, claim, insurer, ClaimResult("paid", payment_id))


async def closed(saga, claim, insurer, result):
    try:
        await saga.step("close", insurer.claims.close, claim.claim_id, f"ended as {result.status}")
    except StepFailed as failure:
        saga.park(f"close {claim.claim_id}: {result.status}", failure)
    return result
