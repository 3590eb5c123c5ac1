/** Every record made again by the policy of its own generation, with engines bound once per policy. */
import * as Result from "effect/Result"
import type { BoundEngine } from "#domain/Engine"
import { replay, type Replayed } from "#domain/replay"
import { bindEngine } from "#engines/index"
import type { DecisionRecord } from "#schemas/Decision"
import type { Policy, Refusal } from "#schemas/Policy"

type Engines = Result.Result<ReadonlyArray<BoundEngine>, Refusal>

const no = (why: string): Replayed => ({ _tag: "NotReplayable", why })

/** By the record's id. */
export const replayAll = (
  policies: ReadonlyArray<Policy>,
  records: ReadonlyArray<DecisionRecord>
): ReadonlyMap<string, Replayed> => {
  const bound = new Map<Policy, Engines>()
  const enginesOf = (policy: Policy): Engines => {
    const engines = bound.get(policy) ?? Result.all(policy.engines.map(bindEngine))
    bound.set(policy, engines)
    return engines
  }
  const replayed = (record: DecisionRecord): Replayed => {
    const own = policies.filter(({ ref }) => ref.uid === record.policy.uid)
    const policy = own.find(({ ref }) => ref.generation === record.policy.generation) ?? own[0]
    if (policy === undefined) return no("the policy that decided it is not held")
    const engines = enginesOf(policy)
    return Result.isFailure(engines) ? no(engines.failure.message) : replay(policy, engines.success, record)
  }
  return new Map(records.map((record) => [record.id, replayed(record)]))
}
