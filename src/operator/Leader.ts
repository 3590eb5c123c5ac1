/**
 * One operator of several acts: whoever holds the Lease. A rival's lease is over when we have watched it stand
 * unchanged for its whole duration on our own clock, so that no other clock is ever trusted. Losing the lease stops
 * the work and waits for its end before anything else; ending the work in order gives the lease back.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Semaphore from "effect/Semaphore"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { Home } from "#services/Home"
import { Kubernetes, type KubernetesError } from "#services/Kubernetes"
import { steadyMillis } from "#services/steadyMillis"
import {
  type Instant,
  pastRenewDeadline,
  RENEW_DEADLINE_MILLIS,
  RETRY_MILLIS,
  withinActWindow
} from "#operator/actWindow"
import { type Attempt, makeCandidate } from "#operator/Candidate"

export interface Leadership {
  readonly leading: boolean
  /** Who holds the lease as far as we know; undefined: nobody, or nothing is known yet. */
  readonly holder: string | undefined
  /** The lease has been read, or written, at least once. */
  readonly known: boolean
  /** Why the lease could not be read or written the last time. */
  readonly trouble: KubernetesError | undefined
}

export interface LeaderOptions {
  /** Where the Lease lives. */
  readonly namespace: Home
  readonly name?: string
  /** Who this is for people: the pod's name. A random part is added, so that no two processes are ever the same. */
  readonly identity: string
}

export const LEASE_NAME = "nimbusguard-operator"

export class Leader extends Context.Service<
  Leader,
  {
    /** The name under which this process holds the lease. */
    readonly identity: string
    readonly state: SubscriptionRef.SubscriptionRef<Leadership>
    /**
     * Runs the work whenever this process leads, and ends only when the work does. It is interrupted, and its end
     * awaited, as soon as the lease is lost; then the campaign starts again.
     */
    readonly whileLeading: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** Whether a write to a target may start now: asked before each one. */
    readonly mayAct: Effect.Effect<boolean>
  }
>()("nimbusguard/operator/Leader") {
  static readonly layer = (options: LeaderOptions): Layer.Layer<Leader, never, Kubernetes> =>
    Layer.effect(Leader, makeElected(options))

  /** For --no-leader-election: this process always leads. */
  static readonly layerAlways = (identity: string): Layer.Layer<Leader> =>
    Layer.effect(
      Leader,
      Effect.map(
        SubscriptionRef.make<Leadership>({ leading: true, holder: identity, known: true, trouble: undefined }),
        (state) => ({ identity, state, whileLeading: (work) => work, mayAct: Effect.succeed(true) })
      )
    )
}

const instant: Effect.Effect<Instant> = Effect.gen(function* () {
  return { monotonicMillis: yield* steadyMillis, wallMillis: yield* Clock.currentTimeMillis }
})

const pause = Effect.flatMap(Random.nextBetween(0.8, 1.2), (factor) => Effect.sleep(RETRY_MILLIS * factor))

/** Looks often enough to be there soon after a lease was given back, and at once when a rival's has run out. */
const waitFor = (leftMillis: number) =>
  Effect.flatMap(Random.nextBetween(0.6, 1), (factor) => Effect.sleep(Math.min(RETRY_MILLIS * factor, leftMillis + 1)))

const makeElected = Effect.fnUntraced(function* (options: LeaderOptions) {
  const suffix = (yield* Random.nextIntBetween(0, 2 ** 32)).toString(16).padStart(8, "0")
  const identity = `${options.identity}_${suffix}`
  const candidate = yield* makeCandidate({ namespace: options.namespace, name: options.name ?? LEASE_NAME, identity })
  const state = yield* SubscriptionRef.make<Leadership>({
    leading: false,
    holder: undefined,
    known: false,
    trouble: undefined
  })
  const one = yield* Semaphore.make(1)
  /** When the newest renewal that succeeded was sent; undefined: not leading. */
  let renewed: Instant | undefined

  const publish = (change: Partial<Leadership>) =>
    SubscriptionRef.update(state, (before) => {
      const after = { ...before, ...change }
      const same = (Object.keys(after) as ReadonlyArray<keyof Leadership>).every((key) => after[key] === before[key])
      return same ? before : after
    })

  /** One attempt to take or keep the lease. Trouble is told, not thrown: the next attempt comes anyway. */
  const attempt = (withinMillis: number) =>
    candidate.attempt(withinMillis).pipe(
      Effect.flatMap((outcome): Effect.Effect<Attempt> => {
        if (outcome._tag === "Held") renewed = outcome.sent
        if (outcome._tag === "Outrun" || outcome._tag === "Lost")
          return Effect.as(publish({ trouble: undefined }), outcome)
        const holder = outcome._tag === "Held" ? identity : outcome.holder
        return Effect.as(publish({ holder, known: true, trouble: undefined }), outcome)
      }),
      Effect.catch((error) =>
        Effect.gen(function* () {
          const { trouble } = yield* SubscriptionRef.get(state)
          if (trouble?.reason._tag !== error.reason._tag) yield* Effect.logWarning("The lease is out of reach", error)
          yield* publish({ trouble: error })
          return { _tag: "Trouble" } as const
        })
      )
    )

  const campaign = Effect.gen(function* () {
    while (true) {
      const outcome = yield* attempt(RENEW_DEADLINE_MILLIS / 2)
      if (outcome._tag === "Held") break
      if (outcome._tag !== "Lost") yield* waitFor(outcome._tag === "Rival" ? outcome.leftMillis : RETRY_MILLIS)
    }
    yield* publish({ leading: true })
    yield* Effect.logInfo(`${identity} leads`)
  })

  /** Ends when the lease is lost. */
  const keep = Effect.gen(function* () {
    while (true) {
      yield* pause
      const sent = renewed
      if (sent === undefined) return
      const now = yield* instant
      const leftMillis = RENEW_DEADLINE_MILLIS - (now.monotonicMillis - sent.monotonicMillis)
      if (leftMillis > 0) {
        const once = attempt(Math.min(leftMillis, RENEW_DEADLINE_MILLIS / 2))
        const outcome = Option.getOrUndefined(yield* Effect.timeoutOption(once, leftMillis))
        if (outcome?._tag === "Held") continue
        if (outcome?._tag === "Rival" || outcome?._tag === "Lost") return
      }
      if (pastRenewDeadline(sent, yield* instant)) return
    }
  })

  const resign = Effect.suspend(() => {
    renewed = undefined
    return publish({ leading: false })
  })

  /** From taking the lease to giving it back: the work, kept company by the renewals until it has ended. */
  const term = <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<Exit.Exit<A, E> | undefined, never, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        yield* restore(campaign).pipe(Effect.onInterrupt(() => candidate.release))
        const keeper = yield* Effect.forkChild(Effect.interruptible(keep), { startImmediately: true })
        const worker = yield* Effect.forkChild(Effect.interruptible(work), { startImmediately: true })
        const ended = yield* Effect.exit(
          restore(Effect.raceFirst(Effect.as(Fiber.await(worker), "Worked"), Effect.as(Fiber.await(keeper), "Lost")))
        )
        const lost = Exit.isSuccess(ended) && ended.value === "Lost"
        if (lost) yield* resign // at once: whoever asks mayAct now must hear no
        yield* Fiber.interrupt(worker)
        const exit = yield* Fiber.await(worker)
        yield* Fiber.interrupt(keeper)
        const held = renewed !== undefined
        yield* resign
        if (held) yield* candidate.release
        yield* Effect.logInfo(lost ? `${identity} lost the lease` : `${identity} steps down`)
        if (Exit.isFailure(ended)) return yield* Effect.failCause(ended.cause) // we were interrupted ourselves
        const stopped = Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
        return lost && stopped ? undefined : exit
      })
    )

  return {
    identity,
    state,
    whileLeading: <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
      const terms: Effect.Effect<A, E, R> = Effect.flatMap(term(work), (exit) => exit ?? terms)
      return Semaphore.withPermit(one, terms)
    },
    mayAct: Effect.map(instant, (now) => renewed !== undefined && withinActWindow(renewed, now))
  }
})
