/**
 * What policies remember, in ConfigMaps of the operator's namespace: written at most once a minute and at the end,
 * only what changed, several policies in each. Losing all of it costs patience and does no harm: windows start anew
 * from the replicas that there are, and commitments are in status.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { ConfigMap } from "#schemas/kubernetes/ConfigMap"
import { type Memory, readMemory } from "#schemas/Memory"
import type { Target } from "#schemas/Policy"
import { Millis } from "#schemas/Reading"
import { type Home, resolveHome } from "#services/Home"
import { Kubernetes, type KubernetesError } from "#services/Kubernetes"
import { CONFIG_MAPS, create, get, list, mergePatch, remove } from "#services/kubernetesCalls"
import { Leader } from "#operator/Leader"
import { targetKey } from "#operator/Ownership"
import { Packing, type Patch } from "#operator/Packing"

const LABEL = "nimbusguard.io/memory"
const PREFIX = "nimbusguard-memory-"
/** The API server takes 1 MiB per object. */
const LIMITS = { fullChars: 500_000, mostChars: 800_000 }
const ENTRY_MAX_CHARS = 400_000
const FLUSH_MILLIS = 60_000
const WRITES_AT_ONCE = 2

/** One policy's entry as it stands in a ConfigMap. */
const Entry = Schema.Struct({ at: Millis, targets: Schema.Record(Schema.String, Schema.Unknown) })
const decodeEntry = Schema.decodeUnknownOption(Schema.fromJsonString(Entry))

export interface Remembered {
  readonly target: Target
  readonly memory: Memory
}

export interface Recalled {
  readonly memory: Memory
  /** When it was written down: what happened since is not in it. */
  readonly at: Millis
}

export class Checkpoints extends Context.Service<
  Checkpoints,
  {
    /** Reads what the last leader wrote down. Never fails: what cannot be read is started anew. */
    readonly load: Effect.Effect<void>
    readonly recall: (uid: string, target: Target) => Recalled | undefined
    /** To be written with the next flush. */
    readonly remember: (uid: string, memories: ReadonlyArray<Remembered>) => void
    readonly forget: (uid: string) => void
    /** Forgets all policies but these. */
    readonly sweep: (living: ReadonlySet<string>) => void
    readonly flush: Effect.Effect<void>
    /** Flushes once a minute, for ever. */
    readonly run: Effect.Effect<never>
  }
>()("nimbusguard/operator/checkpoint/Checkpoints") {
  /** In the operator's own namespace. */
  static readonly layer = (options: { readonly namespace: Home }) =>
    Layer.effect(
      Checkpoints,
      Effect.suspend(() => make(options.namespace))
    )
}

const make = Effect.fnUntraced(function* (namespace: Home) {
  const context = yield* Effect.context<Kubernetes>()
  const leader = yield* Leader
  const home = Effect.map(resolveHome(namespace), (found) => ({ ...CONFIG_MAPS, namespace: found }))
  const flushing = yield* Semaphore.make(1)

  let packing = new Packing(PREFIX, LIMITS)
  let versions = new Map<string, string>()
  /** As read and not yet asked for. */
  let unread = new Map<string, string>()
  /** Undefined: to be taken away. */
  let dirty = new Map<string, ReadonlyArray<Remembered> | undefined>()
  /** Entries that are still where they should not be: a move or a removal that was cut short. */
  let strays = new Map<string, Set<string>>()

  /** Written by a later version of the operator, which will want them back. */
  const newer = new Set<string>()

  const stray = (name: string, uid: string) => {
    strays.set(name, (strays.get(name) ?? new Set<string>()).add(uid))
  }

  const load = Effect.gen(function* () {
    packing = new Packing(PREFIX, LIMITS)
    versions = new Map()
    unread = new Map()
    dirty = new Map()
    strays = new Map()
    const { items } = yield* list(ConfigMap, yield* home, { labelSelector: LABEL })
    for (const { data, metadata } of items) {
      versions.set(metadata.name, metadata.resourceVersion)
      for (const [uid, text] of Object.entries(data ?? {})) {
        const other = unread.get(uid)
        const older = other !== undefined && writtenAt(other) >= writtenAt(text)
        const home = packing.homeOf(uid)
        if (home !== undefined) stray(older ? metadata.name : home, uid)
        if (older) continue
        packing.found(metadata.name, uid, text.length)
        unread.set(uid, text)
      }
    }
  }).pipe(
    Effect.catch((error) =>
      Effect.logWarning(`What policies remembered cannot be read, so their windows start anew: ${error.message}`)
    ),
    Effect.withSpan("Checkpoints.load"),
    Effect.provideContext(context)
  )

  const write = Effect.fnUntraced(function* (name: string, patch: Patch) {
    const data = Object.fromEntries([...patch].map(([uid, text]) => [uid, text ?? null]))
    const collection = yield* home
    const ref = { ...collection, name }
    const version = versions.get(name)
    if (version === undefined) {
      if (packing.isEmpty(name)) return
      const metadata = { name, labels: { [LABEL]: "true", "app.kubernetes.io/name": "nimbusguard-operator" } }
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata, data: withoutNulls(data) }
      versions.set(name, (yield* create(ConfigMap, collection, body)).metadata.resourceVersion)
    } else if (packing.isEmpty(name)) {
      yield* remove(ref)
      versions.delete(name)
    } else {
      const body = { metadata: { resourceVersion: version }, data }
      versions.set(name, (yield* mergePatch(ConfigMap, ref, body)).metadata.resourceVersion)
    }
  })

  /** Somebody changed or took the ConfigMap: what it is now is found out, and the next flush writes again. */
  const relearn = Effect.fnUntraced(function* (name: string, error: KubernetesError) {
    yield* Effect.logWarning(`What policies remember could not be written down yet: ${error.message}`)
    const { _tag } = error.reason
    if (_tag === "NotFound") return void versions.delete(name)
    if (_tag !== "Conflict" && _tag !== "AlreadyExists" && _tag !== "Unknown") return
    const now = yield* Effect.option(Effect.flatMap(home, (collection) => get(ConfigMap, { ...collection, name })))
    if (Option.isSome(now)) versions.set(name, now.value.metadata.resourceVersion)
  })

  const flush = Effect.gen(function* () {
    const taken = dirty
    const tidied = strays
    dirty = new Map()
    strays = new Map()
    const at = yield* Clock.currentTimeMillis
    const texts = new Map<string, string | undefined>()
    for (const [uid, memories] of taken) {
      const text = memories === undefined ? undefined : encode(at, memories)
      if (text !== undefined && text.length > ENTRY_MAX_CHARS) {
        yield* Effect.logWarning(`The memory of policy ${uid} is too large to be kept over a restart.`)
        texts.set(uid, undefined)
      } else texts.set(uid, text)
      yield* Effect.yieldNow // ten thousand of them must not hold the event loop
    }
    const again = (name: string, patch: Patch) => {
      for (const [uid, text] of patch) {
        if (text === undefined) stray(name, uid)
        else if (!dirty.has(uid)) dirty.set(uid, taken.get(uid))
      }
    }
    const one = ([name, patch]: readonly [string, Patch]) =>
      Effect.gen(function* () {
        if (!(yield* leader.mayAct)) return again(name, patch)
        yield* write(name, patch)
      }).pipe(
        Effect.catch((error) => {
          again(name, patch)
          return relearn(name, error)
        })
      )
    yield* Effect.forEach(withStrays(packing.place(texts), tidied), one, { concurrency: WRITES_AT_ONCE, discard: true })
  }).pipe(
    Effect.withSpan("Checkpoints.flush", { root: true }),
    Effect.uninterruptible,
    Semaphore.withPermit(flushing),
    Effect.provideContext(context)
  )

  return {
    load,
    recall: (uid, target) => {
      const entry = Option.getOrUndefined(decodeEntry(unread.get(uid)))
      const written = entry?.targets[targetKey(target)]
      if (entry === undefined || written === undefined) return undefined
      const memory = readMemory(written)
      if (Result.isSuccess(memory)) return { memory: memory.success, at: entry.at }
      if (memory.failure === "Newer") newer.add(uid)
      return undefined
    },
    remember: (uid, memories) => {
      if (newer.has(uid)) return
      unread.delete(uid)
      dirty.set(uid, memories)
    },
    forget: (uid) => {
      newer.delete(uid)
      unread.delete(uid)
      dirty.delete(uid)
      if (packing.homeOf(uid) !== undefined) dirty.set(uid, undefined)
    },
    sweep: (living) => {
      for (const uid of packing.keys) if (!living.has(uid)) dirty.set(uid, undefined)
      for (const uid of unread.keys()) if (!living.has(uid)) unread.delete(uid)
    },
    flush,
    run: Effect.flatMap(Random.nextBetween(0.9, 1.1), (factor) => Effect.sleep(FLUSH_MILLIS * factor)).pipe(
      Effect.andThen(flush),
      Effect.forever
    )
  } satisfies Checkpoints["Service"]
})

const encode = (at: Millis, memories: ReadonlyArray<Remembered>): string =>
  JSON.stringify({ at, targets: Object.fromEntries(memories.map(({ memory, target }) => [targetKey(target), memory])) })

const withStrays = (
  patches: ReadonlyMap<string, Patch>,
  strays: ReadonlyMap<string, ReadonlySet<string>>
): ReadonlyMap<string, Patch> => {
  const all = new Map(patches)
  for (const [name, uids] of strays) {
    const none = [...uids].map((uid) => [uid, undefined] as const)
    all.set(name, new Map<string, string | undefined>([...none, ...(patches.get(name) ?? [])]))
  }
  return all
}

const writtenAt = (text: string): Millis => Option.getOrUndefined(decodeEntry(text))?.at ?? 0

const withoutNulls = (data: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(data).flatMap(([key, text]) => (text === null ? [] : [[key, text]])))
