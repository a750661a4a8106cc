// The sign-in pages of the scripted server, and the test's line to it.

import { once } from "node:events";
import { createServer } from "node:http";

/** Starts it; the status is held back at first. */
export async function startControl() {
  const received = [];
  const servers = new Set();
  let held = [];
  const http = createServer((request, response) => {
    if (request.url === "/orders") {
      response.writeHead(200).flushHeaders();
      servers.add(response);
      request.on("close", () => servers.delete(response));
    } else if (request.url === "/status") {
      if (held === undefined) response.end();
      else held.push(response);
    } else if (request.url === "/record") {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        received.push(JSON.parse(body));
        response.end();
      });
    } else {
      response.writeHead(200, { "content-type": "text/html" }).end("<h1>Sign in</h1>");
    }
  }).listen(0, "127.0.0.2"); // VS Code rewrites addresses on 127.0.0.1, not on this one
  await once(http, "listening");
  return {
    received,
    /** How many servers are there to hear an order. */
    listening: () => servers.size,
    origin: `http://127.0.0.2:${http.address().port}`,
    order: (word) => { for (const server of servers) server.write(`${word}\n`); },
    holdStatus: () => { held = []; },
    tellStatus: () => {
      for (const response of held) response.end();
      held = undefined;
    },
    close: () => {
      http.closeAllConnections();
      http.close();
    },
  };
}
