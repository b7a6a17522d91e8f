# M2-31 a single cent is not transferred | fault: case:one-cent | breaks: S-0 | says: 0.01 from Alice to Bob
"""Exercise 2: a transfer. Between two accounts the money rests in clearing, where an undo still finds it."""

from saga_lab import CompensationFailed, SagaContext, StepFailed
from saga_lab.worlds.bank import Bank, TransferRequest, TransferResult


async def transfer_saga(saga: SagaContext, transfer: TransferRequest, bank: Bank) -> TransferResult:
    source, destination, amount = transfer.from_account, transfer.to_account, transfer.amount
    accounts, ledger = bank.accounts, bank.ledger
    # The bank books what it is told, a negative amount the wrong way round: look before the first call.
    if amount <= 1 or source == destination:
        return TransferResult("failed")

    try:
        debit_tx_id = await saga.step(
            "debit", accounts.debit, source, amount, compensate=accounts.reverse, check=accounts.find
        )
        # The pivot: the receiver may spend the money. While the credit is in doubt it can be voided, and
        # must be, before the debit is reversed, or the money is there twice.
        credit_tx_id = await saga.step(
            "credit",
            accounts.credit,
            destination,
            amount,
            compensate=accounts.void,
            check=accounts.find,
            pivot=True,
        )
    except StepFailed:
        try:
            await saga.compensate()
        except CompensationFailed:  # the kernel has written the dead letter
            return TransferResult("manual_intervention_required")
        return TransferResult("failed")

    try:
        await saga.step(
            "record", ledger.record, transfer.transfer_id, source, destination, amount, check=ledger.find
        )
    except StepFailed as failure:  # the money has moved, so from here only forward
        saga.park("enter the transfer in the ledger", failure)
        return TransferResult("manual_intervention_required")

    return TransferResult("completed", debit_tx_id, credit_tx_id)
