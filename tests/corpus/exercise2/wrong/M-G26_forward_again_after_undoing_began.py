# M-G26 forward again after undoing began | fault: accounts.credit:lost* | breaks: S-4 | says: and then accounts.credit
from saga_lab import StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    try:
        debit_tx_id = await saga.step("debit", bank.accounts.debit, transfer.from_account, transfer.amount)
    except StepFailed:
        try:
            await saga.step("reverse", bank.accounts.reverse, key=saga.key("debit"))
        except StepFailed as failure:
            saga.park("reverse it by hand", failure)
            return TransferResult("manual_intervention_required")
        return TransferResult("failed")
    name = "credit"
    try:
        credit_tx_id = await saga.step(name, bank.accounts.credit, transfer.to_account, transfer.amount)
    except StepFailed:
        try:
            await saga.step("void", bank.accounts.void, key=saga.key(name))
            name = "credit again"
            credit_tx_id = await saga.step(name, bank.accounts.credit, transfer.to_account, transfer.amount)
        except StepFailed:
            try:
                await saga.step("void again", bank.accounts.void, key=saga.key(name))
                await saga.step("reverse", bank.accounts.reverse, key=saga.key("debit"))
            except StepFailed as failure:
                saga.park("void this credit and reverse the debit by hand", failure)
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
