import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Ref } from "effect"
import * as TestClock from "effect/testing/TestClock"
import type { KubernetesReason } from "#services/Kubernetes"
import { Secrets } from "#services/Secrets"
import { inTime, refused, run, sample, signal } from "#test/sources/sourceWorld"

const secret = { name: "prometheus", key: "token" }
const base64 = (text: string) => Buffer.from(text).toString("base64")

const get = (one = secret, namespace = "shop") => Effect.flatMap(Secrets, (secrets) => secrets.get(namespace, one))

const world = (kubernetes: Parameters<typeof run>[0]["kubernetes"]) =>
  run({ http: () => ({ fails: { _tag: "Unreachable" } }), kubernetes })

describe("a Secret's key", () => {
  it.effect("is asked by name, and never shown", () =>
    Effect.gen(function* () {
      const { calls, layer } = yield* world(() => ({ data: { token: base64("s3cret é\n") } }))
      const value = yield* inTime(get().pipe(Effect.provide(layer)))
      assert.strictEqual(Redacted.value(value), "s3cret é", "without the line break that files end with")
      assert.notInclude(inspect(value) + JSON.stringify(value), "s3cret")
      assert.deepStrictEqual(yield* Ref.get(calls), [
        { method: "GET", path: "/api/v1/namespaces/shop/secrets/prometheus" }
      ])
    })
  )

  it.effect("is remembered for a minute, and read anew after it", () =>
    Effect.gen(function* () {
      let value = "old"
      const { calls, layer } = yield* world(() => ({ data: { token: base64(value), other: base64("x") } }))
      yield* Effect.gen(function* () {
        const read = Effect.fnUntraced(function* (key: string) {
          const fiber = yield* Effect.forkChild(get({ ...secret, key }))
          yield* TestClock.adjust("1 second")
          return Redacted.value(yield* Fiber.join(fiber))
        })
        yield* Effect.forEach([1, 2, 3], () => read("token"), { concurrency: "unbounded" })
        value = "new"
        yield* TestClock.adjust("50 seconds")
        assert.strictEqual(yield* read("token"), "old")
        assert.strictEqual((yield* Ref.get(calls)).length, 1)
        yield* read("other")
        assert.strictEqual((yield* Ref.get(calls)).length, 2, "another key is another question")
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* read("token"), "new")
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("that was rotated is sent by every source over HTTP within a minute; nothing is listed or watched", () =>
    Effect.gen(function* () {
      let token = "old-token"
      const { calls, layer, requests } = yield* world(() => ({ data: { token: base64(token) } }))
      const options = { bearerSecret: secret }
      const signals = [
        signal("prometheus", { ...options, serverUrl: "http://prometheus:9090", query: "up" }),
        signal("nats", { ...options, natsMonitoringURL: "http://nats:8222", subject: "orders" }),
        signal("http", { ...options, url: "http://billing/queue", jsonPointer: "/depth" })
      ]
      const sent = Effect.gen(function* () {
        yield* Ref.set(requests, [])
        const fiber = yield* Effect.forkChild(Effect.forEach(signals, (one) => sample(one)))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)
        const asked = yield* Ref.get(requests)
        return [...new Set(asked.map(({ headers }) => headers?.["authorization"]))]
      })
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* sent, ["Bearer old-token"])
        token = "new-token"
        assert.deepStrictEqual(yield* sent, ["Bearer old-token"])
        yield* TestClock.adjust("59 seconds")
        assert.deepStrictEqual(yield* sent, ["Bearer new-token"])
      }).pipe(Effect.provide(layer))
      for (const { method, path } of yield* Ref.get(calls)) {
        assert.strictEqual(`${method} ${path}`, "GET /api/v1/namespaces/shop/secrets/prometheus")
      }
    })
  )

  it.effect("that is missing is looked for again within seconds", () =>
    Effect.gen(function* () {
      let there = false
      const { layer } = yield* world(() => (there ? { data: { token: base64("x") } } : refused({ _tag: "NotFound" })))
      yield* Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(inTime(get()))).why, "NoSecret")
        there = true
        assert.strictEqual(Redacted.value(yield* inTime(get())), "x")
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("has a reason and a remedy when it cannot be had", () =>
    Effect.gen(function* () {
      const answers: ReadonlyArray<readonly [unknown, string, RegExp]> = [
        [
          { data: { user: base64("x"), password: base64("y") } },
          "NoSecret",
          /no key token: it has user, password\. Add/u
        ],
        [{ data: {} }, "NoSecret", /it is empty/u],
        [{}, "NoSecret", /it is empty/u],
        [{ data: null }, "NoSecret", /it is empty/u],
        [{ data: { toString: "x" } }, "NoSecret", /no key token/u],
        [{ data: { token: "%%%" } }, "Malformed", /not base64/u],
        [{ data: { token: 42 } }, "Malformed", /is no Secret/u],
        ["<html>", "Malformed", /is no Secret/u],
        ...(
          [
            [{ _tag: "NotFound" }, "NoSecret", /There is no Secret shop\/prometheus\. Create it/u],
            [{ _tag: "Forbidden" }, "Forbidden", /Let its ServiceAccount "get" secrets/u],
            [{ _tag: "Unauthorized" }, "Forbidden", /may not read/u],
            [{ _tag: "Throttled", retryAfterMillis: 1 }, "Throttled", /too busy/u],
            [{ _tag: "Unreachable" }, "Unreachable", /did not answer/u],
            [{ _tag: "ServerError", status: 500 }, "Unreachable", /did not answer/u],
            [{ _tag: "Malformed" }, "Malformed", /is no Secret/u]
          ] as ReadonlyArray<readonly [KubernetesReason, string, RegExp]>
        ).map(([reason, why, text]) => [refused(reason), why, text] as const)
      ]
      for (const [answer, why, text] of answers) {
        const { layer } = yield* world(() => answer)
        const error = yield* Effect.flip(inTime(get().pipe(Effect.provide(layer))))
        assert.strictEqual(error.why, why, error.detail)
        assert.match(error.detail, text)
      }
    })
  )
})
