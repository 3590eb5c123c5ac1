/** Objects of a workload as its controllers would have made them, for any test that needs a cluster with pods in it. */
import { type JsonObject, type FaultyApi } from "#test/worlds/FaultyApi"
import { objectAt, textAt } from "#cluster/api/json"

export const template = (app: string): JsonObject => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: "main", image: "none" }] }
})

export const deployment = (name: string, replicas: number, rest: JsonObject = {}): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "shop", labels: { app: name }, ...objectAt(rest, "metadata") },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name), ...objectAt(rest, "spec") },
  status: {
    observedGeneration: 1,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    ...objectAt(rest, "status")
  }
})

const owned = (owner: JsonObject): JsonObject => ({
  apiVersion: textAt(owner, "apiVersion"),
  kind: textAt(owner, "kind"),
  name: textAt(objectAt(owner, "metadata"), "name"),
  uid: textAt(objectAt(owner, "metadata"), "uid"),
  controller: true
})

export const replicaSet = (owner: JsonObject, hash = "abc"): JsonObject => {
  const metadata = objectAt(owner, "metadata")
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${textAt(metadata, "name")}-${hash}`,
      namespace: textAt(metadata, "namespace"),
      ownerReferences: [owned(owner)]
    },
    spec: objectAt(owner, "spec")
  }
}

export interface PodOptions {
  readonly ready?: boolean
  readonly phase?: string
  readonly cpu?: string
  readonly unschedulable?: boolean
  readonly waiting?: string
  readonly restarts?: number
  readonly labels?: JsonObject
}

export const pod = (
  owner: JsonObject | undefined,
  name: string,
  namespace: string,
  options: PodOptions = {}
): JsonObject => {
  const { cpu, ready = true, restarts = 0, unschedulable = false, waiting } = options
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: options.labels ?? {},
      ...(owner === undefined ? {} : { ownerReferences: [owned(owner)] })
    },
    spec: { containers: [{ name: "main", ...(cpu === undefined ? {} : { resources: { requests: { cpu } } }) }] },
    status: {
      phase: options.phase ?? "Running",
      startTime: "2026-01-01T00:00:00Z",
      conditions: [
        {
          type: "PodScheduled",
          status: unschedulable ? "False" : "True",
          ...(unschedulable ? { reason: "Unschedulable" } : {})
        },
        { type: "Ready", status: ready ? "True" : "False", lastTransitionTime: "2026-01-01T00:00:10Z" }
      ],
      containerStatuses: [
        {
          name: "main",
          ready,
          restartCount: restarts,
          state: waiting === undefined ? {} : { waiting: { reason: waiting } }
        }
      ]
    }
  }
}

/** A Deployment with one ReplicaSet and its pods, all ready unless told otherwise. */
export const createDeployment = (
  api: FaultyApi,
  name: string,
  replicas: number,
  rest: JsonObject = {},
  options: PodOptions = {}
): { readonly deployment: JsonObject; readonly replicaSet: JsonObject } => {
  const made = api.create(deployment(name, replicas, rest))
  const set = api.create(replicaSet(made))
  for (let index = 0; index < replicas; index++) {
    api.create(pod(set, `${name}-abc-${index}`, "shop", { labels: { app: name }, ...options }))
  }
  return { deployment: made, replicaSet: set }
}
