"""A small class keeps the undos, as an exit stack would."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.bank import TransferResult


class Undos:
    def __init__(self, saga):
        self.saga = saga
        self.stack = []

    async def do(self, name, action, undo, *args):
        try:
            value = await self.saga.step(name, action, *args)
        except InDoubt:
            self.stack.append((name, undo))
            raise
        self.stack.append((name, undo))
        return value

    async def unwind(self):
        while self.stack:
            name, undo = self.stack[-1]
            await self.saga.step(f"undo-{name}", undo, key=self.saga.key(name))
            self.stack.pop()


async def transfer_saga(saga, transfer, bank):
    source, destination, amount = transfer.from_account, transfer.to_account, transfer.amount
    if source == destination or amount < 1:
        return TransferResult("failed")
    undos = Undos(saga)
    try:
        debit = await undos.do("debit", bank.accounts.debit, bank.accounts.reverse, source, amount)
        credit = await undos.do("credit", bank.accounts.credit, bank.accounts.void, destination, amount)
    except StepFailed:
        try:
            await undos.unwind()
        except StepFailed as failure:
            saga.park("this undo and the older ones, by hand", failure)
            return TransferResult("manual_intervention_required")
        return TransferResult("failed")
    try:
        await saga.step("book", bank.ledger.record, transfer.transfer_id, source, destination, amount)
    except StepFailed:
        await saga.park("enter the transfer in the ledger")
        return TransferResult("manual_intervention_required")
    return TransferResult("completed", debit, credit)
