"""A list of steps and one loop; undos by hand, newest first, under the keys of the actions."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    amount = transfer.amount
    if amount <= 0 or transfer.from_account == transfer.to_account:
        return TransferResult(status="failed")
    steps = [
        ("debit", bank.accounts.debit, bank.accounts.reverse, transfer.from_account),
        ("credit", bank.accounts.credit, bank.accounts.void, transfer.to_account),
    ]
    got, begun = [], []
    for name, action, undo, account in steps:
        begun.append((name, undo))
        try:
            got.append(await saga.step(name, action, account, amount))
        except StepFailed as failure:
            if not isinstance(failure, InDoubt):
                begun.pop()
            return await back(saga, begun)
    try:
        await saga.step(
            "record",
            bank.ledger.record,
            transfer.transfer_id,
            transfer.from_account,
            transfer.to_account,
            amount,
        )
    except StepFailed as failure:
        saga.park("enter it in the ledger", failure)
        return TransferResult(status="manual_intervention_required")
    return TransferResult("completed", *got)


async def back(saga, begun):
    while begun:
        name, undo = begun.pop()
        try:
            await saga.step(f"undo {name}", undo, key=saga.key(name))
        except StepFailed as failure:
            saga.park(f"undo {name} by hand, then {[x for x, _ in reversed(begun)]}", failure)
            return TransferResult("manual_intervention_required")
    return TransferResult("failed")
