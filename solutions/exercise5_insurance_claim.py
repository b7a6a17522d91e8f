"""Exercise 5: a claim. A person decides within 30 days; what was decided is never undone."""

from datetime import timedelta
from typing import Any

from saga_lab import Cancelled, CompensationFailed, Refused, SagaContext, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimRequest, ClaimResult, Insurer

MANUAL = "manual_intervention_required"


async def claim_saga(saga: SagaContext, claim: ClaimRequest, insurer: Insurer) -> ClaimResult:
    claims, records, payments = insurer.claims, insurer.records, insurer.payments

    async def decided() -> str:
        """`approved`, or the status with which the claim ends here."""
        try:
            if not await saga.step("validate", claims.validate, claim.claim_id, claim.amount):
                return "rejected_invalid"
            await saga.step(
                "records", records.request, claim.claim_id, compensate=records.withdraw, check=records.find
            )
            approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
        except TimedOut:
            return "timeout"
        except Refused as refused:  # a promise that ends in an error is no rejection
            return "rejected_invalid" if refused.step == "validate" else "failed"
        except (StepFailed, Cancelled):  # a server that is down does not make a claim invalid
            return "failed"
        return "approved" if approval.approved else "rejected"

    async def end(status: str) -> ClaimResult:
        clean = await undone()
        try:
            await insist("close", claims.close, status)
        except Cancelled:
            status = "failed"
        return ClaimResult(status if clean else MANUAL)

    async def undone() -> bool:
        try:
            await saga.compensate()
        except CompensationFailed:  # the kernel has written the dead letter
            return False
        return True

    async def insist(step: str, action: Any, reason: str) -> bool:
        """Take a step that is not undone; whatever keeps it from happening is a person's to overcome."""
        try:
            await saga.step(step, action, claim.claim_id, reason)
        except StepFailed as failure:
            saga.park(f"{step} claim {claim.claim_id} by hand: {reason}", failure)
            return False
        except Cancelled:  # raised once, so the step is taken all the same
            await insist(step, action, reason)
            raise
        return True

    decision = await decided()
    if decision != "approved":
        return await end(decision)

    try:
        # The pivot. While it is in doubt, `void` decides: it stops a payment still on its way, and refuses
        # when the money is gone.
        payment_id = await saga.step(
            "pay",
            payments.pay,
            claim.claim_id,
            claim.amount,
            compensate=payments.void,
            check=payments.find,
            pivot=True,
        )
    except StepFailed as failure:
        clean = await undone()
        reviewed = await insist("review", insurer.reviews.open, f"approved, but {failure}")
        return ClaimResult("payment_failed" if clean and reviewed else MANUAL)

    await insist("close", claims.close, "paid")
    return ClaimResult("paid", payment_id)
