/** What a Deployment says of itself: counts, whether it is available, and whether its rollout gets on. */
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, listAt, metadataOf, nameOf, objectAt, textAt, valueAt } from "#cluster/api/json"
import type { Hands } from "#cluster/controllers/Hands"
import { keyOfObject, setStatus, timeOf } from "#cluster/controllers/Hands"
import { positive } from "#cluster/controllers/replicaSet"
import type { Limits } from "#cluster/controllers/rollout"
import { parseTime } from "#services/kubernetesTime"

export const DEPLOYMENTS = "deployments.apps"
export const MANAGER = "deployment-controller"

type Condition = { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }

const countOf = (object: JsonObject | undefined, field: string): number =>
  Number((object === undefined ? undefined : objectAt(object, "status")[field]) ?? 0)

export const report = (
  hands: Hands,
  deployment: JsonObject,
  limits: Limits,
  fresh: JsonObject | undefined,
  sets: ReadonlyArray<{ readonly object: JsonObject; readonly replicas: number }>
): void => {
  const sum = (field: string) => sets.reduce((total, { object }) => total + countOf(object, field), 0)
  const available = sum("availableReplicas")
  const asked = sets.reduce((total, { replicas }) => total + replicas, 0)
  const counts = positive({
    replicas: sum("replicas"),
    updatedReplicas: countOf(fresh, "replicas"),
    readyReplicas: sum("readyReplicas"),
    availableReplicas: available,
    unavailableReplicas: asked - available
  })
  const conditions = conditionsOf(hands, deployment, limits, fresh, counts)
  const observedGeneration = metadataOf(deployment)["generation"] ?? 1
  const status = { observedGeneration, ...counts, terminatingReplicas: sum("terminatingReplicas"), conditions }
  setStatus(hands, DEPLOYMENTS, deployment, status, MANAGER)
}

const conditionsOf = (
  hands: Hands,
  deployment: JsonObject,
  limits: Limits,
  fresh: JsonObject | undefined,
  counts: JsonObject
): Json => {
  const isEnough = Number(counts["availableReplicas"] ?? 0) >= limits.replicas - limits.unavailable
  const available = {
    type: "Available",
    status: isEnough ? "True" : "False",
    reason: isEnough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
    message: isEnough ? "Deployment has minimum availability." : "Deployment does not have minimum availability."
  }
  const last = listAt(objectAt(deployment, "status"), "conditions").filter(isObject)
  const held = (type: string) => last.find((one) => one["type"] === type)
  const deadline = valueAt(deployment, "spec.progressDeadlineSeconds")
  const progress =
    deadline === undefined
      ? undefined
      : progressOf(hands, deployment, Number(deadline), fresh, counts, held("Progressing"))
  if (progress !== undefined && progress["status"] === "True" && progress["reason"] !== "NewReplicaSetAvailable") {
    hands.agenda.markAt(deadlineOf(progress, Number(deadline)), "deployment", keyOfObject(deployment))
  }
  const time = timeOf(hands)
  const kept = held("Available")
  const isKept = kept !== undefined && kept["status"] === available.status && kept["reason"] === available.reason
  return [isKept ? kept : stamped(available, kept, time), ...(progress === undefined ? [] : [progress])]
}

const stamped = (condition: Condition, held: JsonObject | undefined, time: string): JsonObject => ({
  ...condition,
  lastUpdateTime: time,
  lastTransitionTime:
    held !== undefined && held["status"] === condition.status ? (held["lastTransitionTime"] ?? time) : time
})

const progressOf = (
  hands: Hands,
  deployment: JsonObject,
  deadlineSeconds: number,
  fresh: JsonObject | undefined,
  counts: JsonObject,
  held: JsonObject | undefined
): JsonObject | undefined => {
  const name = fresh === undefined ? "" : nameOf(fresh)
  const about = fresh === undefined ? `Deployment "${nameOf(deployment)}"` : `ReplicaSet "${name}"`
  const is = (status: string, reason: string, message: string): JsonObject =>
    stamped({ type: "Progressing", status, reason, message }, held, timeOf(hands))
  const once = (status: string, reason: string, message: string): JsonObject =>
    held?.["reason"] === reason && held["message"] === message ? held : is(status, reason, message)
  if (valueAt(deployment, "spec.paused") === true) {
    return once("Unknown", "DeploymentPaused", "Deployment is paused")
  }
  const step = stepOf(deployment, counts, held, name)
  if (step === "done") return once("True", "NewReplicaSetAvailable", `${about} has successfully progressed.`)
  if (step === "begun") return is("True", "NewReplicaSetCreated", `Created new replica set "${name}"`)
  if (step === "moving") return is("True", "ReplicaSetUpdated", `${about} is progressing.`)
  const isWaiting = held !== undefined && held["status"] === "True" && held["reason"] !== "NewReplicaSetAvailable"
  if (!isWaiting) return held
  const until = deadlineOf(held, deadlineSeconds)
  return until > hands.now() ? held : is("False", "ProgressDeadlineExceeded", `${about} has timed out progressing.`)
}

const deadlineOf = (condition: JsonObject, seconds: number): number =>
  (parseTime(textAt(condition, "lastUpdateTime")) ?? 0) + seconds * 1000

const stepOf = (
  deployment: JsonObject,
  counts: JsonObject,
  held: JsonObject | undefined,
  name: string
): "begun" | "moving" | "done" | "still" => {
  const was = objectAt(deployment, "status")
  const now = (field: string) => Number(counts[field] ?? 0)
  const before = (field: string) => Number(was[field] ?? 0)
  const wanted = Number(valueAt(deployment, "spec.replicas") ?? 1)
  if (["updatedReplicas", "replicas", "availableReplicas"].every((field) => now(field) === wanted)) return "done"
  if (name === "") return "still"
  const isKnown = held !== undefined && textAt(held, "message").includes(`"${name}"`)
  if (!isKnown) return "begun"
  // A rollout that was completed is not begun again by pods that come and go.
  if (held["reason"] === "NewReplicaSetAvailable" && now("replicas") === now("updatedReplicas")) return "still"
  const old = (count: (field: string) => number) => count("replicas") - count("updatedReplicas")
  const isMore = ["updatedReplicas", "readyReplicas", "availableReplicas"].some((field) => now(field) > before(field))
  return isMore || old(now) < old(before) ? "moving" : "still"
}
