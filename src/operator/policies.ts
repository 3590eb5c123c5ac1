/**
 * The policy objects of all four kinds, from their watches: decoded or refused, kept current, and told as what the
 * Supervisor has to do. On a standby only the caches are kept warm.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type CrdKind, type DecodeSettings, KINDS } from "#schemas/crd/index"
import { Meta } from "#schemas/kubernetes/Meta"
import type { PolicyRef } from "#schemas/Policy"
import { Status } from "#schemas/Status"
import type { KubernetesError } from "#services/Kubernetes"
import { parseTime } from "#services/kubernetesTime"
import type { PolicyObject } from "#operator/Mailbox"
import { type Change, makeWatched } from "#operator/Watched"

export interface PoliciesOptions {
  /** Undefined: all of them. */
  readonly namespaces: ReadonlyArray<string> | undefined
  readonly decode: DecodeSettings
  readonly onTrouble: (kind: string, error: KubernetesError | undefined) => Effect.Effect<void>
  readonly onSynced: (kind: string) => Effect.Effect<void>
}

/** What has changed since it was last asked; undefined: the object is gone. */
export type Changes = ReadonlyMap<string, PolicyObject | undefined>

export const watchPolicies = Effect.fnUntraced(function* (options: PoliciesOptions) {
  let changes = new Map<string, PolicyObject | undefined>()
  const changed = yield* Latch.make(false)

  const note = ({ after, before }: Change<PolicyObject>) => {
    // Deleted and made anew under its name between two lists: another policy.
    if (before !== undefined && before.ref.uid !== after?.ref.uid) changes.set(before.ref.uid, undefined)
    if (after !== undefined) changes.set(after.ref.uid, after)
    Latch.openUnsafe(changed)
  }

  const watched = yield* Effect.forEach(KINDS, (kind) =>
    Effect.gen(function* () {
      const collection = { apiVersion: `${kind.group}/${kind.version}`, plural: kind.plural }
      const kinds = yield* makeWatched<PolicyObject>({
        collections: options.namespaces?.map((namespace) => ({ ...collection, namespace })) ?? [collection],
        project: (object, before) => readPolicy(kind, object, options.decode, before),
        onChange: note,
        // Our own status writes come back as changes and mean nothing new.
        same: (before, after) => before.ref.uid === after.ref.uid && before.ref.generation === after.ref.generation,
        onTrouble: (error) => options.onTrouble(kind.kind, error)
      })
      yield* Effect.forkScoped(Effect.andThen(kinds.synced, options.onSynced(kind.kind)))
      return kinds
    })
  )

  return {
    /** Every kind has been listed once. */
    synced: Effect.forEach(watched, (each) => each.synced, { discard: true }),
    /** What was heard before may be old: every kind is listed anew. */
    refresh: Effect.forEach(watched, (each) => each.refresh, { concurrency: "unbounded", discard: true }),
    /** All of them, now; what has changed before is settled by it. */
    all: Effect.sync((): ReadonlyArray<PolicyObject> => {
      changes = new Map()
      return watched.flatMap((each) => [...each.values()])
    }),
    /** Waits for changes and takes them; the latest of each object counts. */
    take: Effect.gen(function* () {
      yield* Latch.await(changed)
      return yield* Effect.sync((): Changes => {
        const taken = changes
        changes = new Map()
        Latch.closeUnsafe(changed)
        return taken
      })
    })
  }
})

const { creationTimestamp, generation, name, namespace, uid } = Meta.fields
const Identity = Schema.Struct({ creationTimestamp, generation, name, namespace, uid })
const decodeMeta = Schema.decodeUnknownOption(Schema.Struct({ metadata: Identity }))
const decodeStatus = Schema.decodeUnknownOption(Status)

/**
 * Undefined: not even its metadata can be read. Items of a list come without their kind. Of the same generation as
 * `before` it has the same spec, which is not read again: nearly every change is one that we wrote.
 */
export const readPolicy = (
  kind: CrdKind,
  object: unknown,
  settings: DecodeSettings,
  before?: PolicyObject
): PolicyObject | undefined => {
  if (typeof object !== "object" || object === null) return undefined
  const found = Option.getOrUndefined(decodeMeta(object))
  if (found === undefined) return undefined
  const { metadata } = found
  const { generation = 0, uid } = metadata
  if (before !== undefined && before.ref.uid === uid && before.ref.generation === generation) {
    return new Seen(before.ref, before.decoded, object)
  }
  const apiVersion = `${kind.group}/${kind.version}`
  const ref: PolicyRef = {
    kind: kind.kind,
    apiVersion,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    uid,
    generation,
    createdAt: parseTime(metadata.creationTimestamp) ?? 0
  }
  const decoded = kind.decode({ ...object, apiVersion, kind: kind.kind }, settings)
  return new Seen(
    ref,
    Result.map(decoded, (policy) => ({ ...policy, ref })),
    object
  )
}

/**
 * Its status is read when somebody asks for it, which is who begins with the policy: nearly every one is our own word.
 * Whoever wants another object like it names the fields, for a getter is not copied.
 */
class Seen implements PolicyObject {
  readonly ref: PolicyRef
  readonly decoded: PolicyObject["decoded"]
  #status: { readonly raw: unknown } | { readonly read: Status | undefined }

  constructor(ref: PolicyRef, decoded: PolicyObject["decoded"], object: { readonly status?: unknown }) {
    this.ref = ref
    this.decoded = decoded
    this.#status = object.status === undefined ? { read: undefined } : { raw: object.status }
  }

  get status(): Status | undefined {
    if ("raw" in this.#status) this.#status = { read: Option.getOrUndefined(decodeStatus(this.#status.raw)) }
    return this.#status.read
  }
}
