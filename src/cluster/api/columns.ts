/** What `kubectl get` prints of the built-in kinds: for each its columns, and the cells that they are made of. */
import { ageText } from "#cluster/api/ages"
import { lastSeen, regarding } from "#cluster/api/eventGuise"
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, listAt, metadataOf, nameOf, objectAt, textAt, valueAt, wordOf } from "#cluster/api/json"
import type { Column, Resource } from "#cluster/api/Resource"
import { selectorText } from "#cluster/api/selectors"

type Cell = (object: JsonObject, nowMillis: number) => Json

/** A bar before the name: shown with -o wide alone. */
type Named = readonly [name: string, cell: Cell]

const AGE: Named = ["Age", (object, now) => ageText(textAt(metadataOf(object), "creationTimestamp"), now)]
const NAME: Named = ["Name", nameOf]

const objectsAt = (object: JsonObject, key: string) => listAt(object, key).filter(isObject)

const number =
  (path: string): Cell =>
  (object) =>
    valueAt(object, path) ?? 0
const shown =
  (path: string, absent = ""): Cell =>
  (object) => {
    const value = valueAt(object, path) ?? absent
    return isObject(value) ? selectorText(value) : value
  }
const readyOf: Cell = (object) =>
  `${wordOf(number("status.readyReplicas")(object, 0))}/${wordOf(number("spec.replicas")(object, 0))}`
const none: Cell = () => "<none>"
const ports: Cell = (service) =>
  objectsAt(objectAt(service, "spec"), "ports")
    .map((one) => `${wordOf(one["port"])}/${wordOf(one["protocol"] ?? "TCP")}`)
    .join(",")
const sizeOf =
  (...fields: ReadonlyArray<string>): Cell =>
  (object) =>
    fields.reduce((sum, field) => sum + Object.keys(objectAt(object, field)).length, 0)

const containers = (object: JsonObject): ReadonlyArray<JsonObject> => {
  const spec = objectAt(object, "spec")
  return objectsAt(isObject(spec["template"]) ? objectAt(spec["template"], "spec") : spec, "containers")
}
const each =
  (field: string): Cell =>
  (object) =>
    containers(object)
      .map((container) => textAt(container, field))
      .join(",")

const statuses = (pod: JsonObject) => objectsAt(objectAt(pod, "status"), "containerStatuses")
const podReady: Cell = (pod) =>
  `${statuses(pod).filter((one) => one["ready"] === true).length}/${containers(pod).length}`
/** "3 (25s ago)": how often, and when it last was. */
const podRestarts: Cell = (pod, now) => {
  const count = statuses(pod).reduce((sum, one) => sum + Number(one["restartCount"] ?? 0), 0)
  const ends = statuses(pod).map((one) => wordOf(valueAt(one, "lastState.terminated.finishedAt")))
  const last = ends.toSorted().at(-1) ?? ""
  return count > 0 && last !== "" ? `${count} (${ageText(last, now)} ago)` : String(count)
}
const podStatus: Cell = (pod) => {
  if (metadataOf(pod)["deletionTimestamp"] !== undefined) return "Terminating"
  const states = statuses(pod).map((one) => objectAt(one, "state"))
  const reasons = states.flatMap((state) => [valueAt(state, "waiting.reason"), valueAt(state, "terminated.reason")])
  const status = objectAt(pod, "status")
  return reasons.find((reason) => reason !== undefined) ?? status["reason"] ?? status["phase"] ?? "Unknown"
}

const nodeStatus: Cell = (node) => {
  const ready = objectsAt(objectAt(node, "status"), "conditions").find((one) => one["type"] === "Ready")
  const cordoned = valueAt(node, "spec.unschedulable") === true ? ",SchedulingDisabled" : ""
  return `${ready?.["status"] === "True" ? "Ready" : "NotReady"}${cordoned}`
}
const ROLE = "node-role.kubernetes.io/"
const nodeRoles: Cell = (node) => {
  const labels = Object.keys(objectAt(metadataOf(node), "labels")).filter((label) => label.startsWith(ROLE))
  return labels.map((label) => label.slice(ROLE.length)).join(",") || "<none>"
}
const nodeAddress =
  (type: string): Cell =>
  (node) =>
    objectsAt(objectAt(node, "status"), "addresses").find((one) => one["type"] === type)?.["address"] ?? "<none>"

const nodeKernel: Cell = (node) => {
  const { architecture, kernelVersion } = objectAt(objectAt(node, "status"), "nodeInfo")
  return `${wordOf(kernelVersion) || "<unknown>"}${architecture === undefined ? "" : ` (${wordOf(architecture)})`}`
}

const hpaTargets: Cell = (hpa) => {
  const current = listAt(objectAt(hpa, "status"), "currentMetrics")
  const texts = objectsAt(objectAt(hpa, "spec"), "metrics").map(({ resource = {} }, index) => {
    const target = valueAt(resource, "target.averageUtilization")
    const value = valueAt(current[index], "resource.current.averageUtilization") ?? "<unknown>"
    return target === undefined
      ? "<custom>"
      : `${wordOf(valueAt(resource, "name"))}: ${wordOf(value)}/${wordOf(target)}%`
  })
  return texts.length === 0 ? "<unknown>" : texts.join(", ")
}
const hpaReference: Cell = (hpa) =>
  ["kind", "name"].map((key) => wordOf(valueAt(hpa, `spec.scaleTargetRef.${key}`))).join("/")

const IMAGES: ReadonlyArray<Named> = [
  ["|Containers", each("name")],
  ["|Images", each("image")]
]
const TEMPLATE: ReadonlyArray<Named> = [...IMAGES, ["|Selector", shown("spec.selector")]]

const COLUMNS: Readonly<Record<string, ReadonlyArray<Named>>> = {
  Namespace: [NAME, ["Status", shown("status.phase")], AGE],
  Node: [
    ...([NAME, ["Status", nodeStatus], ["Roles", nodeRoles], AGE] as const),
    ["Version", shown("status.nodeInfo.kubeletVersion")],
    ...([
      ["|Internal-IP", nodeAddress("InternalIP")],
      ["|External-IP", nodeAddress("ExternalIP")]
    ] as const),
    ["|OS-Image", shown("status.nodeInfo.osImage", "<unknown>")],
    ["|Kernel-Version", nodeKernel],
    ["|Container-Runtime", shown("status.nodeInfo.containerRuntimeVersion", "<unknown>")]
  ],
  Pod: [
    ...([NAME, ["Ready", podReady], ["Status", podStatus], ["Restarts", podRestarts], AGE] as const),
    ["|IP", shown("status.podIP", "<none>")],
    ["|Node", shown("spec.nodeName", "<none>")],
    ...([
      ["|Nominated Node", none],
      ["|Readiness Gates", none]
    ] as const)
  ],
  ConfigMap: [NAME, ["Data", sizeOf("data", "binaryData")], AGE],
  Secret: [NAME, ["Type", shown("type")], ["Data", sizeOf("data")], AGE],
  Event: [
    ["Last Seen", (event, now) => ageText(lastSeen(event), now)],
    ["Type", shown("type")],
    ["Reason", shown("reason")],
    ...([
      ["Object", regarding],
      ["|Subobject", shown("involvedObject.fieldPath")]
    ] as const),
    ["|Source", shown("source.component")],
    ["Message", shown("message")],
    ["|First Seen", (event, now) => ageText(wordOf(shown("firstTimestamp")(event, now)), now)],
    ...([
      ["|Count", number("count")],
      ["|Name", nameOf]
    ] as const)
  ],
  Service: [
    ...([NAME, ["Type", shown("spec.type", "ClusterIP")], ["Cluster-IP", shown("spec.clusterIP", "None")]] as const),
    ...([["External-IP", none], ["Port(s)", ports], AGE, ["|Selector", shown("spec.selector", "<none>")]] as const)
  ],
  Deployment: [
    ...([NAME, ["Ready", readyOf], ["Up-to-date", number("status.updatedReplicas")]] as const),
    ...([["Available", number("status.availableReplicas")], AGE] as const),
    ...TEMPLATE
  ],
  StatefulSet: [NAME, ["Ready", readyOf], AGE, ...IMAGES],
  ReplicaSet: [
    ...([NAME, ["Desired", number("spec.replicas")], ["Current", number("status.replicas")]] as const),
    ...([["Ready", number("status.readyReplicas")], AGE] as const),
    ...TEMPLATE
  ],
  HorizontalPodAutoscaler: [
    ...([NAME, ["Reference", hpaReference], ["Targets", hpaTargets]] as const),
    ["MinPods", (hpa, now) => wordOf(shown("spec.minReplicas", "<unset>")(hpa, now))],
    ["MaxPods", number("spec.maxReplicas")],
    ...([["Replicas", number("status.currentReplicas")], AGE] as const)
  ],
  PodDisruptionBudget: [
    NAME,
    ["Min Available", shown("spec.minAvailable", "N/A")],
    ["Max Unavailable", shown("spec.maxUnavailable", "N/A")],
    ...([["Allowed Disruptions", number("status.disruptionsAllowed")], AGE] as const)
  ],
  Lease: [NAME, ["Holder", shown("spec.holderIdentity")], AGE],
  CustomResourceDefinition: [NAME, ["Created At", shown("metadata.creationTimestamp")]]
}

export const nameColumn: Column = { name: "Name", type: "string", format: "name", description: "", priority: 0 }

const columnOf = ([name]: Named): Column =>
  name === "Name"
    ? nameColumn
    : { ...nameColumn, name: name.replace("|", ""), format: "", priority: name.startsWith("|") ? 1 : 0 }

export const columnsOf = (kind: string): Pick<Resource, "columns" | "row"> => {
  const columns = COLUMNS[kind] ?? [NAME, AGE]
  return { columns: columns.map(columnOf), row: (object, now) => columns.map(([, cell]) => cell(object, now)) }
}
