"""Other budgets and time-outs; without a void, a credit in doubt is left to a person."""

from saga_lab import CompensationFailed, InDoubt, Retry, StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    patient = {"retry": Retry(attempts=6, first=0.5, longest=5), "timeout": 10}
    accounts = bank.accounts
    try:
        debit_tx_id = await saga.step(
            "take",
            accounts.debit,
            transfer.from_account,
            transfer.amount,
            compensate=accounts.reverse,
            **patient,
        )
        credit_tx_id = await saga.step(
            "give",
            accounts.credit,
            transfer.to_account,
            transfer.amount,
            check=accounts.find,
            pivot=True,
            **patient,
        )
    except InDoubt as doubt:
        if doubt.step == "give":
            saga.park("find out whether the receiver has the money, else reverse the debit", doubt)
            return TransferResult("manual_intervention_required")
        return await back(saga)
    except StepFailed:
        return await back(saga)
    try:
        await saga.step(
            "book",
            bank.ledger.record,
            transfer.transfer_id,
            transfer.from_account,
            transfer.to_account,
            transfer.amount,
            **patient,
        )
    except StepFailed as failure:
        saga.park("book it", failure)
        return TransferResult("manual_intervention_required")
    return TransferResult("completed", debit_tx_id, credit_tx_id)


async def back(saga):
    try:
        await saga.compensate(on_stuck="continue")
    except CompensationFailed:
        return TransferResult(status="manual_intervention_required")
    return TransferResult(status="failed")
