/** The columns of `kubectl get` for built-in kinds, and the cells that they are made of. */
import { ageText } from "#cluster/api/ages"
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, listAt, metadataOf, nameOf, objectAt, textAt, valueAt, wordOf } from "#cluster/api/json"
import type { Column } from "#cluster/api/Resource"
import { selectorText } from "#cluster/api/selectors"

export type Cell = (object: JsonObject, nowMillis: number) => Json

export const age: Cell = (object, now) => ageText(textAt(metadataOf(object), "creationTimestamp"), now)
export const number =
  (path: string): Cell =>
  (object) =>
    valueAt(object, path) ?? 0
export const shown =
  (path: string, absent = ""): Cell =>
  (object) => {
    const value = valueAt(object, path)
    return value === undefined || value === null ? absent : isObject(value) ? selectorText(value) : value
  }
export const of =
  (done: string, all: string): Cell =>
  (object) =>
    `${wordOf(number(done)(object, 0))}/${wordOf(number(all)(object, 0))}`

const containers = (object: JsonObject): ReadonlyArray<JsonObject> => {
  const spec = objectAt(object, "spec")
  const inside = isObject(spec["template"]) ? objectAt(spec["template"], "spec") : spec
  return listAt(inside, "containers").filter(isObject)
}
export const each =
  (field: string): Cell =>
  (object) =>
    containers(object)
      .map((container) => textAt(container, field))
      .join(",")

const statuses = (pod: JsonObject) => listAt(objectAt(pod, "status"), "containerStatuses").filter(isObject)
export const podReady: Cell = (pod) =>
  `${statuses(pod).filter((one) => one["ready"] === true).length}/${containers(pod).length}`
export const podRestarts: Cell = (pod) => statuses(pod).reduce((sum, one) => sum + Number(one["restartCount"] ?? 0), 0)
export const podStatus: Cell = (pod) => {
  if (metadataOf(pod)["deletionTimestamp"] !== undefined) return "Terminating"
  const states = statuses(pod).map((one) => objectAt(one, "state"))
  const why = states
    .flatMap((state) => [objectAt(state, "waiting"), objectAt(state, "terminated")])
    .map((state) => textAt(state, "reason"))
    .find((reason) => reason !== "")
  const status = objectAt(pod, "status")
  return why ?? (textAt(status, "reason") || textAt(status, "phase") || "Unknown")
}

export const hpaTargets: Cell = (hpa) => {
  const current = listAt(objectAt(hpa, "status"), "currentMetrics").filter(isObject)
  const wanted = listAt(objectAt(hpa, "spec"), "metrics").filter(isObject)
  const texts = wanted.map((metric, index) => {
    const resource = objectAt(metric, "resource")
    const target = valueAt(resource, "target.averageUtilization")
    const value = valueAt(current[index], "resource.current.averageUtilization")
    return target === undefined
      ? "<custom>"
      : `${textAt(resource, "name")}: ${value === undefined ? "<unknown>" : wordOf(value)}/${wordOf(target)}%`
  })
  return texts.length === 0 ? "<unknown>" : texts.join(", ")
}

/** A column with its cell; `wide` is shown with -o wide alone. */
export const column = (name: string, cell: Cell, type = "string", priority = 0) => ({
  column: { name, type, format: name === "Name" ? "name" : "", description: "", priority } satisfies Column,
  cell
})
export const wide = (name: string, cell: Cell) => column(name, cell, "string", 1)
export const NAME = column("Name", nameOf)
export const AGE = column("Age", age)

export type Columns = ReadonlyArray<ReturnType<typeof column>>

export const WORKLOAD: Columns = [
  wide("Containers", each("name")),
  wide("Images", each("image")),
  wide("Selector", shown("spec.selector"))
]

export const PLAIN: Columns = [NAME, AGE]
