/**
 * One tick's facts as five views: status, Kubernetes Event, metrics, activity log and log line (the span is the
 * tick's own). The API server hears of it only when something has changed its meaning; what it could not be told is
 * told with the next tick, because the facts say everything again.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { KINDS } from "#schemas/crd/index"
import type { DecisionRecord } from "#schemas/Decision"
import type { PolicyRef } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import type { DecisionSummary, Status } from "#schemas/Status"
import { applyStatus } from "#services/kubernetesCalls"
import { recordEvent } from "#services/kubernetesEvents"
import { Metrics } from "#services/Metrics"
import { annotated, traced } from "#services/traced"
import { conditionsOf } from "#operator/conditions"
import { type EventDraft, eventsOf } from "#operator/events"
import { type Facts, nameOf } from "#operator/Facts"
import { Leader } from "#operator/Leader"
import { asStep, learn, learns } from "#operator/learn"
import { Ledger } from "#operator/Ledger"
import { phaseOf } from "#operator/phase"
import { DECISIONS_SHOWN, meaningOf, statusOf, summaryOf } from "#operator/status"
import { Tally } from "#operator/Tally"

/** Values, times and sentences of a status whose meaning stays may be so old. */
const REFRESH_MILLIS = 5 * 60_000
/** The same kind of event, except for scaling itself, is said again only after so long. */
const EVENT_QUIET_MILLIS = 5 * 60_000

const NO_EVENTS: ReadonlyArray<EventDraft> = []
const UNSAID_MAX = 20

/** What one actor has told so far. It lives as long as the actor and is started from the object's status. */
export class Reported {
  /** As last computed; at first as the object had it. */
  status: Status | undefined
  /** Of what the API server holds; undefined: something still has to be told. */
  meaning: string | undefined
  refreshAt: Millis = 0
  /** The API server asked to be left alone until then. */
  notBefore: Millis = 0
  decisions: ReadonlyArray<DecisionSummary>
  /** What may be said only by a leader that is sure of its lease. */
  unsaid: ReadonlyArray<EventDraft> = NO_EVENTS
  readonly tally = new Tally()
  #saidAt: Map<string, Millis> | undefined

  constructor(status: Status | undefined) {
    this.status = status
    this.decisions = status?.decisions ?? []
  }

  /** A flapping cause is an event once in a while, a rescale always. */
  worthSaying(event: EventDraft, at: Millis): boolean {
    if (event.action === "Scale" && event.type === "Normal") return true
    const saidAt = (this.#saidAt ??= new Map<string, Millis>())
    if (at - (saidAt.get(event.reason) ?? Number.NEGATIVE_INFINITY) < EVENT_QUIET_MILLIS) return false
    saidAt.set(event.reason, at)
    return true
  }
}

export const report = traced("report")(function* (
  reported: Reported,
  facts: Facts,
  fresh: ReadonlyArray<DecisionRecord>
) {
  const ledger = yield* Ledger
  const metrics = yield* Metrics
  const { ref } = facts
  const several = facts.policy?.targets._tag === "Labels"
  for (const record of fresh) {
    reported.tally.count(record.observation.at, record.outcome)
    yield* ledger.record(record, facts.policy)
    yield* metrics.recorded(record, (record.finishedAt - record.observation.at) / 1000)
    yield* say(record)
  }
  if (facts.policy !== undefined && learns(facts.policy) && fresh.length > 0) {
    for (const target of facts.targets) {
      const rewarded = yield* learn(ref, target).pipe(asStep(facts.policy, "RewardCalculator"))
      if (rewarded !== undefined) reported.tally.reward(rewarded.at, rewarded.reward)
    }
  }
  if (fresh.length > 0) {
    const newest = fresh.map((record) => summaryOf(record, several)).reverse()
    reported.decisions = [...newest, ...reported.decisions].slice(0, DECISIONS_SHOWN)
  }

  const before = reported.status
  const conditions = conditionsOf(facts, before?.conditions ?? [])
  const phase = phaseOf(facts, conditions)
  const status = statusOf({
    facts,
    phase,
    conditions,
    decisions: reported.decisions,
    totals: reported.tally.over(facts.at)
  })
  reported.status = status

  const targets = facts.targets.map(({ target }) => target)
  yield* metrics.phase(ref, phase)
  yield* metrics.targets(ref, targets)
  yield* ledger.show({
    ref,
    phase,
    mode: facts.policy?.mode ?? "Active",
    conditions,
    targets,
    bounds: facts.policy?.bounds,
    status,
    policy: facts.policy,
    at: facts.at
  })
  const events = eventsOf({ facts, fresh, conditions, phase, before })
  yield* annotated(() => ({ phase, events: events.length }))
  const unsaid = [...reported.unsaid, ...events]
  const leader = yield* Leader
  const mayAct = yield* leader.mayAct
  // Until it may again; if it never does, the next leader looks for itself and says what it finds.
  reported.unsaid = mayAct ? NO_EVENTS : unsaid.slice(-UNSAID_MAX)
  if (!mayAct) return
  yield* tell(reported, ref, status, facts.at)
  for (const event of unsaid) if (reported.worthSaying(event, facts.at)) yield* emit(ref, event)
})

/** Writes the status when it says something new, or when the last one has become old. */
const tell = Effect.fnUntraced(function* (reported: Reported, ref: PolicyRef, status: Status, at: Millis) {
  const meaning = meaningOf(status)
  if (meaning === reported.meaning && at < reported.refreshAt) return
  if ((yield* Clock.currentTimeMillis) < reported.notBefore) return
  const kind = KINDS.find((each) => each.kind === ref.kind)
  if (kind === undefined) return
  const { apiVersion, name, namespace } = ref
  const write = applyStatus({ apiVersion, plural: kind.plural, namespace, name }, ref.kind, status)
  // Applying it a second time changes nothing. The next tick tries again, with what is true then.
  const written = yield* write.pipe(
    Effect.retry({ times: 1, while: (error) => PASSING.has(error.reason._tag) }),
    Effect.result
  )
  if (written._tag === "Success") {
    reported.meaning = meaning
    reported.refreshAt = at + REFRESH_MILLIS * (yield* Random.nextBetween(1, 1.3))
    return
  }
  reported.meaning = undefined
  const { reason } = written.failure
  // Deleted, or deleted and made anew: the watch will say so.
  if (reason._tag === "NotFound" || reason._tag === "Conflict") return
  if (reason._tag === "Throttled") reported.notBefore = (yield* Clock.currentTimeMillis) + reason.retryAfterMillis
  yield* Effect.logWarning(`The status could not be written and will be with the next tick: ${written.failure.message}`)
}, Effect.uninterruptible)

const PASSING: ReadonlySet<string> = new Set(["Unknown", "ServerError", "Unreachable"])

const emit = Effect.fnUntraced(function* (ref: PolicyRef, event: EventDraft) {
  const { identity } = yield* Leader
  const { apiVersion, kind, name, namespace, uid } = ref
  yield* recordEvent({
    regarding: { apiVersion, kind, namespace, name, uid },
    type: event.type,
    reason: event.reason,
    note: event.note,
    action: event.action,
    instance: identity
  }).pipe(Effect.catch((error) => Effect.logDebug(`An event was lost: ${event.reason}: ${error.message}`)))
})

const say = ({ decision, observation, outcome }: DecisionRecord): Effect.Effect<void> => {
  const name = nameOf(observation.target)
  switch (outcome._tag) {
    case "Scaled":
      return Effect.logInfo(`Scaled ${name} from ${outcome.from} to ${outcome.to}: ${decision.reason}`)
    case "Recovered":
      return Effect.logInfo(`Found ${name} at ${outcome.to} from ${outcome.from}, written by ${outcome.by} before.`)
    case "Refused":
    case "Unknown":
      return Effect.logWarning(outcome.message)
    default:
      return Effect.logDebug(`${name}: ${outcome._tag}: ${decision.reason}`)
  }
}

/** What was shown of the policy goes; its records only with the object itself. */
export const unreport = Effect.fn("report.unreport")(function* (ref: PolicyRef, deleted: boolean) {
  const ledger = yield* Ledger
  const metrics = yield* Metrics
  yield* deleted ? ledger.forget(ref.uid) : ledger.hide(ref.uid)
  yield* metrics.forget(ref)
})
