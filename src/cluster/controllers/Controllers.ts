/**
 * What runs in a cluster besides its API server, on the embedded one: Deployments, ReplicaSets and StatefulSets become
 * pods, pods live as the world says, budgets count them, and dependents follow their owners. One fiber, in the Clock's
 * time; each change costs what depends on it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { ApiServer } from "#cluster/api/ApiServer"
import type { Commit } from "#cluster/api/Store"
import type { JsonObject } from "#cluster/api/json"
import { namespaceOf, textAt } from "#cluster/api/json"
import { Agenda } from "#cluster/controllers/Agenda"
import { lookAtDeployment } from "#cluster/controllers/deployment"
import { DEPLOYMENTS } from "#cluster/controllers/deploymentStatus"
import { BUDGETS, Disruption } from "#cluster/controllers/disruption"
import { makeEmit } from "#cluster/controllers/emitting"
import { isWaiting, lookAtDependent, lookAtEvent, lookAtOrphans, lookAtWaiting } from "#cluster/controllers/garbage"
import { controllerOf, type Hands, keyFor, keyOfObject, ownersOf, uidOf } from "#cluster/controllers/Hands"
import { Inventory } from "#cluster/controllers/Inventory"
import { type Death, Kubelet } from "#cluster/controllers/Kubelet"
import { nodeObject, Nodes, type NodeSize, TWO_NODES } from "#cluster/controllers/nodes"
import { type PodBehaviour, steady } from "#cluster/controllers/PodBehaviour"
import { lookAtReplicaSet, REPLICA_SETS } from "#cluster/controllers/replicaSet"
import { lookAtStatefulSet, STATEFUL_SETS, type Templates } from "#cluster/controllers/statefulSet"
import { secondTime } from "#services/kubernetesTime"

export interface ControllersOptions {
  /** Default: pods start within five seconds and stay. */
  readonly behaviour?: PodBehaviour
  /** Made unless they are there; default: two that are large. */
  readonly nodes?: ReadonlyArray<NodeSize>
}

export interface Controllers {
  /** Ends the containers of a running pod, as the kernel does for want of memory. False: there is nothing to end. */
  readonly kill: (namespace: string, pod: string, death: Death) => boolean
  /** The pods of a Deployment, ReplicaSet or StatefulSet, at the price of these alone. */
  readonly podsOf: (workload: JsonObject) => ReadonlyArray<JsonObject>
}

export const run = Effect.fn("Controllers.run")(function* (
  server: ApiServer,
  options: ControllersOptions = {}
): Effect.fn.Return<Controllers, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const latch = Latch.makeUnsafe()
  const wired = wire(server, now, () => void latch.openUnsafe(), options)
  yield* Effect.acquireRelease(
    Effect.sync(() => server.store.onCommit(wired.learn)),
    (stop) => Effect.sync(stop)
  )
  yield* Effect.sync(() => wired.begin(options.nodes ?? TWO_NODES))
  const settle = Effect.sync(() => {
    wired.agenda.settle(now())
    latch.closeUnsafe()
    return wired.agenda.nextMillis
  })
  const rest = (until: number | undefined) =>
    until === undefined ? latch.await : Effect.timeoutOption(latch.await, Math.max(0, until - now()))
  yield* Effect.flatMap(settle, rest).pipe(
    Effect.forever,
    Effect.tapCause((cause) => Effect.logFatal("the embedded cluster's controllers have stopped", cause)),
    Effect.forkScoped
  )
  return wired
})

const OWN = /-controller$|^kubelet$|^generic-garbage-collector$/u

const wire = (server: ApiServer, now: () => number, wake: () => void, { behaviour = steady }: ControllersOptions) => {
  let made = 0
  const counter = { next: () => ++made }
  const inventory = new Inventory()
  const nodes = new Nodes()
  const templates = new Map<string, Templates>()
  /** By uid: owners that wait for their dependents. */
  const waiting = new Map<string, string>()
  const templatesOf = (key: string): Templates => {
    const found = templates.get(key) ?? new Map<string, JsonObject>()
    templates.set(key, found)
    return found
  }
  const agenda: Agenda = new Agenda(
    [
      { name: "orphans", look: (uid) => lookAtOrphans(hands, inventory, uid) },
      { name: "waiting", look: (owner) => lookAtWaiting(hands, inventory, owner) },
      { name: "dependent", look: (dependent) => lookAtDependent(hands, dependent) },
      { name: "kubelet", look: (key) => kubelet.look(key) },
      { name: "replicaSet", look: (key) => lookAtReplicaSet(hands, inventory, counter, key) },
      { name: "statefulSet", look: (key) => lookAtStatefulSet(hands, inventory, counter, templatesOf(key), key) },
      { name: "deployment", look: (key) => lookAtDeployment(hands, inventory, key) },
      { name: "disruption", look: (key) => disruption.look(key) },
      { name: "event", look: (key) => lookAtEvent(hands, key) }
    ],
    wake
  )
  const timeText = memoised(secondTime)
  const hands: Hands = { server, agenda, now, timeText, emit: makeEmit(server, now, counter) }
  const kubelet = new Kubelet(hands, nodes, behaviour)
  const disruption = new Disruption(hands, inventory)

  const markOwner = (object: JsonObject): void => {
    const owner = controllerOf(object)
    const stage = STAGES[textAt(owner ?? {}, "kind")]
    if (owner === undefined || stage === undefined) return
    agenda.mark(stage, keyFor(namespaceOf(object), textAt(owner, "name")))
  }

  const learnOwn = (commit: Commit, isCounted: boolean): void => {
    const { object, resource, type } = commit
    const key = keyOfObject(object)
    switch (resource) {
      case "pods":
        agenda.mark("kubelet", key)
        if (!isCounted) return
        markOwner(object)
        return disruption.learnPod(commit)
      case "nodes":
        nodes.learn(object, type === "DELETED")
        return kubelet.retry()
      case BUDGETS:
        return disruption.learnBudget(commit)
      case "events":
        return type === "ADDED" ? agenda.mark("event", key) : undefined
      case REPLICA_SETS:
        agenda.mark("replicaSet", key)
        return markOwner(object)
      case STATEFUL_SETS:
      case DEPLOYMENTS:
        agenda.mark(resource === DEPLOYMENTS ? "deployment" : "statefulSet", key)
        if (type === "DELETED") templates.delete(key)
        return
      default:
    }
  }

  const learn = (commit: Commit): void => {
    const { manager, object, resource, type } = commit
    const isCounted = inventory.learn(commit)
    learnOwn(commit, isCounted)
    if (type === "DELETED" && inventory.dependentsOf(uidOf(object)).length > 0) agenda.mark("orphans", uidOf(object))
    if (type !== "DELETED" && isWaiting(object)) waiting.set(uidOf(object), `${resource} ${keyOfObject(object)}`)
    for (const uid of [uidOf(object), ...ownersOf(object).map((owner) => textAt(owner, "uid"))]) {
      const owner = waiting.get(uid)
      if (owner !== undefined) agenda.mark("waiting", owner)
    }
    if (type === "DELETED") waiting.delete(uidOf(object))
    const mayBeLost = type !== "DELETED" && !OWN.test(manager) && ownersOf(object).length > 0
    if (mayBeLost) agenda.mark("dependent", `${resource} ${keyOfObject(object)}`)
  }

  const podsOf = (workload: JsonObject): ReadonlyArray<JsonObject> => {
    const uid = uidOf(workload)
    const direct = inventory.podsOf(uid)
    const through = inventory.dependentsOf(uid).flatMap((dependent) => {
      const key = dependent.startsWith(`${REPLICA_SETS} `) ? dependent.slice(REPLICA_SETS.length + 1) : ""
      const slash = key.indexOf("/")
      const set = key === "" ? undefined : server.find("ReplicaSet", key.slice(0, slash), key.slice(slash + 1))
      return set === undefined ? [] : inventory.podsOf(uidOf(set))
    })
    return [...direct, ...through].map(({ object }) => object)
  }

  const begin = (sizes: ReadonlyArray<NodeSize>): void => {
    for (const resource of server.store.resources) {
      for (const object of server.store.list(resource)) {
        const writer = { manager: "", subresource: "" }
        learn({ type: "ADDED", resource, before: undefined, object, version: server.store.version, ...writer })
      }
    }
    sizes.forEach((size, index) => {
      if (server.find("Node", "", size.name) !== undefined) return
      server.create(nodeObject(size, index, secondTime(now())), "kubelet")
    })
  }

  return {
    agenda,
    begin,
    learn,
    podsOf,
    kill: (namespace: string, pod: string, death: Death) => kubelet.kill(keyFor(namespace, pod), death)
  }
}

const MEMO_MAX = 1000

/** Thousands of pods have but a few times between them. */
const memoised = (timeText: (millis: number) => string): ((millis: number) => string) => {
  const known = new Map<number, string>()
  return (millis) => {
    const found = known.get(millis) ?? timeText(millis)
    if (known.size >= MEMO_MAX) known.clear()
    known.set(millis, found)
    return found
  }
}

const STAGES: Readonly<Record<string, string>> = {
  ReplicaSet: "replicaSet",
  StatefulSet: "statefulSet",
  Deployment: "deployment"
}
