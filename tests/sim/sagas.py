"""Sagas to simulate: a right one, and small wrong ones."""

from __future__ import annotations

from saga_lab import CompensationFailed, SagaContext, StepFailed
from saga_lab.worlds.platform import DeploymentRequest, DeploymentResult, Platform
from saga_lab.worlds.shop import OrderRequest, OrderResult, Shop


async def careful(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    """Charge, reserve and ship; undo all of it if one fails."""
    pay, stock, ship = shop.payments, shop.inventory, shop.shipping
    try:
        async with saga.scope():
            paid = await saga.step(
                "charge",
                pay.charge,
                order.customer_id,
                order.amount,
                compensate=pay.refund,
                check=pay.find,
            )
            held = await saga.step(
                "reserve",
                stock.reserve,
                order.order_id,
                order.items,
                compensate=stock.release,
                check=stock.find,
            )
            sent = await saga.step(
                "ship",
                ship.create,
                order.order_id,
                held,
                compensate=ship.cancel,
                check=ship.find,
                pivot=True,
            )
    except CompensationFailed:
        return OrderResult("manual_intervention_required")
    except StepFailed:
        return OrderResult("failed")
    return OrderResult("completed", paid, held, sent)


async def charge_only(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    """Charge, and never undo."""
    try:
        paid = await saga.step("charge", shop.payments.charge, order.customer_id, order.amount)
    except StepFailed:
        return OrderResult("failed")
    return OrderResult("completed", paid)


async def patient(saga: SagaContext, order: OrderRequest, shop: Shop) -> OrderResult:
    """Wait for thirty days, then charge."""
    await saga.sleep(30 * 86_400)
    return await charge_only(saga, order, shop)


async def nothing_stays(
    saga: SagaContext, deployment: DeploymentRequest, platform: Platform
) -> DeploymentResult:
    """Deploy to both environments, and take it all back."""
    environments = platform.environments
    for name in ("staging", "production"):
        args = (name, deployment.version, deployment.image_tag)
        await saga.step(name, environments.deploy, *args, compensate=environments.rollback)
    try:
        await saga.compensate(on_stuck="continue")
    except CompensationFailed:
        return DeploymentResult("manual_intervention_required")
    return DeploymentResult("failed")
