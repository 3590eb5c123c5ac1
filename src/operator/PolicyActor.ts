/**
 * One policy: waits for a message, ticks, reports. It is the only holder of what the policy remembers, so nothing
 * here needs a lock. Between two ticks it is one suspended fiber and does nothing.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { hashOf } from "#domain/hash"
import type { DecisionRecord } from "#schemas/Decision"
import type { Observation } from "#schemas/Observation"
import type { Policy, Refusal, Target } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import { Kubernetes } from "#services/Kubernetes"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { Metrics } from "#services/Metrics"
import { tracedAs } from "#services/traced"
import { Advising } from "#operator/Advising"
import { bind, type BoundPolicy, Plugs } from "#operator/bind"
import { Checkpoints } from "#operator/checkpoint"
import type { Crashes } from "#operator/Crashes"
import type { Crash, Facts, ForeignChange, TargetTrouble } from "#operator/Facts"
import type { Gate } from "#operator/Gate"
import type { Health } from "#operator/Health"
import { Leader } from "#operator/Leader"
import { Ledger } from "#operator/Ledger"
import type { Description, Message, PolicyObject } from "#operator/Mailbox"
import { type Found, observe, resolveTargets } from "#operator/observe"
import { targetKey } from "#operator/Ownership"
import { begin, forget, type Pursuit } from "#operator/Pursuit"
import { pursue } from "#operator/pursue"
import { report, Reported, unreport } from "#operator/report"
import { RESTART_LIMITS } from "#operator/restart"
import { Place, type Rhythm } from "#operator/Rhythm"
import type { Actor, ActorPost } from "#operator/Supervisor"
import { Workloads } from "#operator/Workloads"

export type ActorServices =
  | Checkpoints
  | Health
  | Kubernetes
  | KubernetesDiscovery
  | Leader
  | Ledger
  | Metrics
  | Plugs
  | Workloads

/** However often it is poked. */
const POKE_GAP_MILLIS = 1_000
/** An object that cannot be run has nothing to do until it is changed; it is only looked after. */
const IDLE_MILLIS = 60_000
const TARGETS_AT_ONCE = 4
/** So many crashes in a row may come from what is remembered: it is put aside, but for the commitments. */
const CRASHES_UNTIL_FORGETFUL = 3

/** What all actors share. */
export interface Shared {
  /** Gives an actor's effects their services. */
  readonly within: <A, E>(self: Effect.Effect<A, E, ActorServices>) => Effect.Effect<A, E>
  readonly observing: Gate
  readonly acting: Gate
  readonly metrics: Metrics["Service"]
  readonly checkpoints: Checkpoints["Service"]
  readonly plugs: Plugs["Service"]
  readonly rhythm: Rhythm
  readonly crashes: Crashes
}

/** A class and no closures, because there may be ten thousand of them, nearly always asleep. */
export class PolicyActor implements Actor {
  readonly #shared: Shared
  readonly #post: ActorPost
  readonly #reported: Reported
  readonly #advising: Advising
  #pursuits: ReadonlyArray<Pursuit> = NO_PURSUITS
  #object: PolicyObject
  #bound: Result.Result<BoundPolicy, ReadonlyArray<Refusal>>
  #crash: Crash | undefined = undefined
  /** Some engine could propose, here or under an earlier leader. */
  #proposed: boolean
  #nextTickAt: Millis
  readonly #place: Place
  #lastTickAt: Millis = Number.NEGATIVE_INFINITY

  constructor(shared: Shared, post: ActorPost) {
    this.#shared = shared
    this.#post = post
    this.#object = post.object
    this.#advising = new Advising(post.mailbox)
    this.#bound = this.#bind()
    this.#place = new Place(shared.rhythm, this.#asked)
    this.#reported = new Reported(post.object.status)
    this.#proposed = post.object.status?.phase === "Active"
    this.#nextTickAt = post.firstTickAt
  }

  get run(): Effect.Effect<void, unknown> {
    return Effect.gen({ self: this }, function* () {
      const { mailbox } = this.#post
      if (this.#reported.status?.phase === undefined) yield* this.#begun
      this.#schedule(this.#crash === undefined ? this.#post.firstTickAt : yield* Clock.currentTimeMillis)
      while (true) {
        const message = yield* mailbox.take()
        if (message._tag === "Retired") return
        yield* this.#shared.within(this.#receive(message))
      }
    })
  }

  /** Who has just applied a policy looks at it at once, and its first tick may wait for slow sources. */
  get #begun(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      yield* report(this.#reported, this.#facts(yield* Clock.currentTimeMillis), [])
    }).pipe(this.#shared.within)
  }

  crashed(crash: Crash): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.#crash = crash
      if (crash.count >= CRASHES_UNTIL_FORGETFUL && Result.isSuccess(this.#bound)) {
        for (const pursuit of this.#pursuits) forget(pursuit, this.#bound.success.policy, crash.at)
      }
      yield* this.#shared.crashes.note(this.#object.ref.uid, crash)
      yield* report(this.#reported, this.#facts(crash.at), [])
    }).pipe(this.#shared.within)
  }

  get ended(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { ref } = this.#object
      const deleted = this.#post.mailbox.retired === "Deleted"
      if (deleted) this.#shared.checkpoints.forget(ref.uid)
      this.#place.leave()
      if (this.#crash !== undefined) yield* this.#shared.crashes.note(ref.uid, undefined)
      yield* unreport(ref, deleted)
    }).pipe(this.#shared.within)
  }

  #bind() {
    return Result.flatMap(this.#object.decoded, (policy) => bind(this.#shared.plugs, policy))
  }

  #schedule(dueAt: Millis): void {
    this.#nextTickAt = Math.ceil(dueAt)
    this.#post.schedule(this.#nextTickAt)
  }

  get #intervalMillis(): number {
    return Result.isSuccess(this.#bound) ? this.#bound.success.policy.intervalMillis : IDLE_MILLIS
  }

  /** Its first signal's question; who asks nothing ticks alone. */
  get #asked(): string {
    const { ref } = this.#object
    const first = Result.isSuccess(this.#bound) ? this.#bound.success.signals[0] : undefined
    return hashOf(first === undefined ? ref.uid : (first.question?.(ref.namespace) ?? first.signal.options))
  }

  #receive(message: Exclude<Message, { _tag: "Retired" }>): Effect.Effect<void, never, ActorServices> {
    return Effect.gen({ self: this }, function* () {
      const now = yield* Clock.currentTimeMillis
      switch (message._tag) {
        case "Applied":
          this.#object = message.object
          this.#bound = this.#bind()
          this.#place.move(this.#asked)
          this.#schedule(this.#place.next(now, this.#intervalMillis))
          return yield* this.#tick("applied")
        case "Ticked":
          yield* this.#shared.metrics.lateness(Math.max(0, now - message.dueAt) / 1000)
          this.#schedule(this.#place.next(now, this.#intervalMillis))
          return yield* this.#tick("interval")
        case "Poked": {
          const earliest = this.#lastTickAt + POKE_GAP_MILLIS
          if (now >= earliest) return yield* this.#tick(message.cause)
          if (this.#nextTickAt > earliest) this.#schedule(earliest)
          return
        }
        case "Advised":
          return this.#advising.take(message.advice)
        case "Described":
          return yield* Effect.asVoid(Deferred.succeed(message.reply, this.#description))
      }
    })
  }

  get #description(): Description {
    return {
      object: this.#object,
      nextTickAt: this.#nextTickAt,
      targets: this.#pursuits.map(({ memory, record, target }) => ({ target, memory, record })),
      crashes: this.#crash?.count ?? 0
    }
  }

  #tick(cause: string): Effect.Effect<void, never, ActorServices> {
    return Effect.gen({ self: this }, function* () {
      this.#lastTickAt = yield* Clock.currentTimeMillis
      const { kind, name, namespace, uid } = this.#object.ref
      yield* this.#shared.metrics
        .ticking(this.#object.ref, this.#observeAndConclude())
        .pipe(
          tracedAs("policy.tick", { root: true, attributes: { policy: name, namespace, kind, cause } }),
          Effect.annotateLogs({ policy: name, namespace, kind, uid })
        )
    })
  }

  #observeAndConclude(): Effect.Effect<void, never, ActorServices> {
    return Effect.gen({ self: this }, function* () {
      const { mailbox, ownership, poke } = this.#post
      const { ref } = this.#object
      if (Result.isFailure(this.#bound)) {
        poke(ownership.release(ref.uid), "another policy let the target go")
        return yield* report(this.#reported, this.#facts(yield* Clock.currentTimeMillis), [])
      }
      const bound = this.#bound.success
      const found = yield* resolveTargets(bound.policy)
      poke(ownership.claim(ref, found.claimed), "another policy names the same target")
      this.#keepOnly(found)
      const see = (target: Target) => observe({ bound, target, ownership, advice: this.#advising.of(target) })
      const concurrency = Math.max(1, Math.min(found.claimed.length, TARGETS_AT_ONCE))
      const observations = yield* Effect.forEach(found.claimed, see, { concurrency }).pipe(this.#shared.observing.pass)
      if (mailbox.superseded) return // the newer object ticks at once
      yield* this.#conclude(bound, found, observations).pipe(this.#shared.acting.pass)
      yield* this.#advising.begin(bound.policy, found.claimed)
    })
  }

  /** From the first write to the report of it nothing is cut short: each part is bounded by its own timeout. */
  #conclude(
    bound: BoundPolicy,
    { refusals, trouble }: Found,
    observations: ReadonlyArray<Result.Result<Observation, TargetTrouble>>
  ): Effect.Effect<void, never, ActorServices> {
    return Effect.gen({ self: this }, function* () {
      const { mailbox } = this.#post
      const fresh: Array<DecisionRecord> = []
      const foreign: Array<ForeignChange> = []
      const targets: Array<Pursuit> = []
      const troubles = trouble === undefined ? [] : [trouble]
      for (const observed of observations) {
        if (Result.isFailure(observed)) {
          troubles.push(observed.failure)
          continue
        }
        const observation = observed.success
        const pursuit = this.#pursuitOf(bound.policy, observation)
        const superseded = () => mailbox.superseded
        const result = yield* pursue({ bound, object: this.#object, pursuit, observation, superseded })
        targets.push(pursuit)
        fresh.push(...result.records)
        if (result.foreign !== undefined) foreign.push(result.foreign)
      }
      this.#proposed ||= fresh.some(({ decision }) => decision.recommended !== undefined)
      const facts = { ...this.#facts(yield* Clock.currentTimeMillis), troubles, refusals, foreign, targets }
      yield* this.#shared.crashes.note(this.#object.ref.uid, facts.crash)
      yield* report(this.#reported, facts, fresh)
      if (targets.length > 0) this.#shared.checkpoints.remember(this.#object.ref.uid, this.#pursuits)
    }).pipe(Effect.uninterruptible)
  }

  /** Targets that the policy means no longer are forgotten; one that is only not there is not. */
  #keepOnly({ claimed }: Found): void {
    const wanted = claimed.map(targetKey)
    const kept = this.#pursuits.filter(({ target }) => wanted.includes(targetKey(target)))
    if (kept.length < this.#pursuits.length) this.#pursuits = kept
  }

  #pursuitOf(policy: Policy, { at, target }: Observation): Pursuit {
    const key = targetKey(target)
    const known = this.#pursuits.find((each) => targetKey(each.target) === key)
    if (known !== undefined) return known
    const { recall } = this.#shared.checkpoints
    const pursuit = begin({ object: this.#object, policy, target, at, recall })
    this.#pursuits = [...this.#pursuits, pursuit]
    return pursuit
  }

  #facts(at: Millis): Facts {
    const crash = this.#crash
    const { findings = [], policy } = Result.isSuccess(this.#bound) ? this.#bound.success : {}
    return {
      at,
      ref: this.#object.ref,
      policy,
      refusals: Result.isFailure(this.#bound) ? this.#bound.failure : [],
      findings,
      targets: this.#pursuits,
      troubles: [],
      foreign: [],
      proposed: this.#proposed,
      crash: crash !== undefined && at - crash.at < RESTART_LIMITS.healthyAfterMillis ? crash : undefined
    }
  }
}

const NO_PURSUITS: ReadonlyArray<Pursuit> = []
