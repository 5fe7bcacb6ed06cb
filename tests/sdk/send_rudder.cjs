// The story of one customer, and a crowd, told with @rudderstack/rudder-sdk-node: only host and write key are set.
"use strict";
const RudderAnalytics = require("@rudderstack/rudder-sdk-node");

const [host, writeKey, person, crowd] = process.argv.slice(2);
const client = new RudderAnalytics(writeKey, { dataPlaneUrl: host });
const answers = [];

function tell(call, message) {
  answers.push(
    new Promise((resolve, reject) => {
      client[call](message, (error) => (error ? reject(error) : resolve()));
    }),
  );
}

tell("track", { anonymousId: `anon-${person}`, event: "Product Viewed", properties: { product_id: "p1", price: 9.5 } });
tell("identify", { userId: person, anonymousId: `anon-${person}`, traits: { name: "王小满", city: "杭州" } });
tell("track", {
  userId: person,
  event: "Order Completed",
  properties: {
    order_id: `order-${person}`,
    currency: "CNY",
    discount: 1,
    products: [{ product_id: "p1", name: "Soap", price: 9.5, quantity: 2 }],
  },
});
tell("page", { userId: person, category: "shop", name: "Home", properties: { path: "/home" } });
tell("screen", { userId: person, category: "shop", name: "Cart" });
tell("group", { userId: person, groupId: "vip-group", traits: { name: "VIP" } });
tell("alias", { previousId: `old-${person}`, userId: person });
for (let number = 0; number < Number(crowd); number += 1)
  tell("track", { userId: person, event: "Checked In", properties: { streak_days: number } });

// One flush sends at most twenty events; the client's own timer would take the rest later.
async function finish() {
  while (client.queue.length) await client.flush();
  await Promise.all(answers);
}
finish().then(
  () => process.exit(0),
  (error) => {
    console.log("failures:", error);
    process.exit(1);
  },
);
