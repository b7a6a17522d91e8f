# M-G04 a failing undo is swallowed | fault: case:reject + records.withdraw:down* | breaks: S-0 | says: never got an answer
from datetime import timedelta

from saga_lab import Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult

MANUAL = "manual_intervention_required"


async def claim_saga(saga, claim, insurer):
    claims, records, payments, reviews = insurer.claims, insurer.records, insurer.payments, insurer.reviews
    begun = []

    async def back():
        for name, undo in reversed(begun):
            try:
                await saga.step(f"undo {name}", undo, key=saga.key(name))
            except StepFailed:
                continue
        return True

    async def close(status, payment_id=""):
        try:
            await saga.step("close", claims.close, claim.claim_id, status)
        except StepFailed as failure:
            saga.park(f"close {claim.claim_id}: {status}", failure)
        return ClaimResult(status, payment_id)

    try:
        valid = await saga.step("validate", claims.validate, claim.claim_id, claim.amount)
    except Refused:
        valid = False
    except StepFailed:
        return await close("failed")
    if not valid:
        return await close("rejected_invalid")

    try:
        begun.append(("records", records.withdraw))
        await saga.step("records", records.request, claim.claim_id)
        approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
        status = "approved" if approval.approved else "rejected"
    except TimedOut:
        status = "timeout"
    except StepFailed:
        status = "failed"
    if status != "approved":
        return await close(status) if await back() else ClaimResult(MANUAL)

    try:
        begun.append(("pay", payments.void))
        payment_id = await saga.step("pay", payments.pay, claim.claim_id, claim.amount)
    except StepFailed:
        if not await back():
            return ClaimResult(MANUAL)
        try:
            await saga.step("review", reviews.open, claim.claim_id, "approved, but not paid")
        except StepFailed as failure:
            saga.park(f"look at {claim.claim_id}: approved, but not paid", failure)
            return ClaimResult(MANUAL)
        return ClaimResult("payment_failed")
    return await close("paid", payment_id)
