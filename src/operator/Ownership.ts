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
  readonly #claims = new Map<string, Map<string, PolicyRef>>()
  readonly #held = new Map<string, ReadonlyMap<string, Target>>()

  /** Replaces what the policy claims. Answers the uids of policies whose right to some target has changed by it. */
  readonly claim = (ref: PolicyRef, targets: ReadonlyArray<Target>): ReadonlySet<string> => {
    const wanted = new Map(targets.map((target) => [targetKey(target), target]))
    const held = this.#held.get(ref.uid) ?? EMPTY
    const touched = new Set<string>()
    for (const key of held.keys()) if (!wanted.has(key)) this.#release(key, ref.uid, touched)
    for (const key of wanted.keys()) {
      const claims = this.#claims.get(key) ?? new Map<string, PolicyRef>()
      const before = winnerOf(claims)
      claims.set(ref.uid, ref)
      this.#claims.set(key, claims)
      if (before !== undefined && winnerOf(claims)?.uid !== before.uid) touched.add(before.uid)
    }
    if (wanted.size === 0) this.#held.delete(ref.uid)
    else this.#held.set(ref.uid, wanted)
    touched.delete(ref.uid)
    return touched
  }

  readonly release = (uid: string): ReadonlySet<string> => {
    const touched = new Set<string>()
    for (const key of (this.#held.get(uid) ?? EMPTY).keys()) this.#release(key, uid, touched)
    this.#held.delete(uid)
    return touched
  }

  /** The policy that may write this target. */
  readonly ownerOf = (target: Target): PolicyRef | undefined => winnerOf(this.#claims.get(targetKey(target)))

  /** The policies that name this target, the owner and those that lost. */
  readonly claimants = (target: Target): ReadonlyArray<PolicyRef> => [
    ...(this.#claims.get(targetKey(target))?.values() ?? [])
  ]

  /** What the policy claims now, whether it owns it or not. */
  readonly targetsOf = (uid: string): ReadonlyArray<Target> => [...(this.#held.get(uid) ?? EMPTY).values()]

  #release(key: string, uid: string, touched: Set<string>): void {
    const claims = this.#claims.get(key)
    if (claims === undefined) return
    const before = winnerOf(claims)
    claims.delete(uid)
    if (claims.size === 0) this.#claims.delete(key)
    const after = winnerOf(claims)
    if (after !== undefined && after.uid !== before?.uid) touched.add(after.uid)
  }
}

const EMPTY: ReadonlyMap<string, Target> = new Map()

const winnerOf = (claims: ReadonlyMap<string, PolicyRef> | undefined): PolicyRef | undefined => {
  let winner: PolicyRef | undefined
  for (const ref of claims?.values() ?? []) winner = winner === undefined ? ref : older(winner, ref)
  return winner
}
