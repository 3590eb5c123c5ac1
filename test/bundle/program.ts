/**
 * A small program for test/bundle.test.ts: it touches what bundling has broken before (undici behind Effect's client)
 * and what must not be loaded before it is asked for.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const crashesHere = () => new Error("a crash")

const server = createServer((_, response) => response.end("answered")).listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo
  const request = HttpClient.get(`http://127.0.0.1:${port}/`).pipe(
    Effect.flatMap((response) => response.text),
    Effect.provide(NodeHttpClient.layerUndici)
  )
  void Effect.runPromise(request)
    .then(async (text) => {
      console.log(text)
      if (process.argv[2] === "crash") console.log(crashesHere().stack)
      if (process.argv[2] === "lazy") console.log((await import("./lazy.ts")).lazy)
    })
    .finally(() => server.close())
})
