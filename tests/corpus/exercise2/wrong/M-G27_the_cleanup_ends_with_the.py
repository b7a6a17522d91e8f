# M-G27 the clean-up ends with the cancel | fault: accounts.credit:lost* + accounts.void:cancel | breaks: S-9 | says: was never asked
from saga_lab import Cancelled, StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    begun = []

    async def back():
        for name, undo in reversed(begun):
            try:
                await saga.step(f"undo {name}", undo, key=saga.key(name))
            except StepFailed as failure:
                saga.park(f"undo {name} by hand, then the older ones", failure)
                return TransferResult("manual_intervention_required")
            except Cancelled:
                return TransferResult("failed")
        return TransferResult("failed")

    try:
        begun.append(("debit", bank.accounts.reverse))
        debit_tx_id = await saga.step("debit", bank.accounts.debit, transfer.from_account, transfer.amount)
        begun.append(("credit", bank.accounts.void))
        credit_tx_id = await saga.step("credit", bank.accounts.credit, transfer.to_account, transfer.amount)
    except StepFailed:
        return await back()

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
