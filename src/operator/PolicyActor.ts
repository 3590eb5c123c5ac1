/**
 * One policy: waits for a message, ticks, reports. It is the only holder of what the policy remembers, so nothing
 * here needs a lock. Between two ticks it is one suspended fiber and does nothing.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import type { DecisionRecord } from "#schemas/Decision"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import { Kubernetes } from "#services/Kubernetes"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { Metrics } from "#services/Metrics"
import { bind, type BoundPolicy, Plugs } from "#operator/bind"
import { Checkpoints } from "#operator/checkpoint"
import type { Crash, Facts, ForeignChange, TargetTrouble } from "#operator/Facts"
import { Health } from "#operator/Health"
import { Leader } from "#operator/Leader"
import { Ledger } from "#operator/Ledger"
import type { Message, PolicyObject } from "#operator/Mailbox"
import { type Found, observe, resolveTargets } from "#operator/observe"
import { targetKey } from "#operator/Ownership"
import { begin, forget, Pursuit, pursue } from "#operator/pursue"
import { report, Reported, unreport } from "#operator/report"
import { RESTART_LIMITS } from "#operator/restart"
import { type Actor, type ActorPost, Actors } from "#operator/Supervisor"
import { Workloads } from "#operator/Workloads"

export interface ActorOptions {
  /** Ticks that may wait for their sources at once. */
  readonly observingAtOnce: number
  /** Ticks that may decide and write at once. */
  readonly actingAtOnce: number
}

export const ACTOR_OPTIONS: ActorOptions = { observingAtOnce: 2_000, actingAtOnce: 64 }

type ActorServices =
  | Checkpoints
  | Health
  | Kubernetes
  | KubernetesDiscovery
  | Leader
  | Ledger
  | Metrics
  | Plugs
  | Workloads

/** Layer of the actors that the Supervisor runs. */
export const layerWith = (options: ActorOptions): Layer.Layer<Actors, never, ActorServices> =>
  Layer.effect(
    Actors,
    Effect.suspend(() => make(options))
  )

export const layer = layerWith(ACTOR_OPTIONS)

/** However often it is poked. */
const POKE_GAP_MILLIS = 1_000
/** An object that cannot be run has nothing to do until it is changed; it is only looked after. */
const IDLE_MILLIS = 60_000
const TARGETS_AT_ONCE = 4
/** So many crashes in a row may come from what is remembered: it is put aside, but for the commitments. */
const CRASHES_UNTIL_FORGETFUL = 3

const make = Effect.fnUntraced(function* (options: ActorOptions) {
  const context = yield* Effect.context<ActorServices>()
  const observing = yield* Semaphore.make(options.observingAtOnce)
  const acting = yield* Semaphore.make(options.actingAtOnce)
  const metrics = yield* Metrics
  const checkpoints = yield* Checkpoints
  const plugs = yield* Plugs
  const health = yield* Health
  /** Policies whose actor crashed within the last minute. */
  const crashing = new Map<string, string>()

  const deciding = (uid: string, crash: Crash | undefined) => {
    if (crash === undefined) crashing.delete(uid)
    else crashing.set(uid, crash.message)
    const [first] = crashing.values()
    return first === undefined
      ? health.set("decision_engine", true, "Deciding.")
      : health.set("decision_engine", false, `${crashing.size} policies' actors crashed: ${first}`)
  }

  const boundOf = (object: PolicyObject) => Result.flatMap(object.decoded, (policy) => bind(plugs, policy))

  const post = (given: ActorPost): Actor => {
    const { mailbox, ownership } = given
    const reported = new Reported(given.object.status)
    const pursuits = new Map<string, Pursuit>()
    let object = given.object
    let bound = boundOf(object)
    let crash: Crash | undefined
    let proposed = object.status?.phase === "Active"
    let nextTickAt = given.firstTickAt
    let lastTickAt = Number.NEGATIVE_INFINITY

    const intervalMillis = () => (Result.isSuccess(bound) ? bound.success.policy.intervalMillis : IDLE_MILLIS)

    const scheduleAt = (dueAt: Millis) => {
      nextTickAt = Math.ceil(dueAt)
      given.schedule(nextTickAt)
    }

    const factsAt = (at: Millis, found: Partial<Facts>): Facts => ({
      at,
      ref: object.ref,
      policy: Result.isSuccess(bound) ? bound.success.policy : undefined,
      refusals: Result.isFailure(bound) ? bound.failure : [],
      findings: Result.isSuccess(bound) ? bound.success.findings : [],
      targets: [...pursuits.values()],
      troubles: [],
      foreign: [],
      proposed,
      crash: crash !== undefined && at - crash.at < RESTART_LIMITS.healthyAfterMillis ? crash : undefined,
      ...found
    })

    /** Targets that the policy means no longer are forgotten; one that is only not there is not. */
    const keepOnly = ({ claimed }: Found) => {
      const wanted = new Set(claimed.map(targetKey))
      for (const key of pursuits.keys()) if (!wanted.has(key)) pursuits.delete(key)
    }

    const pursuitOf = (policy: Policy, { at, target }: Observation): Pursuit => {
      const key = targetKey(target)
      const pursuit = pursuits.get(key) ?? begin({ object, policy, target, at, recall: checkpoints.recall })
      pursuits.set(key, pursuit)
      return pursuit
    }

    const tick = Effect.fnUntraced(function* () {
      if (Result.isFailure(bound)) {
        given.poke(ownership.release(object.ref.uid), "another policy let the target go")
        return yield* report(reported, factsAt(yield* Clock.currentTimeMillis, {}), [])
      }
      const current = bound.success
      const found = yield* resolveTargets(current.policy)
      given.poke(ownership.claim(object.ref, found.claimed), "another policy names the same target")
      keepOnly(found)
      const observations = yield* Effect.forEach(
        found.claimed,
        (target) => observe({ bound: current, target, ownership }),
        { concurrency: TARGETS_AT_ONCE }
      ).pipe(Semaphore.withPermit(observing))
      if (mailbox.superseded) return // the newer object ticks at once
      yield* conclude(current, found, observations).pipe(Semaphore.withPermit(acting))
    })

    /** From the first write to the report of it nothing is cut short: each part is bounded by its own timeout. */
    const conclude = Effect.fnUntraced(function* (
      current: BoundPolicy,
      { refusals, trouble }: Found,
      observations: ReadonlyArray<Result.Result<Observation, TargetTrouble>>
    ) {
      const fresh: Array<DecisionRecord> = []
      const foreign: Array<ForeignChange> = []
      const seen: Array<Pursuit> = []
      const troubles = trouble === undefined ? [] : [trouble]
      for (const observed of observations) {
        if (Result.isFailure(observed)) {
          troubles.push(observed.failure)
          continue
        }
        const observation = observed.success
        const pursuit = pursuitOf(current.policy, observation)
        const result = yield* pursue({
          bound: current,
          object,
          pursuit,
          observation,
          superseded: () => mailbox.superseded
        })
        seen.push(pursuit)
        fresh.push(...result.records)
        if (result.foreign !== undefined) foreign.push(result.foreign)
      }
      proposed ||= fresh.some(({ decision }) => decision.recommended !== undefined)
      const at = yield* Clock.currentTimeMillis
      const facts = factsAt(at, { troubles, refusals, foreign, targets: seen })
      yield* deciding(object.ref.uid, facts.crash)
      yield* report(reported, facts, fresh)
      if (seen.length > 0) checkpoints.remember(object.ref.uid, [...pursuits.values()])
    }, Effect.uninterruptible)

    const tickNow = Effect.fnUntraced(function* (cause: string) {
      lastTickAt = yield* Clock.currentTimeMillis
      const { kind, name, namespace, uid } = object.ref
      yield* metrics
        .ticking(object.ref, tick())
        .pipe(
          Effect.withSpan("policy.tick", { root: true, attributes: { policy: name, namespace, kind, cause } }),
          Effect.annotateLogs({ policy: name, namespace, kind, uid })
        )
    })

    const receive = Effect.fnUntraced(function* (message: Exclude<Message, { _tag: "Retired" }>) {
      const now = yield* Clock.currentTimeMillis
      switch (message._tag) {
        case "Applied":
          object = message.object
          bound = boundOf(object)
          scheduleAt(now + intervalMillis())
          return yield* tickNow("applied")
        case "Ticked":
          yield* metrics.lateness(Math.max(0, now - message.dueAt) / 1000)
          scheduleAt(nextAfter(message.dueAt, now, intervalMillis()))
          return yield* tickNow("interval")
        case "Poked": {
          const earliest = lastTickAt + POKE_GAP_MILLIS
          if (now >= earliest) return yield* tickNow(message.cause)
          if (nextTickAt > earliest) scheduleAt(earliest)
          return
        }
        case "Described":
          return yield* Effect.asVoid(
            Deferred.succeed(message.reply, {
              object,
              nextTickAt,
              targets: [...pursuits.values()].map(({ memory, record, target }) => ({ target, memory, record })),
              crashes: crash?.count ?? 0
            })
          )
      }
    })

    const run = Effect.gen(function* () {
      scheduleAt(crash === undefined ? given.firstTickAt : yield* Clock.currentTimeMillis)
      while (true) {
        const message = yield* mailbox.take()
        if (message._tag === "Retired") return
        yield* receive(message)
      }
    })

    const crashed = Effect.fnUntraced(function* (latest: Crash) {
      crash = latest
      if (latest.count >= CRASHES_UNTIL_FORGETFUL && Result.isSuccess(bound)) {
        for (const pursuit of pursuits.values()) forget(pursuit, bound.success.policy, latest.at)
      }
      yield* deciding(object.ref.uid, latest)
      yield* report(reported, factsAt(latest.at, {}), [])
    })

    const ended = Effect.suspend(() => {
      const deleted = mailbox.retired === "Deleted"
      if (deleted) checkpoints.forget(object.ref.uid)
      if (crash === undefined) return unreport(object.ref, deleted)
      return Effect.andThen(deciding(object.ref.uid, undefined), unreport(object.ref, deleted))
    })

    return {
      run: Effect.provideContext(run, context),
      crashed: (latest) => Effect.provideContext(crashed(latest), context),
      ended: Effect.provideContext(ended, context)
    }
  }

  const targetsOf = (object: PolicyObject) =>
    Result.isFailure(object.decoded)
      ? Effect.succeed([])
      : Effect.map(resolveTargets(object.decoded.success), ({ claimed }) => claimed).pipe(
          Effect.provideContext(context)
        )

  return { make: (given: ActorPost) => Effect.sync(() => post(given)), targetsOf }
})

/** Keeps to the schedule, and skips what has been missed. */
export const nextAfter = (dueAt: Millis, now: Millis, intervalMillis: number): Millis => {
  const missed = Math.max(0, Math.floor((now - dueAt) / intervalMillis))
  return dueAt + (missed + 1) * intervalMillis
}
