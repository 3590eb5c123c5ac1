/** Pods as a controller makes them from a template, and in which order it would rather lose them. */
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, namespaceOf, objectAt } from "#cluster/api/json"
import type { Hands } from "#cluster/controllers/Hands"
import { ownedBy, timeOf, uidFor } from "#cluster/controllers/Hands"
import type { PodView } from "#cluster/controllers/Inventory"

export interface PodMaker {
  readonly owner: JsonObject
  readonly template: JsonObject
  readonly name: string
  readonly labels?: JsonObject
  readonly spec?: JsonObject
  /** How many pods there were before. */
  readonly count: number
  readonly manager: string
}

/** The template has its defaults already: the API gave them to the owner. */
export const createPod = (hands: Hands, { count, labels, manager, name, owner, spec, template }: PodMaker): void => {
  const given = metadataOf(template)
  const pod: JsonObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: namespaceOf(owner),
      uid: uidFor(count),
      creationTimestamp: timeOf(hands),
      generation: 1,
      labels: { ...objectAt(given, "labels"), ...labels },
      ...(given["annotations"] === undefined ? {} : { annotations: given["annotations"] }),
      ownerReferences: [ownedBy(owner)]
    },
    spec: { ...objectAt(template, "spec"), ...spec },
    status: { phase: "Pending" }
  }
  hands.server.store.put("pods", pod, { manager, subresource: "" })
}

const PHASES = ["Pending", "Unknown", "Running"]

/**
 * The first is deleted first: without a node, not running, not ready, cheap to delete, beside many of its kind, ready
 * for the shortest time, restarted most, youngest.
 */
export const byExpendability = (pods: ReadonlyArray<PodView>): ReadonlyArray<PodView> => {
  const beside = new Map<string, number>()
  for (const { node, ready } of pods) if (ready) beside.set(node, (beside.get(node) ?? 0) + 1)
  const ranks = (pod: PodView): ReadonlyArray<number> => [
    pod.node === "" ? 0 : 1,
    PHASES.indexOf(pod.phase),
    pod.ready ? 1 : 0,
    pod.deletionCost,
    -(beside.get(pod.node) ?? 0),
    -pod.readySinceMillis,
    -pod.restarts,
    -pod.createdMillis,
    -pod.order
  ]
  const ranked = pods.map((pod) => ({ pod, rank: ranks(pod) }))
  return ranked.sort((one, two) => compared(one.rank, two.rank)).map(({ pod }) => pod)
}

const compared = (one: ReadonlyArray<number>, two: ReadonlyArray<number>): number => {
  const place = one.findIndex((rank, index) => rank !== two[index])
  return place < 0 ? 0 : (one[place] ?? 0) - (two[place] ?? 0)
}
