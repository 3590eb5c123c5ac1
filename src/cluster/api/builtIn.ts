/** The built-in kinds that are served, with the columns that `kubectl get` prints of them. */
import {
  AGE,
  column,
  type Columns,
  hpaTargets,
  NAME,
  number,
  of,
  PLAIN,
  podReady,
  podRestarts,
  podStatus,
  shown,
  wide,
  WORKLOAD
} from "#cluster/api/columns"
import { schemaCauses } from "#cluster/api/judging"
import { EVENTS, lastSeen, regarding } from "#cluster/api/eventGuise"
import { ageText } from "#cluster/api/ages"
import type { JsonObject } from "#cluster/api/json"
import { isObject, listAt, metadataOf, nameOf, objectAt, textAt } from "#cluster/api/json"
import type { Resource, ScalePaths } from "#cluster/api/Resource"
import { SHAPES } from "#cluster/api/shapes"
import type { Structural } from "#manifests/structural"

interface Given {
  readonly plural: string
  readonly kind: string
  readonly shape: Structural
  readonly columns?: Columns
  readonly group?: string
  readonly version?: string
  readonly shortNames?: ReadonlyArray<string>
  readonly all?: boolean
  readonly namespaced?: boolean
  readonly status?: boolean
  readonly scale?: ScalePaths
  readonly generation?: boolean
  readonly selectable?: ReadonlyArray<string>
  readonly more?: Partial<Resource>
}

const resource = (given: Given): Resource => {
  const { columns = PLAIN, shape } = given
  return {
    group: given.group ?? "",
    version: given.version ?? "v1",
    kind: given.kind,
    plural: given.plural,
    singular: given.kind.toLowerCase(),
    shortNames: given.shortNames ?? [],
    categories: given.all === true ? ["all"] : [],
    namespaced: given.namespaced ?? true,
    status: given.status ?? false,
    scale: given.scale,
    generation: given.generation ?? false,
    custom: false,
    schema: shape,
    judge: schemaCauses(shape),
    selectable: given.selectable ?? [],
    columns: columns.map((one) => one.column),
    row: (object, now) => columns.map(({ cell }) => cell(object, now)),
    ...given.more
  }
}

const SCALE: ScalePaths = { spec: "spec.replicas", status: "status.replicas", selector: "spec.selector" }
const OF_OBJECT = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"]
const scaled = { group: "apps", all: true, status: true, scale: SCALE, generation: true } as const

const EVENT_COLUMNS: Columns = [
  column("Last Seen", (event, now) => ageText(lastSeen(event), now)),
  column("Type", shown("type")),
  column("Reason", shown("reason")),
  column("Object", regarding),
  column("Message", (event) => textAt(event, "message").trim()),
  wide("Name", nameOf)
]

const events = (field: string) => [...OF_OBJECT.map((one) => `${field}.${one}`), "reason", "type"]

export const builtIn = (): ReadonlyArray<Resource> => [
  resource({
    plural: "namespaces",
    kind: "Namespace",
    shape: SHAPES.namespace,
    shortNames: ["ns"],
    namespaced: false,
    status: true,
    selectable: ["status.phase"],
    columns: [NAME, column("Status", shown("status.phase")), AGE]
  }),
  resource({
    plural: "nodes",
    kind: "Node",
    shape: SHAPES.node,
    shortNames: ["no"],
    namespaced: false,
    status: true,
    selectable: ["spec.unschedulable"],
    columns: [
      NAME,
      column("Status", (node) => {
        const ready = listAt(objectAt(node, "status"), "conditions").filter(isObject)
        return ready.some((one) => one["type"] === "Ready" && one["status"] === "True") ? "Ready" : "NotReady"
      }),
      AGE,
      column("Version", shown("status.nodeInfo.kubeletVersion"))
    ]
  }),
  resource({
    plural: "pods",
    kind: "Pod",
    shape: SHAPES.pod,
    shortNames: ["po"],
    all: true,
    status: true,
    generation: true,
    selectable: ["spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP"],
    columns: [
      NAME,
      column("Ready", podReady),
      column("Status", podStatus),
      column("Restarts", podRestarts, "string"),
      AGE,
      wide("IP", shown("status.podIP", "<none>")),
      wide("Node", shown("spec.nodeName", "<none>"))
    ]
  }),
  resource({
    plural: "configmaps",
    kind: "ConfigMap",
    shape: SHAPES.configMap,
    shortNames: ["cm"],
    columns: [
      NAME,
      column(
        "Data",
        (map) => Object.keys(objectAt(map, "data")).length + Object.keys(objectAt(map, "binaryData")).length,
        "string"
      ),
      AGE
    ]
  }),
  resource({
    plural: "secrets",
    kind: "Secret",
    shape: SHAPES.secret,
    selectable: ["type"],
    columns: [
      NAME,
      column("Type", shown("type")),
      column("Data", (secret) => Object.keys(objectAt(secret, "data")).length),
      AGE
    ]
  }),
  resource({
    plural: "services",
    kind: "Service",
    shape: SHAPES.service,
    shortNames: ["svc"],
    all: true,
    status: true
  }),
  resource({ plural: "serviceaccounts", kind: "ServiceAccount", shape: SHAPES.serviceAccount, shortNames: ["sa"] }),
  resource({
    plural: "events",
    kind: "Event",
    shape: SHAPES.event,
    shortNames: ["ev"],
    selectable: events("involvedObject"),
    columns: EVENT_COLUMNS
  }),
  resource({
    plural: "events",
    kind: "Event",
    group: "events.k8s.io",
    shape: SHAPES.event,
    shortNames: ["ev"],
    selectable: events("regarding"),
    columns: EVENT_COLUMNS,
    more: { guise: EVENTS }
  }),
  resource({
    ...scaled,
    plural: "deployments",
    kind: "Deployment",
    shape: SHAPES.deployment,
    shortNames: ["deploy"],
    columns: [
      NAME,
      column("Ready", of("status.readyReplicas", "spec.replicas")),
      column("Up-to-date", number("status.updatedReplicas"), "string"),
      column("Available", number("status.availableReplicas"), "string"),
      AGE,
      ...WORKLOAD
    ]
  }),
  resource({
    ...scaled,
    plural: "statefulsets",
    kind: "StatefulSet",
    shape: SHAPES.statefulSet,
    shortNames: ["sts"],
    columns: [NAME, column("Ready", of("status.readyReplicas", "spec.replicas")), AGE, ...WORKLOAD.slice(0, 2)]
  }),
  resource({
    ...scaled,
    plural: "replicasets",
    kind: "ReplicaSet",
    shape: SHAPES.replicaSet,
    shortNames: ["rs"],
    selectable: ["status.replicas"],
    columns: [
      NAME,
      column("Desired", number("spec.replicas"), "integer"),
      column("Current", number("status.replicas"), "integer"),
      column("Ready", number("status.readyReplicas"), "integer"),
      AGE,
      ...WORKLOAD
    ]
  }),
  resource({
    plural: "horizontalpodautoscalers",
    kind: "HorizontalPodAutoscaler",
    group: "autoscaling",
    version: "v2",
    shape: SHAPES.horizontalPodAutoscaler,
    shortNames: ["hpa"],
    all: true,
    status: true,
    columns: [
      NAME,
      column("Reference", (hpa) => {
        const target = objectAt(objectAt(hpa, "spec"), "scaleTargetRef")
        return `${textAt(target, "kind")}/${textAt(target, "name")}`
      }),
      column("Targets", hpaTargets),
      column("MinPods", shown("spec.minReplicas", "<unset>")),
      column("MaxPods", number("spec.maxReplicas"), "integer"),
      column("Replicas", number("status.currentReplicas"), "integer"),
      AGE
    ]
  }),
  resource({
    plural: "poddisruptionbudgets",
    kind: "PodDisruptionBudget",
    group: "policy",
    shape: SHAPES.podDisruptionBudget,
    shortNames: ["pdb"],
    status: true,
    generation: true,
    columns: [
      NAME,
      column("Min Available", shown("spec.minAvailable", "N/A")),
      column("Max Unavailable", shown("spec.maxUnavailable", "N/A")),
      column("Allowed Disruptions", number("status.disruptionsAllowed"), "integer"),
      AGE
    ]
  }),
  resource({
    plural: "leases",
    kind: "Lease",
    group: "coordination.k8s.io",
    shape: SHAPES.lease,
    columns: [NAME, column("Holder", shown("spec.holderIdentity")), AGE]
  }),
  resource({
    plural: "customresourcedefinitions",
    kind: "CustomResourceDefinition",
    group: "apiextensions.k8s.io",
    shape: SHAPES.definition,
    shortNames: ["crd", "crds"],
    namespaced: false,
    status: true,
    generation: true,
    columns: [NAME, column("Created At", (crd) => textAt(metadataOf(crd), "creationTimestamp"), "date")]
  }),
  resource({
    plural: "selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
    group: "authorization.k8s.io",
    namespaced: false,
    shape: SHAPES.accessReview,
    more: { answered: (review) => ({ ...review, status: { allowed: true } }) }
  })
]

/** What `kubectl top` asks; the numbers are whoever's that runs the pods. */
export const metricsOf = (plural: "pods" | "nodes", computed: () => ReadonlyArray<JsonObject>): Resource =>
  resource({
    plural,
    kind: plural === "pods" ? "PodMetrics" : "NodeMetrics",
    group: "metrics.k8s.io",
    version: "v1beta1",
    namespaced: plural === "pods",
    shape: SHAPES.metrics,
    more: { singular: "", computed }
  })
