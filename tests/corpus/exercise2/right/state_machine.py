"""A state machine: one variable says where the transfer stands."""

from saga_lab import InDoubt, StepFailed
from saga_lab.worlds.bank import TransferResult


async def transfer_saga(saga, transfer, bank):
    accounts, source, destination = bank.accounts, transfer.from_account, transfer.to_account
    result = TransferResult("completed")
    state = "debit" if transfer.amount > 0 and source != destination else "failed"
    while True:
        try:
            match state:
                case "debit":
                    result.debit_tx_id = await saga.step(
                        "debit", accounts.debit, source, transfer.amount, check=accounts.find
                    )
                    state = "credit"
                case "credit":
                    result.credit_tx_id = await saga.step(
                        "credit", accounts.credit, destination, transfer.amount, check=accounts.find
                    )
                    state = "record"
                case "record":
                    await saga.step(
                        "record",
                        bank.ledger.record,
                        transfer.transfer_id,
                        source,
                        destination,
                        transfer.amount,
                    )
                    return result
                case "void":
                    await saga.step("void", accounts.void, key=saga.key("credit"))
                    state = "reverse"
                case "reverse":
                    await saga.step("reverse", accounts.reverse, key=saga.key("debit"))
                    state = "failed"
                case "failed":
                    return TransferResult("failed")
        except StepFailed as failure:
            doubt = isinstance(failure, InDoubt)
            match state:
                case "debit":
                    state = "reverse" if doubt else "failed"
                case "credit":
                    state = "void" if doubt else "reverse"
                case _:
                    saga.park(f"{state} by hand, and what comes after it")
                    return TransferResult("manual_intervention_required")
