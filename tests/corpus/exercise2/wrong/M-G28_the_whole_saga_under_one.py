# M-G28 the whole saga under one time limit | fault: accounts.credit:slow=5m | breaks: L-1 | says: we stopped it
import asyncio

from saga_lab import StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    try:
        async with asyncio.timeout(20):
            return await in_time(saga, transfer, bank)
    except TimeoutError:
        return TransferResult("failed")


async def in_time(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult("failed")
    try:
        debit_tx_id = await saga.step("debit", bank.accounts.debit, transfer.from_account, transfer.amount)
    except StepFailed:
        return TransferResult("failed")
    try:
        credit_tx_id = await saga.step("credit", bank.accounts.credit, transfer.to_account, transfer.amount)
    except StepFailed:
        try:
            await saga.step("reverse", bank.accounts.reverse, key=saga.key("debit"))
        except StepFailed as failure:
            saga.park("reverse the debit", failure)
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
