/**
 * What may be written and what becomes of it: identity, preconditions, defaults, the verdict, ownership, generation,
 * and one commit, or none where nothing would change.
 */
import type { Cause } from "#manifests/causes"
import { applyDefaults, prune } from "#manifests/defaults"
import { cannotBeHandled, schemaAfter, unknownIn } from "#manifests/validation"
import type { Json, JsonObject } from "#cluster/api/json"
import {
  listAt,
  metadataOf,
  nameOf,
  namespaceOf,
  objectAt,
  same,
  textAt,
  valueAt,
  without,
  withValue
} from "#cluster/api/json"
import { afterUpdate, apply, type Entry, entriesOf, managedFields, ownable, type Read } from "#cluster/api/ownership"
import { alreadyExists, badRequest, invalidObject, notFound, unknownPath } from "#cluster/api/Refusal"
import { checkPreconditions } from "#cluster/api/preconditions"
import { groupVersionOf, keyOf, type Resource } from "#cluster/api/Resource"
import { selectorText } from "#cluster/api/selectors"
import type { Store } from "#cluster/api/Store"
import { secondTime } from "#services/kubernetesTime"

export interface WriteOptions {
  readonly manager: string
  readonly subresource: string
  readonly dryRun: boolean
  readonly fieldValidation: string
  /** Where unknown fields go that are pruned and only warned of. */
  readonly warn: (text: string) => void
}

interface Step extends WriteOptions {
  readonly operation: Entry["operation"]
  readonly entries?: ReadonlyArray<Entry>
}

/** The server's own: a writer's word about them counts for nothing. */
const FIXED =
  "name namespace uid creationTimestamp deletionTimestamp deletionGracePeriodSeconds generation managedFields".split(
    " "
  )
/** Dependents first: for the garbage collector, who then lets go. */
const PROPAGATION: Readonly<Record<string, ReadonlyArray<string>>> = {
  Orphan: ["orphan"],
  Foreground: ["foregroundDeletion"]
}
const SUFFIX = "bcdfghjklmnpqrstvwxz2456789"

export class Writes {
  readonly #store: Store
  readonly #now: () => number
  readonly #read: Read = new WeakMap()
  #made = 0

  constructor(store: Store, nowMillis: () => number) {
    this.#store = store
    this.#now = nowMillis
  }

  now(): string {
    return secondTime(this.#now())
  }

  get(resource: Resource, namespace: string, name: string): JsonObject {
    const found = this.#store.find(keyOf(resource), namespace, name)
    if (found === undefined) throw notFound(resource, name)
    return found
  }

  create(resource: Resource, namespace: string, body: JsonObject, options: WriteOptions): JsonObject {
    const fresh = this.#fresh(resource, namespace, body)
    if (this.#store.find(keyOf(resource), namespaceOf(fresh), nameOf(fresh)) !== undefined) {
      throw alreadyExists(resource, nameOf(fresh))
    }
    return this.#commit(resource, undefined, fresh, { ...options, operation: "Update" })
  }

  /** `next` is what the writer wants of what `view` showed. */
  update(resource: Resource, live: JsonObject, next: JsonObject, options: WriteOptions): JsonObject {
    const name = nameOf(live)
    const wanted = metadataOf(next)
    for (const field of ["name", "namespace"] as const) {
      const given = textAt(wanted, field)
      if (given !== "" && given !== textAt(metadataOf(live), field)) {
        throw badRequest(
          `the ${field} of the object (${given}) does not match the ${field} on the URL (${textAt(metadataOf(live), field)})`
        )
      }
    }
    checkPreconditions(resource, name, live, wanted, "modified")
    const step = { ...options, operation: "Update" } as const
    if (options.subresource === "scale") return this.view(resource, this.#scaled(resource, live, next, step), "scale")
    return this.#commit(resource, live, this.#part(resource, live, next, options.subresource), step)
  }

  apply(
    resource: Resource,
    namespace: string,
    name: string,
    body: JsonObject,
    options: WriteOptions & { readonly force: boolean }
  ): { readonly object: JsonObject; readonly created: boolean } {
    const { apiVersion, kind } = body
    if (listAt(metadataOf(body), "managedFields").length > 0) throw badRequest("metadata.managedFields must be nil")
    if (![undefined, name].includes(metadataOf(body)["name"] as string | undefined)) {
      throw badRequest(`name in URL does not match name in metadata`)
    }
    const live = this.#store.find(keyOf(resource), namespace, name)
    if (live === undefined && options.subresource !== "") throw notFound(resource, name)
    // Of an object that is there, the uid is no precondition of an apply.
    const expected = live === undefined ? metadataOf(body) : without(metadataOf(body), "uid")
    checkPreconditions(resource, name, live, expected, "modified")
    const by = { ...options, operation: "Apply" as const, apiVersion: groupVersionOf(resource), time: this.now() }
    const base =
      live ?? this.#fresh(resource, namespace, { apiVersion: apiVersion ?? "", kind: kind ?? "", metadata: { name } })
    this.#strict(resource, body, options)
    const given = this.#appliedPart(resource, body, options.subresource)
    // What is there and nobody's was written by somebody before.
    const nobody = { ...by, manager: "before-first-apply", operation: "Update" } as const
    const held = entriesOf(base, this.#read)
    const known =
      live !== undefined && held.length === 0 ? afterUpdate(resource.schema, undefined, live, [], nobody) : held
    const { entries, object } = apply(resource.schema, ownable(base), given, known, by)
    const metadata = {
      ...without(metadataOf(base), "labels", "annotations", "finalizers", "ownerReferences"),
      ...metadataOf(object)
    }
    const next = { ...object, apiVersion: base["apiVersion"] ?? "", kind: base["kind"] ?? "", metadata }
    const whole = live === undefined ? next : this.#part(resource, live, next, options.subresource)
    return { object: this.#commit(resource, live, whole, { ...by, entries }), created: live === undefined }
  }

  /** Gone at once, or marked while somebody's finalizer wants to be heard. */
  remove(
    resource: Resource,
    live: JsonObject,
    body: JsonObject,
    options: WriteOptions
  ): { readonly object: JsonObject; readonly gone: boolean } {
    checkPreconditions(resource, nameOf(live), live, objectAt(body, "preconditions"))
    const metadata = metadataOf(live)
    const finalizers = [...listAt(metadata, "finalizers"), ...(PROPAGATION[textAt(body, "propagationPolicy")] ?? [])]
    if (finalizers.length > 0) {
      if (metadata["deletionTimestamp"] !== undefined || options.dryRun) return { object: live, gone: false }
      const generation = resource.generation ? { generation: Number(metadata["generation"] ?? 0) + 1 } : {}
      const marked = {
        ...{ ...metadata, ...generation, finalizers },
        ...{ deletionTimestamp: this.now(), deletionGracePeriodSeconds: 0 }
      }
      return { object: this.#store.put(keyOf(resource), { ...live, metadata: marked }, options), gone: false }
    }
    if (!options.dryRun) this.#store.remove(keyOf(resource), live, options)
    return { object: live, gone: true }
  }

  /** The object as a subresource shows it. */
  view(resource: Resource, live: JsonObject, subresource: string): JsonObject {
    if (subresource !== "scale") return live
    if (resource.scale === undefined) throw unknownPath()
    const kept = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"]
    const { selector, spec, status } = resource.scale
    const replicas = valueAt(live, spec) ?? 0
    return {
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: Object.fromEntries(Object.entries(metadataOf(live)).filter(([key]) => kept.includes(key))),
      spec: replicas === 0 ? {} : { replicas },
      status: {
        replicas: valueAt(live, status) ?? 0,
        ...(selector === undefined ? {} : { selector: selectorText(valueAt(live, selector)) })
      }
    }
  }

  #scaled(resource: Resource, live: JsonObject, next: JsonObject, step: Step): JsonObject {
    const replicas = objectAt(next, "spec")["replicas"] ?? 0
    if (typeof replicas !== "number" || !Number.isInteger(replicas) || replicas < 0) {
      const cause: Cause = {
        field: "spec.replicas",
        reason: "FieldValueInvalid",
        message: `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`
      }
      throw invalidObject({ group: "autoscaling", kind: "Scale", plural: "scales" }, nameOf(live), [cause])
    }
    return this.#commit(resource, live, withValue(live, resource.scale?.spec ?? "spec.replicas", replicas), step)
  }

  /** A write to the main resource leaves the status alone, and one to the status leaves everything else. */
  #part(resource: Resource, live: JsonObject, next: JsonObject, subresource: string): JsonObject {
    const kept = Object.entries(metadataOf(live)).filter(([key]) => FIXED.includes(key))
    const metadata = { ...without(metadataOf(next), ...FIXED), ...Object.fromEntries(kept) }
    const typed = { apiVersion: live["apiVersion"] ?? "", kind: live["kind"] ?? "" }
    const withStatus = (of: JsonObject, status: Json | undefined) =>
      status === undefined ? without(of, "status") : { ...of, status }
    // An empty managedFields list is the way to forget who owns what.
    const reset = listAt(metadataOf(next), "managedFields")
    const forgets = reset.length === 1 && same(reset[0], {})
    const main = { ...next, ...typed, metadata: forgets ? without(metadata, "managedFields") : metadata }
    if (subresource === "status") return withStatus(live, next["status"])
    return resource.status ? withStatus(main, live["status"]) : main
  }

  #appliedPart(resource: Resource, body: JsonObject, subresource: string): JsonObject {
    const given = ownable(resource.custom ? this.#pruned(resource, body) : body)
    if (subresource === "status") return given["status"] === undefined ? {} : { status: given["status"] }
    return resource.status ? without(given, "status") : given
  }

  #fresh(resource: Resource, namespace: string, body: JsonObject): JsonObject {
    const given = metadataOf(body)
    const stem = textAt(given, "generateName")
    const made = ++this.#made
    const name = textAt(given, "name") || (stem === "" ? "" : `${stem}${this.#suffix(made)}`)
    if (textAt(given, "resourceVersion") !== "")
      throw badRequest("resourceVersion should not be set on objects to be created")
    if (namespace !== "" && ![undefined, "", namespace].includes(given["namespace"] as string | undefined)) {
      throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`)
    }
    const rest = without(given, ...FIXED, "resourceVersion")
    return {
      ...(resource.status ? without(body, "status") : body),
      apiVersion: groupVersionOf(resource),
      kind: resource.kind,
      metadata: {
        name,
        ...(namespace === "" ? {} : { namespace }),
        uid: `00000000-0000-4000-8000-${made.toString(16).padStart(12, "0")}`,
        creationTimestamp: this.now(),
        ...(resource.generation ? { generation: 1 } : {}),
        ...rest
      }
    }
  }

  #suffix(made: number): string {
    return Array.from(
      { length: 5 },
      (_, place) => SUFFIX[Math.floor(made / SUFFIX.length ** place) % SUFFIX.length]
    ).join("")
  }

  /** Without what the schema does not know, and with what it puts in. */
  shaped(resource: Resource, object: JsonObject): JsonObject {
    return applyDefaults(resource.custom ? this.#pruned(resource, object) : object, resource.schema) as JsonObject
  }

  #pruned({ schema }: Resource, object: JsonObject): JsonObject {
    return { ...(prune(object, schema) as JsonObject), metadata: metadataOf(object) }
  }

  #strict(resource: Resource, object: JsonObject, { fieldValidation, warn }: WriteOptions): void {
    if (!resource.custom || fieldValidation === "Ignore") return
    const unknown = unknownIn(object, resource.schema).map((path) => `unknown field "${path}"`)
    if (unknown.length === 0) return
    if (fieldValidation !== "Strict") return unknown.forEach(warn)
    throw badRequest(cannotBeHandled(resource, `strict decoding error: ${unknown.join(", ")}`))
  }

  #commit(resource: Resource, before: JsonObject | undefined, wanted: JsonObject, step: Step): JsonObject {
    const fresh = { ...resource, schema: schemaAfter(resource.schema, wanted, before) }
    this.#strict(fresh, wanted, step)
    const next = this.shaped(fresh, wanted)
    const causes = resource.judge(next, before)
    if (causes.length > 0) throw invalidObject(resource, nameOf(next), causes)
    const by = {
      manager: step.manager,
      operation: step.operation,
      subresource: step.subresource,
      apiVersion: groupVersionOf(resource),
      time: this.now()
    }
    const entries = step.entries ?? afterUpdate(resource.schema, before, next, entriesOf(next, this.#read), by)
    const metadata = metadataOf(next)
    const specs = (object: JsonObject) => without(object, "metadata", "status")
    const bump = before !== undefined && resource.generation && !same(specs(before), specs(next)) ? 1 : 0
    const object: JsonObject = {
      ...next,
      metadata: {
        ...without(metadata, "managedFields"),
        ...(resource.generation ? { generation: Number(metadata["generation"] ?? 1) + bump } : {}),
        ...(before === undefined ? {} : { resourceVersion: metadataOf(before)["resourceVersion"] ?? "" }),
        ...(entries.length === 0 ? {} : { managedFields: managedFields(entries) })
      }
    }
    if (before !== undefined && same(before, object)) return before
    if (step.dryRun) return object
    const isLast = metadata["deletionTimestamp"] !== undefined && listAt(metadata, "finalizers").length === 0
    return isLast ? this.#store.remove(keyOf(resource), object, step) : this.#store.put(keyOf(resource), object, step)
  }
}
