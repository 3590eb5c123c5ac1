/**
 * What a watch knows, kept small: every object is projected to what is used of it as soon as it comes in. A list
 * replaces what was known in one step, so that nobody ever sees half of it, and nothing is forgotten meanwhile.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Versioned } from "#schemas/kubernetes/List"
import type { Kubernetes, KubernetesError } from "#services/Kubernetes"
import type { Collection } from "#services/kubernetesCalls"
import { runWatch, type WatchEvent, type WatchOptions } from "#operator/watch"

export interface Change<A> {
  readonly key: string
  readonly before: A | undefined
  readonly after: A | undefined
}

export interface WatchedOptions<A> extends Omit<WatchOptions, "collection" | "hurry"> {
  /** One per namespace, or one for all of them. */
  readonly collections: ReadonlyArray<Collection>
  /** Undefined: not an object that anybody could use. `before` is what an object that changed was; a list has none. */
  readonly project: (object: unknown, before: A | undefined) => A | undefined
  /** Called within the step that made the change, so it must be quick. A resync tells only what differs. */
  readonly onChange?: (change: Change<A>) => void
  /** Two states that need not be told apart. Default: never. */
  readonly same?: (before: A, after: A) => boolean
}

export interface Watched<A> {
  readonly get: (key: string) => A | undefined
  readonly values: () => Iterable<A>
  readonly size: () => number
  /** Done when every collection has been listed once. */
  readonly synced: Effect.Effect<void>
  readonly isSynced: () => boolean
  /** Done when every collection has been listed once, or is none that we may read. */
  readonly settled: Effect.Effect<void>
  /** Done when every collection has been listed anew, unless that was done just now. */
  readonly refresh: Effect.Effect<void>
  /** What keeps the watch from hearing, per collection; empty when all is well. */
  readonly troubles: () => ReadonlyArray<KubernetesError>
}

/** What was listed in this very moment need not be listed again; a connection may die in the next. */
const FRESH_MILLIS = 1_000

/** `namespace/name`, or `/name` of what has no namespace. */
export const objectKey = (namespace: string | undefined, name: string): string => `${namespace ?? ""}/${name}`

/** The watches run until the scope ends. */
export const makeWatched = Effect.fnUntraced(function* <A>(
  options: WatchedOptions<A>
): Effect.fn.Return<Watched<A>, never, Kubernetes | Scope.Scope> {
  const stores = options.collections.map(() => new Store<A>(options))
  const synced = yield* Latch.make(stores.length === 0)
  const settled = yield* Latch.make(stores.length === 0)
  const troubles = new Map<number, KubernetesError>()

  const tellLatches = Effect.suspend(() => {
    const refused = (index: number) => troubles.get(index)?.reason._tag === "Forbidden"
    const open = stores.every((store) => store.synced) ? Latch.open(synced) : Effect.void
    const done = stores.every((store, index) => store.synced || refused(index)) ? Latch.open(settled) : Effect.void
    return Effect.andThen(open, done)
  })

  const run = (collection: Collection, index: number) => {
    const store = stores[index]
    if (store === undefined) return Effect.void
    const heard = (event: WatchEvent) =>
      Effect.suspend(() => {
        store.take(event)
        if (event._tag !== "InitDone") return Effect.void
        return Effect.flatMap(Clock.currentTimeMillis, (now) => {
          store.listedAt = now
          Latch.openUnsafe(store.listed)
          return tellLatches
        })
      })
    const onTrouble = (error: KubernetesError | undefined) =>
      Effect.suspend(() => {
        if (error === undefined) troubles.delete(index)
        else troubles.set(index, error)
        if (error?.reason._tag === "Forbidden") Latch.openUnsafe(store.listed)
        return Effect.andThen(tellLatches, options.onTrouble?.(error) ?? Effect.void)
      })
    return runWatch({ ...options, collection, onTrouble, hurry: store.hurry }, heard)
  }

  const refresh = Effect.forEach(
    stores,
    Effect.fnUntraced(function* (store) {
      const age = (yield* Clock.currentTimeMillis) - store.listedAt
      if (age >= 0 && age < FRESH_MILLIS) return // what lies ahead was listed by a clock that was set back since
      yield* Latch.close(store.listed)
      yield* Latch.open(store.hurry)
      yield* Latch.await(store.listed)
    }),
    { concurrency: "unbounded", discard: true }
  )

  yield* Effect.forEach(options.collections, (collection, index) => Effect.forkScoped(run(collection, index)), {
    discard: true
  })

  return {
    get: (key) => {
      for (const store of stores) {
        const found = store.current.get(key)
        if (found !== undefined) return found
      }
      return undefined
    },
    values: function* () {
      for (const store of stores) yield* store.current.values()
    },
    size: () => stores.reduce((sum, store) => sum + store.current.size, 0),
    synced: Latch.await(synced),
    settled: Latch.await(settled),
    refresh,
    isSynced: () => stores.every((store) => store.synced),
    troubles: () => [...troubles.values()]
  }
})

const decodeVersioned = Schema.decodeUnknownOption(Versioned)

class Store<A> {
  readonly current = new Map<string, A>()
  synced = false
  listedAt = Number.NEGATIVE_INFINITY
  readonly listed = Latch.makeUnsafe(false)
  readonly hurry = Latch.makeUnsafe(false)
  /** What a list has brought so far; not yet true for anybody. */
  #incoming: Map<string, A> | undefined
  readonly #options: WatchedOptions<A>

  constructor(options: WatchedOptions<A>) {
    this.#options = options
  }

  take(event: WatchEvent): void {
    switch (event._tag) {
      case "Init":
        this.#incoming = new Map()
        return
      case "InitApply": {
        const key = keyOf(event.object)
        const value = key === undefined ? undefined : this.#options.project(event.object, undefined)
        if (key !== undefined && value !== undefined) this.#incoming?.set(key, value)
        return
      }
      case "InitDone":
        return this.#swap()
      case "Applied": {
        const key = keyOf(event.object)
        if (key !== undefined) this.#put(key, this.#options.project(event.object, this.current.get(key)))
        return
      }
      case "Deleted": {
        const key = keyOf(event.object)
        if (key !== undefined) this.#put(key, undefined)
        return
      }
    }
  }

  #swap(): void {
    const incoming = this.#incoming ?? new Map<string, A>()
    this.#incoming = undefined
    this.synced = true
    const before = new Map(this.current)
    this.current.clear()
    for (const [key, value] of incoming) this.current.set(key, value)
    for (const [key, value] of incoming) this.#tell({ key, before: before.get(key), after: value })
    for (const [key, value] of before) if (!incoming.has(key)) this.#tell({ key, before: value, after: undefined })
  }

  #put(key: string, after: A | undefined): void {
    const before = this.current.get(key)
    if (after === undefined) this.current.delete(key)
    else this.current.set(key, after)
    this.#tell({ key, before, after })
  }

  #tell(change: Change<A>): void {
    const { after, before } = change
    const { onChange, same } = this.#options
    if (before === undefined && after === undefined) return
    if (before !== undefined && after !== undefined && same?.(before, after) === true) return
    onChange?.(change)
  }
}

const keyOf = (object: unknown): string | undefined => {
  const meta = Option.getOrUndefined(decodeVersioned(object))?.metadata
  return meta?.name === undefined ? undefined : objectKey(meta.namespace, meta.name)
}
