import { Effect, Fiber } from "effect"
import { assert, describe } from "vitest"
import { Ledger } from "#operator/Ledger"
import { makeWorld, NAMESPACE, running, type World } from "#test/operator/operatorWorld"
import { simulated } from "#test/simulation/inSimulation"

/** An operator that is gone as soon as it has written, and what there is then. */
const dyingInItsWrite = Effect.fnUntraced(function* (world: World, target: string, wanted: number) {
  const { layer, port } = world.operator("a")
  world.api.onCommit(({ manager, resource }) => {
    if (resource === "deployments.apps" && manager === "nimbusguard" && world.writes.length === 1) port.cut()
  })
  world.load(target, wanted)
  const fiber = yield* Effect.forkScoped(Effect.provide(Effect.never, layer))
  yield* Effect.sleep("30 seconds")
  yield* Fiber.interrupt(fiber)
  assert.strictEqual(world.replicas(target), wanted)
})

describe("what the leader before this one wrote", () => {
  simulated(
    "does not report a write again that it recorded itself before it lost the lease and won it back",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 3)
      world.policy("web", { scaling: { minReplicas: 1, maxReplicas: 10, cooldownPeriod: 120 } })
      world.load("web", 3)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("1 minute")
          const healed = world.api.fault(({ method, path }) =>
            method === "PATCH" && path.endsWith("/status") && world.writes.length > 0
              ? { kind: "unreachable" }
              : undefined
          )
          world.load("web", 6)
          yield* Effect.sleep("20 seconds")
          assert.strictEqual(world.replicas("web"), 6)
          world.api.setDown(true)
          yield* Effect.sleep("30 seconds")
          healed()
          world.api.setDown(false)
          world.load("web", 2)
          yield* Effect.sleep("10 minutes")
          const ledger = yield* Ledger
          const outcomes = (yield* ledger.activity).map(({ outcome }) => outcome).filter((each) => each !== "Refused")
          assert.deepStrictEqual(outcomes, ["Scaled", "Scaled"])
          // The cooldown is that of the write, not of its being found again.
          const [up, down] = world.writes.map(({ at }) => at)
          assert.isAtLeast((down ?? 0) - (up ?? 0), 120_000)
        })
      )
    }),
    { seeds: 3 }
  )

  simulated(
    "reports a write once whose record died with its operator, and counts it",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 3)
      world.policy("web")
      world.load("web", 3)
      const a = world.operator("a")
      const first = yield* Effect.forkScoped(Effect.provide(Effect.never, a.layer))
      yield* Effect.sleep("1 minute")
      assert.strictEqual(world.status("web").currentReplicas, 3)
      world.api.onCommit(({ manager, resource }) => {
        if (resource === "deployments.apps" && manager === "nimbusguard" && world.writes.length === 1) a.port.cut()
      })
      world.load("web", 6)
      yield* Effect.sleep("30 seconds")
      yield* Fiber.interrupt(first)
      assert.strictEqual(world.replicas("web"), 6)
      assert.strictEqual(world.status("web").currentReplicas, 3)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("2 minutes")
          const activity = yield* (yield* Ledger).activity
          assert.deepStrictEqual(
            activity.map(({ from, outcome, to }) => [outcome, from, to]),
            [["Recovered", 3, 6]]
          )
          assert.deepInclude(world.status("web").commitments?.[0], { lastWritten: 6 })
          assert.strictEqual(world.events().filter((event) => event === "web: Recovered").length, 1)
          assert.notInclude(world.events(), "web: ReplicasChanged")
        }),
        "b"
      )
      yield* running(world, Effect.sleep("1 minute"), "c")
      assert.strictEqual(world.events().filter((event) => event === "web: Recovered").length, 1)
      assert.strictEqual(world.writes.length, 1)
    }),
    { seeds: 10 }
  )

  simulated(
    "keeps the cooldown of a write whose record died, even of a policy that nothing was reported of",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 3)
      const scaling = { minReplicas: 1, maxReplicas: 10, cooldownPeriod: 120 }
      world.policy("web", { scaling: { ...scaling, behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } } })
      yield* dyingInItsWrite(world, "web", 6)
      assert.notProperty(world.api.get("ScalingPolicy", NAMESPACE, "web")["status"] ?? {}, "commitments")
      world.load("web", 2)
      yield* running(world, Effect.sleep("4 minutes"), "b")
      const [up, down] = world.writes
      assert.deepStrictEqual([up?.to, down?.to, world.writes.length], [6, 2, 2])
      assert.isAtLeast((down?.at ?? 0) - (up?.at ?? 0), 120_000)
      assert.strictEqual(world.events().filter((event) => event === "web: Recovered").length, 1)
    }),
    { seeds: 5 }
  )

  simulated(
    "writes nothing before it could read whose replicas these are",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 3)
      world.policy("web")
      yield* dyingInItsWrite(world, "web", 6)
      const heal = world.api.fault(({ method, path }) =>
        method === "GET" && path.endsWith("/deployments/web") ? { kind: "refuse", status: 500 } : undefined
      )
      world.load("web", 2)
      const b = world.operator("b")
      const fiber = yield* Effect.forkScoped(Effect.provide(Effect.never, b.layer))
      yield* Effect.sleep("90 seconds")
      assert.strictEqual(world.writes.length, 1)
      assert.strictEqual(world.condition("web", "ScalingActive")?.reason, "ServerError")
      heal()
      yield* Effect.sleep("1 minute")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(world.replicas("web"), 2)
      const about = world.events().filter((event) => event.startsWith("web: "))
      assert.deepStrictEqual(about.toSorted(), ["web: Recovered", "web: ScaledDown"])
    }),
    { seeds: 5 }
  )

  simulated(
    "takes what an earlier policy of its name left behind for nobody's lost write",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 3)
      world.policy("web")
      world.load("web", 6)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("1 minute")
          world.api.remove("ScalingPolicy", NAMESPACE, "web")
          world.policy("web")
          yield* Effect.sleep("1 minute")
          const activity = yield* (yield* Ledger).activity
          assert.deepStrictEqual(
            activity.map(({ from, outcome, to }) => [outcome, from, to]),
            [["Scaled", 3, 6]]
          )
        })
      )
    }),
    { seeds: 5 }
  )

  for (const [when, millis, back] of [
    ["before it wants anything else", 0, 5],
    ["between its look and its write", 4_500, 3]
  ] as const) {
    simulated(
      `counts a write of the leader before it that came when it led already, ${when}`,
      Effect.gen(function* () {
        const world = yield* makeWorld
        world.deploy("web", 5)
        const behavior = { scaleDown: { stabilizationWindowSeconds: 0 } }
        world.policy("web", { scaling: { minReplicas: 1, maxReplicas: 10, cooldownPeriod: 120, behavior } })
        world.load("web", 5)
        yield* Effect.forkScoped(Effect.provide(Effect.never, world.operator("a").layer))
        yield* Effect.sleep("30 seconds")
        yield* Effect.forkScoped(Effect.provide(Effect.never, world.operator("b").layer))
        yield* Effect.sleep("30 seconds")
        let usurped = false
        world.api.fault(({ client, method, path }) => {
          if (usurped && client === "b" && method === "GET" && path.endsWith("/scale")) return { kind: "slow", millis }
          if (usurped) return client === "a" && path.includes("/leases") ? { kind: "unreachable" } : undefined
          if (method !== "PATCH" || !path.endsWith("/scale")) return undefined
          usurped = true
          world.api.remove("Lease", "nimbusguard", "nimbusguard-operator")
          world.load("web", back)
          return { kind: "slow", millis: 4_500 }
        })
        world.load("web", 8)
        yield* Effect.sleep("5 minutes")
        const [late, next] = world.writes
        assert.deepStrictEqual([late?.to, next?.to, world.writes.length], [8, back, 2])
        assert.isAtLeast((next?.at ?? 0) - (late?.at ?? 0), 120_000)
        assert.notInclude(world.events(), "web: ReplicasChanged")
      }),
      { seeds: 5 }
    )
  }

  simulated(
    "finds a write that went back to what a leader with a clock ahead had written, and that status does not show",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 3)
      world.policy("web", { scaling: { minReplicas: 1, maxReplicas: 10, cooldownPeriod: 120 } })
      yield* dyingInItsWrite(world, "web", 6)
      const ahead = new Date(world.api.now() + 600_000).toISOString()
      const commitments = [{ target: "Deployment/web", lastWriteTime: ahead, lastWritten: 6 }]
      world.api.patch("ScalingPolicy", NAMESPACE, "web", { status: { currentReplicas: 3, commitments } })
      yield* running(world, Effect.sleep("45 seconds"), "b")
      assert.include(world.events(), "web: Recovered")
    }),
    { seeds: 3 }
  )

  simulated(
    "takes a find for later than all that a clock ahead has remembered",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 3)
      const policies = [{ type: "Pods", value: 1, periodSeconds: 60 }]
      world.policy("web", { scaling: { minReplicas: 1, maxReplicas: 10, behavior: { scaleUp: { policies } } } })
      yield* dyingInItsWrite(world, "web", 4)
      const ahead = new Date(world.api.now() + 600_000).toISOString()
      const commitments = [
        {
          target: "Deployment/web",
          lastWriteTime: ahead,
          lastWritten: 3,
          rescales: [{ at: ahead, change: -1 }]
        }
      ]
      world.api.patch("ScalingPolicy", NAMESPACE, "web", { status: { currentReplicas: 3, commitments } })
      yield* running(world, Effect.sleep("45 seconds"), "b")
      const [told] = world.status("web").commitments ?? []
      const last = told?.lastWriteTime ?? ""
      assert.strictEqual(told?.lastWritten, 4)
      assert.isNotEmpty(told?.rescales)
      for (const { at } of told?.rescales ?? []) assert.isAtMost(Date.parse(at), Date.parse(last))
    }),
    { seeds: 3 }
  )
})
