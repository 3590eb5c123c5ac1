/**
 * What may go wrong, as data: a registry of kinds, and a script that says at which event each fault strikes. Events are
 * counted, not timed, because a fault at the k-th write finds what one at a random moment nearly never hits, and
 * stays where it is when another fault is taken out of the list.
 */
import * as Schema from "effect/Schema"
import type { Prng } from "#simulation/Prng"

/** What is counted over all operators together. */
export const Trigger = Schema.Literals(["write", "scale", "renewal", "read", "watch", "question", "advice"])
export type Trigger = typeof Trigger.Type

interface FaultKindInfo {
  /** At which events it may strike; the scenario picks one. */
  readonly on: ReadonlyArray<Trigger>
  /** Smallest and largest `amount`, and what it counts. */
  readonly amount: readonly [least: number, most: number, unit: string]
  readonly about: string
  /** A deed of a person that belongs to the course of events, and so to the same seed without faults. */
  readonly isDeed?: true
}

const WRITES: ReadonlyArray<Trigger> = ["write", "scale", "scale", "renewal"]
const QUESTION: ReadonlyArray<Trigger> = ["question"]
const ADVICE: ReadonlyArray<Trigger> = ["advice"]
const DEED: ReadonlyArray<Trigger> = ["question", "scale"]
const WATCH: ReadonlyArray<Trigger> = ["watch"]
const ONCE = [1, 1, "time"] as const
const BURST = [1, 40, "questions"] as const
const ANSWERS = [1, 8, "answers"] as const

export const FAULTS = {
  killed: {
    on: ["write", "scale", "scale", "renewal", "question"],
    amount: [1, 40, "seconds until it is started again"],
    about: "the operator dies right after this event: its ports are cut first, then it is interrupted"
  },
  stopped: {
    on: ["scale", "question"],
    amount: [1, 40, "seconds until it is started again"],
    about: "the operator is told to stop in order, as by SIGTERM"
  },
  cutOff: {
    on: ["write", "scale", "renewal"],
    amount: [1, 45, "seconds"],
    about: "this operator's requests are lost on their way, and its watches fall silent"
  },
  apiDown: { on: ["write", "read"], amount: [1, 40, "seconds"], about: "nobody reaches the API server" },
  conflict: { on: WRITES, amount: ONCE, about: "409: the write is refused" },
  throttled: {
    on: ["write", "scale", "renewal", "read"],
    amount: [1, 8, "seconds of Retry-After"],
    about: "429 with Retry-After"
  },
  serverError: { on: ["write", "scale", "renewal", "read"], amount: ONCE, about: "500, and nothing was written" },
  lostRequest: { on: WRITES, amount: ONCE, about: "timed out before the commit: it never happened" },
  lostReply: { on: WRITES, amount: ONCE, about: "timed out after the commit: it happened, and nobody was told" },
  slowCommit: {
    on: WRITES,
    amount: [100, 9_000, "milliseconds"],
    about: "the write waits in the server; it gives up where the request says so, and commits though its client died"
  },
  staleRead: { on: ["read"], amount: [1, 10, "reads"], about: "a list answered from a cache that lags behind" },
  watchDropped: {
    on: WATCH,
    amount: [1, 60, "seconds"],
    about: "this event and all after it on the connection are lost, until the connection breaks"
  },
  watchDoubled: { on: WATCH, amount: ONCE, about: "the event comes twice" },
  watchReordered: { on: WATCH, amount: ONCE, about: "the event comes after the next one of another object" },
  watchLate: {
    on: WATCH,
    amount: [100, 20_000, "milliseconds"],
    about: "the connection stands still and then goes on"
  },
  watchClosed: { on: WATCH, amount: ONCE, about: "the connection ends after this event" },
  watchGone: { on: WATCH, amount: ONCE, about: "410: the history is compacted away" },
  metricError: { on: QUESTION, amount: BURST, about: "HTTP 500, or a refused connection" },
  metricHang: { on: QUESTION, amount: [1, 6, "questions"], about: "no answer at all" },
  metricSlow: { on: QUESTION, amount: [100, 20_000, "milliseconds"], about: "the answer comes late" },
  metricEmpty: { on: QUESTION, amount: BURST, about: "a well-formed answer without a value" },
  metricNaN: { on: QUESTION, amount: BURST, about: "NaN, or another word that is no number" },
  metricTorn: { on: QUESTION, amount: BURST, about: "the answer ends in the middle" },
  metricReset: { on: QUESTION, amount: BURST, about: "what is counted began anew: negative, or behind its own end" },
  metricFollower: {
    on: QUESTION,
    amount: BURST,
    about: "the answer of one that does not lead: zero, and it says that it is not to be believed"
  },
  llmSlow: { on: ADVICE, amount: [1, 150, "seconds"], about: "the language model takes its time" },
  llmAbsurd: { on: ADVICE, amount: ANSWERS, about: "it advises what no workload could need" },
  llmMalformed: { on: ADVICE, amount: ANSWERS, about: "it answers in another shape" },
  llmHostile: {
    on: ADVICE,
    amount: ANSWERS,
    about: "it advises as much as can be believed, in words that are an attack"
  },
  handScaled: { on: DEED, amount: [1, 12, "replicas"], about: "a person scales a target by hand" },
  specEdited: { on: DEED, amount: ONCE, about: "a person edits a policy in the middle of a tick", isDeed: true },
  targetRecreated: {
    on: DEED,
    amount: [0, 45, "seconds until it is there again"],
    about: "a target is deleted and made anew"
  },
  policyRecreated: {
    on: DEED,
    amount: [0, 45, "seconds until it is there again"],
    about: "a policy is deleted and made anew, with another uid"
  },
  podsStuck: { on: DEED, amount: [30, 400, "seconds"], about: "new pods of a target do not start" },
  leaseStolen: { on: ["scale", "renewal"], amount: ONCE, about: "somebody else writes his name into the Lease" },
  leaseDeleted: { on: ["scale", "renewal"], amount: ONCE, about: "the Lease is deleted" },
  clockJumped: {
    on: DEED,
    amount: [-600, 600, "seconds"],
    about: "the wall clock of the machine jumps; its monotonic clock does not"
  }
} as const satisfies Readonly<Record<string, FaultKindInfo>>

export type FaultKind = keyof typeof FAULTS
export const FAULT_KINDS = Object.keys(FAULTS) as ReadonlyArray<FaultKind>

export const Fault = Schema.Struct({
  kind: Schema.Literals(FAULT_KINDS),
  on: Trigger,
  /** It strikes at this event of its trigger, counted from 1. */
  nth: Schema.Int,
  amount: Schema.Int,
  /** Which of several: a target, a policy. */
  pick: Schema.Int
})
export type Fault = typeof Fault.Type

export const isDeed = ({ kind }: Fault): boolean => (FAULTS[kind] as FaultKindInfo).isDeed === true

const PICKS = 1 << 16

/** `events`: about how many of each trigger the run will have. */
export const drawFault = (prng: Prng, kind: FaultKind, events: Readonly<Record<Trigger, number>>): Fault => {
  const { amount, on }: FaultKindInfo = FAULTS[kind]
  const trigger = on[prng.below(on.length)] ?? "write"
  const [least, most] = amount
  return {
    kind,
    on: trigger,
    nth: 1 + prng.below(Math.max(1, events[trigger])),
    amount: least + prng.below(most - least + 1),
    pick: prng.below(PICKS)
  }
}

/** Counts the events of a run and hands out what strikes at each. */
export class Script {
  readonly counts = new Map<Trigger, number>()
  /** How often each kind struck. */
  readonly struck = new Map<FaultKind, number>()
  #waiting: ReadonlyMap<Trigger, ReadonlyMap<number, ReadonlyArray<Fault>>>
  #over = false

  constructor(faults: ReadonlyArray<Fault>) {
    const byTrigger = Map.groupBy(faults, ({ on }) => on)
    this.#waiting = new Map([...byTrigger].map(([on, some]) => [on, Map.groupBy(some, ({ nth }) => nth)]))
  }

  get isOver(): boolean {
    return this.#over
  }

  /** The next event of its kind has come: what strikes now. */
  readonly next = (trigger: Trigger): ReadonlyArray<Fault> => {
    if (this.#over) return NONE
    const count = (this.counts.get(trigger) ?? 0) + 1
    this.counts.set(trigger, count)
    const due = this.#waiting.get(trigger)?.get(count) ?? NONE
    for (const { kind } of due) this.note(kind)
    return due
  }

  readonly note = (kind: FaultKind): void => void this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1)

  /** From now on all is well. Answers the deeds that have not been done, for the course of events needs them. */
  readonly end = (): ReadonlyArray<Fault> => {
    this.#over = true
    const left = [...this.#waiting].flatMap(([trigger, byCount]) => {
      const count = this.counts.get(trigger) ?? 0
      return [...byCount].flatMap(([nth, faults]) => (nth > count ? faults.filter(isDeed) : []))
    })
    for (const { kind } of left) this.note(kind)
    return left
  }
}

const NONE: ReadonlyArray<Fault> = []
