# M-G13 a key that comes from the process | fault: accounts.debit:crash-after | breaks: S-1 | says: After the restart you were a different saga
from uuid import uuid4

from saga_lab import CompensationFailed, StepFailed
from saga_lab.worlds.bank import TransferResult

MY_ID = []


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    MY_ID.append(uuid4().hex)

    async def debit(key, account, amount):
        return await bank.accounts.debit(key + MY_ID[-1], account, amount)

    try:
        debit_tx_id = await saga.step(
            "debit",
            debit,
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
