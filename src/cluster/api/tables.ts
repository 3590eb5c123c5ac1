/** Tables: what `kubectl get` asks for instead of objects, so that the server chooses the columns. */
import type { ApiRequest } from "#cluster/api/requests"
import type { Json, JsonObject } from "#cluster/api/json"
import { listAt, metadataOf } from "#cluster/api/json"
import type { Resource } from "#cluster/api/Resource"

const wanted = ({ accept = "" }: ApiRequest): boolean =>
  accept.split(",").some((type) => type.includes("as=Table") && type.includes("g=meta.k8s.io"))

const rowOf = (resource: Resource, request: ApiRequest, object: JsonObject, now: number): Json => ({
  // A bookmark has no cells, but its version counts.
  cells: metadataOf(object)["name"] === undefined ? resource.columns.map(() => null) : resource.row(object, now),
  object:
    request.query?.["includeObject"] === "Object"
      ? object
      : request.query?.["includeObject"] === "None"
        ? null
        : { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: metadataOf(object) }
})

const table = (resource: Resource, columns: boolean, metadata: JsonObject, rows: ReadonlyArray<Json>): JsonObject => ({
  kind: "Table",
  apiVersion: "meta.k8s.io/v1",
  metadata,
  columnDefinitions: columns ? (resource.columns as unknown as Json) : [],
  rows
})

/** An answer in the form that was asked for; a Status is always one. */
export const tabled = (resource: Resource, request: ApiRequest, answer: JsonObject, now: number): JsonObject => {
  if (!wanted(request) || answer["kind"] === "Status" || answer["kind"] === "Scale") return answer
  const isList = answer["kind"] === `${resource.kind}List`
  const objects = (isList ? listAt(answer, "items") : [answer]) as ReadonlyArray<JsonObject>
  const metadata = isList ? metadataOf(answer) : { resourceVersion: metadataOf(answer)["resourceVersion"] ?? "" }
  return table(
    resource,
    true,
    metadata,
    objects.map((object) => rowOf(resource, request, object, now))
  )
}

/** For the events of one watch: the first table alone names the columns. */
export const rowed = (resource: Resource, request: ApiRequest) => {
  if (!wanted(request)) return (object: JsonObject) => object
  let first = true
  return (object: JsonObject, now: number): JsonObject => {
    const made = table(resource, first, { resourceVersion: metadataOf(object)["resourceVersion"] ?? "" }, [
      rowOf(resource, request, object, now)
    ])
    first = false
    return made
  }
}
