/**
 * One writer per target: which policies name which targets, and whose each target is. The oldest policy wins, the
 * smaller uid among equals, so that every operator comes to the same answer. Who loses or gains a target is told.
 */
import type { PolicyRef, Target } from "#schemas/Policy"

export const targetKey = (target: Target): string =>
  `${target.apiVersion.split("/")[0]}/${target.kind}/${target.namespace}/${target.name}`

const older = (left: PolicyRef, right: PolicyRef): PolicyRef =>
  left.createdAt < right.createdAt || (left.createdAt === right.createdAt && left.uid < right.uid) ? left : right

export class Ownership {
  /** Small lists and no maps: there are as many of them as there are targets, and nearly always one claim in each. */
  readonly #claims = new Map<string, ReadonlyArray<PolicyRef>>()
  readonly #held = new Map<string, ReadonlyArray<Target>>()

  /** Replaces what the policy claims. Answers the uids of policies whose right to some target has changed by it. */
  readonly claim = (ref: PolicyRef, targets: ReadonlyArray<Target>): ReadonlySet<string> => {
    const touched = new Set<string>()
    for (const target of this.targetsOf(ref.uid)) {
      const key = targetKey(target)
      if (!targets.some((each) => targetKey(each) === key)) this.#change(key, ref.uid, undefined, touched)
    }
    for (const target of targets) this.#change(targetKey(target), ref.uid, ref, touched)
    if (targets.length === 0) this.#held.delete(ref.uid)
    else this.#held.set(ref.uid, targets)
    touched.delete(ref.uid)
    return touched
  }

  readonly release = (uid: string): ReadonlySet<string> => {
    const touched = new Set<string>()
    for (const target of this.targetsOf(uid)) this.#change(targetKey(target), uid, undefined, touched)
    this.#held.delete(uid)
    return touched
  }

  /** The policy that may write this target. */
  readonly ownerOf = (target: Target): PolicyRef | undefined => winnerOf(this.claimants(target))

  /** The policies that name this target, the owner and those that lost. */
  readonly claimants = (target: Target): ReadonlyArray<PolicyRef> => this.#claims.get(targetKey(target)) ?? []

  /** What the policy claims now, whether it owns it or not. */
  readonly targetsOf = (uid: string): ReadonlyArray<Target> => this.#held.get(uid) ?? []

  #change(key: string, uid: string, ref: PolicyRef | undefined, touched: Set<string>): void {
    const claims = this.#claims.get(key) ?? []
    const others = claims.filter((each) => each.uid !== uid)
    const now = ref === undefined ? others : [...others, ref]
    if (now.length === 0) this.#claims.delete(key)
    else this.#claims.set(key, now)
    const before = winnerOf(claims)
    const after = winnerOf(now)
    if (before?.uid === after?.uid) return
    // Who gains is told, and who loses while it is still there.
    if (after !== undefined) touched.add(after.uid)
    if (before !== undefined && before.uid !== uid) touched.add(before.uid)
  }
}

const winnerOf = (claims: ReadonlyArray<PolicyRef>): PolicyRef | undefined => {
  let winner: PolicyRef | undefined
  for (const ref of claims) winner = winner === undefined ? ref : older(winner, ref)
  return winner
}
