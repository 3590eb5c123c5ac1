import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { assert, describe, it } from "vitest"
import { Leader, type Leadership } from "#operator/Leader"
import { Kubernetes } from "#services/Kubernetes"
import { mergePatch } from "#services/kubernetesCalls"
import { SCALE_COMMIT_MILLIS } from "#services/kubernetesScale"
import { Simulation } from "#simulation/runSimulation"
import { check, simulated } from "#test/simulation/inSimulation"
import { FaultyApi, type FaultyPort } from "#test/worlds/FaultyApi"
import { objectAt, textAt } from "#cluster/api/json"

const TAKEOVER_MILLIS = 20_000
const MARK = { apiVersion: "v1", plural: "configmaps", namespace: "ops", name: "mark" }
const WRITE = { commitMillis: SCALE_COMMIT_MILLIS, timeoutMillis: SCALE_COMMIT_MILLIS + 1_000 }

const lease = (api: FaultyApi) => {
  const found = api.find("Lease", "ops", "nimbusguard-operator")
  return found === undefined ? undefined : objectAt(found, "spec")
}
const holder = (api: FaultyApi) => {
  const spec = lease(api)
  const name = spec === undefined ? undefined : textAt(spec, "holderIdentity")
  return name === "" ? undefined : name
}

const marked = (api: FaultyApi) => {
  api.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "mark", namespace: "ops" }, data: {} })
}

/** Writes its own name more than once a second, unfenced: only the act window keeps two of them apart. */
const acting = Effect.gen(function* () {
  const leader = yield* Leader
  let writes = 0
  return yield* Effect.gen(function* () {
    if (!(yield* leader.mayAct)) return
    const patch = { data: { by: leader.identity, n: String(++writes) } }
    // As patchScale does: what has been sent is awaited.
    yield* Effect.uninterruptible(Effect.ignore(mergePatch(Schema.Unknown, MARK, patch, undefined, WRITE)))
  }).pipe(Effect.andThen(Effect.sleep(700)), Effect.forever)
})

interface Process {
  readonly port: FaultyPort
  readonly fiber: Fiber.Fiber<unknown>
  readonly leader: Leader["Service"]
}

const start = Effect.fnUntraced(function* (api: FaultyApi, name: string, skewMillis = 0) {
  const { clock } = yield* Simulation
  const port = api.port(name)
  const kubernetes = Layer.succeed(Kubernetes, port.service)
  const layer = Leader.layer({ namespace: "ops", identity: name }).pipe(Layer.provideMerge(kubernetes))
  const ready = yield* Deferred.make<Leader["Service"]>()
  const fiber = yield* Effect.gen(function* () {
    const leader = yield* Leader
    yield* Deferred.succeed(ready, leader)
    return yield* leader.whileLeading(acting)
  }).pipe(Effect.provide(layer), Effect.provideService(Clock.Clock, clock.skewed(skewMillis)), Effect.forkScoped)
  const leader = yield* Deferred.await(ready)
  return { port, fiber, leader } satisfies Process
})

/** Its port is cut first, so that no finalizer can tidy up. */
const kill = ({ fiber, port }: Process) =>
  Effect.suspend(() => {
    port.cut()
    return Effect.forkScoped(Fiber.interrupt(fiber))
  })
const stop = ({ fiber }: Process) => Fiber.interrupt(fiber)

const eventually = Effect.fnUntraced(function* (condition: () => boolean, withinMillis: number) {
  const { clock } = yield* Simulation
  const from = clock.elapsed
  while (!condition()) {
    assert.isBelow(clock.elapsed - from, withinMillis)
    yield* Effect.sleep(50)
  }
  return clock.elapsed - from
})

const leading = ({ leader }: Process) => SubscriptionRef.getUnsafe(leader.state).leading

describe("the leader", () => {
  simulated(
    "ends its work when its Lease was deleted, before it leads again",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      marked(api)
      const a = yield* start(api, "a")
      yield* eventually(() => leading(a), 1_000)
      const ends: Array<boolean> = []
      yield* Effect.forkScoped(
        Stream.runForEach(SubscriptionRef.changes(a.leader.state), (state) =>
          Effect.sync(() => void ends.push(state.leading))
        )
      )
      yield* Effect.sleep("10 seconds")
      api.remove("Lease", "ops", "nimbusguard-operator")
      yield* eventually(() => ends.includes(false), 3_000)
      yield* eventually(() => leading(a), 3_000)
      assert.strictEqual(holder(api), a.leader.identity)
    }),
    { seeds: 5 }
  )

  simulated(
    "takes a lease that nobody holds, renews it every two seconds and tells a standby who leads",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      marked(api)
      const a = yield* start(api, "a")
      yield* eventually(() => leading(a), 1_000)
      const b = yield* start(api, "b")
      yield* Effect.sleep("1 minute")
      assert.isFalse(leading(b))
      const seen: Leadership = yield* SubscriptionRef.get(b.leader.state)
      assert.deepStrictEqual([seen.holder, seen.known, seen.trouble], [a.leader.identity, true, undefined])
      assert.isTrue(yield* a.leader.mayAct)
      assert.isFalse(yield* b.leader.mayAct)
      const renewals = api.calls.filter((call) => call.client === "a" && call.path.includes("/leases/"))
      assert.isAtLeast(renewals.length, 24)
      assert.isAtMost(renewals.length, 40)
      assert.isTrue(renewals.slice(1).every((call) => call.method === "PUT"))
      const spec = lease(api)
      assert.strictEqual(spec?.["leaseDurationSeconds"], 15)
      assert.strictEqual(spec?.["leaseTransitions"], 0)
      assert.match(String(textAt(spec ?? {}, "renewTime")), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/u)
    })
  )

  simulated(
    "gives the lease back when it is stopped, and another leads within two seconds and a little",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      marked(api)
      const a = yield* start(api, "a")
      yield* eventually(() => leading(a), 1_000)
      const b = yield* start(api, "b")
      yield* Effect.sleep("30 seconds")
      yield* stop(a)
      assert.isUndefined(holder(api))
      yield* eventually(() => leading(b), 2_100)
      assert.strictEqual(lease(api)?.["leaseTransitions"], 1)
    })
  )

  simulated(
    "leaves the lease of a killed leader to a standby as soon as it has run out, whatever their clocks say",
    Effect.gen(function* () {
      const { clock } = yield* Simulation
      const api = yield* FaultyApi.make()
      marked(api)
      const a = yield* start(api, "a", 3_600_000)
      yield* eventually(() => leading(a), 1_000)
      const b = yield* start(api, "b", -3_600_000)
      yield* Effect.sleep("1 minute")
      yield* kill(a)
      const killedAt = clock.elapsed
      // A lease, and what it took to see its last renewal.
      yield* eventually(() => leading(b), 17_250)
      assert.isAtLeast(clock.elapsed - killedAt, 12_000)
    }),
    { seeds: 20 }
  )

  simulated(
    "stops acting and then its work when it is cut off, before anybody else leads, and campaigns again after it",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      marked(api)
      const a = yield* start(api, "a")
      yield* eventually(() => leading(a), 1_000)
      const b = yield* start(api, "b")
      yield* Effect.sleep("30 seconds")
      api.setPartitioned("a", true)
      yield* eventually(() => !leading(a), 12_500)
      assert.isFalse(yield* a.leader.mayAct)
      assert.isFalse(leading(b))
      yield* eventually(() => leading(b), TAKEOVER_MILLIS)
      api.setPartitioned("a", false)
      yield* Effect.sleep("30 seconds")
      assert.strictEqual(SubscriptionRef.getUnsafe(a.leader.state).holder, b.leader.identity)
      yield* stop(b)
      yield* eventually(() => leading(a), 3_000)
    })
  )

  simulated(
    "awaits the end of lost work before it campaigns again, and renews while stopped work winds down",
    Effect.gen(function* () {
      const { clock } = yield* Simulation
      const api = yield* FaultyApi.make()
      const log: Array<string> = []
      const work = Effect.sync(() => log.push("starts")).pipe(
        Effect.andThen(Effect.never),
        Effect.onInterrupt(() =>
          Effect.sleep("40 seconds").pipe(Effect.andThen(Effect.sync(() => log.push(`ended ${holder(api)?.[0]}`))))
        )
      )
      const layer = Leader.layer({ namespace: "ops", identity: "a" }).pipe(Layer.provide(api.layer("a")))
      const context = yield* Layer.build(layer)
      const leader = Context.get(context, Leader)
      const fiber = yield* Effect.forkScoped(leader.whileLeading(work))
      yield* Effect.sleep("10 seconds")
      api.setPartitioned("a", true)
      yield* eventually(() => !SubscriptionRef.getUnsafe(leader.state).leading, 13_000)
      api.setPartitioned("a", false)
      yield* Effect.sleep("30 seconds")
      assert.deepStrictEqual(log, ["starts"])
      yield* Effect.sleep("20 seconds")
      assert.deepStrictEqual(log, ["starts", "ended a", "starts"])
      const stoppedAt = clock.elapsed
      const stopping = yield* Effect.forkScoped(Fiber.interrupt(fiber))
      yield* Effect.sleep("30 seconds")
      assert.isTrue(yield* leader.mayAct)
      yield* Fiber.join(stopping)
      assert.isAtLeast(clock.elapsed - stoppedAt, 40_000)
      assert.strictEqual(log.at(-1), "ended a")
      assert.isUndefined(holder(api))
    })
  )

  simulated(
    "returns what the work returns, fails as it fails, and gives the lease back either way",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const layer = Leader.layer({ namespace: "ops", identity: "a" }).pipe(Layer.provide(api.layer("a")))
      const leader = Context.get(yield* Layer.build(layer), Leader)
      assert.strictEqual(yield* leader.whileLeading(Effect.as(Effect.sleep("1 minute"), "done")), "done")
      assert.isUndefined(holder(api))
      const exit = yield* Effect.exit(leader.whileLeading(Effect.die("broken")))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.isUndefined(holder(api))
    })
  )

  simulated(
    "says why the lease is out of reach",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      marked(api)
      const heal = api.fault(() => ({ kind: "refuse", status: 403 }))
      const a = yield* start(api, "a")
      const troubles = yield* SubscriptionRef.changes(a.leader.state).pipe(
        Stream.map((state) => state.trouble?.reason._tag),
        Stream.takeUntil((tag) => tag !== undefined),
        Stream.runCollect
      )
      assert.strictEqual(troubles.at(-1), "Forbidden")
      heal()
      yield* eventually(() => leading(a), 5_000)
      assert.isUndefined(SubscriptionRef.getUnsafe(a.leader.state).trouble)
    })
  )

  simulated(
    "always leads without an election",
    Effect.gen(function* () {
      const leader = Context.get(yield* Layer.build(Leader.layerAlways("only")), Leader)
      assert.isTrue(yield* leader.mayAct)
      assert.strictEqual(yield* leader.whileLeading(Effect.succeed(7)), 7)
      assert.isTrue((yield* SubscriptionRef.get(leader.state)).leading)
    })
  )

  it("never lets two act at once, and always has a leader again when the faults are over", () => {
    let takeovers = 0
    let marks = 0
    check(
      Effect.gen(function* () {
        const sim = yield* Simulation
        const chance = sim.prng("faults")
        const api = yield* FaultyApi.make()
        marked(api)
        const names = ["a", "b", "c"]
        const holders = new Set<string>()
        let calm = false
        /** A client that reaches everything but the lease, and only slowly: the hardest case for the act window. */
        let leaseless = ""
        const violations: Array<string> = []
        api.onCommit((commit) => {
          const name = holder(api)
          if (name !== undefined) holders.add(name)
          if (commit.resource !== "configmaps" || commit.type !== "MODIFIED") return
          marks++
          const by = textAt(objectAt(commit.object, "data"), "by")
          if (by !== name) violations.push(`${by} wrote while ${name} led`)
        })
        api.fault((call) => {
          if (call.client === leaseless) {
            const lost = call.path.includes("/leases")
            return lost ? { kind: "loseRequest" } : { kind: "slow", millis: chance.between(0, 6_000) }
          }
          if (calm || !chance.chance(call.path.includes("/leases") ? 0.1 : 0.2)) return undefined
          switch (chance.below(5)) {
            case 0:
              return { kind: "slow", millis: chance.between(0, 12_000) }
            case 1:
              return { kind: "loseReply" }
            case 2:
              return { kind: "loseRequest" }
            case 3:
              return { kind: "unreachable" }
            default:
              return { kind: "refuse", status: chance.chance(0.5) ? 500 : 429, retryAfterSeconds: 1 }
          }
        })
        const processes = new Map<string, Process>()
        const boot = Effect.fnUntraced(function* (name: string) {
          processes.set(name, yield* start(api, name, chance.between(-600_000, 600_000)))
        })
        for (const name of names) yield* boot(name)

        const disturb = Effect.fnUntraced(function* () {
          // Mostly whoever leads: disturbing a standby proves little.
          const led = names.find((name) => holder(api)?.startsWith(`${name}_`))
          const name = (chance.chance(0.7) ? led : undefined) ?? names[chance.below(names.length)] ?? "a"
          const process = processes.get(name)
          if (process === undefined) return
          switch (chance.below(6)) {
            case 0:
              yield* kill(process)
              yield* Effect.sleep(chance.between(0, 10_000))
              return yield* boot(name)
            case 1:
              yield* stop(process)
              return yield* boot(name)
            case 2:
              api.setPartitioned(name, true)
              yield* Effect.sleep(chance.between(0, 40_000))
              return api.setPartitioned(name, false)
            case 3:
            case 4:
              leaseless = name
              yield* Effect.sleep(chance.between(0, 40_000))
              return void (leaseless = "")
            default:
              api.setDown(true)
              yield* Effect.sleep(chance.between(0, 20_000))
              return api.setDown(false)
          }
        })
        for (let round = 0; round < 25; round++) {
          yield* Effect.sleep(chance.between(0, 30_000))
          yield* disturb()
        }
        calm = true
        // A lost request of the stormy time may still hold a candidate up for its timeout.
        yield* eventually(() => [...processes.values()].some(leading), 2 * TAKEOVER_MILLIS)
        yield* Effect.sleep("1 minute")
        assert.deepStrictEqual(violations, [])
        assert.strictEqual([...processes.values()].filter(leading).length, 1)
        takeovers += holders.size - 1
      }),
      { seeds: 16 }
    )
    assert.isAbove(takeovers, 60)
    assert.isAbove(marks, 3_000)
  })
})
