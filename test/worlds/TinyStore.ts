/**
 * The objects of a small API server: resource versions, generations, managed fields, subresources, patches and a
 * history that watches read. Plain synchronous code, so that a commit is one step of any schedule.
 */

export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  readonly status: boolean
  /** Where spec.replicas, status.replicas and the selector stand; absent: no /scale. */
  readonly scale?: { readonly spec: string; readonly status: string; readonly selector?: string }
}

export interface Commit {
  readonly type: "ADDED" | "MODIFIED" | "DELETED"
  readonly resource: Resource
  readonly before: JsonObject | undefined
  /** As watches show it; of a DELETED the last state under a new resourceVersion. */
  readonly object: JsonObject
  readonly version: number
  /** Field manager of the write; who made it, for checkers. */
  readonly manager: string
  readonly subresource: string
}

export class Refusal extends Error {
  readonly code: number
  readonly reason: string
  readonly retryAfterSeconds: number | undefined
  constructor(code: number, reason: string, message: string, retryAfterSeconds?: number) {
    super(message)
    this.code = code
    this.reason = reason
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export interface WriteOptions {
  readonly manager?: string
  readonly subresource?: string
  /** Apply only: take fields from other managers. */
  readonly force?: boolean
}

interface Entry {
  readonly manager: string
  readonly operation: "Apply" | "Update"
  readonly subresource: string
  readonly time: string
  readonly paths: ReadonlySet<string>
}

export class TinyStore {
  readonly now: () => number
  readonly #resources: Array<Resource> = []
  readonly #objects = new Map<string, JsonObject>()
  readonly #owners = new Map<string, ReadonlyArray<Entry>>()
  readonly #history: Array<Commit> = []
  readonly #listeners = new Set<(commit: Commit) => void>()
  #version = 100
  #forgotten = 0
  #uids = 0

  constructor(now: () => number, resources: ReadonlyArray<Resource>) {
    this.now = now
    for (const resource of resources) this.define(resource)
  }

  get version(): number {
    return this.#version
  }
  get resources(): ReadonlyArray<Resource> {
    return this.#resources
  }
  /** Everything that happened and is not yet forgotten. */
  get history(): ReadonlyArray<Commit> {
    return this.#history
  }

  define(resource: Resource): void {
    const known = this.#resources.findIndex(
      (other) => other.group === resource.group && other.plural === resource.plural
    )
    if (known < 0) this.#resources.push(resource)
    else this.#resources[known] = resource
  }

  undefine(group: string, plural: string): void {
    const index = this.#resources.findIndex((other) => other.group === group && other.plural === plural)
    if (index >= 0) this.#resources.splice(index, 1)
  }

  /** By plural, or by kind for the tests' convenience. */
  resource(name: string, group?: string): Resource {
    const found = this.#resources.find(
      (one) => (one.plural === name || one.kind === name) && (group === undefined || one.group === group)
    )
    if (found === undefined) throw new Refusal(404, "NotFound", "the server could not find the requested resource")
    return found
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Commits after `version`, or a refusal when some of them are forgotten. */
  since(version: number): ReadonlyArray<Commit> {
    if (version < this.#forgotten) {
      throw new Refusal(410, "Expired", `too old resource version: ${version} (${this.#forgotten})`)
    }
    return this.#history.filter((commit) => commit.version > version)
  }

  /** Forgets the history, as compaction in etcd does. */
  compact(): void {
    this.#history.length = 0
    this.#forgotten = this.#version
  }

  find(resource: Resource, namespace: string | undefined, name: string): JsonObject | undefined {
    return this.#objects.get(keyOf(resource, namespace, name))
  }

  get(resource: Resource, namespace: string | undefined, name: string): JsonObject {
    const found = this.find(resource, namespace, name)
    if (found === undefined) {
      throw new Refusal(404, "NotFound", `${resource.plural}${dotted(resource.group)} "${name}" not found`)
    }
    return found
  }

  list(resource: Resource, namespace?: string): ReadonlyArray<JsonObject> {
    const prefix = keyOf(resource, namespace ?? "", "").slice(0, namespace === undefined ? -1 : undefined)
    return [...this.#objects.entries()]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object)
  }

  create(resource: Resource, namespace: string | undefined, given: JsonObject, options: WriteOptions = {}): JsonObject {
    return this.#create(resource, namespace, given, options, "Update")
  }

  #create(
    resource: Resource,
    namespace: string | undefined,
    given: JsonObject,
    options: WriteOptions,
    operation: "Apply" | "Update"
  ): JsonObject {
    const metadata = objectAt(given, "metadata")
    const base = metadata["generateName"]
    const name = metadata["name"] ?? (typeof base === "string" ? `${base}${this.#uids.toString(36)}x` : undefined)
    if (typeof name !== "string" || name === "") {
      throw new Refusal(422, "Invalid", "metadata.name: Required value: name or generateName is required")
    }
    if (metadata["resourceVersion"] !== undefined && metadata["resourceVersion"] !== "") {
      throw new Refusal(400, "BadRequest", "resourceVersion should not be set on objects to be created")
    }
    if (this.find(resource, namespace, name) !== undefined) {
      throw new Refusal(409, "AlreadyExists", `${resource.plural}${dotted(resource.group)} "${name}" already exists`)
    }
    const uid = `uid-${String(++this.#uids).padStart(6, "0")}`
    const fresh: JsonObject = {
      ...(resource.status ? without(given, "status") : given),
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: {
        ...metadata,
        name,
        ...(resource.namespaced ? { namespace: namespace ?? "default" } : {}),
        uid,
        creationTimestamp: seconds(this.now()),
        generation: 1
      }
    }
    return this.#commit(resource, undefined, fresh, { ...options, subresource: "" }, operation)
  }

  /** PUT: the body's resourceVersion must be the live one. */
  replace(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    given: JsonObject,
    options: WriteOptions = {}
  ) {
    const live = this.get(resource, namespace, name)
    const version = objectAt(given, "metadata")["resourceVersion"]
    if (options.subresource !== "scale" && (version === undefined || version === "")) {
      throw new Refusal(422, "Invalid", "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update")
    }
    return this.#write(resource, live, this.view(resource, live, options.subresource), given, options)
  }

  mergePatch(resource: Resource, namespace: string | undefined, name: string, patch: Json, options: WriteOptions = {}) {
    const live = this.get(resource, namespace, name)
    const view = this.view(resource, live, options.subresource)
    return this.#write(resource, live, view, asObject(merged(view, patch)), options)
  }

  /** Server-side apply with arrays as atoms. */
  apply(resource: Resource, namespace: string | undefined, name: string, config: JsonObject, options: WriteOptions) {
    const live = this.find(resource, namespace, name)
    const manager = options.manager
    if (manager === undefined || manager === "") {
      throw new Refusal(422, "Invalid", "fieldManager: Required value: is required for apply patch")
    }
    const subresource = options.subresource ?? ""
    if (live === undefined) {
      if (subresource !== "") this.get(resource, namespace, name)
      const fresh = { ...config, metadata: { ...objectAt(config, "metadata"), name } }
      return this.#create(resource, namespace, fresh, options, "Apply")
    }
    const entries = this.#ownersOf(live)
    const mine = (entry: Entry) =>
      entry.manager === manager && entry.operation === "Apply" && entry.subresource === subresource
    const wanted = leaves(config)
    const conflicts = entries.flatMap((entry) =>
      mine(entry)
        ? []
        : [...entry.paths].filter((path) => wanted.has(path) && !same(valueAt(live, path), wanted.get(path)))
    )
    if (conflicts.length > 0 && options.force !== true) {
      throw new Refusal(
        409,
        "Conflict",
        `Apply failed with ${conflicts.length} conflict(s): ${conflicts.map(shown).join()}`
      )
    }
    let next: JsonObject = live
    const given = [...entries.filter(mine).flatMap((entry) => [...entry.paths])].filter((path) => !wanted.has(path))
    for (const path of given) {
      if (!entries.some((entry) => !mine(entry) && entry.paths.has(path)))
        next = asObject(withValue(next, path, undefined))
    }
    for (const [path, value] of wanted) {
      const emptied = isObject(value) && isObject(valueAt(next, path)) // `{}` applied over fields of others
      if (!emptied) next = asObject(withValue(next, path, value))
    }
    const restricted =
      subresource === "status" ? { ...live, status: next["status"] ?? null } : this.#main(resource, live, next)
    return this.#commit(resource, live, restricted, options, "Apply", new Set(wanted.keys()))
  }

  remove(resource: Resource, namespace: string | undefined, name: string, precondition: JsonObject = {}): JsonObject {
    const live = this.get(resource, namespace, name)
    const metadata = objectAt(live, "metadata")
    for (const field of ["uid", "resourceVersion"]) {
      const wanted = textAt(precondition, field)
      if (wanted !== undefined && wanted !== metadata[field]) {
        throw new Refusal(409, "Conflict", `Precondition failed: ${field} in precondition: ${wanted}`)
      }
    }
    const finalizers = metadata["finalizers"]
    if (Array.isArray(finalizers) && finalizers.length > 0) {
      const marked = { ...live, metadata: { ...metadata, deletionTimestamp: seconds(this.now()) } }
      return this.#commit(resource, live, marked, {}, "Update")
    }
    this.#objects.delete(keyOf(resource, textAt(metadata, "namespace"), name))
    this.#owners.delete(wordAt(metadata, "uid"))
    const version = ++this.#version
    const object = { ...live, metadata: { ...metadata, resourceVersion: String(version) } }
    this.#tell({ type: "DELETED", resource, before: live, object, version, manager: "", subresource: "" })
    return live
  }

  /** The object as a subresource shows it. */
  view(resource: Resource, live: JsonObject, subresource: string | undefined): JsonObject {
    if (subresource === undefined || subresource === "" || subresource === "status") return live
    if (subresource !== "scale" || resource.scale === undefined) {
      throw new Refusal(404, "NotFound", "the server could not find the requested resource")
    }
    const metadata = objectAt(live, "metadata")
    const kept = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"]
    return {
      apiVersion: "autoscaling/v1",
      kind: "Scale",
      metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => kept.includes(key))),
      spec: { replicas: valueAt(live, pathOf(resource.scale.spec)) ?? 0 },
      status: {
        replicas: valueAt(live, pathOf(resource.scale.status)) ?? 0,
        ...(resource.scale.selector === undefined
          ? {}
          : { selector: selectorText(valueAt(live, pathOf(resource.scale.selector))) })
      }
    }
  }

  #write(resource: Resource, live: JsonObject, view: JsonObject, next: JsonObject, options: WriteOptions): JsonObject {
    const version = objectAt(next, "metadata")["resourceVersion"]
    const current = objectAt(live, "metadata")["resourceVersion"]
    if (version !== undefined && version !== "" && version !== current) {
      const name = `${resource.plural}${dotted(resource.group)} "${wordAt(objectAt(live, "metadata"), "name")}"`
      const sentence = "the object has been modified; please apply your changes to the latest version and try again"
      throw new Refusal(409, "Conflict", `Operation cannot be fulfilled on ${name}: ${sentence}`)
    }
    if (options.subresource === "scale" && resource.scale !== undefined) {
      const replicas = objectAt(next, "spec")["replicas"]
      if (typeof replicas !== "number" || replicas < 0) {
        throw new Refusal(422, "Invalid", "spec.replicas: Invalid value: must be greater than or equal to 0")
      }
      const changed = asObject(withValue(live, pathOf(resource.scale.spec), replicas))
      return this.view(resource, this.#commit(resource, live, changed, options, "Update"), "scale")
    }
    if (options.subresource === "status") {
      return this.#commit(resource, live, { ...live, status: next["status"] ?? {} }, options, "Update")
    }
    return this.#commit(resource, live, this.#main(resource, view, next), options, "Update")
  }

  /** What a write to the main resource may change: not the status where that is a subresource, not the identity. */
  #main(resource: Resource, live: JsonObject, next: JsonObject): JsonObject {
    const old = objectAt(live, "metadata")
    const kept = ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "generation", "managedFields"]
    const identity = Object.fromEntries(Object.entries(old).filter(([key]) => kept.includes(key)))
    const main = { ...next, metadata: { ...objectAt(next, "metadata"), ...identity } }
    if (!resource.status) return main
    return live["status"] === undefined ? without(main, "status") : { ...main, status: live["status"] }
  }

  #commit(
    resource: Resource,
    before: JsonObject | undefined,
    next: JsonObject,
    options: WriteOptions,
    operation: "Apply" | "Update",
    applied?: ReadonlySet<string>
  ): JsonObject {
    const manager = options.manager ?? "somebody"
    const subresource = options.subresource ?? ""
    const metadata = objectAt(next, "metadata")
    const uid = wordAt(metadata, "uid")
    const entries = this.#claims(uid, before, next, { manager, operation, subresource, applied })
    const unchanged = before !== undefined && same(bare(before), bare(next))
    if (unchanged && sameEntries(entries, this.#owners.get(uid) ?? [])) return before
    const version = ++this.#version
    const specChanged = before !== undefined && !same(specOf(before), specOf(next))
    const generation = Number(metadata["generation"] ?? 1) + (specChanged ? 1 : 0)
    const object: JsonObject = {
      ...next,
      metadata: {
        ...metadata,
        ...(next["spec"] === undefined ? {} : { generation }),
        resourceVersion: String(version),
        managedFields: entries.map(rendered)
      }
    }
    const finalizers = metadata["finalizers"]
    if (metadata["deletionTimestamp"] !== undefined && (!Array.isArray(finalizers) || finalizers.length === 0)) {
      this.#objects.delete(keyOf(resource, textAt(metadata, "namespace"), wordAt(metadata, "name")))
      this.#owners.delete(uid)
      this.#tell({ type: "DELETED", resource, before, object, version, manager, subresource })
      return object
    }
    this.#owners.set(uid, entries)
    this.#objects.set(keyOf(resource, textAt(metadata, "namespace"), wordAt(metadata, "name")), object)
    const type = before === undefined ? "ADDED" : "MODIFIED"
    this.#tell({ type, resource, before, object, version, manager, subresource })
    return object
  }

  #tell(commit: Commit): void {
    this.#history.push(commit)
    for (const listener of [...this.#listeners]) listener(commit)
  }

  #ownersOf(object: JsonObject): ReadonlyArray<Entry> {
    return this.#owners.get(wordAt(objectAt(object, "metadata"), "uid")) ?? []
  }

  /** Changed fields go to their writer; what an apply names is shared where the value stays. */
  #claims(
    uid: string,
    before: JsonObject | undefined,
    next: JsonObject,
    by: Pick<Entry, "manager" | "operation" | "subresource"> & { readonly applied: ReadonlySet<string> | undefined }
  ): ReadonlyArray<Entry> {
    const entries = this.#owners.get(uid) ?? []
    const old = before === undefined ? new Map<string, Json>() : leaves(before)
    const now = leaves(next)
    const changed = new Set([...now].filter(([path, value]) => !same(old.get(path), value)).map(([path]) => path))
    const gone = new Set([...old.keys()].filter((path) => !now.has(path)))
    const mine = (entry: Entry) =>
      entry.manager === by.manager && entry.operation === by.operation && entry.subresource === by.subresource
    const own = entries.find(mine)
    const held = by.applied ?? new Set([...(own?.paths ?? []), ...changed])
    const paths = new Set([...held].filter((path) => now.has(path)))
    const others = entries
      .filter((entry) => !mine(entry))
      .map((entry) => ({
        ...entry,
        paths: new Set([...entry.paths].filter((path) => !gone.has(path) && !changed.has(path)))
      }))
      .filter((entry) => entry.paths.size > 0)
    if (paths.size === 0) return others
    const kept = own !== undefined && changed.size === 0 && gone.size === 0 && setEquals(own.paths, paths)
    const { manager, operation, subresource } = by
    return [...others, kept ? own : { manager, operation, subresource, paths, time: seconds(this.now()) }]
  }
}

const dotted = (group: string) => (group === "" ? "" : `.${group}`)
export const apiVersionOf = (resource: Resource) =>
  resource.group === "" ? resource.version : `${resource.group}/${resource.version}`
const keyOf = (resource: Resource, namespace: string | undefined, name: string) =>
  `${resource.group}/${resource.plural}/${resource.namespaced ? (namespace ?? "default") : ""}/${name}`

/** RFC 3339 with whole seconds, as metadata has it. */
const seconds = (millis: number) => new Date(millis).toISOString().replace(/\.\d+Z$/u, "Z")

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)
export const asObject = (value: unknown): JsonObject => {
  if (isObject(value)) return value
  throw new Refusal(400, "BadRequest", "the body is not an object")
}
export const objectAt = (object: JsonObject, key: string): JsonObject => {
  const value = object[key]
  return isObject(value) ? value : {}
}
export const textAt = (object: JsonObject, key: string): string | undefined => {
  const value = object[key]
  return typeof value === "string" ? value : undefined
}
/** A field that the server itself wrote as text. */
export const wordAt = (object: JsonObject, key: string): string => textAt(object, key) ?? ""
const without = (object: JsonObject, key: string): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))

/** RFC 7386. */
const merged = (target: Json, patch: Json): Json => {
  if (!isObject(patch)) return patch
  const result: Record<string, Json> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key] ?? null, value)
  }
  return result
}

const same = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b)
const canonical = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part
  )

const bare = (object: JsonObject): JsonObject => {
  const metadata = objectAt(object, "metadata")
  const kept = Object.entries(metadata).filter(
    ([key]) => !["resourceVersion", "managedFields", "generation"].includes(key)
  )
  return { ...object, metadata: Object.fromEntries(kept) }
}
const specOf = (object: JsonObject): JsonObject => without(without(object, "metadata"), "status")

const SEPARATOR = "\u0000"
const pathOf = (dottedPath: string) => dottedPath.split(".").join(SEPARATOR)
const shown = (path: string) => `.${path.split(SEPARATOR).join(".")}`

/** Fields that can be owned: everything but the type and the server's own metadata. */
const leaves = (object: JsonObject): Map<string, Json> => {
  const found = new Map<string, Json>()
  const walk = (value: Json | undefined, path: string): void => {
    if (value === undefined) return
    if (isObject(value) && Object.keys(value).length > 0) {
      for (const [key, part] of Object.entries(value)) walk(part, `${path}${SEPARATOR}${key}`)
    } else found.set(path, value)
  }
  for (const [key, value] of Object.entries(object)) {
    if (key === "metadata") {
      for (const owned of ["labels", "annotations", "finalizers", "ownerReferences"]) {
        walk(objectAt(object, "metadata")[owned], `metadata${SEPARATOR}${owned}`)
      }
    } else if (key !== "apiVersion" && key !== "kind") walk(value, key)
  }
  return found
}

const valueAt = (object: Json, path: string): Json | undefined =>
  path.split(SEPARATOR).reduce<Json | undefined>((value, key) => (isObject(value) ? value[key] : undefined), object)

const withValue = (object: Json | undefined, path: string, value: Json | undefined): Json => {
  const [key = "", ...rest] = path.split(SEPARATOR)
  const base = isObject(object) ? object : {}
  const part = rest.length === 0 ? value : withValue(base[key], rest.join(SEPARATOR), value)
  const empty = part === undefined || (value === undefined && isObject(part) && Object.keys(part).length === 0)
  return empty ? without(base, key) : { ...base, [key]: part }
}

const rendered = (entry: Entry): JsonObject => {
  let fields: Json = {}
  for (const path of entry.paths) {
    fields = withValue(
      fields,
      path
        .split(SEPARATOR)
        .map((key) => `f:${key}`)
        .join(SEPARATOR),
      {}
    )
  }
  return {
    manager: entry.manager,
    operation: entry.operation,
    ...(entry.subresource === "" ? {} : { subresource: entry.subresource }),
    // The real one keeps no time of what came through /scale.
    ...(entry.subresource === "scale" ? {} : { time: entry.time }),
    fieldsType: "FieldsV1",
    fieldsV1: fields
  }
}

const setEquals = (a: ReadonlySet<string>, b: ReadonlySet<string>) =>
  a.size === b.size && [...a].every((one) => b.has(one))
const sameEntries = (a: ReadonlyArray<Entry>, b: ReadonlyArray<Entry>) =>
  a.length === b.length &&
  a.every((entry, index) => {
    const other = b[index]
    return other !== undefined && entry.manager === other.manager && setEquals(entry.paths, other.paths)
  })

/** A Deployment's selector as the text that /scale shows; a custom resource holds it as text already. */
const selectorText = (selector: Json | undefined): string => {
  if (typeof selector === "string") return selector
  if (!isObject(selector)) return ""
  const labels = objectAt(selector, "matchLabels")
  return Object.keys(labels)
    .map((key) => `${key}=${wordAt(labels, key)}`)
    .join(",")
}
