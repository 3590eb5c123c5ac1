/**
 * The Lease as one candidate deals with it: read it, watch it stand still, take it, renew it, give it back. Every
 * write names the version that it was decided on, so of two candidates one is refused.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Lease, type LeaseSpec } from "#schemas/kubernetes/Lease"
import { type Home, resolveHome } from "#services/Home"
import { Kubernetes, type KubernetesError } from "#services/Kubernetes"
import { collectionPath, decode, FIELD_MANAGER, LEASES, refPath } from "#services/kubernetesCalls"
import { microTime } from "#services/kubernetesTime"
import { steadyMillis } from "#services/steadyMillis"
import { type Instant, LEASE_MILLIS } from "#operator/actWindow"

export type Attempt =
  /** Ours, by a write that was sent then. */
  | { readonly _tag: "Held"; readonly sent: Instant }
  /** Somebody else's, for so much longer unless it is renewed. */
  | { readonly _tag: "Rival"; readonly holder: string; readonly leftMillis: number }
  /** Somebody changed it while we wrote: nothing is known until the next attempt. */
  | { readonly _tag: "Outrun" }
  /** It was ours and is not as we took it: whoever had it meanwhile may have acted. */
  | { readonly _tag: "Lost" }

export interface Candidate {
  readonly attempt: (withinMillis: number) => Effect.Effect<Attempt, KubernetesError>
  /** Best effort; nothing happens where the lease is not ours. */
  readonly release: Effect.Effect<void>
}

const RELEASE_MILLIS = 2_000

export const makeCandidate = Effect.fnUntraced(function* (options: {
  readonly namespace: Home
  readonly name: string
  readonly identity: string
}): Effect.fn.Return<Candidate, never, Kubernetes> {
  const { identity } = options
  const { request } = yield* Kubernetes
  const home = resolveHome(options.namespace)
  /** As we last wrote or read it; undefined: read it first. */
  let held: Lease | undefined
  /** When we took the one that we keep, in its own words. */
  let takenAt: string | undefined
  /** What a rival's lease said, and since when it has said so on our clock. */
  let observed = { record: "", atMillis: 0 }

  const instant = Effect.gen(function* () {
    return { monotonicMillis: yield* steadyMillis, wallMillis: yield* Clock.currentTimeMillis }
  })

  const read = Effect.fnUntraced(function* (timeoutMillis: number) {
    const ref = { ...LEASES, namespace: yield* home, name: options.name }
    const call = { method: "GET" as const, path: refPath(ref), timeoutMillis }
    return yield* request(call).pipe(
      Effect.flatMap((body) => decode(Lease)(call, body)),
      Effect.catchIf(
        (error) => error.reason._tag === "NotFound",
        () => Effect.succeed(undefined)
      )
    )
  })

  const write = Effect.fnUntraced(function* (before: Lease | undefined, spec: LeaseSpec, timeoutMillis: number) {
    const collection = { ...LEASES, namespace: yield* home }
    const query = { fieldManager: FIELD_MANAGER }
    const body = {
      apiVersion: LEASES.apiVersion,
      kind: "Lease",
      metadata: before?.metadata ?? { name: options.name, namespace: collection.namespace },
      spec
    }
    const call =
      before === undefined
        ? { method: "POST" as const, path: collectionPath(collection), query, body, timeoutMillis }
        : { method: "PUT" as const, path: refPath({ ...collection, name: options.name }), query, body, timeoutMillis }
    held = undefined // until the answer is here, nobody knows what the server holds
    return yield* Effect.tap(
      Effect.flatMap(request(call), (answer) => decode(Lease)(call, answer)),
      (lease) => Effect.sync(() => void (held = lease))
    )
  })

  /** The rival that still has it. Its own words about the time count for nothing. */
  const rivalOf = Effect.fnUntraced(function* (lease: Lease): Effect.fn.Return<Attempt | undefined> {
    const spec = lease.spec ?? {}
    const now = yield* steadyMillis
    const record = JSON.stringify([spec.holderIdentity, spec.renewTime, spec.acquireTime, spec.leaseTransitions])
    if (record !== observed.record) observed = { record, atMillis: now }
    const holder = spec.holderIdentity ?? ""
    if (holder === "" || holder === identity) return undefined
    const durationMillis = Math.max((spec.leaseDurationSeconds ?? 0) * 1000, LEASE_MILLIS)
    const leftMillis = observed.atMillis + durationMillis - now
    return leftMillis >= 0 ? { _tag: "Rival", holder, leftMillis } : undefined
  })

  const specAfter = (before: Lease | undefined, now: string): LeaseSpec => {
    const spec = before?.spec ?? {}
    const renewal = spec.holderIdentity === identity
    return {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_MILLIS / 1000,
      acquireTime: renewal ? (spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (spec.leaseTransitions ?? 0) + (renewal || before === undefined ? 0 : 1)
    }
  }

  const take = Effect.fnUntraced(function* (before: Lease | undefined, withinMillis: number) {
    const sent = yield* instant
    const lease = yield* write(before, specAfter(before, microTime(sent.wallMillis)), withinMillis)
    takenAt = lease.spec?.acquireTime ?? undefined
    return { _tag: "Held", sent } satisfies Attempt
  })

  const readAndTake = Effect.fnUntraced(function* (withinMillis: number) {
    const lease = yield* read(withinMillis)
    const rival = lease === undefined ? undefined : yield* rivalOf(lease)
    const { acquireTime, holderIdentity } = lease?.spec ?? {}
    const isLost = takenAt !== undefined && (holderIdentity !== identity || acquireTime !== takenAt)
    if (isLost) takenAt = undefined
    if (rival !== undefined) return rival
    if (isLost) return { _tag: "Lost" } satisfies Attempt
    return yield* take(lease, withinMillis).pipe(
      Effect.catchIf(
        (error) => error.reason._tag === "Conflict" || error.reason._tag === "AlreadyExists",
        () => Effect.succeed<Attempt>({ _tag: "Outrun" })
      )
    )
  })

  const attempt = Effect.fnUntraced(function* (withinMillis: number) {
    const known = held
    if (known?.spec?.holderIdentity !== identity) return yield* readAndTake(withinMillis)
    // Nearly always nobody has touched it since, which saves reading it.
    return yield* take(known, withinMillis).pipe(
      Effect.catchIf(
        (error) => error.reason._tag === "Conflict" || error.reason._tag === "NotFound",
        () => readAndTake(withinMillis)
      )
    )
  })

  const giveBack = Effect.gen(function* () {
    takenAt = undefined
    const lease = held ?? (yield* read(RELEASE_MILLIS))
    if (lease?.spec?.holderIdentity !== identity) return
    const now = microTime(yield* Clock.currentTimeMillis)
    yield* write(lease, { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: now }, RELEASE_MILLIS)
  })
  const release = giveBack.pipe(
    // A renewal that was under way when the work ended may come in between.
    Effect.retry({ times: 1, while: (error) => error.reason._tag === "Conflict" }),
    Effect.catch((error) => Effect.logInfo("The lease could not be given back; it will run out", error)),
    Effect.uninterruptible
  )

  return { attempt, release }
})
