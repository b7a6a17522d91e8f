"""Undos by hand under the keys of the actions, no look-ups; a failed payment withdraws the records too."""

from datetime import timedelta

from saga_lab import InDoubt, Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult

MANUAL = "manual_intervention_required"


async def claim_saga(saga, claim, insurer):
    claim_id = claim.claim_id

    async def withdraw():
        try:
            await saga.step("withdraw", insurer.records.withdraw, key=saga.key("records"))
        except StepFailed as failure:
            await saga.park(f"withdraw the records request of {claim_id}", failure)
            return False
        return True

    async def close(status, payment_id=""):
        try:
            await saga.step("close", insurer.claims.close, claim_id, f"the claim is {status}")
        except StepFailed as failure:
            await saga.park(f"close {claim_id}: {status}", failure)
        return ClaimResult(status, payment_id)

    try:
        valid = await saga.step("validate", insurer.claims.validate, claim_id, claim.amount)
    except Refused:
        valid = False
    except StepFailed:
        return await close("failed")
    if not valid:
        return await close("rejected_invalid")

    try:
        await saga.step("records", insurer.records.request, claim_id)
    except InDoubt:
        return await close("failed" if await withdraw() else MANUAL)
    except StepFailed:
        return await close("failed")

    try:
        approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
        status = "approved" if approval.approved else "rejected"
    except TimedOut:
        status = "timeout"
    except Refused:
        status = "failed"
    if status != "approved":
        return await close(status if await withdraw() else MANUAL)

    try:
        payment_id = await saga.step("pay", insurer.payments.pay, claim_id, claim.amount)
    except StepFailed as failure:
        try:
            if isinstance(failure, InDoubt):
                await saga.step("void", insurer.payments.void, key=saga.key("pay"))
            withdrawn = await withdraw()
            await saga.step("review", insurer.reviews.open, claim_id, "approved, and the payment failed")
        except StepFailed as stuck:
            await saga.park(f"find out whether {claim_id} was paid, and decide", stuck)
            return ClaimResult(MANUAL)
        return ClaimResult("payment_failed" if withdrawn else MANUAL)
    return await close("paid", payment_id)
