/** A what-if asked of the records that are held. Pure and bounded by the ring: some two hundred decisions. */
import * as Result from "effect/Result"
import { whatIf } from "#domain/whatIf"
import { bindEngine } from "#engines/index"
import type { Policy } from "#schemas/Policy"
import { APPLY_COMMAND, asWished, yamlOf } from "./asWished.ts"
import { type Held, podHours } from "./history.ts"
import type { WhatIfAnswer, WhatIfQuestion } from "./shapes.ts"

const changes = (course: ReadonlyArray<number>): number =>
  course.filter((value, index) => index > 0 && value !== course[index - 1]).length

/** `policy`: as it is run now. The failure is a sentence for whoever asked. */
export const answerWhatIf = (
  policy: Policy,
  { records, target }: Held,
  question: WhatIfQuestion
): Result.Result<WhatIfAnswer, string> => {
  const wished = asWished(policy, question)
  if (Result.isFailure(wished)) return Result.fail(wished.failure)
  const engines = Result.all(wished.success.engines.map(bindEngine))
  if (Result.isFailure(engines)) return Result.fail(engines.failure.message)
  if (records.length < 2 || target === undefined) {
    return Result.fail("Less than two decisions are held: ask again when the policy has run for a while")
  }
  const { assumptions, points } = whatIf(wished.success, engines.success, records)
  const at = points.map((point) => point.at)
  const recorded = points.map((point) => point.recorded)
  const replicas = points.map((point) => point.replicas)
  const yaml = yamlOf(policy, wished.success)
  const other =
    question.engine === undefined ? [] : ["Rates, windows and cooldowns are left as the policy has them now."]
  return Result.succeed({
    target,
    at,
    recorded,
    replicas,
    desired: points.map(({ decision }) => decision.desired),
    min: wished.success.bounds.min,
    max: wished.success.bounds.max,
    assumptions: [...assumptions, ...other],
    recordedPodHours: podHours(at, recorded),
    podHours: podHours(at, replicas),
    recordedChanges: changes(recorded),
    changes: changes(replicas),
    yaml: yaml ?? "",
    command: yaml === undefined ? "" : `${APPLY_COMMAND} <<'EOF'\n${yaml}EOF`
  })
}
