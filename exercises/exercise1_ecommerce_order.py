"""Exercise 1, beginner: an order saga with payment, inventory and shipping.

Build an order out of four steps:

1. charge the payment
2. reserve the inventory
3. create the shipment
4. send the confirmation mail

and undo what was done when a step fails:

- inventory fails: refund the payment
- shipment fails: release the inventory and refund the payment
- mail fails: go on, it is not critical

Return OrderResult("completed", payment_id, reservation_id, shipment_id), or OrderResult("failed").
When an undo itself gets no answer, neither is true: return OrderResult("manual_intervention_required").
The notebook of the same name tells what the services do, and which verbs you need.
Grade it with: saga-lab grade exercise1_ecommerce_order.py
"""

from saga_lab import SagaContext
from saga_lab.worlds.shop import OrderRequest, OrderResult, Shop


async def order_saga(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    # TODO: implement the saga

    # Step 1: charge the payment
    # payment_id = await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)

    # Step 2: reserve the inventory (refund the payment when it fails)

    # Step 3: create the shipment (release the inventory and refund the payment when it fails)

    # Step 4: send the mail (optional: its failure does not fail the saga)

    return OrderResult(status="completed")
