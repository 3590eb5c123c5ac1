/**
 * The advisor of one policy: a child fiber of its actor that asks a language model now and then and posts what it
 * believes of the answers. No tick ever waits for it; until it has posted something, there is no advice.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Advice } from "#schemas/Observation"
import type { Policy, Target } from "#schemas/Policy"
import { type Advised, Metrics } from "#services/Metrics"
import { OpenAi, type OpenAiError } from "#services/OpenAi"
import { steadyMillis } from "#services/steadyMillis"
import { adviceQuestion, judgeAnswer } from "#operator/advice"
import { Ledger } from "#operator/Ledger"
import type { Mailbox } from "#operator/Mailbox"
import { targetKey } from "#operator/Ownership"

/** However often it ticks, and however few others ask. */
const ASK_MILLIS = 60_000

const TURNED_AWAY: ReadonlySet<OpenAiError["reason"]["_tag"]> = new Set(["Budget", "CircuitOpen", "Throttled"])

/** Advice that nothing can come of is not paid for. */
const asksFor = ({ engines, mode }: Policy): boolean =>
  mode !== "Paused" && engines.some(({ engine }) => engine === "advisor")

const resultOf = ({ reason }: OpenAiError): Advised =>
  reason._tag === "Malformed" || reason._tag === "Refused" ? "malformed" : reason._tag === "Timeout" ? "late" : "failed"

export class Advising {
  readonly #mailbox: Mailbox
  #advice: ReadonlyMap<string, Advice> = NO_ADVICE
  #asking = false
  /** By the clock that nobody sets. */
  #askFrom = Number.NEGATIVE_INFINITY
  #askedAt = Number.NEGATIVE_INFINITY
  /** Whose turn it is among the targets. */
  #turn = 0

  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox
  }

  of(target: Target): Advice | undefined {
    return this.#advice.get(targetKey(target))
  }

  /** What it has posted, once its actor comes to it. */
  take(advice: ReadonlyMap<string, Advice>): void {
    this.#advice = advice
  }

  /** After a tick: begins to ask, where it is time to, and comes back at once. */
  begin(policy: Policy, targets: ReadonlyArray<Target>): Effect.Effect<void, never, Ledger | Metrics> {
    if (!asksFor(policy)) return this.#advice.size === 0 ? Effect.void : Effect.sync(() => this.take(NO_ADVICE))
    return Effect.gen({ self: this }, function* () {
      const { configured, paceMillis } = yield* OpenAi
      const now = yield* steadyMillis
      if (!configured || this.#asking || now < this.#askFrom || targets.length === 0) return
      this.#askFrom = now + Math.max(ASK_MILLIS, policy.intervalMillis)
      if (now < this.#askedAt + (yield* paceMillis(policy.ref.uid))) return
      this.#askedAt = now
      this.#asking = true
      yield* this.#ask(policy, targets).pipe(
        Effect.catchCause((cause) => Effect.logWarning("Advice could not be asked for.", cause)),
        Effect.ensuring(Effect.sync(() => void (this.#asking = false))),
        Effect.withSpan("advisor.ask", { root: true, attributes: { targets: targets.length } }),
        Effect.forkChild
      )
    })
  }

  /** About one target, the next of which something has been decided. */
  #ask(policy: Policy, targets: ReadonlyArray<Target>): Effect.Effect<void, never, Ledger | Metrics> {
    return Effect.gen({ self: this }, function* () {
      const metrics = yield* Metrics
      const keys = new Set(targets.map(targetKey))
      for (let tries = 0; tries < targets.length; tries++) {
        const target = targets[this.#turn++ % targets.length]
        const answer = target && (yield* this.#askAbout(policy, target))
        if (target === undefined || answer === undefined) continue
        yield* metrics.advised(Result.isSuccess(answer) ? "taken" : answer.failure)
        if (Result.isFailure(answer)) return
        const others = [...this.#advice].filter(([key]) => keys.has(key))
        const advice = new Map([...others, [targetKey(target), answer.success] as const])
        return void this.#mailbox.offer({ _tag: "Advised", advice })
      }
      this.#askedAt = Number.NEGATIVE_INFINITY
    })
  }

  /** Undefined: nothing has been decided about it yet. */
  #askAbout(policy: Policy, target: Target) {
    return Effect.gen({ self: this }, function* () {
      const ledger = yield* Ledger
      const { ask, pseudonyms } = yield* OpenAi
      const key = targetKey(target)
      const records = (yield* ledger.records(policy.ref.uid))
        .filter(({ observation }) => targetKey(observation.target) === key)
        .toReversed()
      const last = records.at(-1)
      if (last === undefined) return undefined
      const { at: askedAt, state } = last.observation
      const answered = yield* Effect.result(ask(adviceQuestion(policy, records, pseudonyms)))
      if (Result.isFailure(answered)) {
        // Whoever was not let through need not wait for a turn once more: neither the policy nor this target of it.
        if (TURNED_AWAY.has(answered.failure.reason._tag)) {
          this.#askedAt = Number.NEGATIVE_INFINITY
          this.#turn--
        }
        yield* Effect.logDebug(`No advice: ${answered.failure.message}`)
        return Result.fail(resultOf(answered.failure))
      }
      const answeredAt = yield* Clock.currentTimeMillis
      return judgeAnswer(answered.success, { policy, current: state.specReplicas, askedAt, answeredAt })
    })
  }
}

const NO_ADVICE: ReadonlyMap<string, Advice> = new Map()
