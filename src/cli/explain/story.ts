/** Decisions on a terminal: each story in its blocks, and what only repeats counted instead of told. */
import type { Replayed } from "#domain/replay"
import { isRepeat, storyOf } from "#domain/story"
import type { DecisionRecord } from "#schemas/Decision"
import type { Millis } from "#schemas/Reading"
import type { Chapter } from "./select.ts"

export const timeText = (millis: Millis): string => new Date(millis).toISOString().replace(".000Z", "Z")

const WIDTH = "proposed:  ".length

const block = (label: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.map((line, index) => `  ${(index === 0 ? `${label}:` : "").padEnd(WIDTH)}${line}`)

const page = (
  record: DecisionRecord,
  next: DecisionRecord | undefined,
  replayed: Replayed | undefined
): ReadonlyArray<string> => {
  const story = storyOf(record, next, replayed)
  const optional = (label: string, text: string | undefined) => (text === undefined ? [] : block(label, [text]))
  return [
    `${timeText(story.at)}  ${story.upshot}`,
    ...block("seen", story.seen),
    ...block("proposed", story.proposed),
    ...block("limited", story.limited),
    ...block("decided", [story.decided]),
    ...block("written", [story.written]),
    ...optional("then", story.then),
    ...optional("trace", story.traceId),
    ...optional("replayed", story.replayed)
  ]
}

export type Verdicts = ReadonlyMap<string, Replayed>

/** One target's story. Ticks on which nothing new happened are counted, unless a replay has something to say. */
export const tell = ({ held, told }: Chapter, verdicts: Verdicts): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let repeats = 0
  const close = (last: DecisionRecord | undefined) => {
    if (repeats > 0 && last !== undefined) {
      const times = repeats === 1 ? "once more" : `${repeats} times more`
      lines.push(`  ... the same ${times}, until ${timeText(last.observation.at)}`)
    }
    repeats = 0
  }
  told.forEach((record, index) => {
    const before = told[index - 1]
    const replayed = verdicts.get(record.id)
    const quiet = replayed === undefined || replayed._tag === "Same"
    if (quiet && isRepeat(record, before)) {
      repeats += 1
      return
    }
    close(before)
    lines.push(...page(record, held[held.indexOf(record) + 1], replayed))
  })
  close(told.at(-1))
  return lines
}
