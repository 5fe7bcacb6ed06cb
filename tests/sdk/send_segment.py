"""The story of one customer, and a crowd, told with segment-analytics-python: only host and write key are set."""

import sys

from segment.analytics.client import Client

host, key, person, crowd = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
failures: list[object] = []
client = Client(key, host=host, gzip=True, on_error=lambda error, batch: failures.append(error))
client.track(anonymous_id=f"anon-{person}", event="Product Viewed", properties={"product_id": "p1", "price": 9.5})
client.identify(user_id=person, anonymous_id=f"anon-{person}", traits={"name": "王小满", "city": "杭州"})
client.track(
    user_id=person,
    event="Order Completed",
    properties={
        "order_id": f"order-{person}",
        "currency": "CNY",
        "discount": 1,
        "products": [{"product_id": "p1", "name": "Soap", "price": 9.5, "quantity": 2}],
    },
)
client.page(user_id=person, category="shop", name="Home", properties={"path": "/home"})
client.screen(user_id=person, category="shop", name="Cart")
client.group(user_id=person, group_id="vip-group", traits={"name": "VIP"})
client.alias(previous_id=f"old-{person}", user_id=person)
for number in range(crowd):
    client.track(user_id=person, event="Checked In", properties={"streak_days": number})
client.flush()
client.shutdown()
sys.stdout.write(f"failures: {failures}")
sys.exit(bool(failures))
