# M2-09 a failing record reverses the money | fault: ledger.record:down* | breaks: S-3 | says: while accounts.credit stood
from saga_lab import StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    try:
        debit_tx_id = await saga.step("debit", bank.accounts.debit, transfer.from_account, transfer.amount)
        credit_tx_id = await saga.step("credit", bank.accounts.credit, transfer.to_account, transfer.amount)
        await saga.step(
            "record",
            bank.ledger.record,
            transfer.transfer_id,
            transfer.from_account,
            transfer.to_account,
            transfer.amount,
        )
    except StepFailed:
        try:
            await saga.step("reverse", bank.accounts.reverse, key=saga.key("debit"))
            await saga.step("void", bank.accounts.void, key=saga.key("credit"))
        except StepFailed as failure:
            saga.park("undo this and the older ones by hand", failure)
            return TransferResult("manual_intervention_required")
        return TransferResult("failed")

    return TransferResult("completed", debit_tx_id, credit_tx_id)
