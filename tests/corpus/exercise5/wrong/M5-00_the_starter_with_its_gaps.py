# M5-00 the starter with its gaps filled in | fault: payments.pay:lost* | breaks: E5-S5 | says: Look up its key
from contextlib import suppress
from datetime import timedelta

from saga_lab import SagaContext, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimRequest, ClaimResult, Insurer


async def claim_saga(saga: SagaContext, claim: ClaimRequest, insurer: Insurer) -> ClaimResult:
    # Step 1: validate the claim
    try:
        valid = await saga.step("validate", insurer.claims.validate, claim.claim_id, claim.amount)
    except StepFailed:
        valid = False
    if not valid:
        await saga.step("close", insurer.claims.close, claim.claim_id, "invalid")
        return ClaimResult(status="rejected_invalid")

    # Step 2: request the medical records
    try:
        await saga.step("records", insurer.records.request, claim.claim_id)
    except StepFailed:
        return ClaimResult(status="failed")

    # Step 3: wait for the approval (with a 30-day timeout)
    approval = Approval(approved=False)
    try:
        approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
    except TimedOut:
        # Timeout - close the claim
        await saga.step("close", insurer.claims.close, claim.claim_id, "timeout")
        return ClaimResult(status="timeout")
    except StepFailed:
        pass
    if not approval.approved:
        await saga.step("close", insurer.claims.close, claim.claim_id, "rejected")
        return ClaimResult(status="rejected")

    # Step 4: process the payment
    try:
        payment_id = await saga.step("pay", insurer.payments.pay, claim.claim_id, claim.amount)
    except StepFailed:
        # The approval cannot be compensated: log for manual review
        await saga.step("review", insurer.reviews.open, claim.claim_id, "the payment failed")
        return ClaimResult(status="payment_failed")

    # Step 5: close the claim
    with suppress(StepFailed):
        await saga.step("close", insurer.claims.close, claim.claim_id, payment_id)

    return ClaimResult(status="paid", payment_id=payment_id)
