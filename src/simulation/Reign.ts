/** Which generation of which policy was in force when, by the API's own log: its bounds, and who is the oldest on a target. */
import { type JsonObject, metadataOf, nameOf, valueAt, wordOf } from "#cluster/api/json"
import type { Commit } from "#cluster/api/Store"
import type { PolicyPlan } from "#simulation/Scenario"

interface Rule {
  readonly from: number
  until: number
  readonly uid: string
  readonly createdAt: number
  readonly name: string
  readonly generation: number
  readonly min: number
  readonly max: number
}

/** The longest that a watch may have been silent before it is begun anew, and a tick after that. */
export const WATCH_LAG_MILLIS = 240_000

export class Reign {
  readonly #plans: ReadonlyArray<PolicyPlan>
  readonly #now: () => number
  readonly #rules: Array<Rule> = []
  readonly #uids = new Set<string>()
  /** A policy that is gone takes its records with it. */
  readonly #gone: Array<{ readonly at: number; readonly targets: ReadonlyArray<string> }> = []

  constructor(plans: ReadonlyArray<PolicyPlan>, now: () => number) {
    this.#plans = plans
    this.#now = now
  }

  /** Of every policy that ever was. */
  readonly uids = (): Iterable<string> => this.#uids

  readonly claims = (target: string): ReadonlyArray<PolicyPlan> =>
    this.#plans.filter(({ targets }) => targets.includes(target))

  /** Of every policy that names the target and was there a moment ago. */
  readonly rulesFor = (target: string): ReadonlyArray<Rule> => {
    const names = new Set(this.claims(target).map(({ name }) => name))
    const since = this.#now() - WATCH_LAG_MILLIS
    return this.#rules.filter(({ name, until }) => names.has(name) && until > since)
  }

  /** The oldest policies of all moments that a watch may still have shown. */
  readonly ownersOf = (target: string, at: number): ReadonlySet<string | undefined> => {
    const rules = this.rulesFor(target)
    const moments = [at, at - WATCH_LAG_MILLIS, ...rules.flatMap((rule) => [rule.from, rule.until])]
    return new Set(
      moments.map((moment) => oldest(rules.filter((rule) => rule.from <= moment && moment < rule.until))?.uid)
    )
  }

  readonly isGoneAround = (target: string, at: number, millis: number): boolean =>
    this.#gone.some((gone) => gone.targets.includes(target) && Math.abs(gone.at - at) < millis)

  /** A commit of a policy. Answers the generation that its status speaks of and that is not there yet. */
  readonly committed = ({ before, object, type }: Commit): number | undefined => {
    const { createdAt, generation, uid } = refOf(object)
    const now = this.#now()
    const current = this.#rules.findLast((rule) => rule.uid === uid)
    if (type === "DELETED") {
      if (current !== undefined) current.until = now
      const plan = this.#plans.find(({ name }) => name === nameOf(object))
      this.#gone.push({ at: now, targets: plan?.targets ?? [] })
      return undefined
    }
    this.#uids.add(uid)
    const observed = [object, before].map((each) => Number(valueAt(each, "status.observedGeneration") ?? 0))
    if (current?.generation !== generation) {
      if (current !== undefined) current.until = now
      const [min, max] = boundsOf(object)
      this.#rules.push({ from: now, until: Infinity, uid, createdAt, name: nameOf(object), generation, min, max })
    }
    return observed.find((each) => each > generation)
  }
}

const refOf = (object: JsonObject) => {
  const { creationTimestamp, generation, uid } = metadataOf(object)
  return { uid: wordOf(uid), generation: Number(generation), createdAt: Date.parse(wordOf(creationTimestamp)) }
}

const boundsOf = (object: JsonObject): readonly [number, number] => {
  const at = (...paths: ReadonlyArray<string>) =>
    paths.map((path) => valueAt(object, path)).find((value) => value !== undefined)
  return [
    Number(at("spec.scaling.minReplicas", "spec.minReplicas", "spec.min_replicas") ?? 1),
    Number(at("spec.scaling.maxReplicas", "spec.maxReplicas", "spec.max_replicas") ?? Infinity)
  ]
}

const oldest = (rules: ReadonlyArray<Rule>): Rule | undefined =>
  rules.toSorted((a, b) => a.createdAt - b.createdAt || (a.uid < b.uid ? -1 : 1))[0]
