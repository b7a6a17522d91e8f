# a result that says it is of the right class | only plain data passes | fail

from saga_lab.worlds.shop import OrderResult


class Liar:
    status, payment_id, reservation_id, shipment_id = "completed", "payment-1", "reservation-1", "shipment-1"
    __class__ = property(lambda self: OrderResult)

    def __getattr__(self, name):
        return "completed"


async def order_saga(saga, order, shop):
    return Liar()
