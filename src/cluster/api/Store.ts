/**
 * The objects themselves: one counter of versions, one history that watches read from, one synchronous step per
 * commit. What may be written is not decided here.
 */
import type { JsonObject } from "#cluster/api/json"
import { nameOf, namespaceOf } from "#cluster/api/json"
import { expired } from "#cluster/api/Refusal"

export interface Commit {
  readonly type: "ADDED" | "MODIFIED" | "DELETED"
  /** keyOf its resource: "deployments.apps". */
  readonly resource: string
  readonly before: JsonObject | undefined
  /** As it is now; of a deleted one the last state, with the version of the deletion. */
  readonly object: JsonObject
  readonly version: number
  readonly manager: string
  readonly subresource: string
}

export type CommitListener = (commit: Commit) => void

/** What was written, by whom and through which subresource. */
export interface Writer {
  readonly manager: string
  readonly subresource: string
}

const HISTORY_MAX = 8192
const keyWithin = (namespace: string, name: string) => `${namespace}/${name}`

interface Shelf {
  readonly objects: Map<string, JsonObject>
  /** The keys in order, until one comes or goes. */
  sorted: ReadonlyArray<string> | undefined
}

export class Store {
  readonly #shelves = new Map<string, Shelf>()
  readonly #listeners = new Set<CommitListener>()
  readonly #historyMax: number
  #history: Array<Commit> = []
  /** Everything up to this version has been forgotten. */
  #forgotten = 0
  #version = 0

  constructor(historyMax: number = HISTORY_MAX) {
    this.#historyMax = historyMax
  }

  get version(): number {
    return this.#version
  }

  find(resource: string, namespace: string, name: string): JsonObject | undefined {
    return this.#shelves.get(resource)?.objects.get(keyWithin(namespace, name))
  }

  /** In the order of namespace and name. */
  list(resource: string, namespace = ""): ReadonlyArray<JsonObject> {
    const shelf = this.#shelves.get(resource)
    if (shelf === undefined) return []
    shelf.sorted ??= [...shelf.objects.keys()].sort()
    const prefix = `${namespace}/`
    return shelf.sorted.flatMap((key) => {
      const object = namespace === "" || key.startsWith(prefix) ? shelf.objects.get(key) : undefined
      return object === undefined ? [] : [object]
    })
  }

  get resources(): ReadonlyArray<string> {
    return [...this.#shelves.keys()]
  }

  /** Shows the objects of a resource in another way; nothing happened to them. */
  reread(resource: string, shown: (object: JsonObject) => JsonObject): void {
    const objects = this.#shelf(resource).objects
    for (const [key, object] of objects) objects.set(key, shown(object))
  }

  put(resource: string, object: JsonObject, writer: Writer): JsonObject {
    const shelf = this.#shelf(resource)
    const key = keyWithin(namespaceOf(object), nameOf(object))
    const before = shelf.objects.get(key)
    const stored = this.#versioned(object)
    if (before === undefined) shelf.sorted = undefined
    shelf.objects.set(key, stored)
    this.#tell({ type: before === undefined ? "ADDED" : "MODIFIED", resource, before, object: stored, ...writer })
    return stored
  }

  remove(resource: string, object: JsonObject, writer: Writer): JsonObject {
    const shelf = this.#shelf(resource)
    const key = keyWithin(namespaceOf(object), nameOf(object))
    const before = shelf.objects.get(key)
    shelf.objects.delete(key)
    shelf.sorted = undefined
    const last = this.#versioned(object)
    this.#tell({ type: "DELETED", resource, before, object: last, ...writer })
    return last
  }

  /** What happened after a version; refused where it is forgotten. */
  since(version: number): ReadonlyArray<Commit> {
    if (version < this.#forgotten) throw expired(`too old resource version: ${version} (${this.#forgotten})`)
    return this.#history.filter((commit) => commit.version > version)
  }

  /** Called within each commit, before anything else can happen. */
  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Forgets the history, as a compaction does. */
  compact(): void {
    this.#history = []
    this.#forgotten = this.#version
  }

  #shelf(resource: string): Shelf {
    const shelf = this.#shelves.get(resource) ?? { objects: new Map<string, JsonObject>(), sorted: undefined }
    this.#shelves.set(resource, shelf)
    return shelf
  }

  #versioned(object: JsonObject): JsonObject {
    const metadata = object["metadata"] as JsonObject
    return { ...object, metadata: { ...metadata, resourceVersion: String(++this.#version) } }
  }

  #tell(told: Omit<Commit, "version">): void {
    const commit = { ...told, version: this.#version }
    this.#history.push(commit)
    // In bulk, or each commit beyond the bound would move the whole history.
    if (this.#history.length >= 2 * this.#historyMax) {
      this.#history = this.#history.slice(-this.#historyMax)
      this.#forgotten = (this.#history[0]?.version ?? this.#version) - 1
    }
    for (const listener of [...this.#listeners]) listener(commit)
  }
}
