import * as Effect from "effect/Effect"
import { assert, describe } from "vitest"
import { type Candidate, makeCandidate } from "#operator/Candidate"
import { KubernetesError } from "#services/Kubernetes"
import { simulated } from "#test/simulation/inSimulation"
import { FaultyApi } from "#test/worlds/FaultyApi"
import { objectAt } from "#cluster/api/json"

const WITHIN = 5_000
const candidate = (api: FaultyApi, identity: string) =>
  makeCandidate({ namespace: "ops", name: "lease", identity }).pipe(Effect.provide(api.layer(identity)))
const spec = (api: FaultyApi) => objectAt(api.get("Lease", "ops", "lease"), "spec")
const outcome = (one: Candidate) => Effect.map(one.attempt(WITHIN), (attempt) => attempt._tag)

describe("a candidate", () => {
  simulated(
    "leads in the namespace that an API server tells only when it can be asked",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const away = new KubernetesError({ request: "GET x", reason: { _tag: "Unreachable" }, detail: "away" })
      let told = false
      const one = yield* makeCandidate({
        namespace: Effect.suspend(() => (told ? Effect.succeed("ops") : Effect.fail(away))),
        name: "lease",
        identity: "a"
      }).pipe(Effect.provide(api.layer("a")))
      assert.strictEqual((yield* Effect.flip(one.attempt(WITHIN))).reason._tag, "Unreachable")
      told = true
      assert.strictEqual(yield* outcome(one), "Held")
      assert.strictEqual(spec(api)["holderIdentity"], "a")
    })
  )

  simulated(
    "makes the Lease where there is none, and one of two that try at once is outrun",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const pair = [yield* candidate(api, "a"), yield* candidate(api, "b")]
      const outcomes = yield* Effect.forEach(pair, outcome, { concurrency: "unbounded" })
      assert.strictEqual(outcomes.filter((one) => one === "Held").length, 1)
      assert.strictEqual(spec(api)["leaseTransitions"], 0)
    }),
    { seeds: 20 }
  )

  simulated(
    "takes nobody's word for the time: an old lease is watched for its whole duration",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create({
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: "lease", namespace: "ops" },
        spec: {
          holderIdentity: "z",
          leaseDurationSeconds: 20,
          renewTime: "2001-01-01T00:00:00.000000Z",
          leaseTransitions: 7
        }
      })
      const a = yield* candidate(api, "a")
      assert.deepStrictEqual(yield* a.attempt(WITHIN), { _tag: "Rival", holder: "z", leftMillis: 20_000 })
      yield* Effect.sleep("19 seconds")
      assert.strictEqual(yield* outcome(a), "Rival")
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(yield* outcome(a), "Held")
      assert.deepStrictEqual([spec(api)["holderIdentity"], spec(api)["leaseTransitions"]], ["a", 8])
    })
  )

  simulated(
    "begins to watch anew with each renewal of the rival, and not with what others write onto the Lease",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const [a, b] = [yield* candidate(api, "a"), yield* candidate(api, "b")]
      yield* a.attempt(WITHIN)
      assert.strictEqual(yield* outcome(b), "Rival")
      yield* Effect.sleep("10 seconds")
      yield* a.attempt(WITHIN)
      yield* Effect.sleep("10 seconds")
      assert.strictEqual(yield* outcome(b), "Rival")
      api.patch("Lease", "ops", "lease", { metadata: { annotations: { note: "x" } } })
      yield* Effect.sleep("14 seconds")
      assert.strictEqual(yield* outcome(b), "Rival")
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(yield* outcome(b), "Held")
      // What was written onto the Lease meanwhile costs the holder one more read, not the Lease.
      api.patch("Lease", "ops", "lease", { metadata: { annotations: { note: "y" } } })
      assert.strictEqual(yield* outcome(b), "Held")
    })
  )

  simulated(
    "finds the lease its own after an answer was lost",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const a = yield* candidate(api, "a")
      const heal = api.fault((call) => (call.method === "POST" ? { kind: "loseReply" } : undefined))
      assert.strictEqual((yield* Effect.flip(a.attempt(WITHIN))).reason._tag, "Unknown")
      heal()
      assert.strictEqual(yield* outcome(a), "Held")
      assert.strictEqual(spec(api)["leaseTransitions"], 0)
    })
  )

  simulated(
    "has lost a Lease that somebody deleted or took, although nobody has it now",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const [a, b] = [yield* candidate(api, "a"), yield* candidate(api, "b")]
      yield* a.attempt(WITHIN)
      api.remove("Lease", "ops", "lease")
      assert.strictEqual(yield* outcome(a), "Lost")
      assert.strictEqual(yield* outcome(a), "Held")
      api.remove("Lease", "ops", "lease")
      yield* b.attempt(WITHIN)
      yield* b.release
      assert.strictEqual(yield* outcome(a), "Lost")
      assert.strictEqual(yield* outcome(a), "Held")
    })
  )

  simulated(
    "gives back only what is its own",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const [a, b] = [yield* candidate(api, "a"), yield* candidate(api, "b")]
      yield* a.release
      assert.isUndefined(api.find("Lease", "ops", "lease"))
      yield* a.attempt(WITHIN)
      yield* b.release
      assert.strictEqual(spec(api)["holderIdentity"], "a")
      yield* a.release
      assert.deepStrictEqual([spec(api)["holderIdentity"], spec(api)["leaseDurationSeconds"]], ["", 1])
      assert.strictEqual(yield* outcome(b), "Held")
    })
  )
})
