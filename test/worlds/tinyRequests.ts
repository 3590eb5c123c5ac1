/** Reads a request the way an API server does: which resource, which object, which verb; and answers it. */
import type { KubernetesRequest } from "#services/Kubernetes"
import { resourceOf } from "#test/worlds/TinyResources"
import {
  apiVersionOf,
  asObject,
  isObject,
  type Json,
  type JsonObject,
  objectAt,
  Refusal,
  type Resource,
  textAt,
  type TinyStore
} from "#test/worlds/TinyStore"

export interface Address {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string
}

const unknownPath = () => new Refusal(404, "NotFound", "the server could not find the requested resource")

export const addressOf = (store: TinyStore, path: string): Address => {
  const parts = path.split("/").slice(1).map(decodeURIComponent)
  const core = parts[0] === "api"
  const group = core ? "" : (parts[1] ?? "")
  const version = parts[core ? 1 : 2]
  const rest = parts.slice(core ? 2 : 3)
  const inNamespace = rest[0] === "namespaces" && rest.length > 2
  const namespace = inNamespace ? rest[1] : undefined
  const [plural, name, subresource = ""] = inNamespace ? rest.slice(2) : rest
  const resource = store.resources.find(
    (one) => one.group === group && one.version === version && one.plural === plural
  )
  if (resource === undefined || (name !== undefined && resource.namespaced && namespace === undefined)) {
    throw unknownPath()
  }
  if (subresource === "status" && !resource.status) throw unknownPath()
  if (subresource === "scale" && resource.scale === undefined) throw unknownPath()
  return { resource, namespace, name, subresource }
}

/** Pages of a list must not change under the reader. */
export interface Pages {
  next: number
  readonly held: Map<string, { readonly version: number; readonly items: ReadonlyArray<JsonObject> }>
}

/** Commits, if the request is a write: one synchronous step. */
export const answer = (store: TinyStore, pages: Pages, request: KubernetesRequest): Json => {
  const discovered = request.method === "GET" ? discovery(store, request.path) : undefined
  if (discovered !== undefined) return discovered
  const { name, namespace, resource, subresource } = addressOf(store, request.path)
  const manager = request.query?.["fieldManager"]
  const options = {
    subresource,
    force: request.query?.["force"] === "true",
    ...(manager === undefined ? {} : { manager })
  }
  if (name === undefined) {
    if (request.method === "GET") return listed(store, pages, resource, namespace, request.query ?? {})
    if (request.method !== "POST") throw new Refusal(405, "MethodNotAllowed", "the method is not allowed here")
    const created = store.create(resource, namespace, bodyOf(request, resource), options)
    return resource.kind === "CustomResourceDefinition" ? established(store, created) : created
  }
  switch (request.method) {
    case "GET":
      return store.view(resource, store.get(resource, namespace, name), subresource)
    case "PUT":
      return store.replace(resource, namespace, name, asObject(request.body as Json), options)
    case "DELETE":
      return removed(store, store.remove(resource, namespace, name, preconditionsOf(request.body)))
    case "PATCH":
      switch (request.contentType) {
        case "application/merge-patch+json":
          return store.mergePatch(resource, namespace, name, request.body as Json, options)
        case "application/apply-patch+yaml": {
          const applied = store.apply(resource, namespace, name, asObject(request.body as Json), options)
          return resource.kind === "CustomResourceDefinition" ? established(store, applied) : applied
        }
        default:
          throw new Refusal(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
      }
    default:
      throw new Refusal(405, "MethodNotAllowed", "the method is not allowed here")
  }
}

const bodyOf = (request: KubernetesRequest, resource: Resource): JsonObject => {
  const body = asObject(request.body as Json)
  if (body["kind"] !== resource.kind || body["apiVersion"] !== apiVersionOf(resource)) {
    throw new Refusal(400, "BadRequest", `the object provided is not a ${resource.kind} of ${apiVersionOf(resource)}`)
  }
  return body
}

const preconditionsOf = (body: unknown): JsonObject => (isObject(body) ? objectAt(body, "preconditions") : {})

const established = (store: TinyStore, definition: JsonObject): JsonObject => {
  const resource = resourceOf(definition)
  if (resource === undefined) throw new Refusal(422, "Invalid", "spec.names and spec.versions are required")
  store.define(resource)
  const status = { conditions: [{ type: "Established", status: "True", reason: "InitialNamesAccepted", message: "" }] }
  const name = textAt(objectAt(definition, "metadata"), "name") ?? ""
  return store.mergePatch(
    store.resource("customresourcedefinitions"),
    undefined,
    name,
    { status },
    {
      subresource: "status",
      manager: "kube-apiserver"
    }
  )
}

const removed = (store: TinyStore, object: JsonObject): JsonObject => {
  const resource = object["kind"] === "CustomResourceDefinition" ? resourceOf(object) : undefined
  if (resource !== undefined) store.undefine(resource.group, resource.plural)
  return {
    kind: "Status",
    apiVersion: "v1",
    status: "Success",
    details: { uid: objectAt(object, "metadata")["uid"] ?? "" }
  }
}

const listed = (
  store: TinyStore,
  pages: Pages,
  resource: Resource,
  namespace: string | undefined,
  query: Readonly<Record<string, string>>
): JsonObject => {
  const token = query["continue"]
  const held = token === undefined ? undefined : pages.held.get(token)
  if (token !== undefined && held === undefined) {
    throw new Refusal(410, "Expired", "The provided continue parameter is too old")
  }
  const items = held?.items ?? store.list(resource, namespace).filter((object) => selects(query, object))
  const version = held?.version ?? store.version
  const limit = Number(query["limit"] ?? 0)
  const page = limit > 0 ? items.slice(0, limit) : items
  const rest = items.slice(page.length)
  const next = rest.length === 0 ? undefined : `page-${pages.next++}`
  if (next !== undefined) pages.held.set(next, { version, items: rest })
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(version), ...(next === undefined ? {} : { continue: next }) },
    // As the real one does: items of a list carry neither kind nor apiVersion.
    items: page.map((object) => Object.fromEntries(Object.entries(object).filter(([key]) => !TYPE_KEYS.includes(key))))
  }
}

const TYPE_KEYS = ["kind", "apiVersion"]

/** Equality, inequality, set membership and presence of labels; equality of name, namespace and involved object. */
export const selects = (query: Readonly<Record<string, string>>, object: JsonObject): boolean => {
  const labels = objectAt(objectAt(object, "metadata"), "labels")
  const terms = (query["labelSelector"] ?? "").split(/,(?![^(]*\))/u).filter((term) => term !== "")
  const fields = (query["fieldSelector"] ?? "").split(",").filter((term) => term !== "")
  return terms.every((term) => labelHolds(term, labels)) && fields.every((term) => fieldHolds(term, object))
}

const labelHolds = (term: string, labels: JsonObject): boolean => {
  const set = /^(\S+) (in|notin) \((.*)\)$/u.exec(term)
  if (set !== null) {
    const [, key = "", operator, values = ""] = set
    const value = labels[key]
    const inside =
      typeof value === "string" &&
      values
        .split(",")
        .map((one) => one.trim())
        .includes(value)
    return operator === "in" ? inside : !inside
  }
  const [, key = "", operator, value] = /^([^!=]+?)(==|=|!=)(.*)$/u.exec(term) ?? []
  if (operator !== undefined) return operator === "!=" ? labels[key] !== value : labels[key] === value
  return term.startsWith("!") ? labels[term.slice(1)] === undefined : labels[term] !== undefined
}

const fieldHolds = (term: string, object: JsonObject): boolean => {
  const [path = "", wanted] = term.split("=")
  const value = path
    .split(".")
    .reduce<Json | undefined>((part, key) => (isObject(part) ? part[key] : undefined), object)
  return (value ?? "") === wanted
}

const discovery = (store: TinyStore, path: string): JsonObject | undefined => {
  const groups = [...new Set(store.resources.map((one) => one.group))].filter((group) => group !== "")
  const versionsOf = (group: string) => [
    ...new Set(store.resources.filter((one) => one.group === group).map((one) => one.version))
  ]
  if (path === "/version") return { major: "1", minor: "33", gitVersion: "v1.33.0" }
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"] }
  if (path === "/apis") {
    return {
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: groups.map((name) => ({
        name,
        versions: versionsOf(name).map((version) => ({ groupVersion: `${name}/${version}`, version }))
      }))
    }
  }
  const [, group, version] = path === "/api/v1" ? [path, "", "v1"] : (/^\/apis\/([^/]+)\/([^/]+)$/u.exec(path) ?? [])
  if (group === undefined || version === undefined) return undefined
  const found = store.resources.filter((one) => one.group === group && one.version === version)
  if (found.length === 0) throw unknownPath()
  return {
    kind: "APIResourceList",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: found.flatMap((one) => {
      const entry = (suffix: string, kind: string) => ({
        name: `${one.plural}${suffix}`,
        kind,
        namespaced: one.namespaced,
        verbs: ["get", "list", "watch", "create", "update", "patch", "delete"]
      })
      return [
        entry("", one.kind),
        ...(one.status ? [entry("/status", one.kind)] : []),
        ...(one.scale === undefined ? [] : [entry("/scale", "Scale")])
      ]
    })
  }
}
