/** A decision as one sentence with its numbers, for people. */
import type { Proposal, Step } from "#schemas/Decision"

const tell = ({ after, before, limiter, reason }: Step, current: number): string => {
  const isHeldBack = (before < after && after < current) || (before > after && after > current)
  const verb = after === current ? "held at" : isHeldBack ? "limited to" : after < before ? "lowered to" : "raised to"
  return `${verb} ${after} by ${limiter} (${reason})`
}

/** A sentence that goes on has no end of its own. */
const clause = (sentence: string): string => sentence.replace(/\.$/u, "")

/** "rps 1240 over 100 per pod wants 13; limited to 8 by ScaleUpLimit (4 pods per 15 s)" */
export const narrate = (opening: string, steps: ReadonlyArray<Step>, current: number): string =>
  steps.length === 0 ? opening : `${clause(opening)}; ${steps.map((step) => tell(step, current)).join("; ")}`

/** Why there is no winner. */
export const silence = (proposals: ReadonlyArray<Proposal>, current: number): string => {
  const silent = proposals.filter(({ replicas }) => replicas === undefined)
  const last = silent.pop()
  if (last !== undefined) return [...silent.map(({ reason }) => clause(reason)), last.reason].join("; ")
  const raising = proposals.find(({ raiseOnly }) => raiseOnly)
  return raising === undefined ? `no engine asks for anything yet, so ${current} stay` : raising.reason
}
