"""A state machine: one variable says where the claim stands, another how it will end."""

from datetime import timedelta

from saga_lab import Cancelled, InDoubt, Refused, StepFailed, TimedOut
from saga_lab.worlds.insurer import Approval, ClaimResult


async def claim_saga(saga, claim, insurer):
    claims, records, payments = insurer.claims, insurer.records, insurer.payments
    state, status, payment_id = "validate", "failed", ""
    while True:
        try:
            match state:
                case "validate":
                    valid = await saga.step("validate", claims.validate, claim.claim_id, claim.amount)
                    state, status = ("records", "failed") if valid else ("close", "rejected_invalid")
                case "records":
                    await saga.step("records", records.request, claim.claim_id, check=records.find)
                    state = "wait"
                case "wait":
                    approval = await saga.promise("approval", Approval, timeout=timedelta(days=30))
                    state, status = ("pay", "") if approval.approved else ("withdraw", "rejected")
                case "pay":
                    payment_id = await saga.step(
                        "pay", payments.pay, claim.claim_id, claim.amount, check=payments.find, pivot=True
                    )
                    state, status = "close", "paid"
                case "void":
                    await saga.step("void", payments.void, key=saga.key("pay"))
                    state = "review"
                case "review":
                    await saga.step("review", insurer.reviews.open, claim.claim_id, "approved, not paid")
                    return ClaimResult("payment_failed")
                case "withdraw":
                    await saga.step("withdraw", records.withdraw, key=saga.key("records"))
                    state = "close"
                case "close":
                    await saga.step("close", claims.close, claim.claim_id, status)
                    return ClaimResult(status, payment_id)
        except TimedOut:
            state, status = "withdraw", "timeout"
        except Cancelled:
            if state != "close":  # what was decided stays decided
                state, status = "close" if state == "validate" else "withdraw", "failed"
        except StepFailed as failure:
            refused, doubt = isinstance(failure, Refused), isinstance(failure, InDoubt)
            match state:
                case "validate":
                    state, status = "close", "rejected_invalid" if refused else "failed"
                case "records":
                    state = "withdraw" if doubt else "close"
                case "wait":
                    state = "withdraw"
                case "pay":
                    state = "void" if doubt else "review"
                case "close":
                    saga.park(f"close {claim.claim_id}: {status}", failure)
                    return ClaimResult(status, payment_id)
                case _:
                    saga.park(f"{state} {claim.claim_id} by hand, and what comes after it", failure)
                    return ClaimResult("manual_intervention_required")
