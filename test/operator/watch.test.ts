import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { assert, describe, it } from "vitest"
import {
  initial,
  type Input,
  type Machine,
  pauseMillis,
  runWatch,
  transition,
  watch,
  type WatchEvent
} from "#operator/watch"
import { makeWatched, objectKey } from "#operator/Watched"
import { KubernetesError, type KubernetesReason } from "#services/Kubernetes"
import { Simulation } from "#simulation/runSimulation"
import { check, simulated } from "#test/simulation/inSimulation"
import { type JsonObject, FaultyApi } from "#test/worlds/FaultyApi"
import { isObject, objectAt, textAt } from "#cluster/api/json"

const COLLECTION = { apiVersion: "v1", plural: "configmaps" }

const configMap = (name: string, data: JsonObject = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "shop" },
  data
})

const failedWith = (reason: KubernetesReason): Input => ({
  _tag: "Failed",
  error: new KubernetesError({ request: "GET /x", reason, detail: "" })
})
const page = (names: ReadonlyArray<string>, token?: string): Input => ({
  _tag: "Paged",
  page: { metadata: { resourceVersion: "10", ...(token === undefined ? {} : { continue: token }) }, items: names }
})
const came = (type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK", resourceVersion: string): Input => ({
  _tag: "Came",
  event: { type, object: resourceVersion },
  resourceVersion
})
const run = (inputs: ReadonlyArray<Input>, from: Machine = initial) => {
  let machine = from
  const told: Array<string> = []
  for (const input of inputs) {
    const { tell, ...next } = transition(machine, input)
    machine = next
    for (const event of tell) told.push("object" in event ? `${event._tag} ${String(event.object)}` : event._tag)
  }
  return { machine, told }
}
const throttled: KubernetesReason = { _tag: "Throttled", retryAfterMillis: 7_000 }

describe("the watch machine", () => {
  it("tells a list of several pages as one", () => {
    const { machine, told } = run([page(["a", "b"], "next"), page(["c"]), came("ADDED", "11")])
    assert.deepStrictEqual(told, ["Init", "InitApply a", "InitApply b", "InitApply c", "InitDone", "Applied 11"])
    assert.deepStrictEqual(machine.state, { _tag: "Watching", resourceVersion: "11" })
  })

  it("goes on from a bookmark and tells nobody", () => {
    const { machine, told } = run([page([]), came("BOOKMARK", "99"), came("DELETED", "100")])
    assert.deepStrictEqual(told, ["Init", "InitDone", "Deleted 100"])
    assert.deepStrictEqual(machine.state, { _tag: "Watching", resourceVersion: "100" })
  })

  const listed = run([page(["a"])]).machine
  const cases: ReadonlyArray<{ readonly title: string; readonly given: ReadonlyArray<Input>; readonly want: string }> =
    [
      { title: "lists again when its version is gone", given: [failedWith({ _tag: "Gone" })], want: "Unlisted" },
      { title: "lists again after silence", given: [{ _tag: "Silent" }], want: "Unlisted" },
      { title: "lists again after an unreadable event", given: [failedWith({ _tag: "Malformed" })], want: "Unlisted" },
      { title: "resumes after a clean end", given: [{ _tag: "Ended", livedMillis: 5 }], want: "Watching" },
      {
        title: "resumes however often the server is away",
        given: Array.from({ length: 50 }, () => failedWith({ _tag: "Unreachable" })),
        want: "Watching"
      },
      { title: "resumes when told to come back later", given: [failedWith(throttled)], want: "Watching" },
      {
        title: "begins anew when one version keeps failing",
        given: Array.from({ length: 5 }, () => failedWith({ _tag: "ServerError", status: 500 })),
        want: "Unlisted"
      },
      {
        title: "does not begin anew for four failures",
        given: Array.from({ length: 4 }, () => failedWith({ _tag: "ServerError", status: 500 })),
        want: "Watching"
      }
    ]
  for (const { given, title, want } of cases) {
    it(title, () => assert.strictEqual(run(given, listed).machine.state._tag, want))
  }

  it("starts a list over when its version goes away between two pages, and the swap forgets the first attempt", () => {
    const { told } = run([page(["a"], "next"), failedWith({ _tag: "Gone" }), page(["b"])])
    assert.deepStrictEqual(told, ["Init", "InitApply a", "Init", "InitApply b", "InitDone"])
  })

  it("takes a kind for absent only after three answers that it is not served", () => {
    const absent = failedWith({ _tag: "NotFound" })
    assert.deepStrictEqual(run([absent, absent]).told, [])
    assert.deepStrictEqual(run([absent, absent, absent, absent]).told, ["Init", "InitDone"])
    const away = failedWith({ _tag: "Unreachable" })
    const outage = [away, away, away, away]
    assert.deepStrictEqual(run([...outage, absent, absent]).told, [])
    assert.deepStrictEqual(run([...outage, absent, absent, absent]).told, ["Init", "InitDone"])
    assert.deepStrictEqual(run([absent, absent, away, absent, absent]).told, [])
  })

  it("waits 0.8 s after a failure, doubles up to 30 s, and forgets it all with the first success", () => {
    const failure = failedWith({ _tag: "ServerError", status: 500 })
    const waits = Array.from({ length: 8 }, (_, index) =>
      pauseMillis(
        run(
          Array.from({ length: index + 1 }, () => failure),
          listed
        ).machine,
        failure
      )
    )
    assert.deepStrictEqual(waits, [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
    const healed = run([failure, failure, came("BOOKMARK", "11"), failure], listed).machine
    assert.strictEqual(pauseMillis(healed, failure), 800)
  })

  it("asks every few seconds whether a server is back that nobody can reach, and forgives it what it says at first", () => {
    const away = failedWith({ _tag: "Unreachable" })
    const outage = (times: number) => Array.from({ length: times }, () => away)
    const waits = [1, 2, 3, 4, 9].map((times) => pauseMillis(run(outage(times), listed).machine, away))
    assert.deepStrictEqual(waits, [800, 1600, 3200, 3200, 3200])
    const refused = failedWith({ _tag: "Forbidden" })
    assert.strictEqual(pauseMillis(run([...outage(9), refused], listed).machine, refused), 6_400)
  })

  it("does not hold an outage against a server that is back and wants a list", () => {
    const inputs = [
      ...Array.from({ length: 9 }, () => failedWith({ _tag: "Unreachable" })),
      failedWith({ _tag: "Gone" })
    ]
    assert.strictEqual(pauseMillis(run(inputs, listed).machine, failedWith({ _tag: "Gone" })), 800)
  })

  it("waits as long as the server asks for", () => {
    assert.strictEqual(pauseMillis(run([failedWith(throttled)], listed).machine, failedWith(throttled)), 7_000)
  })

  it("resumes at once when a watch ends, but not when it keeps ending", () => {
    const ended: Input = { _tag: "Ended", livedMillis: 5 }
    const pauses = [1, 2, 3].map((times) =>
      pauseMillis(
        run(
          Array.from({ length: times }, () => ended),
          listed
        ).machine,
        ended
      )
    )
    assert.deepStrictEqual(pauses, [0, 800, 1600])
    const long: Input = { _tag: "Ended", livedMillis: 300_000 }
    assert.strictEqual(pauseMillis(run([ended, ended, long], listed).machine, long), 0)
  })
})

const dataOf = (object: unknown) => (isObject(object) ? JSON.stringify(object["data"] ?? {}) : undefined)
const project = (object: unknown) => {
  if (!isObject(object)) return undefined
  return { name: textAt(objectAt(object, "metadata"), "name"), data: dataOf(object) ?? "" }
}

/** What the API server holds, in the form that the watch keeps. */
const truth = (api: FaultyApi) =>
  api
    .list("ConfigMap")
    .map((object) => `${textAt(objectAt(object, "metadata"), "name")}=${dataOf(object)}`)
    .sort()

describe("a watch in a world", () => {
  simulated(
    "streams a list and what happens after it",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      for (const name of ["a", "b", "c"]) api.create(configMap(name))
      const seen = yield* watch({ collection: COLLECTION, limit: 2 }).pipe(
        Stream.take(7),
        Stream.map((event) => event._tag),
        Stream.runCollect,
        Effect.provide(api.layer()),
        Effect.forkScoped
      )
      yield* Effect.sleep("5 seconds")
      api.create(configMap("d"))
      api.remove("ConfigMap", "shop", "a")
      const tags: ReadonlyArray<WatchEvent["_tag"]> = yield* Fiber.join(seen)
      assert.deepStrictEqual(tags, ["Init", "InitApply", "InitApply", "InitApply", "InitDone", "Applied", "Deleted"])
    })
  )

  simulated(
    "asks for bookmarks and for an end within five to ten minutes, and resumes from the last version",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(configMap("a"))
      yield* runWatch({ collection: COLLECTION }, () => Effect.void).pipe(
        Effect.provide(api.layer()),
        Effect.forkScoped
      )
      const keepAlive = Effect.sleep("1 minute").pipe(Effect.andThen(Effect.sync(() => api.bookmark())), Effect.forever)
      yield* Effect.forkScoped(keepAlive)
      yield* Effect.sleep("1 minute")
      const version = String(api.server.store.version)
      api.endWatches()
      yield* Effect.sleep("1 hour")
      const watches = api.calls.filter((call) => call.method === "WATCH")
      const lists = api.calls.filter((call) => call.method === "GET")
      assert.strictEqual(lists.length, 1)
      assert.isAtLeast(watches.length, 6)
      assert.isAtMost(watches.length, 15)
      for (const { query } of watches) {
        assert.strictEqual(query["allowWatchBookmarks"], "true")
        assert.isAtLeast(Number(query["timeoutSeconds"]), 300)
        assert.isAtMost(Number(query["timeoutSeconds"]), 600)
      }
      assert.strictEqual(watches[1]?.query["resourceVersion"], version)
    })
  )

  simulated(
    "lists anew when nothing has been heard for minutes, so that a dead connection is not believed",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(configMap("a"))
      const watched = yield* makeWatched({ collections: [COLLECTION], project }).pipe(Effect.provide(api.layer("op")))
      yield* watched.synced
      yield* Effect.sleep("1 second")
      api.setPartitioned("op", true)
      api.create(configMap("b"))
      yield* Effect.sleep("5 seconds")
      api.setPartitioned("op", false)
      yield* Effect.sleep("5 minutes")
      assert.strictEqual(watched.size(), 2)
    })
  )

  simulated(
    "keeps what it knows while the server is away, and comes back without a jump",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(configMap("stays"))
      api.create(configMap("goes"))
      const changes: Array<string> = []
      const watched = yield* makeWatched({
        collections: [COLLECTION],
        project,
        onChange: ({ after, before, key }) => {
          changes.push(`${key} ${before === undefined ? "-" : "x"}>${after === undefined ? "-" : "x"}`)
        },
        same: (before, after) => before.data === after.data
      }).pipe(Effect.provide(api.layer()))
      yield* watched.synced
      assert.strictEqual(watched.size(), 2)
      api.setDown(true)
      api.compact()
      yield* Effect.sleep("10 minutes")
      assert.strictEqual(watched.size(), 2)
      assert.strictEqual(watched.troubles().length, 1)
      api.remove("ConfigMap", "shop", "goes")
      api.create(configMap("comes"))
      api.compact()
      changes.length = 0
      api.setDown(false)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(changes, ["shop/comes ->x", "shop/goes x>-"])
      assert.deepStrictEqual(watched.troubles(), [])
    }),
    { seeds: 30 }
  )

  simulated(
    "is well again when its connection has held, although nothing happens",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const watched = yield* makeWatched({ collections: [COLLECTION], project }).pipe(Effect.provide(api.layer()))
      yield* watched.synced
      api.setDown(true)
      yield* Effect.sleep("5 seconds")
      assert.strictEqual(watched.troubles().length, 1)
      api.setDown(false)
      yield* Effect.sleep("1 minute")
      assert.strictEqual(watched.troubles().length, 0)
      assert.strictEqual(api.calls.filter((call) => call.method === "GET").length, 1)
    })
  )

  simulated(
    "has no trouble with an optional kind that is not installed, also after an outage",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const collections = [{ apiVersion: "keda.sh/v1alpha1", plural: "scaledobjects" }]
      const watched = yield* makeWatched({ collections, project, optional: true }).pipe(Effect.provide(api.layer()))
      yield* watched.synced
      assert.isBelow((yield* Simulation).clock.elapsed, 1_000)
      yield* Effect.sleep("1 minute")
      api.setDown(true)
      yield* Effect.sleep("1 minute")
      assert.strictEqual(watched.troubles().length, 1)
      api.setDown(false)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(watched.troubles(), [])
    })
  )

  simulated(
    "honours Retry-After",
    Effect.gen(function* () {
      const { clock } = yield* Simulation
      const api = yield* FaultyApi.make()
      const heal = api.fault(() => ({ kind: "refuse", status: 429, retryAfterSeconds: 20 }))
      const watched = yield* makeWatched({ collections: [COLLECTION], project }).pipe(Effect.provide(api.layer()))
      yield* Effect.sleep("1 second")
      heal()
      yield* watched.synced
      assert.isAtLeast(clock.elapsed, 20_000)
      assert.isAtMost(clock.elapsed, 29_000)
    })
  )

  simulated(
    "is synced when every namespace has been listed, and an object that nobody can use is left out",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(configMap("a"))
      api.create({ ...configMap("b"), metadata: { name: "b", namespace: "bank" } })
      const stuck = api.fault((call) => (call.path.includes("/bank/") ? { kind: "refuse", status: 403 } : undefined))
      const watched = yield* makeWatched({
        collections: ["shop", "bank"].map((namespace) => ({ ...COLLECTION, namespace })),
        project: (object) => (project(object)?.name === "a" ? undefined : project(object))
      }).pipe(Effect.provide(api.layer()))
      yield* Effect.sleep("1 minute")
      assert.isFalse(watched.isSynced())
      assert.deepStrictEqual(
        watched.troubles().map((error) => error.reason._tag),
        ["Forbidden"]
      )
      stuck()
      yield* watched.synced
      assert.strictEqual(watched.size(), 1)
      assert.isDefined(watched.get(objectKey("bank", "b")))
    })
  )

  it("ends alike with the API server whatever breaks meanwhile, and never loses sight of what was there throughout", () => {
    const outcomes = check(
      Effect.gen(function* () {
        const sim = yield* Simulation
        const chance = sim.prng("world")
        const api = yield* FaultyApi.make({ watchLagMillis: [0, 2_000] })
        api.create(configMap("always", { n: "0" }))
        let missed = 0
        const watched = yield* makeWatched({
          collections: [COLLECTION],
          project,
          limit: 3,
          onChange: ({ after, key }) => void (key === "shop/always" && after === undefined && missed++)
        }).pipe(Effect.provide(api.layer("op")))
        yield* watched.synced
        const faults = api.fault(() => {
          if (!chance.chance(0.2)) return undefined
          const status = [429, 500, 503, 410, 403][chance.below(5)] ?? 500
          return chance.chance(0.5) ? { kind: "refuse", status, retryAfterSeconds: 1 } : { kind: "loseReply" }
        })
        for (let step = 0; step < 200; step++) {
          yield* Effect.sleep(chance.between(0, 5_000))
          const name = `m${chance.below(8)}`
          const exists = api.find("ConfigMap", "shop", name) !== undefined
          if (!exists) api.create(configMap(name, { n: String(step) }))
          else if (chance.chance(0.3)) api.remove("ConfigMap", "shop", name)
          else api.patch("ConfigMap", "shop", name, { data: { n: String(step) } })
          if (chance.chance(0.05)) api.patch("ConfigMap", "shop", "always", { data: { n: String(step) } })
          if (chance.chance(0.1)) api.compact()
          if (chance.chance(0.1)) api.breakWatches()
          if (chance.chance(0.1)) api.endWatches()
          if (chance.chance(0.2)) api.bookmark()
          if (chance.chance(0.05)) api.setPartitioned("op", chance.chance(0.5))
          api.setDown(chance.chance(0.05))
          assert.isDefined(watched.get("shop/always"))
        }
        faults()
        api.setDown(false)
        api.setPartitioned("op", false)
        yield* Effect.sleep("5 minutes")
        const known = [...watched.values()].map(({ data, name }) => `${name}=${data}`)
        assert.deepStrictEqual(known.sort(), truth(api))
        assert.strictEqual(missed, 0)
      }),
      { seeds: 20 }
    )
    assert.isTrue(outcomes.every((outcome) => outcome.virtualMillis > 300_000))
  })
})
