"""What comes before the decision is a list, each step with its undo; they are undone from a stack."""

from datetime import timedelta

from saga_lab import InDoubt, Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult

MANUAL = "manual_intervention_required"


async def claim_saga(saga, claim, insurer):
    async def wait(key):
        return (await saga.promise("approval", Approval, timeout=timedelta(days=30))).approved

    steps = [
        ("validate", insurer.claims.validate, (claim.claim_id, claim.amount), None, "rejected_invalid"),
        ("records", insurer.records.request, (claim.claim_id,), insurer.records.withdraw, "failed"),
        ("decision", wait, None, None, "rejected"),
        ("pay", insurer.payments.pay, (claim.claim_id, claim.amount), insurer.payments.void, ""),
    ]
    undos, answers, status = [], {}, "paid"
    for name, action, args, undo, otherwise in steps:
        try:
            if undo:
                undos.append((name, undo))
            answers[name] = await (action(name) if args is None else saga.step(name, action, *args))
            if not answers[name]:
                status = otherwise
                break
        except TimedOut:
            status = "timeout"
            break
        except StepFailed as failure:
            if undo and not isinstance(failure, InDoubt):
                undos.pop()
            if name == "pay":
                status = "payment_failed"
            else:
                status = (
                    "rejected_invalid" if name == "validate" and isinstance(failure, Refused) else "failed"
                )
            break

    stuck = False
    for name, undo in reversed(undos if status != "paid" else []):
        if stuck:
            break
        try:
            await saga.step(f"undo {name}", undo, key=saga.key(name))
        except StepFailed as failure:
            stuck = True
            await saga.park(f"undo {name} of {claim.claim_id}, then what came before it", failure)

    last, action = ("close", insurer.claims.close)
    if status == "payment_failed":
        last, action = ("review", insurer.reviews.open)
    try:
        await saga.step(last, action, claim.claim_id, status)
    except StepFailed as failure:
        await saga.park(f"{last} {claim.claim_id}: {status}", failure)
        stuck = stuck or status == "payment_failed"
    return ClaimResult(MANUAL) if stuck else ClaimResult(status, answers.get("pay", ""))
