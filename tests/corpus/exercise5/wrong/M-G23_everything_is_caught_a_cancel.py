# M-G23 everything is caught, a cancel too | fault: records.request:cancel | breaks: S-0 | says: rejected_invalid
from datetime import timedelta

from saga_lab import CompensationFailed
from saga_lab.worlds.insurer import Approval, ClaimResult


async def claim_saga(saga, claim, insurer):
    status = "rejected_invalid"
    try:
        if await saga.step("validate", insurer.claims.validate, claim.claim_id, claim.amount):
            await saga.step(
                "records", insurer.records.request, claim.claim_id, compensate=insurer.records.withdraw
            )
            approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
            status = "rejected"
            if approval.approved:
                payment_id = await saga.step(
                    "pay",
                    insurer.payments.pay,
                    claim.claim_id,
                    claim.amount,
                    compensate=insurer.payments.void,
                    pivot=True,
                )
                await saga.step("close", insurer.claims.close, claim.claim_id, "paid")
                return ClaimResult("paid", payment_id)
    except Exception:
        pass
    try:
        await saga.compensate()
        await saga.step("close", insurer.claims.close, claim.claim_id, status)
    except CompensationFailed:
        status = "manual_intervention_required"
    return ClaimResult(status)
