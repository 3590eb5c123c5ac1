/**
 * What is counted, and for whom: it remembers which series belong to which policy, so that they go when the policy
 * goes, and gives only so many policies series of their own, so that a cluster of any size gets a bounded page.
 */
import { Action, type DecisionRecord } from "#schemas/Decision"
import type { PolicyRef, Target } from "#schemas/Policy"
import { Phase } from "#schemas/Status"
import type { Families } from "./metricFamilies.ts"
import type { Learning } from "./Metrics.ts"

/** Each has a handful of series per target; 5,000 policies make a page of some 3 MB. */
const MAX_DETAILED_POLICIES = 5_000
/** As many as a label selection may have; it also bounds what a broken caller could add. */
const MAX_TARGETS = 20
const MAX_HOSTS = 20

interface Known {
  readonly ref: PolicyRef
  phase: Phase
  /** Has series of its own. */
  detailed: boolean
  readonly targets: Map<string, Target>
}

const LEARNING: Readonly<Record<keyof Learning, true>> = {
  epsilon: true,
  reward: true,
  states: true,
  transitions: true,
  shadowReward: true,
  baselineReward: true,
  steering: true
}
const isLearning = (name: string): name is keyof Learning => Object.hasOwn(LEARNING, name)

const controllerOf = ({ kind }: PolicyRef) => kind.toLowerCase()
const targetKey = ({ namespace, kind, name }: Target) => `${namespace}/${kind}/${name}`
const succeeded = ({ outcome }: DecisionRecord) => outcome._tag !== "Refused" && outcome._tag !== "Unknown"
const moved = ({ outcome }: DecisionRecord) =>
  outcome._tag === "Scaled" || outcome._tag === "Recovered" ? outcome : undefined

export class MetricsRecorder {
  readonly #families: Families
  readonly #policies = new Map<string, Known>()
  #detailed = 0
  readonly #inFlight = new Map<symbol, { readonly controller: string; readonly since: number }>()
  /** Policies that keep a series alive, which several of them may share. */
  readonly #namespaces = new Map<string, Set<string>>()
  readonly #workloads = new Map<string, Set<string>>()
  readonly #hosts = new Set<string>()

  constructor(families: Families) {
    this.#families = families
    for (const phase of Phase.literals) families.byPhase.set({ phase }, 0)
    for (const action of Action.literals) families.decisions.inc({ action }, 0)
    families.activePolicies.set(0)
    families.dropped.set(0)
  }

  seen(ref: PolicyRef): Known {
    const found = this.#policies.get(ref.uid)
    const known = found ?? { ref, phase: "Initializing", detailed: false, targets: new Map() }
    if (found === undefined) {
      this.#policies.set(ref.uid, known)
      this.#families.policies.inc()
      this.#families.byPhase.inc({ phase: known.phase })
      this.#startController(controllerOf(ref))
      this.#startNamespace(ref.namespace, ref.uid)
      this.#families.activePolicies.set(this.#policies.size)
    }
    if (!known.detailed && this.#detailed < MAX_DETAILED_POLICIES) {
      known.detailed = true
      this.#detailed++
      this.#showReady(known)
    }
    this.#families.dropped.set(this.#policies.size - this.#detailed)
    return known
  }

  recorded(record: DecisionRecord, seconds: number): void {
    const families = this.#families
    const { decision, policy, observation, outcome } = record
    const controller = controllerOf(policy)
    const known = this.seen(policy)
    families.decisions.inc({ action: decision.action })
    families.workflows.inc()
    families.outcomes.inc({ outcome: outcome._tag })
    for (const limiter of new Set(decision.limitedBy)) families.limited.inc({ limiter })
    if (succeeded(record)) families.workflowsSuccessful.inc()
    else families.reconcileErrors.inc({ controller })
    families.reconciles.inc({ controller, result: succeeded(record) ? "success" : "error" })
    families.reconcileSeconds.observe({ controller }, seconds)

    const change = moved(record)
    if (change !== undefined) {
      const { namespace } = observation.target
      this.#startNamespace(namespace, policy.uid)
      families.operations.inc({ type: change.to >= change.from ? "scale_up" : "scale_down", namespace })
      families.actions.inc()
    }
    this.#showTarget(known, record, change?.to ?? observation.state.specReplicas)
  }

  failed(ref: PolicyRef, seconds: number): void {
    const controller = controllerOf(ref)
    this.seen(ref)
    this.#families.reconciles.inc({ controller, result: "error" })
    this.#families.reconcileErrors.inc({ controller })
    this.#families.reconcileSeconds.observe({ controller }, seconds)
    this.#families.queueRetries.inc({ name: controller, controller })
  }

  crashed(ref: PolicyRef): void {
    this.seen(ref)
    this.#families.panics.inc({ controller: controllerOf(ref) })
  }

  phase(ref: PolicyRef, phase: Phase): void {
    const known = this.seen(ref)
    this.#families.byPhase.dec({ phase: known.phase })
    this.#families.byPhase.inc({ phase })
    known.phase = phase
    this.#showReady(known)
  }

  learning(ref: PolicyRef, learning: Learning): void {
    if (!this.seen(ref).detailed) return
    const labels = { namespace: ref.namespace, policy: ref.name }
    for (const [name, value] of Object.entries<number | undefined>({ ...learning })) {
      if (!isLearning(name)) continue
      const family = this.#families.learning[name]
      // 0 would be the best of all rewards.
      if (value === undefined) family.remove(labels)
      else family.set(labels, value)
    }
  }

  /** The policy's targets as they are now: series of all others go. */
  targets(ref: PolicyRef, targets: ReadonlyArray<Target>): void {
    const known = this.seen(ref)
    const now = new Set(targets.map(targetKey))
    for (const [key, target] of known.targets) if (!now.has(key)) this.#dropTarget(known, key, target)
  }

  forget({ uid }: PolicyRef): void {
    const known = this.#policies.get(uid)
    if (known === undefined) return
    const { kind, namespace, name } = known.ref
    for (const [key, target] of known.targets) this.#dropTarget(known, key, target)
    this.#families.ready.remove({ kind, namespace, policy: name })
    for (const family of Object.values(this.#families.learning)) family.remove({ namespace, policy: name })
    this.#families.byPhase.dec({ phase: known.phase })
    for (const [other, uids] of this.#namespaces) {
      if (!uids.delete(uid) || uids.size > 0) continue
      this.#namespaces.delete(other)
      for (const type of ["scale_up", "scale_down"]) this.#families.operations.remove({ type, namespace: other })
    }
    this.#policies.delete(uid)
    if (known.detailed) this.#detailed--
    this.#families.dropped.set(this.#policies.size - this.#detailed)
    this.#families.activePolicies.set(this.#policies.size)
  }

  began(ref: PolicyRef, now: number): symbol {
    const controller = controllerOf(ref)
    const token = Symbol(controller)
    this.#inFlight.set(token, { controller, since: now })
    this.#families.queueAdds.inc({ name: controller, controller })
    return token
  }

  ended(token: symbol, now: number): void {
    const tick = this.#inFlight.get(token)
    if (tick === undefined) return
    this.#inFlight.delete(token)
    const { controller, since } = tick
    this.#families.queueWork.observe({ name: controller, controller }, (now - since) / 1000)
  }

  request(method: string, code: string, host: string): void {
    if (this.#hosts.size < MAX_HOSTS) this.#hosts.add(host)
    this.#families.requests.inc({ code, method, host: this.#hosts.has(host) ? host : "other" })
  }

  /** Gauges that are a matter of the moment at which somebody looks. */
  look(now: number): void {
    const { activeWorkers, unfinished, longest, maxWorkers } = this.#families
    const kinds = new Map<string, { actors: number; ticks: number; seconds: number; oldest: number }>()
    const of = (controller: string) => {
      const kind = kinds.get(controller) ?? { actors: 0, ticks: 0, seconds: 0, oldest: 0 }
      kinds.set(controller, kind)
      return kind
    }
    for (const { ref } of this.#policies.values()) of(controllerOf(ref)).actors++
    for (const { controller, since } of this.#inFlight.values()) {
      const kind = of(controller)
      const seconds = (now - since) / 1000
      kind.ticks++
      kind.seconds += seconds
      kind.oldest = Math.max(kind.oldest, seconds)
    }
    for (const family of [activeWorkers, unfinished, longest, maxWorkers]) family.reset()
    for (const [controller, kind] of kinds) {
      maxWorkers.set({ controller }, kind.actors)
      activeWorkers.set({ controller }, kind.ticks)
      unfinished.set({ name: controller, controller }, kind.seconds)
      longest.set({ name: controller, controller }, kind.oldest)
    }
  }

  /** A counter that is there from the start shows its first increase. */
  #startController(controller: string): void {
    const { reconciles, reconcileErrors, panics } = this.#families
    for (const result of ["success", "error"]) reconciles.inc({ controller, result }, 0)
    reconcileErrors.inc({ controller }, 0)
    panics.inc({ controller }, 0)
  }

  #startNamespace(namespace: string, uid: string): void {
    const uids = this.#namespaces.get(namespace) ?? new Set()
    this.#namespaces.set(namespace, uids.add(uid))
    for (const type of ["scale_up", "scale_down"]) this.#families.operations.inc({ type, namespace }, 0)
  }

  #showReady({ detailed, phase, ref: { kind, namespace, name } }: Known): void {
    if (detailed) this.#families.ready.set({ kind, namespace, policy: name }, phase === "Error" ? 0 : 1)
  }

  #showTarget(known: Known, { decision, observation: { target } }: DecisionRecord, current: number): void {
    const key = targetKey(target)
    if (!known.detailed || (!known.targets.has(key) && known.targets.size >= MAX_TARGETS)) return
    known.targets.set(key, target)
    const workload = `${target.namespace}/${target.name}`
    this.#workloads.set(workload, (this.#workloads.get(workload) ?? new Set()).add(known.ref.uid))
    const labels = seriesOf(known.ref, target)
    this.#families.current.set({ namespace: target.namespace, deployment: target.name }, current)
    this.#families.desired.set(labels, decision.desired)
    if (decision.recommended === undefined) this.#families.recommended.remove(labels)
    else this.#families.recommended.set(labels, decision.recommended)
  }

  #dropTarget(known: Known, key: string, target: Target): void {
    known.targets.delete(key)
    const labels = seriesOf(known.ref, target)
    this.#families.desired.remove(labels)
    this.#families.recommended.remove(labels)
    const workload = `${target.namespace}/${target.name}`
    const uids = this.#workloads.get(workload)
    // A Deployment and a StatefulSet of one name share the seed's series.
    const again = [...known.targets.values()].some((other) => `${other.namespace}/${other.name}` === workload)
    if (uids === undefined || again || !uids.delete(known.ref.uid) || uids.size > 0) return
    this.#workloads.delete(workload)
    this.#families.current.remove({ namespace: target.namespace, deployment: target.name })
  }
}

const seriesOf = ({ kind, namespace, name }: PolicyRef, target: Target) => ({
  kind,
  namespace,
  policy: name,
  target: `${target.kind}/${target.name}`
})
