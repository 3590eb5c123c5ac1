/**
 * What there is to see: rows that remember the course of their replicas, and what happened, in sentences. Fed by the
 * operator's own records; whoever shows it, on a terminal or line by line, reads it here.
 */
import { type Row, policyName } from "#cli/dev/rows"
import type { Tone } from "#cli/dev/table"
import type { PolicyView } from "#operator/Ledger"
import type { DecisionRecord } from "#schemas/Decision"
import type { Target } from "#schemas/Policy"

export interface Happening {
  readonly at: number
  readonly text: string
  readonly tone: Tone
}

const HISTORY = 20
const HAPPENINGS = 100

interface Course {
  record: DecisionRecord
  history: Array<number>
  lastChange: Row["lastChange"]
}

const keyOf = (uid: string, { kind, name, namespace }: Target): string => `${uid} ${namespace}/${kind}/${name}`

const replicasAfter = ({ observation, outcome }: DecisionRecord): number =>
  outcome._tag === "Scaled" ? outcome.to : observation.state.specReplicas

/** The sentence of a record that changed something, or should have; undefined where all stayed as it was. */
export const sentenceOf = ({
  decision,
  observation,
  outcome,
  policy
}: DecisionRecord): Omit<Happening, "at"> | undefined => {
  const who = `${policyName(policy)}: ${observation.target.name}`
  const limits = decision.limitedBy.length === 0 ? "" : ` [${decision.limitedBy.join(", ")}]`
  switch (outcome._tag) {
    case "Scaled":
      return { text: `${who} ${outcome.from} -> ${outcome.to}: ${decision.reason}${limits}`, tone: "good" }
    case "Recovered":
      return { text: `${who} ${outcome.from} -> ${outcome.to}, found after ${outcome.by} was gone`, tone: "busy" }
    case "Refused":
      return { text: `${who} stays at ${observation.state.specReplicas}: ${outcome.message}`, tone: "bad" }
    case "Unknown":
      return { text: `${who}: nobody knows what became of a write: ${outcome.message}`, tone: "bad" }
    case "Unchanged":
    case "Withheld":
      return undefined
  }
}

const conditionOf = (view: PolicyView, type: string) => view.conditions.find((each) => each.type === type)

/** What of a policy is worth a line when it changes. */
const standing = (view: PolicyView): ReadonlyArray<readonly [key: string, text: string, tone: Tone]> => {
  const name = policyName(view.ref)
  const metrics = conditionOf(view, "MetricsAvailable")
  const conflict = conditionOf(view, "Conflict")
  return [
    [
      `phase ${view.phase}`,
      // Every policy begins so.
      view.phase === "Initializing"
        ? ""
        : `${name} is ${view.phase === "Error" ? `in Error: ${conditionOf(view, "Ready")?.message ?? ""}` : view.phase}`,
      view.phase === "Error" ? "bad" : "plain"
    ],
    ...(metrics?.status === "False" ? [["metrics", `${name} misses metrics: ${metrics.message}`, "bad"] as const] : []),
    ...(conflict?.status === "True"
      ? [["conflict", `${name} only recommends: ${conflict.message}`, "busy"] as const]
      : [])
  ]
}

/** And when it is over. */
const OVER: Readonly<Record<string, string>> = {
  metrics: "has its metrics again",
  conflict: "holds its target alone again"
}

export class Board {
  readonly #courses = new Map<string, Course>()
  readonly #standings = new Map<string, ReadonlySet<string>>()
  #views: ReadonlyMap<string, PolicyView> = new Map()
  #happenings: ReadonlyArray<Happening> = []
  #changes = 0
  readonly #onHappening: (happening: Happening) => void

  constructor(onHappening: (happening: Happening) => void) {
    this.#onHappening = onHappening
  }

  /** How often replicas were changed so far. */
  get changes(): number {
    return this.#changes
  }

  /** Newest last. */
  get happenings(): ReadonlyArray<Happening> {
    return this.#happenings
  }

  tell(at: number, text: string, tone: Tone = "plain"): void {
    const happening = { at, text, tone }
    this.#happenings = [...this.#happenings, happening].slice(-HAPPENINGS)
    this.#onHappening(happening)
  }

  decided(record: DecisionRecord): void {
    const key = keyOf(record.policy.uid, record.observation.target)
    const known = this.#courses.get(key)
    const { outcome } = record
    const moved = outcome._tag === "Scaled" || outcome._tag === "Recovered"
    const observed = record.observation.state.specReplicas
    if (moved) this.#changes++
    const lastChange = moved ? { at: record.finishedAt, by: outcome.to - outcome.from } : known?.lastChange
    this.#courses.set(key, { record, history: known?.history ?? [observed], lastChange })
    const sentence = sentenceOf(record)
    if (sentence !== undefined) this.tell(record.finishedAt, sentence.text, sentence.tone)
  }

  /** How the policies stand now. */
  look(now: number, views: ReadonlyMap<string, PolicyView>): void {
    this.#views = views
    for (const [uid, view] of views) this.#compare(now, uid, view)
    for (const uid of this.#standings.keys()) if (!views.has(uid)) this.#standings.delete(uid)
    for (const [key, { record }] of this.#courses) if (!views.has(record.policy.uid)) this.#courses.delete(key)
  }

  /** One step of the courses. */
  step(): void {
    for (const course of this.#courses.values()) {
      course.history = [...course.history, replicasAfter(course.record)].slice(-HISTORY)
    }
  }

  get rows(): ReadonlyArray<Row> {
    return [...this.#views.values()].flatMap((view) => {
      const ready = conditionOf(view, "Ready")
      const common = {
        policy: view.ref,
        phase: view.phase,
        max: view.bounds?.max ?? 1,
        decider: view.policy,
        trouble: ready?.status === "False" ? ready.message : undefined
      }
      const targets: ReadonlyArray<Target | undefined> = view.targets.length === 0 ? [undefined] : view.targets
      return targets.map((target) => {
        const course = target === undefined ? undefined : this.#courses.get(keyOf(view.ref.uid, target))
        const { history = [], lastChange, record } = course ?? { lastChange: undefined, record: undefined }
        return { ...common, target, record, history, lastChange }
      })
    })
  }

  #compare(now: number, uid: string, view: PolicyView): void {
    const before = this.#standings.get(uid)
    const current = standing(view)
    this.#standings.set(uid, new Set(current.map(([key]) => key)))
    for (const [key, text, tone] of current) if (before?.has(key) !== true && text !== "") this.tell(now, text, tone)
    for (const key of before ?? []) {
      const over = OVER[key]
      const isOver = over !== undefined && !current.some(([each]) => each === key)
      if (isOver) this.tell(now, `${policyName(view.ref)} ${over}`, "good")
    }
  }
}
