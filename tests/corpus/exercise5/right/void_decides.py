"""Whatever the payment answered but yes, void is asked: its no means that the money is gone, so it is paid."""

from datetime import timedelta

from saga_lab import CompensationFailed, Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult

MANUAL = "manual_intervention_required"


async def claim_saga(saga, claim, insurer):
    async def close(status, payment_id=""):
        try:
            await saga.step("close", insurer.claims.close, claim.claim_id, status)
        except StepFailed as failure:
            saga.park(f"close {claim.claim_id}: {status}", failure)
        return ClaimResult(status, payment_id)

    async def end(status):
        try:
            await saga.compensate()
        except CompensationFailed:
            return ClaimResult(MANUAL)
        return await close(status)

    def person(task, failure):
        saga.park(f"{task}: {claim.claim_id}", failure)
        return ClaimResult(MANUAL)

    try:
        valid = await saga.step("validate", insurer.claims.validate, claim.claim_id, claim.amount)
    except Refused:
        return await end("rejected_invalid")
    except StepFailed:
        return await end("failed")
    if not valid:
        return await end("rejected_invalid")

    try:
        await saga.step(
            "records", insurer.records.request, claim.claim_id, compensate=insurer.records.withdraw
        )
        approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
    except TimedOut:
        return await end("timeout")
    except StepFailed:
        return await end("failed")
    if not approval.approved:
        return await end("rejected")

    try:
        return await close(
            "paid", await saga.step("pay", insurer.payments.pay, claim.claim_id, claim.amount, pivot=True)
        )
    except StepFailed:
        pass
    try:
        await saga.step("void", insurer.payments.void, key=saga.key("pay"))
    except Refused as gone:
        try:
            found = await saga.step("find", insurer.payments.find, key=saga.key("pay"))
        except StepFailed:
            return person("it is paid: note the payment and close", gone)
        return await close("paid", found.value)
    except StepFailed as failure:
        return person("find out whether it is paid", failure)
    try:
        await saga.step("review", insurer.reviews.open, claim.claim_id, "approved, but not paid")
    except StepFailed as failure:
        return person("approved, but not paid", failure)
    return ClaimResult("payment_failed")
