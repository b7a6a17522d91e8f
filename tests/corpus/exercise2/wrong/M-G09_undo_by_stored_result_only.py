# M-G09 undo by stored result only | fault: accounts.debit:late=1h* | breaks: S-9 | says: may have happened
from saga_lab import StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    debit_tx_id = credit_tx_id = None
    try:
        debit_tx_id = await saga.step("debit", bank.accounts.debit, transfer.from_account, transfer.amount)
        credit_tx_id = await saga.step("credit", bank.accounts.credit, transfer.to_account, transfer.amount)
    except StepFailed:
        try:
            if credit_tx_id:
                await saga.step("void", bank.accounts.void, key=saga.key("credit"))
            if debit_tx_id:
                await saga.step("reverse", bank.accounts.reverse, key=saga.key("debit"))
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
