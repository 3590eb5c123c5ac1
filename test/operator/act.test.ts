import { Effect, Layer } from "effect"
import { assert, describe } from "vitest"
import type { Decision, Outcome } from "#schemas/Decision"
import type { Policy } from "#schemas/Policy"
import { act, type ActInput, type Plan, type Sent } from "#operator/act"
import { KubernetesError } from "#services/Kubernetes"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { deployment, memory, policyOf, state } from "#test/operator/records"
import { simulated } from "#test/simulation/inSimulation"
import { type Fault, FaultyApi } from "#test/worlds/FaultyApi"
import { template } from "#test/worlds/workloads"

const web = deployment("web")

const deploymentObject = (replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop" },
  spec: { replicas, selector: { matchLabels: { app: "web" } }, template: template("web") }
})

const decisionFor = (from: number, desired: number): Decision => ({
  proposals: [],
  recommended: desired,
  steps: [],
  desired,
  action: desired > from ? "scale_up" : desired < from ? "scale_down" : "no_action",
  limitedBy: [],
  engine: "target",
  reason: "because",
  confidence: 1
})

/** What is wanted depends on what is there, as a real decision does: at most three more, at most ten. */
const planFor = (replicas: number, resourceVersion: string): Plan => ({
  observation: { at: 0, target: web, state: state(replicas, { resourceVersion }), readings: [], seed: 0 },
  before: memory(),
  memory: memory(),
  decision: decisionFor(replicas, Math.min(10, replicas + 3))
})

interface Given {
  readonly policy?: Policy
  readonly plan?: Plan
  readonly mayAct?: () => boolean
  readonly outdated?: () => boolean
  readonly sent?: Sent
  readonly notBefore?: number
  readonly unread?: KubernetesError
  readonly mayBeLate?: boolean
}

const world = Effect.fnUntraced(function* (replicas: number) {
  const api = yield* FaultyApi.make()
  api.create(deploymentObject(replicas))
  const layer = KubernetesDiscovery.layer.pipe(Layer.provideMerge(api.layer()))
  const run = (given: Given = {}) => {
    const input: ActInput = {
      policy: given.policy ?? policyOf("web"),
      plan: given.plan ?? planFor(replicas, versionOf(api)),
      replan: planFor,
      mayAct: Effect.sync(given.mayAct ?? (() => true)),
      outdated: given.outdated ?? (() => false),
      notBefore: given.notBefore ?? 0,
      sent: given.sent,
      unread: given.unread,
      mayBeLate: given.mayBeLate ?? false
    }
    return act(input).pipe(Effect.provide(layer))
  }
  /** Changes of spec.replicas in our name. */
  const writes: Array<number> = []
  api.onCommit(({ before, manager, object }) => {
    const was = replicasIn(before)
    const is = replicasIn(object)
    if (manager === "nimbusguard" && is !== undefined && is !== was) writes.push(is)
  })
  return { api, run, writes }
})

const replicasIn = (object: unknown): number | undefined => {
  const spec = (object as { spec?: { replicas?: unknown } } | undefined)?.spec
  return typeof spec?.replicas === "number" ? spec.replicas : undefined
}
const versionOf = (api: FaultyApi) =>
  (api.get("Deployment", "shop", "web")["metadata"] as { resourceVersion: string }).resourceVersion
const isPatch = (call: { method: string; path: string }) => call.method === "PATCH" && call.path.endsWith("/scale")

/** The first patches meet these fates, one each. */
const fates = (api: FaultyApi, list: ReadonlyArray<Fault | undefined>) => {
  let count = 0
  return api.fault((call) => (isPatch(call) ? list[count++] : undefined))
}

const tagOf = (outcome: Outcome) => (outcome._tag === "Refused" ? `Refused:${outcome.reason}` : outcome._tag)

describe("act", () => {
  simulated(
    "writes what was decided, under the version that it read",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      const { outcome } = yield* run()
      assert.deepStrictEqual(outcome, { _tag: "Scaled", from: 2, to: 5, resourceVersion: versionOf(api) })
      assert.deepStrictEqual(writes, [5])
      const [call] = api.calls.filter(isPatch)
      assert.strictEqual(call?.query["fieldManager"], "nimbusguard")
      assert.match(JSON.stringify(call?.body), /"resourceVersion":"\d+"/u)
    })
  )

  simulated(
    "does not even read where nothing is to be changed",
    Effect.gen(function* () {
      const { api, run } = yield* world(10)
      const { outcome } = yield* run()
      assert.strictEqual(outcome._tag, "Unchanged")
      assert.strictEqual(api.calls.length, 0)
    })
  )

  simulated(
    "leaves alone what was scaled in between, where it may have been the leader before it",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      const stale = planFor(2, versionOf(api))
      api.scale("Deployment", "shop", "web", 6)
      const { outcome, plan } = yield* run({ plan: stale, mayBeLate: true })
      assert.strictEqual(tagOf(outcome), "Refused:Conflict")
      assert.strictEqual(plan, stale)
      assert.deepStrictEqual(writes, [])
    })
  )

  simulated(
    "decides anew on what is there when somebody scaled in between",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      const stale = planFor(2, versionOf(api))
      api.scale("Deployment", "shop", "web", 6)
      const { outcome, plan } = yield* run({ plan: stale })
      assert.deepInclude(outcome, { _tag: "Scaled", from: 6, to: 9 })
      assert.strictEqual(plan.observation.state.specReplicas, 6)
      assert.deepStrictEqual(writes, [9])
    })
  )

  simulated(
    "reads and decides again after a conflict, and gives up after the fourth",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      const conflict: Fault = { kind: "refuse", status: 409, reason: "Conflict" }
      fates(api, [conflict, conflict, conflict])
      assert.strictEqual((yield* run()).outcome._tag, "Scaled")
      assert.deepStrictEqual(writes, [5])
      fates(api, [conflict, conflict, conflict, conflict])
      const given = { plan: planFor(5, versionOf(api)) }
      assert.strictEqual(tagOf((yield* run(given)).outcome), "Refused:Conflict")
      assert.deepStrictEqual(writes, [5])
    })
  )

  simulated(
    "recognises its own write when the answer was lost, and does not write it twice",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      fates(api, [{ kind: "loseReply" }])
      const { outcome, sent } = yield* run()
      assert.deepInclude(outcome, { _tag: "Scaled", from: 2, to: 5 })
      assert.isUndefined(sent)
      assert.deepStrictEqual(writes, [5])
    }),
    { seeds: 20 }
  )

  simulated(
    "writes again, once, when the lost request never arrived",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      fates(api, [{ kind: "loseRequest" }])
      const { outcome } = yield* run()
      assert.deepInclude(outcome, { _tag: "Scaled", from: 2, to: 5 })
      assert.deepStrictEqual(writes, [5])
    }),
    { seeds: 20 }
  )

  simulated(
    "takes an answer that is no Scale for a lost one",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      fates(api, [{ kind: "garble", reply: "<html>" }])
      assert.deepInclude((yield* run()).outcome, { _tag: "Scaled", from: 2, to: 5 })
      assert.deepStrictEqual(writes, [5])
    })
  )

  simulated(
    "does not take another's write of the same number for its own",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      let done = false
      api.fault((call) => {
        if (done || !isPatch(call)) return undefined
        done = true
        api.scale("Deployment", "shop", "web", 5) // just before ours arrives, which then conflicts
        return { kind: "loseReply" }
      })
      const { outcome } = yield* run()
      assert.deepInclude(outcome, { _tag: "Scaled", from: 5, to: 8 })
      assert.deepStrictEqual(writes, [8])
    })
  )

  simulated(
    "remembers a write whose fate nobody could tell, and settles it before the next",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      const heal = api.fault((call) => {
        if (isPatch(call)) return { kind: "loseReply" }
        return writes.length > 0 ? { kind: "unreachable" } : undefined
      })
      const first = yield* run()
      assert.strictEqual(first.outcome._tag, "Unknown")
      assert.deepInclude(first.sent, { from: 2, to: 5 })
      heal()
      const second = yield* run({ sent: first.sent as Sent, plan: planFor(5, versionOf(api)) })
      assert.deepInclude(second.outcome, { _tag: "Recovered", from: 2, to: 5 })
      assert.isUndefined(second.sent)
      assert.deepStrictEqual(writes, [5])
      const third = yield* run({ plan: planFor(5, versionOf(api)) })
      assert.deepInclude(third.outcome, { _tag: "Scaled", from: 5, to: 8 })
    }),
    { seeds: 20 }
  )

  simulated(
    "lets a write go that never arrived, when it is not wanted any more",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      const heal = api.fault((call) => (isPatch(call) ? { kind: "loseRequest" } : undefined))
      const first = yield* run()
      heal()
      assert.strictEqual(first.outcome._tag, "Unknown")
      yield* Effect.sleep("10 seconds")
      const content: Plan = { ...planFor(2, versionOf(api)), decision: decisionFor(2, 2) }
      const second = yield* run({ sent: first.sent as Sent, plan: content })
      assert.strictEqual(second.outcome._tag, "Unchanged")
      assert.isUndefined(second.sent)
      assert.deepStrictEqual(writes, [])
    })
  )

  simulated(
    "writes nothing when the lease is lost before the write, not even on a second attempt",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      assert.deepInclude((yield* run({ mayAct: () => false })).outcome, { _tag: "Withheld", why: "NotLeader" })
      let asked = 0
      fates(api, [{ kind: "refuse", status: 409, reason: "Conflict" }])
      const { outcome } = yield* run({ mayAct: () => ++asked === 1 })
      assert.deepInclude(outcome, { _tag: "Withheld", why: "NotLeader" })
      assert.deepStrictEqual(writes, [])
    })
  )

  simulated(
    "writes nothing once the policy was changed",
    Effect.gen(function* () {
      const { run, writes } = yield* world(2)
      assert.strictEqual(tagOf((yield* run({ outdated: () => true })).outcome), "Refused:Outdated")
      assert.deepStrictEqual(writes, [])
    })
  )

  simulated(
    "withholds what is only to be shown, whether or not it would change anything",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      const conflict = state(2, { conflict: { reason: "OtherAutoscaler", message: "An HPA scales web." } })
      const table: ReadonlyArray<readonly [Given, string]> = [
        [{ policy: policyOf("web", { mode: "Recommend" }) }, "Recommend"],
        [{ policy: policyOf("web", { mode: "Recommend" }), plan: planFor(10, "1") }, "Recommend"],
        [{ policy: policyOf("web", { mode: "Paused" }) }, "Paused"],
        [{ policy: policyOf("web", { actuation: { _tag: "HPAFloor", name: "web" } }) }, "Recommend"],
        [
          { plan: { ...planFor(2, "1"), observation: { ...planFor(2, "1").observation, state: conflict } } },
          "Conflict"
        ],
        [{ plan: { ...planFor(2, "1"), before: { ...memory(), frozenUntil: 1 } } }, "Frozen"]
      ]
      for (const [given, why] of table) {
        const { outcome } = yield* run(given)
        assert.strictEqual(outcome._tag === "Withheld" ? outcome.why : outcome._tag, why)
      }
      assert.deepStrictEqual(writes, [])
      assert.strictEqual(api.calls.length, 0)
    })
  )

  simulated(
    "says what to do when the API server refuses, and leaves it alone for as long as it asks",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      for (const [status, tag] of [
        [403, "Refused:Forbidden"],
        [422, "Refused:Invalid"],
        [404, "Refused:NotFound"]
      ] as const) {
        const heal = fates(api, [{ kind: "refuse", status }])
        const { outcome } = yield* run()
        heal()
        assert.strictEqual(tagOf(outcome), tag)
      }
      fates(api, [{ kind: "refuse", status: 429, retryAfterSeconds: 30 }])
      const busy = yield* run()
      assert.strictEqual(tagOf(busy.outcome), "Refused:Throttled")
      const calls = api.calls.length
      assert.strictEqual(tagOf((yield* run({ notBefore: busy.notBefore })).outcome), "Refused:Throttled")
      assert.strictEqual(api.calls.length, calls)
      yield* Effect.sleep("31 seconds")
      assert.strictEqual((yield* run({ notBefore: busy.notBefore })).outcome._tag, "Scaled")
      assert.deepStrictEqual(writes, [5])
    })
  )

  simulated(
    "writes nothing over what may be the last leader's until that is read",
    Effect.gen(function* () {
      const { run, writes } = yield* world(2)
      const unread = new KubernetesError({
        request: "GET web",
        reason: { _tag: "ServerError", status: 500 },
        detail: ""
      })
      assert.strictEqual(tagOf((yield* run({ unread })).outcome), "Refused:ServerError")
      assert.deepStrictEqual(writes, [])
    })
  )

  simulated(
    "writes nothing while the API server is down",
    Effect.gen(function* () {
      const { api, run, writes } = yield* world(2)
      api.setDown(true)
      assert.strictEqual(tagOf((yield* run()).outcome), "Refused:Unreachable")
      api.setDown(false)
      assert.deepStrictEqual(writes, [])
    })
  )
})
