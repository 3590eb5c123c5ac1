/** Where a run went wrong: the times in which answers were bad, how much of it all they were, and what was short. */
import type { Load } from "#workload/Load"
import type { Run } from "./run.ts"

export interface Episode {
  readonly fromSecond: number
  readonly toSecond: number
  readonly bad: number
  /** Of all bad answers of the run. */
  readonly share: number
  /** Pods ready when it began, and the most that who knew it beforehand had ready in it. */
  readonly ready: number
  readonly need: number | undefined
  /** Until more pods were ordered; undefined: they never were, or had been before. */
  readonly orderedAfterSeconds: number | undefined
  /** Why the replicas were what they were, in the words of who decided. */
  readonly reasons: ReadonlyArray<string>
}

const BLOCK_SECONDS = 15
const BAD_SHARE = 0.05
/** Shorter pauses do not end an episode. */
const PAUSE_SECONDS = 120
const REASONS_MAX = 3

interface Block {
  readonly from: number
  readonly to: number
  readonly bad: number
}

const blocksOf = ({ arrivals }: Load, bad: Float64Array): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  for (let from = 0; from < bad.length; from += BLOCK_SECONDS) {
    const to = Math.min(bad.length, from + BLOCK_SECONDS)
    let [wrong, all] = [0, 0]
    for (let second = from; second < to; second++) {
      wrong += bad[second] ?? 0
      all += arrivals[second] ?? 0
    }
    if (wrong > BAD_SHARE * Math.max(1, all)) blocks.push({ from, to, bad: wrong })
  }
  return blocks
}

const joined = (blocks: ReadonlyArray<Block>): ReadonlyArray<Block> => {
  const all: Array<Block> = []
  for (const block of blocks) {
    const last = all.at(-1)
    if (last === undefined || block.from - last.to > PAUSE_SECONDS) all.push(block)
    else all[all.length - 1] = { from: last.from, to: block.to, bad: last.bad + block.bad }
  }
  return all
}

const mostOf = (numbers: Float64Array | undefined, { from, to }: Block): number | undefined =>
  numbers?.subarray(from, to).reduce((most, value) => Math.max(most, value), 0)

/** The worst first. */
export const episodesOf = (load: Load, run: Run, ideal: Run | undefined, most: number): ReadonlyArray<Episode> => {
  const { bad, ready } = run.course
  const all = bad.reduce((sum, value) => sum + value, 0)
  return joined(blocksOf(load, bad))
    .toSorted((a, b) => b.bad - a.bad)
    .slice(0, most)
    .map((block) => {
      const near = run.changes.filter(({ second }) => second > block.from - PAUSE_SECONDS && second <= block.to)
      const up = near.find(({ from, second, to }) => to > from && second >= block.from)
      return {
        fromSecond: block.from,
        toSecond: block.to,
        bad: block.bad,
        share: all > 0 ? block.bad / all : 0,
        ready: ready[block.from] ?? 0,
        need: mostOf(ideal?.course.ready, block),
        orderedAfterSeconds: up === undefined ? undefined : up.second - block.from,
        reasons: near
          .filter(({ reason }) => reason !== "")
          .slice(0, REASONS_MAX)
          .map(({ from, reason, second, to }) => `${clock(second)} ${from} to ${to}: ${reason}`)
      }
    })
}

/** Time since the begin, as in 1:05:30. */
export const clock = (second: number): string => {
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0")
  return `${Math.floor(second / 3600)}:${two((second % 3600) / 60)}:${two(second % 60)}`
}

const spanOf = (seconds: number): string => (seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`)

export const tell = ({ fromSecond, need, orderedAfterSeconds, ready, share, toSecond }: Episode): string => {
  const percent = share < 0.005 ? "less than 1" : String(Math.round(100 * share))
  const pods = `${ready} ${ready === 1 ? "pod" : "pods"} ready`
  const parts = [
    `${clock(fromSecond)}, for ${spanOf(toSecond - fromSecond)}: ${percent} % of its bad answers`,
    need === undefined || need <= ready ? pods : `${pods} where ${need} would have been`
  ]
  if (orderedAfterSeconds !== undefined) {
    parts.push(`more were ordered ${orderedAfterSeconds === 0 ? "at once" : `after ${orderedAfterSeconds} s`}`)
  }
  return parts.join("; ")
}
