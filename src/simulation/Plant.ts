/**
 * The targets of a simulation: what their load needs, which pods they have, and what could be measured of them. The
 * controllers and the kubelet are one fiber for each target here, because what a simulation is about is the operator.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { ApiServer } from "#cluster/api/ApiServer"
import { type JsonObject, metadataOf, nameOf, valueAt, wordOf } from "#cluster/api/json"
import type { What } from "#simulation/questions"
import { needAt, PER_REPLICA, type TargetPlan } from "#simulation/Scenario"

export const NAMESPACE = "shop"
const CONTROLLER = "controller"
/** Until a controller has seen a change. */
const CONTROLLER_MILLIS = 200
/** Of a request to pods that have just enough to do. */
const CALM_LATENCY_MILLIS = 100

interface Pod {
  readonly name: string
  readyAt: number
}

interface Target {
  readonly plan: TargetPlan
  readonly pokes: Queue.Queue<void>
  pods: ReadonlyArray<Pod>
  made: number
  stuckUntil: number
  /** Of the object that the pods belong to. */
  uid: unknown
}

export class Plant {
  readonly #server: ApiServer
  readonly #now: () => number
  readonly #startedAt: number
  readonly #targets: ReadonlyMap<string, Target>
  #settled = false

  private constructor(server: ApiServer, now: () => number, targets: ReadonlyMap<string, Target>) {
    this.#server = server
    this.#now = now
    this.#startedAt = now()
    this.#targets = targets
  }

  static readonly make = Effect.fnUntraced(function* (
    server: ApiServer,
    now: () => number,
    plans: ReadonlyArray<TargetPlan>
  ) {
    const targets = yield* Effect.forEach(plans, (plan) =>
      Effect.map(Queue.sliding<void>(1), (pokes): [string, Target] => [
        plan.name,
        { plan, pokes, pods: [], made: 0, stuckUntil: 0, uid: undefined }
      ])
    )
    const plant = new Plant(server, now, new Map(targets))
    server.store.onCommit(({ object, resource, subresource }) => {
      if (subresource === "status" || (resource !== "deployments.apps" && resource !== "statefulsets.apps")) return
      const target = plant.#targets.get(nameOf(object))
      if (target !== undefined) Queue.offerUnsafe(target.pokes, undefined)
    })
    for (const { name } of plans) plant.create(name)
    yield* Effect.forEach(plant.#targets.values(), (target) => Effect.forkScoped(plant.#control(target)), {
      discard: true
    })
    return plant
  })

  readonly create = (name: string): void => {
    const plan = this.#targets.get(name)?.plan
    if (plan === undefined || this.#server.find(plan.kind, NAMESPACE, name) !== undefined) return
    const container = { name: "main", image: "none", resources: { requests: { cpu: "1" } } }
    this.#server.create({
      apiVersion: "apps/v1",
      kind: plan.kind,
      metadata: { name, namespace: NAMESPACE, labels: { ...plan.labels } },
      spec: {
        replicas: plan.replicas,
        ...(plan.kind === "StatefulSet" ? { serviceName: name } : {}),
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [container] } }
      }
    })
  }

  readonly remove = (name: string): void => {
    const plan = this.#targets.get(name)?.plan
    if (plan === undefined || this.#server.find(plan.kind, NAMESPACE, name) === undefined) return
    this.#server.remove(plan.kind, NAMESPACE, name, "kubectl")
  }

  readonly scale = (name: string, replicas: number): void => {
    const plan = this.#targets.get(name)?.plan
    if (plan === undefined || this.#server.find(plan.kind, NAMESPACE, name) === undefined) return
    this.#server.patch(plan.kind, NAMESPACE, name, { spec: { replicas } }, "kubectl")
  }

  readonly stick = (name: string, seconds: number): void => {
    const target = this.#targets.get(name)
    if (target !== undefined) target.stuckUntil = this.#now() + seconds * 1000
  }

  /** From now on the load is what it settles at, and every pod starts. */
  readonly settle = (): void => {
    this.#settled = true
    for (const [name, target] of this.#targets) {
      target.stuckUntil = 0
      for (const pod of target.pods) pod.readyAt = Math.min(pod.readyAt, this.#now() + target.plan.startupMillis)
      this.create(name)
      Queue.offerUnsafe(target.pokes, undefined)
    }
  }

  readonly replicas = (name: string): number | undefined => {
    const plan = this.#targets.get(name)?.plan
    const replicas =
      plan === undefined ? undefined : valueAt(this.#server.find(plan.kind, NAMESPACE, name), "spec.replicas")
    return typeof replicas === "number" ? replicas : undefined
  }

  readonly measure = (what: What, name: string): number => {
    const target = this.#targets.get(name)
    if (target === undefined) return 0
    const { load, settlesAt } = target.plan
    const need = this.#settled ? settlesAt : needAt(load, (this.#now() - this.#startedAt) / 1000)
    const ready = Math.max(1, this.#ready(target))
    const share = need / ready
    const total = Math.round(need * PER_REPLICA)
    switch (what) {
      case "total":
        return total
      case "each":
        // A metric is read in thousandths, rounded up, and a pod would hang on the last one.
        return Math.floor((1000 * total) / ready) / 1000
      case "latency":
        return CALM_LATENCY_MILLIS * Math.max(0.5, share) ** 3
      case "errors":
        return share > 2 ? 0.05 : 0
      case "served":
        return Math.min(total, ready * PER_REPLICA * 1.2)
      case "busy":
        return Math.min(100, (100 * share) / 1.2)
      case "bad":
        return Math.max(0, 1 - 1.2 / Math.max(share, 1e-9))
    }
  }

  /** By name, in thousandths of a core: of those pods that are objects. */
  readonly usages = (): ReadonlyArray<readonly [pod: string, milli: number]> =>
    [...this.#targets.values()].flatMap((target) =>
      target.plan.hasPods
        ? this.#readyPods(target).map(
            ({ name }) => [name, Math.floor(100 * this.measure("each", target.plan.name))] as const
          )
        : []
    )

  readonly #readyPods = ({ pods }: Target) => pods.filter(({ readyAt }) => readyAt <= this.#now())
  readonly #ready = (target: Target): number => this.#readyPods(target).length

  #control(target: Target): Effect.Effect<never> {
    const { pokes } = target
    const wait = Effect.suspend(() => {
      const later = target.pods.map(({ readyAt }) => readyAt).filter((at) => at > this.#now() && at < Infinity)
      const stuck = target.stuckUntil > this.#now() ? [target.stuckUntil] : []
      const next = Math.min(...later, ...stuck)
      return next === Infinity ? Queue.take(pokes) : Effect.timeoutOption(Queue.take(pokes), next - this.#now() + 1)
    })
    return Effect.forever(
      Effect.andThen(
        wait,
        Effect.andThen(
          Effect.sleep(CONTROLLER_MILLIS),
          Effect.sync(() => this.#reconcile(target))
        )
      )
    )
  }

  #reconcile(target: Target): void {
    const { plan } = target
    const object = this.#server.find(plan.kind, NAMESPACE, plan.name)
    const uid = object === undefined ? undefined : metadataOf(object)["uid"]
    if (uid !== target.uid) {
      // Its pods went with it.
      for (const pod of target.pods) this.#removePod(target, pod)
      target.pods = []
      target.uid = uid
    }
    if (object === undefined) return
    const wanted = Number(valueAt(object, "spec.replicas") ?? 1)
    const now = this.#now()
    for (const pod of target.pods.slice(wanted)) this.#removePod(target, pod)
    target.pods = target.pods.slice(0, wanted)
    for (const pod of target.pods) {
      if (pod.readyAt === Infinity && target.stuckUntil <= now) pod.readyAt = now + plan.startupMillis
    }
    while (target.pods.length < wanted) {
      const name = `${plan.name}-pod-${target.made++}`
      const readyAt = target.stuckUntil > now ? Infinity : now + (target.made <= plan.replicas ? 0 : plan.startupMillis)
      target.pods = [...target.pods, { name, readyAt }]
    }
    if (plan.hasPods) this.#showPods(target, object)
    const readyReplicas = this.#ready(target)
    const observedGeneration = metadataOf(object)["generation"] ?? 1
    const shown = {
      observedGeneration,
      replicas: wanted,
      updatedReplicas: wanted,
      readyReplicas,
      availableReplicas: readyReplicas
    }
    this.#server.patch(plan.kind, NAMESPACE, plan.name, { status: shown }, CONTROLLER, "status")
  }

  #removePod({ plan }: Target, { name }: Pod): void {
    if (plan.hasPods && this.#server.find("Pod", NAMESPACE, name) !== undefined) {
      this.#server.remove("Pod", NAMESPACE, name, CONTROLLER)
    }
  }

  #showPods(target: Target, object: JsonObject): void {
    const { plan, pods } = target
    const owner = plan.kind === "StatefulSet" ? object : this.#replicaSet(plan, object)
    for (const { name, readyAt } of pods) {
      const isReady = readyAt <= this.#now()
      const known = this.#server.find("Pod", NAMESPACE, name)
      const shown = valueAt(known, "status.conditions")
      const status = podStatus(isReady, readyAt === Infinity, this.#now())
      if (known === undefined) {
        this.#server.create({
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name, namespace: NAMESPACE, labels: { app: plan.name }, ownerReferences: [referenceTo(owner)] },
          spec: { containers: [{ name: "main", image: "none", resources: { requests: { cpu: "1" } } }] },
          status
        })
      } else if (isReady !== (Array.isArray(shown) && valueAt(shown[0], "status") === "True")) {
        this.#server.patch("Pod", NAMESPACE, name, { status }, CONTROLLER, "status")
      }
    }
  }

  #replicaSet({ name }: TargetPlan, deployment: JsonObject): JsonObject {
    const uid = wordOf(metadataOf(deployment)["uid"])
    const setName = `${name}-${uid.slice(-8)}`
    const { spec } = deployment
    return (
      this.#server.find("ReplicaSet", NAMESPACE, setName) ??
      this.#server.create({
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        metadata: {
          name: setName,
          namespace: NAMESPACE,
          labels: { app: name },
          ownerReferences: [referenceTo(deployment)]
        },
        spec: spec ?? {}
      })
    )
  }
}

const referenceTo = (owner: JsonObject): JsonObject => {
  const { name = "", uid = "" } = metadataOf(owner)
  return { apiVersion: "apps/v1", kind: owner["kind"] ?? "", name, uid, controller: true }
}

const timeText = (millis: number): string =>
  new Date(Math.floor(millis / 1000) * 1000).toISOString().replace(".000", "")

const podStatus = (isReady: boolean, isStuck: boolean, now: number): JsonObject => ({
  phase: isReady ? "Running" : "Pending",
  startTime: timeText(now),
  conditions: [
    { type: "Ready", status: isReady ? "True" : "False", lastTransitionTime: timeText(now) },
    {
      type: "PodScheduled",
      status: isStuck ? "False" : "True",
      ...(isStuck ? { reason: "Unschedulable" } : {}),
      lastTransitionTime: timeText(now)
    }
  ]
})
