"""Undos are noted after the call; after a doubt a look-up by hand decides, and doubt is undone."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    if transfer.amount <= 0 or transfer.to_account == transfer.from_account:
        return TransferResult("failed")
    done = []

    async def do(name, action, undo, account):
        try:
            value = await saga.step(name, action, account, transfer.amount)
        except InDoubt:
            try:
                seen = await saga.step(f"find {name}", bank.accounts.find, key=saga.key(name))
            except StepFailed:
                done.append((name, undo))
                raise
            if seen.state != "undone":
                done.append((name, undo))
            if seen.state == "done":
                return seen.value
            raise
        done.append((name, undo))
        return value

    try:
        debit = await do("debit", bank.accounts.debit, bank.accounts.reverse, transfer.from_account)
        credit = await do("credit", bank.accounts.credit, bank.accounts.void, transfer.to_account)
    except StepFailed:
        for name, undo in reversed(done):
            try:
                await saga.step(f"undo {name}", undo, key=saga.key(name))
            except StepFailed as failure:
                saga.park(f"undo {name} and what is older, by hand", failure)
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
        )
    except StepFailed as failure:
        try:
            seen = await saga.step("find record", bank.ledger.find, key=saga.key("record"))
        except StepFailed:
            seen = None
        if seen is None or seen.state != "done":
            saga.park("enter the transfer in the ledger", failure)
            return TransferResult("manual_intervention_required")
    return TransferResult("completed", debit, credit)
