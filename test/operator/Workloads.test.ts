import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { assert, describe } from "vitest"
import { Workloads, type WorkloadsOptions } from "#operator/Workloads"
import type { Target } from "#schemas/Policy"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { simulated } from "#test/simulation/inSimulation"
import { FaultyApi } from "#test/worlds/FaultyApi"
import { ROLLOUT, SCALED_OBJECT } from "#test/worlds/FaultyApi"
import { objectAt, textAt } from "#cluster/api/json"
import { createDeployment, deployment, pod, replicaSet, template } from "#test/worlds/workloads"

const START = Date.UTC(2026, 0, 1)
const web: Target = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" }

const open = Effect.fnUntraced(function* (api: FaultyApi, options: WorkloadsOptions = {}) {
  const kubernetes = Layer.provideMerge(KubernetesDiscovery.layer, api.layer())
  const workloads = Context.get(yield* Layer.build(Workloads.layer(options).pipe(Layer.provide(kubernetes))), Workloads)
  yield* workloads.synced
  return workloads
})
/** Longer than any watch of the world lags. */
const soon = Effect.sleep("1 second")

const hpa = (name: string, kind: string, target: string, apiVersion = "apps/v1") => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name, namespace: "shop" },
  spec: { scaleTargetRef: { apiVersion, kind, name: target }, maxReplicas: 5 }
})
const pdb = (name: string, minAvailable: number | string, app: string) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name, namespace: "shop" },
  spec: { minAvailable, selector: { matchLabels: { app } } }
})

describe("workloads", () => {
  simulated(
    "tells a Deployment's replicas under the version that a write may name",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      createDeployment(api, "web", 3, { status: { readyReplicas: 2 } })
      const workloads = yield* open(api)
      const state = Option.getOrThrow(yield* workloads.state(web))
      assert.deepStrictEqual(state, {
        specReplicas: 3,
        statusReplicas: 3,
        readyReplicas: 2,
        resourceVersion: textAt(objectAt(api.get("Deployment", "shop", "web"), "metadata"), "resourceVersion"),
        rollingOut: false
      })
      assert.isTrue(Option.isNone(yield* workloads.state({ ...web, name: "other" })))
    })
  )

  simulated(
    "finds a Deployment's pods by owner, and leaves those of others with the same labels alone",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      createDeployment(api, "web", 2, {}, { cpu: "250m" })
      const canary = api.create(deployment("canary", 1))
      const set = api.create(replicaSet(canary))
      api.create(pod(set, "canary-1", "shop", { labels: { app: "web" } }))
      api.create(pod(undefined, "stray", "shop", { labels: { app: "web" } }))
      const workloads = yield* open(api)
      const pods = yield* workloads.pods(web)
      assert.deepStrictEqual(
        pods.map((one) => one.name),
        ["web-abc-0", "web-abc-1"]
      )
      const { createdAt, ownerUid: _, uid: __, ...first } = pods[0] ?? assert.fail("no pod")
      assert.isAtLeast(createdAt, START)
      assert.deepStrictEqual(first, {
        name: "web-abc-0",
        namespace: "shop",
        labels: { app: "web" },
        phase: "Running",
        deleting: false,
        ready: true,
        readyChangedAt: START + 10_000,
        startedAt: START,
        requests: { main: { cpu: 250 } },
        unschedulable: false,
        crashLooping: false
      })
      api.remove("Pod", "shop", "web-abc-0")
      yield* soon
      assert.strictEqual((yield* workloads.pods(web)).length, 1)
    })
  )

  simulated(
    "scales other kinds through /scale, with the pods that its selector names",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make({ resources: [ROLLOUT] })
      api.create({
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Rollout",
        metadata: { name: "web", namespace: "shop" },
        spec: { replicas: 4 },
        status: { replicas: 5, selector: "app=web,!old" }
      })
      for (const [name, labels] of [
        ["a", { app: "web" }],
        ["b", { app: "web", old: "1" }]
      ] as const)
        api.create(pod(undefined, name, "shop", { labels }))
      const workloads = yield* open(api)
      const rollout: Target = { ...web, apiVersion: "argoproj.io/v1alpha1", kind: "Rollout" }
      const state = Option.getOrThrow(yield* workloads.state(rollout))
      assert.deepStrictEqual([state.specReplicas, state.statusReplicas, state.readyReplicas], [4, 5, 1])
      assert.deepStrictEqual(
        (yield* workloads.pods(rollout)).map((one) => one.name),
        ["a"]
      )
      assert.isTrue(Option.isNone(yield* workloads.state({ ...rollout, name: "none" })))
      const unknown = yield* Effect.flip(workloads.state({ ...rollout, kind: "Rollot" }))
      assert.match(unknown.detail, /serves no kind Rollot in argoproj.io\/v1alpha1/u)
      const unscalable = yield* Effect.flip(workloads.state({ ...web, apiVersion: "v1", kind: "ConfigMap" }))
      assert.match(unscalable.detail, /ConfigMap has no scale subresource/u)
      assert.strictEqual(api.calls.filter((call) => call.path === "/apis/argoproj.io/v1alpha1").length, 1)
    })
  )

  simulated(
    "sees a rollout until it is done or has passed its deadline",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      createDeployment(api, "web", 3)
      const workloads = yield* open(api)
      const rolling = soon.pipe(
        Effect.andThen(workloads.state(web)),
        Effect.map((state) => Option.getOrThrow(state).rollingOut)
      )
      const status = (patch: { readonly [key: string]: number | ReadonlyArray<{ readonly [key: string]: string }> }) =>
        api.patch("Deployment", "shop", "web", { status: patch })
      assert.isFalse(yield* rolling)
      status({ observedGeneration: 0 })
      assert.isTrue(yield* rolling)
      status({ observedGeneration: 1, updatedReplicas: 1 })
      assert.isTrue(yield* rolling)
      status({ updatedReplicas: 3, replicas: 4 })
      assert.isTrue(yield* rolling)
      status({ conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }] })
      assert.isFalse(yield* rolling)
      status({ replicas: 3, conditions: [] })
      assert.isFalse(yield* rolling)
    })
  )

  simulated(
    "gives a StatefulSet's rollout ten minutes",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const status = {
        observedGeneration: 1,
        replicas: 3,
        updatedReplicas: 1,
        currentRevision: "a",
        updateRevision: "b"
      }
      api.create({
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "db", namespace: "shop" },
        spec: { replicas: 3, selector: { matchLabels: { app: "db" } }, template: template("db") },
        status
      })
      const workloads = yield* open(api)
      const db: Target = { ...web, kind: "StatefulSet", name: "db" }
      const rolling = Effect.map(workloads.state(db), (state) => Option.getOrThrow(state).rollingOut)
      yield* Effect.sleep("9 minutes")
      assert.isTrue(yield* rolling)
      yield* Effect.sleep("2 minutes")
      assert.isFalse(yield* rolling)
    })
  )

  simulated(
    "takes only an absolute minAvailable of budgets that cover the pods for a floor",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      createDeployment(api, "web", 3)
      api.create(pdb("percent", "50%", "web"))
      api.create(pdb("other", 9, "api"))
      const workloads = yield* open(api)
      const floor = soon.pipe(
        Effect.andThen(workloads.state(web)),
        Effect.map((state) => Option.getOrThrow(state).disruptionFloor)
      )
      assert.isUndefined(yield* floor)
      api.create(pdb("two", 2, "web"))
      api.create(pdb("one", 1, "web"))
      assert.strictEqual(yield* floor, 2)
      api.remove("PodDisruptionBudget", "shop", "two")
      assert.strictEqual(yield* floor, 1)
    })
  )

  simulated(
    "says since when new pods fail, and forgets it when a younger one becomes ready",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const { replicaSet: set } = createDeployment(api, "web", 2)
      const workloads = yield* open(api)
      const failing = soon.pipe(
        Effect.andThen(workloads.state(web)),
        Effect.map((state) => Option.getOrThrow(state).failingPodsSince)
      )
      assert.isUndefined(yield* failing)
      yield* Effect.sleep("1 minute")
      const since = Math.floor(api.now() / 1000) * 1000
      api.create(pod(set, "web-abc-8", "shop", { ready: false, unschedulable: true, phase: "Pending" }))
      yield* Effect.sleep("30 seconds")
      api.create(pod(set, "web-abc-9", "shop", { ready: false, waiting: "CrashLoopBackOff" }))
      assert.strictEqual(yield* failing, since)
      yield* Effect.sleep("10 seconds")
      api.create(pod(set, "web-abc-10", "shop"))
      assert.isUndefined(yield* failing)
    })
  )

  simulated(
    "sees other autoscalers of the target, except the one that the policy itself steers",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      createDeployment(api, "web", 1)
      createDeployment(api, "api", 1)
      api.create(hpa("of-web", "Deployment", "web"))
      api.create(hpa("of-other-group", "Deployment", "api", "example.com/v1"))
      const workloads = yield* open(api)
      const conflict = (target: Target, steeredHpa?: string) =>
        Effect.map(workloads.state(target, { steeredHpa }), (state) => Option.getOrThrow(state).conflict)
      assert.match((yield* conflict(web))?.message ?? "", /HorizontalPodAutoscaler of-web scales Deployment\/web/u)
      assert.isUndefined(yield* conflict(web, "of-web"))
      const other = { ...web, name: "api" }
      assert.isUndefined(yield* conflict(other))
      api.define(SCALED_OBJECT)
      api.create({
        apiVersion: "keda.sh/v1alpha1",
        kind: "ScaledObject",
        metadata: { name: "keda", namespace: "shop" },
        spec: { scaleTargetRef: { name: "api" } }
      })
      // KEDA came after us: its kind is looked for about twice a minute.
      yield* Effect.sleep("1 minute")
      assert.strictEqual((yield* conflict(other))?.reason, "OtherAutoscaler")
    })
  )

  simulated(
    "tells who was scaled, appeared, went or changed labels, and not what only its status changed",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      createDeployment(api, "web", 1)
      const workloads = yield* open(api)
      const told = yield* workloads.changes.pipe(
        Stream.take(5),
        Stream.map((change) => `${change.target.name} ${change.what}`),
        Stream.runCollect,
        Effect.forkScoped({ startImmediately: true })
      )
      yield* soon
      api.scale("Deployment", "shop", "web", 4)
      api.patch("Deployment", "shop", "web", { status: { readyReplicas: 4 } })
      api.create(deployment("new", 1))
      api.patch("Deployment", "shop", "new", { metadata: { labels: { tier: "x" } } })
      api.remove("Deployment", "shop", "new")
      yield* soon
      // Deleted and made anew while nobody looked.
      api.breakWatches()
      api.remove("Deployment", "shop", "web")
      api.create(deployment("web", 4))
      api.compact()
      assert.deepStrictEqual(yield* Fiber.join(told), [
        "web Replicas",
        "new Appeared",
        "new Labels",
        "new Deleted",
        "web Appeared"
      ])
    })
  )

  simulated(
    "selects Deployments by labels within one namespace, by name",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      for (const name of ["b", "a"]) api.create(deployment(name, 1, { metadata: { labels: { team: "x", app: name } } }))
      api.create(deployment("c", 1))
      api.create(deployment("d", 1, { metadata: { namespace: "bank", labels: { team: "x" } } }))
      const workloads = yield* open(api)
      const names = Effect.map(workloads.matching("shop", { team: "x" }), (targets) => targets.map((one) => one.name))
      assert.deepStrictEqual(yield* names, ["a", "b"])
    })
  )

  simulated(
    "looks only into the namespaces it is given, asks for a target elsewhere, and says what it may not read",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      createDeployment(api, "web", 3)
      api.create(deployment("far", 2, { metadata: { namespace: "bank" } }))
      api.fault((call) => (call.path.endsWith("/poddisruptionbudgets") ? { kind: "refuse", status: 403 } : undefined))
      const workloads = yield* open(api, { namespaces: ["shop", "mall"] })
      const watches = api.calls.filter((call) => call.method === "WATCH")
      assert.isTrue(watches.every((call) => /\/namespaces\/(shop|mall)\//u.test(call.path)))
      assert.strictEqual(Option.getOrThrow(yield* workloads.state(web)).specReplicas, 3)
      assert.deepStrictEqual(
        (yield* workloads.troubles).map((error) => error.reason._tag),
        ["Forbidden", "Forbidden"]
      )
      const far: Target = { ...web, namespace: "bank", name: "far" }
      assert.strictEqual(Option.getOrThrow(yield* workloads.state(far)).specReplicas, 2)
      assert.match((yield* Effect.flip(workloads.pods(far))).detail, /WATCH_NAMESPACE/u)
    })
  )

  simulated(
    "does not take what it could not list for absent",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      createDeployment(api, "web", 3)
      api.fault((call) => (call.path.endsWith("/deployments") ? { kind: "refuse", status: 403 } : undefined))
      const workloads = yield* open(api)
      assert.strictEqual((yield* Effect.flip(workloads.state(web))).reason._tag, "Forbidden")
      assert.strictEqual((yield* Effect.flip(workloads.matching("shop", {}))).reason._tag, "Forbidden")
    })
  )
})
