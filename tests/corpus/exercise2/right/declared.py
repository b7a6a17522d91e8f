"""The movement of money is declared as data; booking it comes after the scope of that list."""

from saga_lab import CompensationFailed, Saga, Step, StepFailed
from saga_lab.worlds.bank import TransferResult


def movement(bank):
    accounts = bank.accounts
    return Saga(
        "movement",
        [
            Step(
                "debit",
                accounts.debit,
                args=lambda transfer, results: (transfer.from_account, transfer.amount),
                compensate=accounts.reverse,
                check=accounts.find,
            ),
            Step(
                "credit",
                accounts.credit,
                args=lambda transfer, results: (transfer.to_account, transfer.amount),
                compensate=accounts.void,
                check=accounts.find,
                pivot=True,
            ),
        ],
    )


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    try:
        moved = await movement(bank)(saga, transfer)
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
    return TransferResult("completed", moved["debit"], moved["credit"])
