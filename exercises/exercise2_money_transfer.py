"""Exercise 2, intermediate: a money transfer saga with debit, credit and a record in the ledger.

Move money between two accounts in three steps:

1. debit the source account (the money then waits in clearing)
2. credit the destination account
3. record the transfer in the ledger

and mind three challenges:

- all or nothing: both accounts change, or neither
- insufficient funds
- debit and credit may be asked for again, and must not happen twice

Return TransferResult("completed", debit_tx_id, credit_tx_id), or TransferResult("failed").
The services are in `saga_lab.worlds.bank`. Grade it with: saga-lab grade exercise2_money_transfer.py
"""

from contextlib import suppress

from saga_lab import SagaContext, StepFailed
from saga_lab.worlds.bank import Bank, TransferRequest, TransferResult


async def transfer_saga(saga: SagaContext, transfer: TransferRequest, bank: Bank) -> TransferResult:
    # TODO: implement the saga

    # Step 1: debit the source account
    try:
        debit_tx_id = await saga.step("debit", bank.accounts.debit, transfer.from_account, transfer.amount)
    except StepFailed:
        # Handle insufficient funds
        return TransferResult("failed")

    # Step 2: credit the destination account
    try:
        credit_tx_id = await saga.step("credit", bank.accounts.credit, transfer.to_account, transfer.amount)
    except StepFailed:
        # COMPENSATE: reverse the debit
        with suppress(StepFailed):
            await saga.step("reverse debit", bank.accounts.reverse, key=saga.key("debit"))
        return TransferResult("failed")

    # Step 3: record the transfer
    with suppress(StepFailed):
        await saga.step(
            "record",
            bank.ledger.record,
            transfer.transfer_id,
            transfer.from_account,
            transfer.to_account,
            transfer.amount,
        )

    return TransferResult("completed", debit_tx_id, credit_tx_id)
