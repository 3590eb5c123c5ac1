/** The ReplicaSets of a Deployment: one for each template that it ever had, numbered in the order of their last use. */
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, nameOf, namespaceOf, objectAt, same, textAt, valueAt, without } from "#cluster/api/json"
import { MANAGER } from "#cluster/controllers/deploymentStatus"
import type { Hands } from "#cluster/controllers/Hands"
import { at, controllerOf, hashOf, ownedBy, uidOf } from "#cluster/controllers/Hands"
import type { Inventory } from "#cluster/controllers/Inventory"
import { REPLICA_SETS } from "#cluster/controllers/replicaSet"
import type { Limits, SetSize } from "#cluster/controllers/rollout"

export interface SetView extends SetSize {
  readonly uid: string
  readonly object: JsonObject
}

export const REVISION = "deployment.kubernetes.io/revision"
export const DESIRED = "deployment.kubernetes.io/desired-replicas"
export const MAX = "deployment.kubernetes.io/max-replicas"
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
const HASH = "pod-template-hash"

export const annotationOf = (object: JsonObject, name: string): string | undefined => {
  const value = objectAt(metadataOf(object), "annotations")[name]
  return typeof value === "string" ? value : undefined
}

/** Oldest first. */
export const setsOf = (hands: Hands, inventory: Inventory, deployment: JsonObject): ReadonlyArray<SetView> =>
  inventory
    .dependentsOf(uidOf(deployment))
    .flatMap((dependent) => {
      const object = dependent.startsWith(`${REPLICA_SETS} `)
        ? at(hands, REPLICA_SETS, dependent.slice(REPLICA_SETS.length + 1))
        : undefined
      const isOurs = object !== undefined && controllerOf(object)?.["uid"] === uidOf(deployment)
      return isOurs ? [viewOf(object)] : []
    })
    .sort((one, two) => (createdAt(one) < createdAt(two) ? -1 : createdAt(one) > createdAt(two) ? 1 : 0))

/** Of two made within one second the later one has the larger uid, as the API server counts them. */
const createdAt = ({ object, uid }: SetView): string => `${textAt(metadataOf(object), "creationTimestamp")} ${uid}`

const viewOf = (object: JsonObject): SetView => ({
  name: nameOf(object),
  uid: uidOf(object),
  object,
  replicas: Number(valueAt(object, "spec.replicas") ?? 0),
  available: Number(valueAt(object, "status.availableReplicas") ?? 0),
  maxReplicas: Number(annotationOf(object, MAX) ?? valueAt(object, "spec.replicas") ?? 0)
})

const templateOf = (object: JsonObject): JsonObject => {
  const template = objectAt(objectAt(object, "spec"), "template")
  const metadata = metadataOf(template)
  return { ...template, metadata: { ...metadata, labels: without(objectAt(metadata, "labels"), HASH) } }
}

export const isFresh = (deployment: JsonObject, set: JsonObject): boolean =>
  same(templateOf(deployment), templateOf(set))

const sizeNotes = ({ replicas, surge }: Limits): JsonObject => ({
  [DESIRED]: String(replicas),
  [MAX]: String(replicas + surge)
})

/** A person's annotations, as the cause of a change, are found again at the set that it made. */
const carried = (deployment: JsonObject): JsonObject =>
  without(objectAt(metadataOf(deployment), "annotations"), LAST_APPLIED, REVISION, DESIRED, MAX)

export const createFresh = (
  hands: Hands,
  deployment: JsonObject,
  old: ReadonlyArray<SetView>,
  limits: Limits,
  replicas: number
): SetView => {
  const template = templateOf(deployment)
  const namespace = namespaceOf(deployment)
  const free = Array.from({ length: old.length + 2 }, (_, collisions) => {
    return hashOf(JSON.stringify(template) + (collisions === 0 ? "" : String(collisions)))
  }).find((one) => hands.server.find("ReplicaSet", namespace, `${nameOf(deployment)}-${one}`) === undefined)
  const hash = free ?? hashOf(uidOf(deployment))
  const labels = { ...objectAt(metadataOf(template), "labels"), [HASH]: hash }
  const selector = objectAt(objectAt(deployment, "spec"), "selector")
  const minReadySeconds = valueAt(deployment, "spec.minReadySeconds")
  const made = hands.server.create(
    {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `${nameOf(deployment)}-${hash}`,
        namespace,
        labels,
        annotations: { ...carried(deployment), ...sizeNotes(limits) },
        ownerReferences: [ownedBy(deployment)]
      },
      spec: {
        replicas,
        ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
        selector: { ...selector, matchLabels: { ...objectAt(selector, "matchLabels"), [HASH]: hash } },
        template: { ...template, metadata: { ...metadataOf(template), labels } }
      }
    },
    MANAGER
  )
  if (replicas > 0) sayScaled(hands, deployment, nameOf(made), 0, replicas)
  return viewOf(made)
}

/** The newest template has the highest number, also when it is an old one come back. */
export const reviseFresh = (
  { server }: Hands,
  deployment: JsonObject,
  { name, object }: SetView,
  old: ReadonlyArray<SetView>
): void => {
  const last = Math.max(0, ...old.map((one) => Number(annotationOf(one.object, REVISION) ?? 0)))
  const own = Number(annotationOf(object, REVISION) ?? 0)
  const revision = String(own > last ? own : last + 1)
  const namespace = namespaceOf(deployment)
  const minReadySeconds = valueAt(deployment, "spec.minReadySeconds") ?? 0
  const spec = minReadySeconds === (valueAt(object, "spec.minReadySeconds") ?? 0) ? {} : { minReadySeconds }
  if (own !== Number(revision) || Object.keys(spec).length > 0) {
    const annotations = { ...carried(deployment), [REVISION]: revision }
    server.patch("ReplicaSet", namespace, name, { metadata: { annotations }, spec }, MANAGER)
  }
  if (annotationOf(deployment, REVISION) === revision) return
  server.patch(
    "Deployment",
    namespace,
    nameOf(deployment),
    { metadata: { annotations: { [REVISION]: revision } } },
    MANAGER
  )
}

export const resize = (
  hands: Hands,
  deployment: JsonObject,
  { name, object, replicas: before }: SetView,
  replicas: number,
  limits: Limits
): void => {
  const notes = sizeNotes(limits)
  const noted = Object.entries(notes).every(([key, value]) => annotationOf(object, key) === value)
  if (noted && before === replicas) return
  const patch = { metadata: { annotations: notes }, spec: { replicas } }
  hands.server.patch("ReplicaSet", namespaceOf(deployment), name, patch, MANAGER)
  if (before !== replicas) sayScaled(hands, deployment, name, before, replicas)
}

const sayScaled = ({ emit }: Hands, deployment: JsonObject, name: string, before: number, after: number): void => {
  const direction = after > before ? "up" : "down"
  const message = `Scaled ${direction} replica set ${name} from ${before} to ${after}`
  emit(deployment, "Normal", "ScalingReplicaSet", message, MANAGER)
}
