/** The scheduler's and the kubelet's part: each pod finds a node, starts, becomes ready, and ends as its fate has it. */
import type { JsonObject } from "#cluster/api/json"
import { nameOf, objectAt, textAt } from "#cluster/api/json"
import { at, type Hands, uidOf } from "#cluster/controllers/Hands"
import type { Nodes } from "#cluster/controllers/nodes"
import type { PodBehaviour, PodPlan } from "#cluster/controllers/PodBehaviour"
import { type Run, statusOf } from "#cluster/controllers/podStatus"

interface Life extends Run {
  readonly uid: string
  readonly plan: PodPlan
  /** When the next step is due; Infinity: never by itself. */
  readonly dueMillis: number
}

export interface Death {
  readonly exitCode: number
  /** As a container's status says it: Error, OOMKilled. */
  readonly reason: string
}

const CREATING_MAX_MILLIS = 1000
const BACK_OFF_SECONDS = 10
const BACK_OFF_MAX_SECONDS = 300
/** Whoever ran for so long begins a new count. */
const HEALTHY_MILLIS = 600_000

export class Kubelet {
  readonly #hands: Hands
  readonly #nodes: Nodes
  readonly #behaviour: PodBehaviour
  readonly #lives = new Map<string, Life>()
  readonly #unplaced = new Set<string>()
  readonly #failures = new Map<string, number>()
  #addresses = 0

  constructor(hands: Hands, nodes: Nodes, behaviour: PodBehaviour) {
    this.#hands = hands
    this.#nodes = nodes
    this.#behaviour = behaviour
  }

  look(key: string): void {
    const pod = at(this.#hands, "pods", key)
    const held = this.#lives.get(key)
    const life = held !== undefined && pod !== undefined && held.uid === uidOf(pod) ? held : undefined
    if (held !== undefined && life === undefined) this.#forget(key)
    if (pod === undefined) return
    if (life === undefined) return this.#meet(key, pod)
    if (life.step._tag === "Unplaced" && life.plan.fate._tag !== "Unschedulable") return this.#place(key, pod, life)
    if (life.dueMillis <= this.#hands.now()) this.#advance(key, pod, life)
  }

  /** There may be room now. */
  retry(): void {
    for (const key of this.#unplaced) this.#hands.agenda.mark("kubelet", key)
  }

  /** Kills the containers of a running pod; what follows is its restartPolicy's. False: there is nothing to kill. */
  kill(key: string, death: Death): boolean {
    const pod = at(this.#hands, "pods", key)
    const life = this.#lives.get(key)
    if (pod === undefined || life === undefined || uidOf(pod) !== life.uid) return false
    if (life.step._tag !== "Started" && life.step._tag !== "Ready") return false
    this.#end(key, pod, life, death)
    return true
  }

  #forget(key: string): void {
    this.#lives.delete(key)
    this.#failures.delete(key)
    this.#unplaced.delete(key)
    if (this.#nodes.free(key)) this.retry()
  }

  #meet(key: string, pod: JsonObject): void {
    const phase = textAt(objectAt(pod, "status"), "phase")
    const node = textAt(objectAt(pod, "spec"), "nodeName")
    // Somebody else tells the life of a pod that comes with one.
    if (phase !== "" && phase !== "Pending") return node === "" ? undefined : this.#nodes.take(key, pod, node)
    this.#place(key, pod, {
      uid: uidOf(pod),
      plan: this.#behaviour(pod, 0),
      step: { _tag: "Unplaced", why: "" },
      dueMillis: Infinity,
      restarts: 0,
      startedMillis: 0,
      boundMillis: 0,
      lastExit: undefined,
      podAddress: "",
      nodeAddress: ""
    })
  }

  #place(key: string, pod: JsonObject, life: Life): void {
    const isUnfit = life.plan.fate._tag === "Unschedulable"
    const given = textAt(objectAt(pod, "spec"), "nodeName")
    const placed = isUnfit
      ? { why: this.#nodes.unfit(`${this.#nodes.count} Insufficient cpu`) }
      : given === ""
        ? this.#nodes.placeFor(pod)
        : { node: given }
    if ("why" in placed) {
      this.#unplaced.add(key)
      if (life.step._tag === "Unplaced" && life.step.why === placed.why) return
      this.#hands.emit(pod, "Warning", "FailedScheduling", placed.why, "default-scheduler")
      return this.#set(key, pod, { ...life, step: { _tag: "Unplaced", why: placed.why } })
    }
    this.#unplaced.delete(key)
    this.#nodes.take(key, pod, placed.node)
    const now = this.#hands.now()
    const address = ++this.#addresses
    const bound = { ...pod, spec: { ...objectAt(pod, "spec"), nodeName: placed.node } }
    const creating = Math.min(CREATING_MAX_MILLIS, life.plan.startupMillis / 2)
    this.#set(key, bound, {
      ...life,
      step: { _tag: life.plan.fate._tag === "NoImage" ? "NoImage" : "Creating" },
      dueMillis: life.plan.fate._tag === "NoImage" ? Infinity : now + creating,
      boundMillis: now,
      nodeAddress: this.#nodes.addressOf(placed.node),
      podAddress: `10.${244 + ((address >> 16) & 7)}.${(address >> 8) & 255}.${address & 255}`
    })
    if (life.plan.fate._tag !== "NoImage") return
    const [image] = objectImages(pod)
    this.#hands.emit(bound, "Warning", "Failed", `Failed to pull image "${image ?? ""}"`, "kubelet")
  }

  #advance(key: string, pod: JsonObject, life: Life): void {
    switch (life.step._tag) {
      case "Creating":
        return this.#start(key, pod, life, life.boundMillis + life.plan.startupMillis)
      case "Started":
        return this.#isOver(life) ? this.#end(key, pod, life) : this.#becomeReady(key, pod, life)
      case "Ready":
        return this.#end(key, pod, life)
      case "BackingOff":
        return this.#restart(key, pod, life)
      default:
    }
  }

  #start(key: string, pod: JsonObject, life: Life, readyMillis: number): void {
    const startedMillis = this.#hands.now()
    const { fate } = life.plan
    const exit = fate._tag === "Exits" ? startedMillis + fate.afterMillis : Infinity
    const ready = fate._tag === "NeverReady" ? Infinity : readyMillis
    this.#set(key, pod, { ...life, step: { _tag: "Started" }, startedMillis, dueMillis: Math.min(exit, ready) })
    if (fate._tag !== "NeverReady") return
    this.#hands.emit(pod, "Warning", "Unhealthy", "Readiness probe failed", "kubelet")
  }

  #endMillis({ plan, startedMillis }: Life): number {
    return plan.fate._tag === "Exits" ? startedMillis + plan.fate.afterMillis : Infinity
  }

  #isOver(life: Life): boolean {
    return this.#endMillis(life) <= this.#hands.now()
  }

  #becomeReady(key: string, pod: JsonObject, life: Life): void {
    this.#set(key, pod, { ...life, step: { _tag: "Ready" }, dueMillis: this.#endMillis(life) })
  }

  #end(key: string, pod: JsonObject, life: Life, death?: Death): void {
    const { fate } = life.plan
    const exitCode = death?.exitCode ?? (fate._tag === "Exits" ? fate.exitCode : 1)
    const told = death?.reason ?? (fate._tag === "Exits" ? fate.reason : undefined)
    const reason = told ?? (exitCode === 0 ? "Completed" : "Error")
    const finishedMillis = this.#hands.now()
    const lastExit = { code: exitCode, reason, startedMillis: life.startedMillis, finishedMillis }
    const policy = textAt(objectAt(pod, "spec"), "restartPolicy")
    const isFinal = policy === "Never" || (policy === "OnFailure" && exitCode === 0)
    if (isFinal) {
      this.#set(key, pod, { ...life, lastExit, step: { _tag: "Ended" }, dueMillis: Infinity })
      if (this.#nodes.free(key)) this.retry()
      return
    }
    const before = finishedMillis - life.startedMillis >= HEALTHY_MILLIS ? 0 : (this.#failures.get(key) ?? 0)
    this.#failures.set(key, before + 1)
    // The first time it is started again at once.
    if (before === 0) return this.#restart(key, pod, { ...life, lastExit })
    const seconds = Math.min(BACK_OFF_SECONDS * 2 ** (before - 1), BACK_OFF_MAX_SECONDS)
    const dueMillis = finishedMillis + seconds * 1000
    this.#set(key, pod, { ...life, lastExit, step: { _tag: "BackingOff", seconds }, dueMillis })
    const message = `Back-off restarting failed container in pod ${nameOf(pod)}`
    this.#hands.emit(pod, "Warning", "BackOff", message, "kubelet")
  }

  #restart(key: string, pod: JsonObject, life: Life): void {
    const restarts = life.restarts + 1
    const plan = this.#behaviour(pod, restarts)
    this.#start(key, pod, { ...life, restarts, plan }, this.#hands.now() + plan.startupMillis)
  }

  #set(key: string, pod: JsonObject, life: Life): void {
    this.#lives.set(key, life)
    if (life.dueMillis < Infinity) this.#hands.agenda.markAt(life.dueMillis, "kubelet", key)
    const object = { ...pod, status: statusOf(this.#hands, pod, life) }
    this.#hands.server.store.put("pods", object, { manager: "kubelet", subresource: "status" })
  }
}

const objectImages = (pod: JsonObject): ReadonlyArray<string> => {
  const containers = objectAt(pod, "spec")["containers"]
  return Array.isArray(containers) ? containers.map((one) => textAt(one as JsonObject, "image")) : []
}
