/**
 * A Kubernetes API in memory: one synchronous answer per request, watches as listeners. No clock, chance, promise or
 * network of its own, so that it stands in virtual time as well as behind an HTTP front.
 */
import { definitionName, establishedStatus } from "#cluster/api/customResources"
import { discovered } from "#cluster/api/discovery"
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, metadataOf, nameOf, namespaceOf, objectAt, same, wordOf } from "#cluster/api/json"
import { Kinds } from "#cluster/api/Kinds"
import { listed, type Pages } from "#cluster/api/lists"
import { checkSameUid } from "#cluster/api/preconditions"
import { mergePatch } from "#cluster/api/patches"
import { badRequest, methodNotAllowed, notFound, notSupported, Refusal, unprocessable } from "#cluster/api/Refusal"
import {
  addressOf,
  type Address,
  type ApiAnswer,
  type ApiRequest,
  bodyOf,
  checkDepth,
  inside,
  JSON_TYPE,
  NOT_HERE,
  type OpenWatch,
  optionsOf,
  withDefaults
} from "#cluster/api/requests"
import { keyOf, type Resource } from "#cluster/api/Resource"
import { patchedBy } from "#cluster/api/strategicMerge"
import { Store } from "#cluster/api/Store"
import { tabled } from "#cluster/api/tables"
import { opened } from "#cluster/api/watches"
import { type WriteOptions, Writes } from "#cluster/api/Writes"

const refusable = <A>(answer: () => A): A | ApiAnswer => {
  try {
    return answer()
  } catch (error) {
    // What is no escape of a URL is the path's fault.
    const refusal = error instanceof URIError ? badRequest("the path has an invalid URL escape") : error
    if (refusal instanceof Refusal) return { status: refusal.code, body: refusal.status }
    throw error
  }
}

export class ApiServer {
  readonly store: Store
  readonly kinds = new Kinds()
  readonly #writes: Writes
  readonly #pages: Pages = { next: 1, held: new Map() }
  readonly now: () => number

  constructor(nowMillis: () => number, historyMax?: number) {
    this.now = nowMillis
    this.store = new Store(historyMax)
    this.#writes = new Writes(this.store, nowMillis)
    for (const name of ["default", "kube-system"]) {
      this.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } })
    }
  }

  // ---- from inside the cluster: kinds by their name, nothing on the wire

  /** Kind and namespace are the object's own; its status is kept. */
  create(object: JsonObject, manager = "cluster"): JsonObject {
    const resource = this.kinds.named(wordOf(object["kind"]))
    const namespace = resource.namespaced ? namespaceOf(object) || "default" : ""
    const created = this.#created(resource, namespace, object, inside(manager))
    const status = object["status"]
    if (!resource.status || status === undefined || same(status, created["status"])) return created
    return this.#writes.update(resource, created, { ...created, status }, { ...inside(manager), subresource: "status" })
  }

  find(kind: string, namespace: string, name: string): JsonObject | undefined {
    return this.store.find(keyOf(this.kinds.named(kind)), namespace, name)
  }

  list(kind: string, namespace = ""): ReadonlyArray<JsonObject> {
    return this.store.list(keyOf(this.kinds.named(kind)), namespace)
  }

  /** A merge patch; of the status alone through the status subresource. Nothing happens where nothing changes. */
  patch(
    kind: string,
    namespace: string,
    name: string,
    patch: JsonObject,
    manager = "cluster",
    subresource = ""
  ): JsonObject {
    const resource = this.kinds.named(kind)
    const live = this.#writes.get(resource, namespace, name)
    const view = this.#writes.view(resource, live, subresource)
    return this.#writes.update(resource, live, mergePatch(view, patch) as JsonObject, {
      ...inside(manager),
      subresource
    })
  }

  remove(kind: string, namespace: string, name: string, manager = "cluster"): void {
    const resource = this.kinds.named(kind)
    this.#removed(resource, this.#writes.get(resource, namespace, name), {}, inside(manager))
  }

  // ---- from outside

  /** Every refusal is an answer with a Status. */
  handle(request: ApiRequest): ApiAnswer {
    return refusable(() => this.#answer(request))
  }

  /** Refused at once, or open: an ERROR event, as of a version too old, is one of its events. */
  watch(request: ApiRequest): OpenWatch | ApiAnswer {
    return refusable(() => opened(this, addressOf(this.kinds, request.path), request))
  }

  #answer(request: ApiRequest): ApiAnswer {
    checkDepth(request)
    const found = request.method === "GET" ? discovered(this.kinds, request) : undefined
    if (found !== undefined) return found
    const address = addressOf(this.kinds, request.path)
    const { name, namespace, resource, subresource } = address
    if (NOT_HERE.has(subresource)) throw notSupported(`${subresource} of ${resource.plural}`)
    const shown = (object: JsonObject) => tabled(resource, request, this.#shown(resource, object), this.now())
    if (request.method === "GET") {
      if (name === "") return { status: 200, body: listed(this, this.#pages, address, request) }
      return { status: 200, body: shown(this.#writes.view(resource, this.#live(address), subresource)) }
    }
    const warnings: Array<string> = []
    const options = optionsOf(request, subresource, (text) => void warnings.push(text))
    if (resource.computed !== undefined || (resource.answered !== undefined && request.method !== "POST"))
      throw methodNotAllowed()
    if (request.method === "DELETE" && name === "") return this.#collectionDeleted(address, request, options)
    if ((request.method === "POST") !== (name === "")) throw methodNotAllowed()
    const stored = this.kinds.stored(resource)
    switch (request.method) {
      case "POST":
        return {
          status: 201,
          body: shown(this.#created(resource, namespace, bodyOf(request, resource), options)),
          warnings
        }
      case "PUT": {
        const body = this.#toStored(resource, bodyOf(request, resource, subresource))
        if (resource.custom && metadataOf(body)["resourceVersion"] === undefined && subresource === "") {
          throw unprocessable(
            `${keyOf(resource)} "${name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`
          )
        }
        const object = this.#writes.update(stored, this.#live(address), body, options)
        return { status: 200, body: shown(this.#followed(stored, object, options)), warnings }
      }
      case "PATCH":
        return { ...this.#patched(address, request, options, shown), warnings }
      case "DELETE":
        return {
          status: 200,
          body: this.#removed(stored, this.#live(address), isObject(request.body) ? request.body : {}, options)
        }
      default:
        throw methodNotAllowed()
    }
  }

  #patched(address: Address, request: ApiRequest, options: WriteOptions, shown: (object: JsonObject) => JsonObject) {
    const { name, namespace, resource, subresource } = address
    const stored = this.kinds.stored(resource)
    const patch = request.body as Json
    const type = request.contentType?.split(";")[0] ?? ""
    if (type === "application/apply-patch+yaml") {
      const { fieldManager, force } = request.query ?? {}
      if (fieldManager === undefined)
        throw unprocessable(
          'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        )
      if (!isObject(patch)) throw badRequest("an applied configuration is an object, and here it is sent as JSON")
      this.#inNamespace(resource, namespace)
      const applied = this.#writes.apply(stored, namespace, name, this.#toStored(resource, patch), {
        ...options,
        force: force === "true"
      })
      return { status: applied.created ? 201 : 200, body: shown(this.#followed(stored, applied.object, options)) }
    }
    const live = this.#live(address)
    const view = this.#shown(resource, this.#writes.view(stored, live, subresource))
    const next = this.#toStored(resource, patchedBy(type, view, patch, resource) as JsonObject)
    checkSameUid(resource, live, next)
    const object = this.#writes.update(stored, live, next, options)
    return { status: 200, body: shown(this.#followed(stored, object, options)) }
  }

  #created(resource: Resource, namespace: string, body: JsonObject, options: WriteOptions): JsonObject {
    if (resource.answered !== undefined) return resource.answered(body)
    this.#inNamespace(resource, namespace)
    const stored = this.kinds.stored(resource)
    const object = this.#writes.create(stored, namespace, withDefaults(stored, this.#toStored(resource, body)), options)
    return this.#followed(stored, object, options)
  }

  /** What follows at once from some objects: a namespace is active, a CRD is served. */
  #followed(resource: Resource, object: JsonObject, { dryRun }: WriteOptions): JsonObject {
    if (dryRun) return object
    const by = { ...inside("kube-apiserver"), subresource: "status" }
    const settle = (status: JsonObject) => this.#writes.update(resource, object, { ...object, status }, by)
    if (resource.kind === "Namespace" && object["status"] === undefined) return settle({ phase: "Active" })
    if (resource.kind !== "CustomResourceDefinition") return object
    const made = this.kinds.define(object)
    // What is stored is read by the new schema, without a new version.
    this.store.reread(keyOf(made), (one) => this.#writes.shaped(made, one))
    const held = objectAt(object, "status")
    if (same(objectAt(held, "acceptedNames"), objectAt(objectAt(object, "spec"), "names"))) return object
    return settle(establishedStatus(object, this.#writes.now()))
  }

  /** What is deleted takes with it what lives in it. */
  #removed(resource: Resource, live: JsonObject, body: JsonObject, options: WriteOptions): JsonObject {
    const { gone, object } = this.#writes.remove(resource, live, body, options)
    if (!gone) return object
    const uid = metadataOf(live)["uid"] ?? ""
    const details = {
      name: nameOf(live),
      ...(resource.group === "" ? {} : { group: resource.group }),
      kind: resource.plural,
      uid
    }
    if (!options.dryRun) this.#emptied(resource, live, options)
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details }
  }

  #emptied(resource: Resource, live: JsonObject, options: WriteOptions): void {
    const within = { ...options, subresource: "" }
    const clear = (one: Resource, namespace: string) => {
      for (const object of this.store.list(keyOf(one), namespace)) this.#writes.remove(one, object, {}, within)
    }
    if (resource.kind === "Namespace") {
      const stored = this.kinds.all.filter(
        (one) => one.namespaced && one.guise === undefined && one.computed === undefined
      )
      for (const one of stored) clear(one, nameOf(live))
    }
    if (resource.kind !== "CustomResourceDefinition") return
    const served = this.kinds.all.find((one) => one.custom && definitionName(one) === nameOf(live))
    if (served === undefined) return
    clear(served, "")
    this.kinds.undefine(keyOf(served))
  }

  #collectionDeleted(address: Address, request: ApiRequest, options: WriteOptions): ApiAnswer {
    const { continue: _, limit: __, ...query } = request.query ?? {}
    const chosen = listed(this, this.#pages, address, { ...request, accept: JSON_TYPE, query })
    const stored = this.kinds.stored(address.resource)
    for (const item of (chosen["items"] ?? []) as ReadonlyArray<JsonObject>) {
      const live = this.store.find(keyOf(stored), namespaceOf(item), nameOf(item))
      if (live !== undefined) this.#removed(stored, live, {}, options)
    }
    return { status: 200, body: chosen }
  }

  #inNamespace(resource: Resource, namespace: string): void {
    if (!resource.namespaced) return
    const namespaces = this.kinds.named("Namespace")
    if (this.store.find(keyOf(namespaces), "", namespace) === undefined) throw notFound(namespaces, namespace)
  }

  #live({ name, namespace, resource }: Address): JsonObject {
    if (resource.computed !== undefined) {
      const found = resource.computed().find((one) => nameOf(one) === name && namespaceOf(one) === namespace)
      if (found === undefined) throw notFound(resource, name)
      return found
    }
    const live = this.store.find(keyOf(this.kinds.stored(resource)), namespace, name)
    if (live === undefined) throw notFound(resource, name)
    return live
  }

  #toStored(resource: Resource, object: JsonObject): JsonObject {
    return resource.guise === undefined ? object : resource.guise.toStored(object)
  }

  #shown(resource: Resource, object: JsonObject): JsonObject {
    return resource.guise === undefined || object["kind"] === "Status" ? object : resource.guise.toShown(object)
  }
}
