"""Asking for records and paying are declared as data, each a list of its own; people come in between."""

from datetime import timedelta

from saga_lab import CompensationFailed, Refused, Saga, Step, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult


def examination(insurer):
    return Saga(
        "examination",
        [
            Step(
                "validate",
                insurer.claims.validate,
                args=lambda claim, results: (claim.claim_id, claim.amount),
                effect=False,
            )
        ],
    )


def asking(insurer):
    return Saga(
        "asking",
        [
            Step(
                "records",
                insurer.records.request,
                args=lambda claim, results: (claim.claim_id,),
                compensate=insurer.records.withdraw,
                check=insurer.records.find,
            )
        ],
    )


def payment(insurer):
    return Saga(
        "payment",
        [
            Step(
                "pay",
                insurer.payments.pay,
                args=lambda claim, results: (claim.claim_id, claim.amount),
                compensate=insurer.payments.void,
                check=insurer.payments.find,
                pivot=True,
            ),
        ],
    )


async def claim_saga(saga, claim, insurer):
    async def last(name, action, status, payment_id="", otherwise=""):
        try:
            await saga.step(name, action, claim.claim_id, status)
        except StepFailed as failure:
            saga.park(f"{name} {claim.claim_id} by hand: {status}", failure)
            status = otherwise or status
        return ClaimResult(status, payment_id)

    async def end(status):
        try:
            await saga.compensate()
        except CompensationFailed:
            status = "manual_intervention_required"
        return await last("close", insurer.claims.close, status)

    try:
        if not (await examination(insurer)(saga, claim))["validate"]:
            return await end("rejected_invalid")
        await asking(insurer)(saga, claim)
        approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
    except CompensationFailed:
        return ClaimResult("manual_intervention_required")
    except TimedOut:
        return await end("timeout")
    except StepFailed as failure:
        no = isinstance(failure, Refused) and failure.step == "validate"
        return await end("rejected_invalid" if no else "failed")
    if not approval.approved:
        return await end("rejected")

    try:
        paid = await payment(insurer)(saga, claim)
    except CompensationFailed:
        return ClaimResult("manual_intervention_required")
    except StepFailed:
        manual = "manual_intervention_required"
        return await last("review", insurer.reviews.open, "payment_failed", otherwise=manual)
    return await last("close", insurer.claims.close, "paid", paid["pay"])
