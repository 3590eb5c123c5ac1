/** One Deployment: which ReplicaSet is its newest, and how the sizes of all move towards that one. */
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, nameOf, namespaceOf, objectAt, valueAt } from "#cluster/api/json"
import { DEPLOYMENTS, MANAGER, report } from "#cluster/controllers/deploymentStatus"
import type { Hands } from "#cluster/controllers/Hands"
import { at } from "#cluster/controllers/Hands"
import { type Inventory, isActive } from "#cluster/controllers/Inventory"
import {
  annotationOf,
  createFresh,
  DESIRED,
  isFresh,
  resize,
  REVISION,
  reviseFresh,
  setsOf,
  type SetView
} from "#cluster/controllers/revisions"
import { grown, type Limits, limitsOf, shrunk, spread } from "#cluster/controllers/rollout"

interface Rollout {
  readonly hands: Hands
  readonly inventory: Inventory
  readonly deployment: JsonObject
  readonly limits: Limits
  readonly fresh: SetView | undefined
  /** Oldest first. */
  readonly old: ReadonlyArray<SetView>
}

export const lookAtDeployment = (hands: Hands, inventory: Inventory, key: string): void => {
  const deployment = at(hands, DEPLOYMENTS, key)
  if (deployment === undefined || metadataOf(deployment)["deletionTimestamp"] !== undefined) return
  move(rolloutOf(hands, inventory, deployment))
  const after = at(hands, DEPLOYMENTS, key)
  if (after === undefined) return
  const { fresh, limits, old } = rolloutOf(hands, inventory, after)
  report(hands, after, limits, fresh?.object, [...old, ...(fresh === undefined ? [] : [fresh])])
}

const isRecreate = (deployment: JsonObject): boolean => valueAt(deployment, "spec.strategy.type") === "Recreate"

const rolloutOf = (hands: Hands, inventory: Inventory, deployment: JsonObject): Rollout => {
  const sets = setsOf(hands, inventory, deployment)
  const replicas = Number(valueAt(deployment, "spec.replicas") ?? 1)
  const rolling = objectAt(objectAt(objectAt(deployment, "spec"), "strategy"), "rollingUpdate")
  const { maxSurge = "25%", maxUnavailable = "25%" } = rolling
  return {
    hands,
    inventory,
    deployment,
    limits: isRecreate(deployment)
      ? { replicas, surge: 0, unavailable: 0 }
      : limitsOf(replicas, maxSurge, maxUnavailable),
    fresh: sets.find(({ object }) => isFresh(deployment, object)),
    old: sets.filter(({ object }) => !isFresh(deployment, object))
  }
}

const move = (rollout: Rollout): void => {
  const { deployment, fresh, hands, limits, old } = rollout
  const sized = [...old, ...(fresh === undefined ? [] : [fresh])]
  const wanted = String(limits.replicas)
  const rescaled = sized.some(
    ({ object, replicas }) => replicas > 0 && ![undefined, wanted].includes(annotationOf(object, DESIRED))
  )
  if (valueAt(deployment, "spec.paused") === true || rescaled) return rescale(rollout)
  const isRolling = !isRecreate(deployment)
  if (!isRolling && (shrinkTo(rollout, new Map(old.map(({ name }) => [name, 0]))) || isStillRunning(rollout))) return
  const view = fresh ?? createFresh(hands, deployment, old, limits, isRolling ? roomFor(rollout) : limits.replicas)
  reviseFresh(hands, deployment, view, old)
  if (view.replicas !== limits.replicas) {
    const next = isRolling ? grown(limits, view, old) : limits.replicas
    if (next !== view.replicas) return resize(hands, deployment, view, next, limits)
  }
  if (
    isRolling &&
    shrinkTo(
      rollout,
      shrunk(
        limits,
        view,
        old.filter(({ replicas }) => replicas > 0)
      )
    )
  )
    return
  forget(rollout)
}

const roomFor = ({ limits, old }: Rollout): number => grown(limits, { ...NONE, replicas: 0 }, old)
const NONE = { name: "", replicas: 0, available: 0, maxReplicas: 0 }

const isStillRunning = ({ inventory, old }: Rollout): boolean =>
  old.some(({ uid }) => inventory.podsOf(uid).some(isActive))

const shrinkTo = ({ deployment, hands, limits, old }: Rollout, sizes: ReadonlyMap<string, number>): boolean => {
  const smaller = old.filter(({ name, replicas }) => (sizes.get(name) ?? replicas) < replicas)
  for (const view of smaller) resize(hands, deployment, view, sizes.get(view.name) ?? 0, limits)
  return smaller.length > 0
}

/** Somebody asks for another size, perhaps amid a rollout: no pod of it is wasted. */
const rescale = ({ deployment, fresh, hands, limits, old }: Rollout): void => {
  const all = [...old, ...(fresh === undefined ? [] : [fresh])]
  const active = all.filter(({ replicas }) => replicas > 0)
  const only = active.length <= 1 ? (active[0] ?? fresh ?? all.at(-1)) : undefined
  if (only !== undefined) return resize(hands, deployment, only, limits.replicas, limits)
  const isSaturated = fresh?.replicas === limits.replicas && fresh.available === limits.replicas
  const sizes = isSaturated
    ? new Map(old.map(({ name }) => [name, 0]))
    : isRecreate(deployment)
      ? new Map<string, number>()
      : spread(limits, active)
  for (const view of active) resize(hands, deployment, view, sizes.get(view.name) ?? view.replicas, limits)
}

/** Old sets that nothing runs in are kept for a way back, and only so many. */
const forget = ({ deployment, hands, old }: Rollout): void => {
  const kept = Number(valueAt(deployment, "spec.revisionHistoryLimit") ?? 10)
  const empty = old.filter(
    ({ object, replicas }) => replicas === 0 && !(Number(valueAt(object, "status.replicas")) > 0)
  )
  const byRevision = empty.toSorted((one, two) => revisionOf(one) - revisionOf(two))
  for (const { object } of byRevision.slice(0, Math.max(0, empty.length - kept))) {
    hands.server.remove("ReplicaSet", namespaceOf(object), nameOf(object), MANAGER)
  }
}

const revisionOf = ({ object }: SetView): number => Number(annotationOf(object, REVISION) ?? 0)
