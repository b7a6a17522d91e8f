"""A scope in a scope: left well, it leaves its undo to the one around it."""

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    try:
        async with saga.scope():
            async with saga.scope():
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
    except CompensationFailed:
        return TransferResult("manual_intervention_required")
    except StepFailed:
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
