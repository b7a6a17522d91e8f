# M-G12 a name drawn outside the journal | fault: accounts.debit:crash-after | breaks: S-10 | says: same
from random import randbytes

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    try:
        await saga.step(f"look {randbytes(8).hex()}", bank.accounts.find)
        debit_tx_id = await saga.step(
            "debit",
            bank.accounts.debit,
            transfer.from_account,
            transfer.amount,
            compensate=bank.accounts.reverse,
        )
        credit_tx_id = await saga.step(
            "credit",
            bank.accounts.credit,
            transfer.to_account,
            transfer.amount,
            compensate=bank.accounts.void,
            pivot=True,
        )
    except StepFailed:
        try:
            await saga.compensate()
        except CompensationFailed:
            return TransferResult("manual_intervention_required")
        return TransferResult("failed")

    try:
        await saga.step(
            "record",
            bank.ledger.record,
            transfer.transfer_id,
            transfer.from_account,
            transfer.to_account,
            transfer.amount,
            check=bank.ledger.find,
        )
    except StepFailed as failure:
        saga.park("enter the transfer in the ledger", failure)
        return TransferResult("manual_intervention_required")
    return TransferResult("completed", debit_tx_id, credit_tx_id)
