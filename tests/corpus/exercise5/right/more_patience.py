"""Twice the attempts everywhere, longer time-outs, and a close that is tried a second time after an hour."""

from datetime import timedelta

from saga_lab import Cancelled, CompensationFailed, Refused, Retry, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult

PATIENT = {"retry": Retry(attempts=8, first=1, longest=60), "timeout": 90}
FOUR = {"retry": Retry(attempts=6, within=3600), "timeout": timedelta(minutes=2)}
MANUAL = "manual_intervention_required"


async def claim_saga(saga, claim, insurer):
    claims, records, payments, reviews = insurer.claims, insurer.records, insurer.payments, insurer.reviews

    async def until_done(step, action, reason):
        for again in (True, False):
            try:
                await saga.step(step, action, claim.claim_id, reason, **FOUR)
                return True
            except StepFailed as failure:
                if isinstance(failure, Refused) or not again:
                    saga.park(f"{step} {claim.claim_id}: {reason}", failure)
                    return False
            except Cancelled:
                continue
            await saga.sleep(timedelta(hours=1))
        return False

    async def stop(status):
        try:
            await saga.compensate(on_stuck="continue")
        except CompensationFailed:
            status = MANUAL
        await until_done("close", claims.close, status)
        return ClaimResult(status)

    try:
        valid = await saga.step("validate", claims.validate, claim.claim_id, claim.amount, **PATIENT)
        if not valid:
            return await stop("rejected_invalid")
        await saga.step(
            "records",
            records.request,
            claim.claim_id,
            compensate=records.withdraw,
            check=records.find,
            **PATIENT,
        )
        approval = await saga.promise("approval", Approval, timeout=30 * 24 * 3600)
    except TimedOut:
        return await stop("timeout")
    except (StepFailed, Cancelled) as failure:
        no = isinstance(failure, Refused) and failure.step == "validate"
        return await stop("rejected_invalid" if no else "failed")
    if not approval.approved:
        return await stop("rejected")
    try:
        payment_id = await saga.step(
            "pay",
            payments.pay,
            claim.claim_id,
            claim.amount,
            compensate=payments.void,
            check=payments.find,
            pivot=True,
            **PATIENT,
        )
    except StepFailed:
        try:
            await saga.compensate(on_stuck="continue")
        except CompensationFailed:
            return ClaimResult(MANUAL)
        reviewed = await until_done("review", reviews.open, "approved, but the payment failed")
        return ClaimResult("payment_failed" if reviewed else MANUAL)
    await until_done("close", claims.close, "paid")
    return ClaimResult("paid", payment_id)
