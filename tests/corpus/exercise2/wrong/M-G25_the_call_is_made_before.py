# M-G25 the call is made before its intent is written | fault: accounts.debit:crash-after | breaks: S-1 | says: After the restart you were a different saga
from uuid import uuid4

from saga_lab import StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    key = f"{saga.id}/debit {uuid4()}"
    try:
        debit_tx_id = await bank.accounts.debit(key, transfer.from_account, transfer.amount)
    except Exception:
        await saga.step("reverse", bank.accounts.reverse, key=key)
        return TransferResult("failed")
    try:
        credit_tx_id = await saga.step("credit", bank.accounts.credit, transfer.to_account, transfer.amount)
    except StepFailed:
        try:
            await saga.step("void", bank.accounts.void, key=saga.key("credit"))
            await saga.step("reverse", bank.accounts.reverse, key=key)
        except StepFailed as failure:
            saga.park("undo this and the older ones by hand", failure)
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
