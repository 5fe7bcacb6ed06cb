// The story of one customer, and a crowd, told with @segment/analytics-node: only host and write key are set.
"use strict";
const { Analytics } = require("@segment/analytics-node");

const [host, writeKey, person, crowd] = process.argv.slice(2);
const client = new Analytics({ writeKey, host });
const failures = [];
client.on("error", (error) => failures.push(error));

client.track({ anonymousId: `anon-${person}`, event: "Product Viewed", properties: { product_id: "p1", price: 9.5 } });
client.identify({ userId: person, anonymousId: `anon-${person}`, traits: { name: "王小满", city: "杭州" } });
client.track({
  userId: person,
  event: "Order Completed",
  properties: {
    order_id: `order-${person}`,
    currency: "CNY",
    discount: 1,
    products: [{ product_id: "p1", name: "Soap", price: 9.5, quantity: 2 }],
  },
});
client.page({ userId: person, category: "shop", name: "Home", properties: { path: "/home" } });
client.screen({ userId: person, category: "shop", name: "Cart" });
client.group({ userId: person, groupId: "vip-group", traits: { name: "VIP" } });
client.alias({ previousId: `old-${person}`, userId: person });
for (let number = 0; number < Number(crowd); number += 1)
  client.track({ userId: person, event: "Checked In", properties: { streak_days: number } });
client.closeAndFlush({ timeout: 60000 }).then(() => {
  console.log("failures:", failures);
  process.exit(failures.length ? 1 : 0);
});
