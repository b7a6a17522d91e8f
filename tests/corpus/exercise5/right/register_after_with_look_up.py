"""Whatever failed is looked up before anything is decided; a doubt that stays is taken for done."""

from datetime import timedelta

from saga_lab import Refused, StepFailed, TimedOut, Unavailable
from saga_lab.worlds.insurer import Approval, ClaimResult


async def claim_saga(saga, claim, insurer):
    async def done(name, action, find, *args):
        """The value, or None when it is known not to be; raises when nobody can tell."""
        try:
            return await saga.step(name, action, *args)
        except (Refused, Unavailable):
            return None
        except StepFailed:
            found = await saga.step(f"find {name}", find, key=saga.key(name))
            if found.state == "unseen":
                raise
            return found.value

    async def left(why):
        await saga.park(why)
        return ClaimResult("manual_intervention_required")

    async def over(status, payment_id=""):
        try:
            await saga.step("close", insurer.claims.close, claim.claim_id, status)
        except StepFailed:
            return await left(f"close {claim.claim_id}: {status}")
        return ClaimResult(status, payment_id)

    async def withdrawn():
        try:
            await saga.step("withdraw", insurer.records.withdraw, key=saga.key("records"))
        except StepFailed:
            await saga.park(f"withdraw the records of {claim.claim_id}")
            return False
        return True

    try:
        valid = await saga.step("validate", insurer.claims.validate, claim.claim_id, claim.amount)
    except Refused:
        return await over("rejected_invalid")
    except StepFailed:
        return await over("failed")
    if not valid:
        return await over("rejected_invalid")

    try:
        if await done("records", insurer.records.request, insurer.records.find, claim.claim_id) is None:
            return await over("failed")
    except StepFailed:
        return await over("failed" if await withdrawn() else "manual_intervention_required")

    try:
        approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
        status = "approved" if approval.approved else "rejected"
    except TimedOut:
        status = "timeout"
    except StepFailed:
        status = "failed"
    if status != "approved":
        return await over(status if await withdrawn() else "manual_intervention_required")

    payments = insurer.payments
    try:
        payment_id = await done("pay", payments.pay, payments.find, claim.claim_id, claim.amount)
    except StepFailed:
        try:
            await saga.step("void", payments.void, key=saga.key("pay"))
            payment_id = None
        except Refused:  # it landed meanwhile
            try:
                payment_id = (await saga.step("find pay again", payments.find, key=saga.key("pay"))).value
            except StepFailed:
                return await left(f"{claim.claim_id} is paid: close it")
        except StepFailed:
            return await left(f"find out whether {claim.claim_id} was paid")
    if payment_id is not None:
        return await over("paid", payment_id)
    try:
        await saga.step("review", insurer.reviews.open, claim.claim_id, "approved, but not paid")
    except StepFailed:
        return await left(f"put {claim.claim_id} into review: approved, but not paid")
    return ClaimResult("payment_failed")
