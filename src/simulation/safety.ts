/**
 * What must hold at every write, judged from outside: by the API's own log of commits, by what the operators were really
 * told, and by the records of their Ledgers. No word of an operator about itself is believed that another does not bear out.
 */
import { decide } from "#domain/decide"
import type { BoundEngine } from "#domain/Engine"
import { replay } from "#domain/replay"
import { type JsonObject, metadataOf, nameOf, textAt, valueAt, wordOf } from "#cluster/api/json"
import type { Commit } from "#cluster/api/Store"
import { bindEngine } from "#engines/index"
import { LEASE_NAME } from "#operator/Leader"
import { FIELD_MANAGER } from "#services/kubernetesCalls"
import { KINDS } from "#schemas/crd/index"
import type { DecisionRecord } from "#schemas/Decision"
import type { Policy } from "#schemas/Policy"
import * as Result from "effect/Result"
import type { Answers } from "#simulation/Answers"
import { paceBroken } from "#simulation/pace"
import { NAMESPACE } from "#simulation/Plant"
import { type Property, Violation } from "#simulation/Property"
import { isNoted } from "#simulation/questions"
import { Reign } from "#simulation/Reign"
import { HOME, type World } from "#simulation/World"
import { flawOf, isFreed, type Write } from "#simulation/Write"

/** Somebody who may have written: what the checkers know of the process. */
export interface Suspect {
  readonly name: string
  readonly answers: Answers
}

/** Somebody took the Lease by force: the holder may write until his window is over, and what he sent until it is given up. */
const USURPED_MILLIS = 15_000
/** A question of a tick is not older than this when its decision is written. */
const TICK_MILLIS = 11_000
/** Whoever writes has asked within this time, however often the API had him try again. */
const ASKED_MILLIS = 60_000
/** Between a write and its record, and between two looks at the records. */
const FORGOTTEN_MILLIS = 30_000

export class Safety {
  readonly writes: Array<Write> = []
  /** Records that were looked at: one of each tick and target. */
  decisions = 0
  readonly #world: World
  readonly #suspects = new Map<string, Suspect>()
  readonly #reign: Reign
  readonly #engines = new WeakMap<Policy, ReadonlyArray<BoundEngine>>()
  #holder = ""
  /** Who has held the Lease no more since when. */
  readonly #deposed: Array<{ readonly at: number; readonly holder: string }> = []
  /** By target: the replicas that it ever had. */
  readonly #had = new Map<string, Set<number>>()
  readonly #fail: (violation: Violation) => void

  constructor(world: World, fail: (violation: Violation) => void) {
    this.#world = world
    this.#fail = fail
    this.#reign = new Reign(world.scenario.policies, world.now)
    world.server.store.onCommit((commit) => this.#committed(commit))
  }

  /** Of every policy that ever was. */
  readonly uids = (): Iterable<string> => this.#reign.uids()

  readonly suspect = (suspect: Suspect): void => void this.#suspects.set(suspect.name, suspect)

  readonly #check = (holds: boolean, property: Property, detail: () => string): void => {
    if (!holds) this.#fail(new Violation({ property, detail: detail() }))
  }

  // ---- the API's own log

  #committed(commit: Commit): void {
    const { before, object, resource } = commit
    if (resource === "deployments.apps" || resource === "statefulsets.apps") this.#scaled(commit)
    else if (resource === "leases.coordination.k8s.io") this.#led(before, object)
    else if (this.#world.scenario.policies.some(({ name }) => name === nameOf(object)) && isPolicy(object))
      this.#ruled(commit)
  }

  #ruled(commit: Commit): void {
    const ahead = this.#reign.committed(commit)
    this.#check(ahead === undefined, "generations only rise", () => `${nameOf(commit.object)} observes ${ahead}`)
  }

  #led(before: JsonObject | undefined, after: JsonObject): void {
    const [was, is] = [before, after].map((lease) => wordOf(valueAt(lease, "spec.holderIdentity")))
    const { clocks, now, say } = this.#world
    // Who gives it back has told all that there is to tell.
    if (is !== this.#holder && is !== "") this.#deposed.push({ at: now(), holder: this.#holder })
    this.#holder = is ?? ""
    if (was === is) return
    say("lease", "holder", is === "" ? "given back" : (is ?? ""))
    clocks.led(machineOf(is ?? ""), now())
  }

  #scaled({ before, manager, object, version }: Commit): void {
    const [from, to] = [before, object].map((each) => Number(valueAt(each, "spec.replicas") ?? 0)) as [number, number]
    const target = nameOf(object)
    this.#had.set(target, (this.#had.get(target) ?? new Set()).add(to))
    if (before === undefined || from === to) return
    const { leaseTouchedAt, now, say, server, writer } = this.#world
    if (manager !== FIELD_MANAGER) {
      say(manager, "scales", `${target} ${from} -> ${to}`)
      // Whose it was before, nobody can tell any more.
      for (const write of this.writes) if (write.target === target) write.settled ||= write.record === undefined
      return
    }
    const life = writer ?? "nobody"
    say(life, "scales", `${target} ${from} -> ${to} (version ${version})`)
    const answers = this.#suspects.get(life)?.answers
    const isBlind = (key: string): boolean => {
      const told = answers?.since(key, now() - TICK_MILLIS) ?? []
      if (told.length > 0) return told.every(({ value }) => value === undefined)
      return isNoted(key) && answers?.since(key, now() - ASKED_MILLIS).length === 0
    }
    const blind = new Set(
      this.#reign
        .claims(target)
        .flatMap(({ name, questions }) =>
          Object.entries(questions).flatMap(([signal, key]) => (isBlind(key) ? [blindness(name, signal)] : []))
        )
    )
    const { uid } = metadataOf(object)
    this.writes.push({
      at: now(),
      target,
      uid,
      from,
      to,
      version: String(version),
      life,
      blind,
      isShown: this.#isShown(target, to),
      record: undefined,
      finds: [],
      settled: false
    })
    const holder = wordOf(valueAt(server.find("Lease", HOME, LEASE_NAME), "spec.holderIdentity"))
    this.#check(
      holder.startsWith(`${life}_`) || now() - leaseTouchedAt < USURPED_MILLIS,
      "nobody writes without the Lease",
      () => `${life} scaled ${target} from ${from} to ${to} while ${holder === "" ? "nobody" : holder} held the Lease`
    )
    const rules = this.#reign.rulesFor(target)
    this.#check(
      rules.some(({ max, min }) => to >= min && to <= max),
      "replicas stay inside the bounds",
      () =>
        `${target} was scaled from ${from} to ${to}; bounds ${rules.map(({ max, min }) => `${min}..${max}`).join(", ")}`
    )
  }

  #isShown(target: string, replicas: number): boolean {
    return this.#reign.claims(target).some(({ kind, name }) => {
      const status = valueAt(this.#world.server.find(kind, NAMESPACE, name), "status")
      const targets = valueAt(status, "targets")
      const shown = Array.isArray(targets) ? targets.filter((each) => valueAt(each, "name") === target) : [status]
      return shown.some((each) => valueAt(each, "currentReplicas") === replicas)
    })
  }

  /** Its leader could tell nobody, and the replicas are what status says of them: to whoever leads next, nothing was written. */
  #leavesNoTrace({ at, isShown, life }: Write): boolean {
    const after = this.#deposed.filter((each) => each.at >= at && each.at - at < FORGOTTEN_MILLIS)
    return isShown && after.some(({ holder }) => holder.startsWith(`${life}_`))
  }

  // ---- what the operators wrote down

  /** In the order in which they were made. */
  readonly recorded = (life: string, record: DecisionRecord, by: Policy | undefined): void => {
    this.decisions++
    const { observation, outcome } = record
    if (by !== undefined) {
      this.#replayed(life, record, by)
      this.#advised(record, by)
    }
    const target = observation.target.name
    if (outcome._tag === "Recovered") return this.#recovered(life, record)
    if (outcome._tag !== "Scaled") return
    // An answer that was lost is read back, maybe after a controller has written once more.
    const write = this.writes.findLast(
      (each) =>
        each.target === target && each.to === outcome.to && Number(each.version) <= Number(outcome.resourceVersion)
    )
    const what = `${life} recorded ${target} from ${outcome.from} to ${outcome.to} (version ${outcome.resourceVersion})`
    this.#check(
      write !== undefined && write.life === life,
      "each write has one record",
      () => `${what}, and no such write was made`
    )
    if (write === undefined) return
    // A leader after it may have found the write while its writer still waited for an answer.
    const isFirst = write.record === undefined || write.record.outcome._tag === "Recovered"
    this.#check(isFirst, "each write has one record", () => `${what}, again`)
    write.record = record
    this.#owned(record, write)
    this.#seeing(record, write)
    for (const { detail, property } of by === undefined
      ? []
      : paceBroken(record, write, by, { writes: this.writes, clocks: this.#world.clocks })) {
      this.#check(false, property, () => detail)
    }
  }

  #recovered(life: string, record: DecisionRecord): void {
    const { observation, outcome } = record
    if (outcome._tag !== "Recovered") return
    const target = observation.target.name
    const write = this.writes.findLast((each) => each.target === target && each.to === outcome.to)
    const earlier = this.writes.findLast((each) => each.target === target && each !== write)
    const past = { had: this.#had.get(target), clocksAgree: this.#world.clocks.agreed(earlier?.at ?? 0) }
    const flaw = flawOf({ life, policy: record.policy, from: outcome.from }, write, past)
    const what = `${life} found ${target} from ${outcome.from} at ${outcome.to}`
    this.#check(flaw === undefined, "each write has one record", () => `${what}, ${flaw}`)
    if (write === undefined) return
    for (const each of this.writes) if (each.target === target && each.at <= write.at) each.settled = true
    write.record ??= record
    write.finds.push({ at: observation.at, change: outcome.to - outcome.from })
  }

  #enginesOf(by: Policy): ReadonlyArray<BoundEngine> {
    const engines = this.#engines.get(by) ?? by.engines.map((spec) => Result.getOrThrow(bindEngine(spec)))
    this.#engines.set(by, engines)
    return engines
  }

  /** Beside the same decision without it. */
  #advised({ decision, memory, observation, outcome }: DecisionRecord, by: Policy): void {
    const { advice, ...unadvised } = observation
    if (advice === undefined || outcome._tag === "Recovered") return
    const plain = decide({ policy: by, engines: this.#enginesOf(by), observation: unadvised, memory }).decision
    const [wanted, least] = [decision.recommended ?? 0, plain.recommended ?? 0]
    this.#check(
      wanted >= least && wanted <= least + Math.max(1, Math.floor(least / 4)) && decision.desired >= plain.desired,
      "advice only adds",
      () =>
        `${observation.target.name} was to have ${wanted} and got ${decision.desired}, and without advice ${least} and ${plain.desired}`
    )
  }

  #replayed(life: string, record: DecisionRecord, by: Policy): void {
    const replayed = replay(by, this.#enginesOf(by), record)
    this.#check(replayed._tag !== "Different", "a record replays to its decision", () =>
      replayed._tag === "Different"
        ? `${life} ${record.id} differs at ${replayed.first.path}: ${JSON.stringify(replayed.first)}`
        : ""
    )
  }

  #owned({ policy }: DecisionRecord, { at, from, target, to }: Write): void {
    this.#check(
      this.#reign.ownersOf(target, at).has(policy.uid),
      "one policy writes a target",
      () => `${policy.name} scaled ${target} from ${from} to ${to}, and is not the oldest that names it`
    )
  }

  #seeing({ decision, observation, policy }: DecisionRecord, { blind, from, target, to }: Write): void {
    if (to >= from || decision.engine === "bounds" || isFreed(decision)) return
    const unread = observation.readings.filter(
      ({ reading, signal }) => reading._tag !== "Measured" || blind.has(blindness(policy.name, signal))
    )
    const steering = unread.filter(({ signal }) =>
      this.#reign.claims(target).some(({ questions }) => Object.hasOwn(questions, signal))
    )
    this.#check(
      steering.length === 0,
      "nothing goes down blindly",
      () =>
        `${target} went from ${from} to ${to} with ${steering.map(({ reading, signal }) => `${signal} ${JSON.stringify(reading)}`).join(", ")}, and no answer to it was a number`
    )
  }

  /** When all is calm: nothing was written that nobody knows of. */
  readonly concluded = (): void => {
    const lost = this.writes.find(
      (write) =>
        write.record === undefined &&
        !write.settled &&
        !this.#leavesNoTrace(write) &&
        !this.#reign.isGoneAround(write.target, write.at, FORGOTTEN_MILLIS)
    )
    this.#check(
      lost === undefined,
      "each write has one record",
      () =>
        `${lost?.life} scaled ${lost?.target} from ${lost?.from} to ${lost?.to} (version ${lost?.version}), and no record tells of it`
    )
  }
}

const blindness = (policy: string, signal: string): string => `${policy}/${signal}`

/** A life is named by its machine and a number, and holds the Lease under that and a random part. */
const machineOf = (holder: string): string | undefined => /^(?<machine>[a-z]+)\d+_/u.exec(holder)?.groups?.["machine"]

const isPolicy = (object: JsonObject): boolean => KINDS.some(({ kind }) => kind === textAt(object, "kind"))
