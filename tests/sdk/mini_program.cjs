// A stand-in for a mini-program's runtime: storage in a file that outlives the process, requests over HTTP, a network
// that can be away. It runs the code of the guide and one scene; what the storage holds at the end lies in the file.
"use strict";
const fs = require("node:fs");
const http = require("node:http");

const [code, storagePath, host, writeKey, scene, person] = process.argv.slice(2);
const storage = fs.existsSync(storagePath) ? JSON.parse(fs.readFileSync(storagePath, "utf8")) : {};
const listeners = [];
let online = scene !== "offline";

function request({ url, method, data, success, fail }) {
  if (!online) return setTimeout(() => fail({ errMsg: "request:fail" }), 5);
  const body = JSON.stringify(data);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const sent = http.request(url, { method, headers }, (answer) => {
    answer.resume().on("end", () => success({ statusCode: answer.statusCode, header: answer.headers }));
  });
  sent.on("error", (error) => fail({ errMsg: String(error) }));
  return sent.end(body);
}

global.wx = {
  getStorageSync: (name) => (name in storage ? JSON.parse(JSON.stringify(storage[name])) : ""),
  setStorageSync: (name, value) => {
    storage[name] = value;
    fs.writeFileSync(storagePath, JSON.stringify(storage));
  },
  onNetworkStatusChange: (listener) => listeners.push(listener),
  request,
};

const source = fs.readFileSync(code, "utf8");
const ready = source.replace("https://huitou.example.com", host).replace("hw_...", writeKey);
const huitou = {};
new Function("exports", ready)(huitou);

if (scene === "offline") {
  huitou.track("Product Viewed", { product_id: "p1", price: 9.5 });
  huitou.page("Home", { path: "/home" });
  huitou.identify(person, { city: "杭州" });
  // The process ends while the events still wait, as when a mini-program is swept away.
  setTimeout(() => process.exit(0), 1500);
} else {
  huitou.track("Checked In", { streak_days: 3 });
  if (scene === "late") {
    online = false;
    setTimeout(() => {
      online = true;
      for (const listener of listeners) listener({ isConnected: true });
    }, 1500);
  }
  const until = Date.now() + 30000;
  const look = setInterval(() => {
    if (!storage.huitou_queue.length || Date.now() > until) {
      clearInterval(look);
      process.exit(0);
    }
  }, 20);
}
