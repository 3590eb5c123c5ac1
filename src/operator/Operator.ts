/**
 * The operator as one Layer: watches that are always warm, and actors that run only while this process leads. What
 * it needs from outside is a Kubernetes, what the sources ask, and a metrics registry.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { type DecodeSettings, KINDS } from "#schemas/crd/index"
import type { Home } from "#services/Home"
import type { Kubernetes, KubernetesError } from "#services/Kubernetes"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { Metrics } from "#services/Metrics"
import * as actors from "#operator/actors"
import { Plugs } from "#operator/bind"
import { Checkpoints } from "#operator/checkpoint"
import { Health } from "#operator/Health"
import { Leader, LEASE_NAME } from "#operator/Leader"
import { Ledger } from "#operator/Ledger"
import type { PolicyObject } from "#operator/Mailbox"
import { watchPolicies } from "#operator/policies"
import { Supervisor } from "#operator/Supervisor"
import { type WorkloadChange, Workloads } from "#operator/Workloads"

export interface OperatorOptions {
  /** Undefined: all of them. */
  readonly namespaces: ReadonlyArray<string> | undefined
  /** Where the Lease and the checkpoints live. */
  readonly ownNamespace: Home
  /** Who this is in the Lease and in Events: the pod's name. */
  readonly identity: string
  /** False: nobody else can run, and this process always acts. */
  readonly leaderElection: boolean
  readonly decode: DecodeSettings
}

const LEASE_GATE = "lease"
const WORKLOADS_GATE = "watches of workloads"
/** A takeover must not wait for what may never come. */
const REFRESH_PATIENCE = "10 seconds"
const watchGate = (kind: string) => `watch of ${kind}`

/** Watches, election and supervision, for as long as the scope lives. */
const run = Effect.fnUntraced(function* (options: OperatorOptions) {
  const health = yield* Health
  const leader = yield* Leader
  const supervisor = yield* Supervisor
  const checkpoints = yield* Checkpoints
  const workloads = yield* Workloads
  const troubles = new Map<string, KubernetesError>()

  /** One after the other: what is told last is what is true. */
  const telling = yield* Semaphore.make(1)
  const heard = (what: string, error: KubernetesError | undefined) =>
    Effect.suspend(() => {
      if (error === undefined) troubles.delete(what)
      else troubles.set(what, error)
      const [first] = troubles.values()
      return first === undefined
        ? health.set("kubernetes", true, "Every watch hears.")
        : health.set("kubernetes", false, first.message)
    }).pipe(Semaphore.withPermit(telling))

  yield* health.expect(LEASE_GATE)
  yield* health.expect(WORKLOADS_GATE)
  yield* Effect.forEach(KINDS, ({ kind }) => health.expect(watchGate(kind)), { discard: true })
  const policies = yield* watchPolicies({
    namespaces: options.namespaces,
    decode: options.decode,
    onTrouble: (kind, error) => heard(watchGate(kind), error),
    onSynced: (kind) => Effect.andThen(health.reached(watchGate(kind)), heard(watchGate(kind), undefined))
  })
  yield* Effect.forkScoped(Effect.andThen(workloads.synced, health.reached(WORKLOADS_GATE)))
  yield* Effect.forkScoped(observeLeadership)

  /** One term of office: from taking over what is there to leaving it in order. */
  const term = Effect.gen(function* () {
    yield* policies.synced
    yield* workloads.synced
    // The leader before this one may have written what a watch of ours that was cut off has not told yet.
    const known = Effect.all([policies.refresh, workloads.refresh], { concurrency: "unbounded" })
    const fresh = yield* Effect.timeoutOption(known, REFRESH_PATIENCE)
    if (Option.isNone(fresh)) yield* Effect.logWarning("Taking over with what was known before: no answer to a list.")
    yield* checkpoints.load
    const objects = (yield* policies.all).map(({ decoded, ref, status }): PolicyObject => ({
      ref,
      decoded,
      status,
      inherited: true
    }))
    checkpoints.sweep(new Set(objects.map(({ ref }) => ref.uid)))
    yield* supervisor.upsertAll(objects)
    yield* Effect.logInfo(`${options.identity} took over ${objects.length} policies`)
    yield* Effect.forkScoped(checkpoints.run)
    yield* Effect.forkScoped(Stream.runForEach(workloads.changes, (change) => wake(supervisor, change)))
    while (true) {
      for (const [uid, object] of yield* policies.take) {
        if (object !== undefined) yield* supervisor.upsert(object)
        else yield* Effect.forkScoped(supervisor.remove(uid)) // it may have to finish a write; others need not wait
      }
    }
  }).pipe(Effect.scoped, Effect.ensuring(Effect.andThen(supervisor.stop, checkpoints.flush)))

  yield* Effect.forkScoped(leader.whileLeading(term))
})

const observeLeadership = Effect.gen(function* () {
  const health = yield* Health
  const leader = yield* Leader
  const metrics = yield* Metrics
  yield* SubscriptionRef.changes(leader.state).pipe(
    Stream.runForEach(({ holder, known, leading, trouble }) =>
      Effect.gen(function* () {
        yield* metrics.leading(leading, LEASE_NAME)
        if (known) yield* health.reached(LEASE_GATE)
        const who = leading ? "This operator leads." : holder === undefined ? "Nobody leads yet." : `${holder} leads.`
        yield* health.set("leader", trouble === undefined, trouble === undefined ? who : `${who} ${trouble.message}`)
      })
    )
  )
})

/** A target that came, went, or changed its labels. Its replicas are seen with the next tick: nearly always our own. */
const wake = (supervisor: Supervisor["Service"], { labels, target, what }: WorkloadChange): Effect.Effect<void> =>
  what === "Replicas"
    ? Effect.void
    : supervisor.targetChanged(target, labels, `${target.kind} ${target.name} ${what.toLowerCase()}`)

/** Health, Ledger, Leader and Supervisor are what the pages and the commands look at. */
export const layer = (options: OperatorOptions) => {
  const { identity, ownNamespace } = options
  const elected = options.leaderElection
    ? Leader.layer({ namespace: ownNamespace, identity })
    : Leader.layerAlways(identity)
  const state = Layer.mergeAll(Health.layer, Ledger.layer)
  const cluster = Layer.mergeAll(
    Workloads.layer({ namespaces: options.namespaces }).pipe(Layer.provideMerge(KubernetesDiscovery.layer)),
    elected
  )
  const checkpoints = Checkpoints.layer({ namespace: ownNamespace })
  const supervisor = Supervisor.layer.pipe(Layer.provide(actors.layer))
  return Layer.effectDiscard(run(options)).pipe(
    Layer.provideMerge(supervisor),
    Layer.provideMerge(checkpoints),
    Layer.provideMerge(cluster),
    Layer.provideMerge(state)
  ) satisfies Layer.Layer<
    Health | Ledger | Leader | Supervisor | Workloads | KubernetesDiscovery | Checkpoints,
    never,
    Kubernetes | Metrics | Plugs
  >
}
