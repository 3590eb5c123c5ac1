/** PodDisruptionBudgets: how many of their pods are healthy, should be, and may be missed. */
import type { JsonObject } from "#cluster/api/json"
import { isObject, listAt, metadataOf, namespaceOf, objectAt, same, textAt, valueAt } from "#cluster/api/json"
import { labelsMatch, type Predicate, selectorText } from "#cluster/api/selectors"
import type { Commit } from "#cluster/api/Store"
import { at, controllerOf, type Hands, keyFor, keyOfObject, setStatus, timeOf } from "#cluster/controllers/Hands"
import { type Inventory, isActive, type PodView } from "#cluster/controllers/Inventory"

export const BUDGETS = "poddisruptionbudgets.policy"

interface Budget {
  readonly selector: string
  readonly matches: Predicate
  readonly pods: Set<string>
}

export class Disruption {
  readonly #hands: Hands
  readonly #inventory: Inventory
  readonly #budgets = new Map<string, Map<string, Budget>>()
  /** By the pod: the budgets that it counts for, as most changes of a pod are none of its labels. */
  readonly #chosen = new Map<string, ReadonlyArray<string>>()

  constructor(hands: Hands, inventory: Inventory) {
    this.#hands = hands
    this.#inventory = inventory
  }

  learnBudget({ object, type }: Commit): void {
    const [namespace, key] = [namespaceOf(object), keyOfObject(object)]
    const within = this.#budgets.get(namespace) ?? new Map<string, Budget>()
    this.#budgets.set(namespace, within)
    const selector = selectorText(valueAt(object, "spec.selector"))
    const isOther = type === "DELETED" || within.get(key)?.selector !== selector
    if (type === "DELETED") within.delete(key)
    // An absent selector chooses nothing, an empty one everything.
    else if (valueAt(object, "spec.selector") === undefined) {
      within.set(key, { selector, matches: () => false, pods: new Set() })
    } else if (isOther) within.set(key, { selector, matches: labelsMatch(selector), pods: new Set() })
    if (isOther) {
      for (const pod of this.#inventory.pods) if (namespaceOf(pod.object) === namespace) this.#choose(pod.object)
    }
    this.#hands.agenda.mark("disruption", key)
  }

  learnPod({ before, object, type }: Commit): void {
    const isNew = before === undefined || !same(metadataOf(before)["labels"], metadataOf(object)["labels"])
    if (isNew && type !== "DELETED") return this.#choose(object)
    const pod = keyOfObject(object)
    for (const key of this.#chosen.get(pod) ?? []) {
      if (type === "DELETED") this.#budgets.get(namespaceOf(object))?.get(key)?.pods.delete(pod)
      this.#hands.agenda.mark("disruption", key)
    }
    if (type === "DELETED") this.#chosen.delete(pod)
  }

  #choose(object: JsonObject): void {
    const pod = keyOfObject(object)
    const chosen: Array<string> = []
    for (const [key, { matches, pods }] of this.#budgets.get(namespaceOf(object)) ?? []) {
      const isIn = matches(object)
      if (isIn) chosen.push(key)
      if (isIn || pods.has(pod)) this.#hands.agenda.mark("disruption", key)
      if (isIn) pods.add(pod)
      else pods.delete(pod)
    }
    if (chosen.length > 0) this.#chosen.set(pod, chosen)
    else this.#chosen.delete(pod)
  }

  look(key: string): void {
    const object = at(this.#hands, BUDGETS, key)
    if (object === undefined) return
    const budget = this.#budgets.get(namespaceOf(object))?.get(key)
    const pods = [...(budget?.pods ?? [])].flatMap((pod) => this.#inventory.pod(pod) ?? []).filter(isActive)
    const spec = objectAt(object, "spec")
    const { expected, desired } = this.#wanted(spec, pods)
    const healthy = pods.filter((pod) => pod.ready).length
    const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0
    setStatus(
      this.#hands,
      BUDGETS,
      object,
      {
        observedGeneration: metadataOf(object)["generation"] ?? 1,
        disruptionsAllowed: allowed,
        currentHealthy: healthy,
        desiredHealthy: desired,
        expectedPods: expected,
        conditions: [this.#condition(object, allowed > 0)]
      },
      "disruption-controller"
    )
  }

  #wanted({ maxUnavailable, minAvailable }: JsonObject, pods: ReadonlyArray<PodView>) {
    if (typeof minAvailable === "number") return { expected: pods.length, desired: minAvailable }
    const expected = this.#scale(pods)
    const share = (value: unknown): number =>
      typeof value === "number" ? value : Math.ceil((Number.parseFloat(String(value)) * expected) / 100)
    if (maxUnavailable !== undefined) return { expected, desired: Math.max(0, expected - share(maxUnavailable)) }
    return { expected, desired: minAvailable === undefined ? 0 : share(minAvailable) }
  }

  /** What the pods' controllers ask for together. */
  #scale(pods: ReadonlyArray<PodView>): number {
    const controllers = new Map<string, JsonObject>()
    // One pod speaks for all of its owner's.
    for (const { object } of new Map(pods.map((pod) => [pod.owner, pod])).values()) {
      const top = this.#topOf(object)
      if (top !== undefined) controllers.set(`${textAt(top, "kind")} ${keyOfObject(top)}`, top)
    }
    return [...controllers.values()].reduce((sum, one) => sum + Number(valueAt(one, "spec.replicas") ?? 0), 0)
  }

  #topOf(object: JsonObject): JsonObject | undefined {
    const owner = controllerOf(object)
    const resource = RESOURCES[textAt(owner ?? {}, "kind")]
    if (owner === undefined || resource === undefined) return undefined
    const found = at(this.#hands, resource, keyFor(namespaceOf(object), textAt(owner, "name")))
    return found === undefined ? undefined : (this.#topOf(found) ?? found)
  }

  #condition(object: JsonObject, isAllowed: boolean): JsonObject {
    const status = isAllowed ? "True" : "False"
    const held = listAt(objectAt(object, "status"), "conditions").find(
      (one) => isObject(one) && one["status"] === status
    )
    return {
      type: "DisruptionAllowed",
      status,
      reason: isAllowed ? "SufficientPods" : "InsufficientPods",
      message: "",
      observedGeneration: metadataOf(object)["generation"] ?? 1,
      lastTransitionTime: isObject(held) ? (held["lastTransitionTime"] ?? timeOf(this.#hands)) : timeOf(this.#hands)
    }
  }
}

const RESOURCES: Readonly<Record<string, string>> = {
  ReplicaSet: "replicasets.apps",
  Deployment: "deployments.apps",
  StatefulSet: "statefulsets.apps"
}
