/**
 * Which Kubernetes Events a tick is worth: what changed between two sets of facts, never what merely still is. The
 * condition that was last written to status is the memory, so a new leader does not repeat what its predecessor said.
 */
import type { DecisionRecord } from "#schemas/Decision"
import type { Condition, Status } from "#schemas/Status"
import { type Facts, type ForeignChange, nameOf, type TargetFacts } from "#operator/Facts"
import { demotionOf } from "#operator/learn"

export interface EventDraft {
  readonly type: "Normal" | "Warning"
  readonly reason: string
  /** The verb of events.k8s.io. */
  readonly action: string
  readonly note: string
}

export interface EventInput {
  readonly facts: Facts
  /** Records of this tick. */
  readonly fresh: ReadonlyArray<DecisionRecord>
  readonly conditions: ReadonlyArray<Condition>
  readonly phase: Status["phase"]
  /** As last reported, by us or by the leader before us. */
  readonly before: Status | undefined
}

export const eventsOf = (input: EventInput): ReadonlyArray<EventDraft> => [
  ...input.fresh.flatMap(outcomeEvents),
  ...input.facts.foreign.map(foreignEvent),
  ...input.facts.targets.filter(demotionOf).map(demotedEvent),
  ...conditionEvents(input),
  ...pauseEvents(input),
  ...findingEvents(input)
]

const draft = (type: EventDraft["type"], reason: string, action: string, note: string): EventDraft => ({
  type,
  reason,
  action,
  note: note.length > NOTE_MAX ? `${note.slice(0, NOTE_MAX - 1)}…` : note
})

/** The API server refuses a longer note. */
const NOTE_MAX = 1000

const outcomeEvents = ({ decision, observation, outcome }: DecisionRecord): ReadonlyArray<EventDraft> => {
  const name = nameOf(observation.target)
  switch (outcome._tag) {
    case "Scaled": {
      const up = outcome.to > outcome.from
      const moved = `Scaled ${name} ${up ? "up" : "down"} from ${outcome.from} to ${outcome.to}: ${decision.reason}`
      const events = [draft("Normal", up ? "ScaledUp" : "ScaledDown", "Scale", moved)]
      if (decision.engine === "fallback") {
        events.push(draft("Warning", "Fallback", "Scale", `${name}: ${decision.reason}`))
      }
      if (decision.limitedBy.includes("RolledBack")) {
        events.push(draft("Warning", "RolledBack", "Scale", `${name}: ${decision.reason}`))
      }
      return events
    }
    case "Recovered":
      return [
        draft(
          "Normal",
          "Recovered",
          "Scale",
          `Found ${name} at ${outcome.to}, written by ${outcome.by} before it ended.`
        )
      ]
    default:
      return []
  }
}

const foreignEvent = ({ from, target, to }: ForeignChange): EventDraft => {
  const was = from === undefined ? "" : ` from ${from}`
  const note = `Somebody else changed ${nameOf(target)}${was} to ${to} replicas. The policy goes on from there.`
  return draft("Normal", "ReplicasChanged", "Observe", note)
}

const demotedEvent = ({ target }: TargetFacts): EventDraft => {
  const note = `Q-learning has lost its say over ${nameOf(target)}: three breaches in a row. The other engines steer alone, and it learns on in shadow until it has proven itself again.`
  return draft("Warning", "ModelDemoted", "Learn", note)
}

const WATCHED: ReadonlyArray<{
  readonly type: Condition["type"]
  readonly bad: Condition["status"]
  readonly says: EventDraft["type"]
  readonly reason: (condition: Condition) => string
  readonly action: string
}> = [
  { type: "Ready", bad: "False", says: "Warning", reason: ({ reason }) => reason, action: "Validate" },
  { type: "MetricsAvailable", bad: "False", says: "Warning", reason: () => "MetricError", action: "Observe" },
  { type: "Conflict", bad: "True", says: "Warning", reason: () => "Conflict", action: "Observe" },
  { type: "BudgetExceeded", bad: "True", says: "Warning", reason: () => "BudgetExceeded", action: "Decide" },
  { type: "Degraded", bad: "True", says: "Warning", reason: ({ reason }) => reason, action: "Supervise" }
]

/** Outcomes that show in ScalingActive and in no condition of their own. */
const FAILURES: ReadonlySet<string> = new Set(["Frozen", "OutcomeUnknown"])

const conditionEvents = ({ before, conditions }: EventInput): ReadonlyArray<EventDraft> => {
  const last = (type: string) => before?.conditions?.find((each) => each.type === type)
  const changed = (now: Condition) => last(now.type)?.status !== now.status || last(now.type)?.reason !== now.reason
  const watched = WATCHED.flatMap(({ action, bad, reason, says, type }) => {
    const now = conditions.find((each) => each.type === type)
    return now?.status === bad && changed(now) ? [draft(says, reason(now), action, now.message)] : []
  })
  const active = conditions.find(({ type }) => type === "ScalingActive")
  return active?.status === "False" && FAILURES.has(active.reason) && changed(active)
    ? [...watched, draft("Warning", active.reason, "Scale", active.message)]
    : watched
}

const pauseEvents = ({ before, conditions, phase }: EventInput): ReadonlyArray<EventDraft> => {
  if (phase === "Paused" && before?.phase !== "Paused") {
    const why = conditions.find(({ type }) => type === "ScalingActive")?.message ?? ""
    return [draft("Normal", "Paused", "Pause", why)]
  }
  return phase !== "Paused" && before?.phase === "Paused"
    ? [draft("Normal", "Resumed", "Resume", "The policy scales again.")]
    : []
}

/** Once per generation: the person who wrote the object is looking at it now. */
const findingEvents = ({ before, facts }: EventInput): ReadonlyArray<EventDraft> =>
  before?.observedGeneration === facts.ref.generation
    ? []
    : facts.findings
        .filter(({ reason }) => reason === "InlineSecret" || reason === "NotBuilt" || reason === "Unused")
        .map(({ message, reason }) => draft("Warning", reason, "Validate", message))
