/** Ports by a machine of the test's own, and once by the real one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer } from "node:net"
import { freePorts, LOOPBACK, probe, type Probe } from "#cli/dev/ports"

const WANTED = { probes: { name: "probes", port: 8080 }, dashboard: { name: "dashboard", port: 8082 } }

const machine =
  (taken: Readonly<Record<number, string>>): Probe =>
  (port) => {
    const code = taken[port]
    return Effect.succeed(code === undefined ? { port: port === 0 ? 40_000 : port } : { code })
  }

describe("ports", () => {
  it.effect("are the usual ones where they can be had", () =>
    Effect.gen(function* () {
      const { dashboard, probes } = yield* freePorts(WANTED, machine({}))
      assert.deepStrictEqual([probes, dashboard], [WANTED.probes, WANTED.dashboard])
    })
  )

  it.effect("move to one nearby that can be recognised, and say why", () =>
    Effect.gen(function* () {
      const { dashboard, probes } = yield* freePorts(WANTED, machine({ 8080: "EADDRINUSE", 8180: "EADDRINUSE" }))
      assert.strictEqual(probes.port, 8280)
      assert.strictEqual(probes.moved, "probes: 8280 instead of 8080: another program listens there")
      assert.isUndefined(dashboard.moved)
    })
  )

  it.effect("are never given twice, and any other when all nearby are taken", () =>
    Effect.gen(function* () {
      const taken = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [80 + index * 100, "EACCES"]))
      const wanted = {
        one: { name: "one", port: 80 },
        two: { name: "two", port: 8080 },
        three: { name: "three", port: 8080 }
      }
      const { one, three, two } = yield* freePorts(wanted, machine(taken))
      assert.strictEqual(one.moved, "one: 40000 instead of 80: this user may not listen there")
      assert.strictEqual(two.port, 8080)
      assert.strictEqual(three.port, 8180)
    })
  )

  it.live("are asked of the real machine", () =>
    Effect.gen(function* () {
      const free = yield* probe(0)
      assert.isTrue("port" in free && free.port > 0)
      const holder = createServer()
      const held = yield* Effect.callback<number>((resume) => {
        holder.listen(0, LOOPBACK, () => {
          const address = holder.address()
          resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
        })
      })
      assert.deepStrictEqual(yield* probe(held), { code: "EADDRINUSE" })
      yield* Effect.callback<void>((resume) => void holder.close(() => resume(Effect.void)))
      assert.deepStrictEqual(yield* probe(held), { port: held })
    })
  )
})
