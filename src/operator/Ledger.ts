/**
 * The activity log: the last decision records with the policies that made them, what became of replicas, and how each
 * policy stands now. The pages, the CLI and the checkers of the simulation read it; only the actors' reports write it.
 * Bounded in records per policy and in bytes over all, because it must never be what ends the process.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import type { Action, DecisionRecord, Limiter, Outcome } from "#schemas/Decision"
import type { Policy, PolicyRef, Target } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import type { Condition, Phase, Status } from "#schemas/Status"

/** One thing that happened to a target: written, refused, left unknown or found after a crash. */
export interface Activity {
  readonly id: string
  readonly at: Millis
  readonly policy: PolicyRef
  readonly target: Target
  readonly outcome: Outcome["_tag"]
  readonly action: Action
  readonly from: number
  readonly to: number
  readonly recommended: number | undefined
  readonly engine: string
  readonly limitedBy: ReadonlyArray<Limiter>
  readonly reason: string
  /** Why the API server refused or what stayed unknown. */
  readonly message: string | undefined
  readonly traceId: string | undefined
}

/** How one policy stands: replaced as a whole by its actor. */
export interface PolicyView {
  readonly ref: PolicyRef
  readonly phase: Phase
  readonly mode: Policy["mode"]
  readonly conditions: ReadonlyArray<Condition>
  readonly targets: ReadonlyArray<Target>
  readonly bounds: Policy["bounds"] | undefined
  /** As last computed; what the API server holds may be up to five minutes older in its values. */
  readonly status: Status
  /** Absent for an object that could not be decoded. */
  readonly policy: Policy | undefined
  readonly at: Millis
}

export const RECORDS_PER_POLICY = 200
export const LEDGER_BYTES = 64 * 1024 * 1024
export const ACTIVITIES = 200
/** A slow reader of the stream loses the oldest records rather than slowing the operator. */
const STREAM_RECORDS = 256

export class Ledger extends Context.Service<
  Ledger,
  {
    /** With the policy that decided it, as it was run: all that it takes to decide the same again. */
    readonly record: (record: DecisionRecord, by?: Policy) => Effect.Effect<void>
    /** Newest first. */
    readonly records: (uid: string) => Effect.Effect<ReadonlyArray<DecisionRecord>>
    /** Those that decided what is held, one of each generation, newest first. */
    readonly deciders: (uid: string) => Effect.Effect<ReadonlyArray<Policy>>
    readonly find: (id: string) => Effect.Effect<DecisionRecord | undefined>
    /** The last 200 of all policies, newest first; those of deleted policies stay until they are pushed out. */
    readonly activity: Effect.Effect<ReadonlyArray<Activity>>
    /** Records from now on. */
    readonly changes: Stream.Stream<DecisionRecord>
    readonly show: (view: PolicyView) => Effect.Effect<void>
    readonly policies: Effect.Effect<ReadonlyMap<string, PolicyView>>
    /** This operator does not run the policy any more; its records can still be explained. */
    readonly hide: (uid: string) => Effect.Effect<void>
    /** The policy is gone: its records and its view go too. */
    readonly forget: (uid: string) => Effect.Effect<void>
    readonly size: Effect.Effect<{ readonly records: number; readonly bytes: number }>
  }
>()("nimbusguard/operator/Ledger") {
  static readonly layerWith = (limits: { readonly recordsPerPolicy: number; readonly bytes: number }) =>
    Layer.effect(
      Ledger,
      Effect.gen(function* () {
        const ring = new Ring(limits.recordsPerPolicy, limits.bytes)
        const views = new Map<string, PolicyView>()
        const pubsub = yield* PubSub.sliding<DecisionRecord>(STREAM_RECORDS)
        yield* Effect.addFinalizer(() => PubSub.shutdown(pubsub))
        let activities: ReadonlyArray<Activity> = []
        return {
          record: (record, by) =>
            Effect.suspend(() => {
              ring.add(record, by)
              if (happened(record)) activities = [activityOf(record), ...activities.slice(0, ACTIVITIES - 1)]
              return Effect.asVoid(PubSub.publish(pubsub, record))
            }),
          records: (uid) => Effect.sync(() => ring.of(uid)),
          deciders: (uid) => Effect.sync(() => ring.deciders(uid)),
          find: (id) => Effect.sync(() => ring.find(id)),
          activity: Effect.sync(() => activities),
          changes: Stream.fromPubSub(pubsub),
          show: (view) => Effect.sync(() => void views.set(view.ref.uid, view)),
          policies: Effect.sync(() => new Map(views)),
          hide: (uid) => Effect.sync(() => void views.delete(uid)),
          forget: (uid) =>
            Effect.sync(() => {
              ring.forget(uid)
              views.delete(uid)
            }),
          size: Effect.sync(() => ({ records: ring.live, bytes: ring.bytes }))
        }
      })
    )

  static readonly layer = Ledger.layerWith({ recordsPerPolicy: RECORDS_PER_POLICY, bytes: LEDGER_BYTES })
}

/** Nothing happened to a target where the decision was to leave it, or where writing was not ours to do. */
const happened = ({ outcome }: DecisionRecord): boolean => outcome._tag !== "Unchanged" && outcome._tag !== "Withheld"

export const activityOf = (record: DecisionRecord): Activity => {
  const { decision, observation, outcome } = record
  const moved = outcome._tag === "Scaled" || outcome._tag === "Recovered"
  return {
    id: record.id,
    at: record.finishedAt,
    policy: record.policy,
    target: observation.target,
    outcome: outcome._tag,
    action: decision.action,
    from: moved ? outcome.from : observation.state.specReplicas,
    to: moved ? outcome.to : decision.desired,
    recommended: decision.recommended,
    engine: decision.engine,
    limitedBy: decision.limitedBy,
    reason: decision.reason,
    message: "message" in outcome ? outcome.message : undefined,
    traceId: record.traceId
  }
}

interface Entry {
  readonly id: string
  readonly uid: string
  bytes: number
  /** Absent: evicted, waiting to be swept out of the order. */
  record: DecisionRecord | undefined
  /** One object for all records of a generation, so it lives exactly as long as the last of them. */
  by: Policy | undefined
}

/** Two orders over the same entries: by policy, and by age over all. */
class Ring {
  live = 0
  bytes = 0
  readonly #perPolicy: number
  readonly #maxBytes: number
  readonly #byPolicy = new Map<string, Array<Entry>>()
  readonly #byId = new Map<string, Entry>()
  #byAge: Array<Entry> = []
  #oldest = 0

  constructor(perPolicy: number, maxBytes: number) {
    this.#perPolicy = perPolicy
    this.#maxBytes = maxBytes
  }

  add(record: DecisionRecord, by: Policy | undefined): void {
    const same = this.#byId.get(record.id)
    if (same !== undefined) this.#evict(same)
    const entry: Entry = { id: record.id, uid: record.policy.uid, bytes: bytesOf(record), record, by }
    const own = this.#byPolicy.get(entry.uid) ?? []
    this.#follow(own, by)
    if (own.push(entry) === 1) this.#byPolicy.set(entry.uid, own)
    this.#byAge.push(entry)
    this.#byId.set(entry.id, entry)
    this.live++
    this.bytes += entry.bytes
    const first = own[0]
    if (own.length > this.#perPolicy && first !== undefined) this.#evict(first)
    while (this.bytes > this.#maxBytes && this.live > 1) this.#evictOldest()
    this.#sweep()
  }

  of(uid: string): ReadonlyArray<DecisionRecord> {
    const own = this.#byPolicy.get(uid) ?? []
    const records: Array<DecisionRecord> = []
    for (let index = own.length - 1; index >= 0; index--) {
      const record = own[index]?.record
      if (record !== undefined) records.push(record)
    }
    return records
  }

  deciders(uid: string): ReadonlyArray<Policy> {
    return [...new Set((this.#byPolicy.get(uid) ?? []).flatMap(({ by }) => by ?? []))].reverse()
  }

  find(id: string): DecisionRecord | undefined {
    return this.#byId.get(id)?.record
  }

  forget(uid: string): void {
    for (const entry of [...(this.#byPolicy.get(uid) ?? [])]) this.#evict(entry)
    this.#sweep()
  }

  /**
   * The policy in force is the actor's own object and costs nothing here. One that an edit has ended is held for its
   * records alone: the last of them pays for it, because it is the last to go.
   */
  #follow(own: ReadonlyArray<Entry>, by: Policy | undefined): void {
    const last = own.at(-1)
    if (last?.by === undefined || by === undefined || last.by === by) return
    const before = last.by
    if (before.ref.generation === by.ref.generation) {
      // Bound anew from the same spec: two copies of it would be one too many.
      for (const entry of own) if (entry.by === before) entry.by = by
      return
    }
    const bytes = bytesOf(before)
    last.bytes += bytes
    this.bytes += bytes
  }

  #evictOldest(): void {
    while (this.#oldest < this.#byAge.length) {
      const entry = this.#byAge[this.#oldest]
      this.#oldest++
      if (entry?.record === undefined) continue
      this.#evict(entry)
      return
    }
  }

  #evict(entry: Entry): void {
    if (entry.record === undefined) return
    entry.record = undefined
    entry.by = undefined
    this.live--
    this.bytes -= entry.bytes
    this.#byId.delete(entry.id)
    const own = this.#byPolicy.get(entry.uid)
    if (own === undefined) return
    own.splice(own.indexOf(entry), 1) // at the front but for a record that replaces itself
    if (own.length === 0) this.#byPolicy.delete(entry.uid)
  }

  /** Amortised: only when more than half of the order is dead. */
  #sweep(): void {
    if (this.#byAge.length < 2 * this.live + 64) return
    this.#byAge = this.#byAge.filter((entry) => entry.record !== undefined)
    this.#oldest = 0
  }
}

const OBJECT_BYTES = 32
const SLOT_BYTES = 12

/** An estimate of what a record holds on the heap; structure that records share is counted in each of them. */
export const bytesOf = (value: unknown): number => {
  if (typeof value === "string") return 16 + value.length
  if (typeof value !== "object" || value === null) return 8
  let bytes = OBJECT_BYTES
  if (Array.isArray(value)) {
    for (const item of value) bytes += SLOT_BYTES + bytesOf(item)
    return bytes
  }
  for (const item of Object.values(value)) bytes += SLOT_BYTES + bytesOf(item)
  return bytes
}
