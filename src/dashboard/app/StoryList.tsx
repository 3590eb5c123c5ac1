/** Decisions as stories: one line each, and on asking what was seen, proposed, cut, written, and what came of it. */
import { useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import type { Story } from "../api/shapes.ts"
import { now } from "./fleetState.ts"
import { iso, moment, plural } from "./words.ts"

const Part = ({
  name,
  lines,
  class: kind = ""
}: {
  readonly name: string
  readonly lines: ReadonlyArray<string>
  readonly class?: string
}) => (
  <div class={`part ${kind}`}>
    <dt>{name}</dt>
    {lines.map((line) => (
      <dd>{line}</dd>
    ))}
  </div>
)

const NOTHING = "by nothing"

interface StoryProps {
  readonly story: Story
  readonly open: boolean
  /** Somebody asked for this one: it comes into view. */
  readonly sought: boolean
}

const StoryView = ({ open, sought, story }: StoryProps) => {
  const shown = useSignal(open)
  const element = useRef<HTMLLIElement>(null)
  const failed = story.outcome === "Refused" || story.outcome === "Unknown"
  useEffect(() => {
    if (!open) return
    shown.value = true
    if (sought) element.current?.scrollIntoView({ block: "center" })
  }, [open, sought])
  return (
    <li class={`story ${story.outcome.toLowerCase()}`} ref={element}>
      <button type="button" aria-expanded={shown.value} onClick={() => (shown.value = !shown.value)}>
        <time class="num" dateTime={iso(story.at)} title={iso(story.at)}>
          {moment(story.at, now.value)}
        </time>
        <strong class="num">{story.upshot.replace("->", "→")}</strong>
        <span class={failed ? "tag bad" : story.outcome === "Unchanged" ? "tag quiet" : "tag"}>{story.outcome}</span>
        <span class="gist dim">{story.limited[0] === NOTHING ? (story.proposed[0] ?? "") : story.limited.at(-1)}</span>
        {story.repeats > 0 && <span class="dim num repeats">+{plural(story.repeats, "tick")}</span>}
      </button>
      {shown.value && (
        <dl>
          <Part name="Seen" lines={story.seen} />
          <Part name="Proposed" lines={story.proposed} />
          <Part name="Limited" lines={story.limited} class={story.limited[0] === NOTHING ? "" : "cut"} />
          <Part name="Decided" lines={[story.decided]} />
          <Part name="Written" lines={[story.written]} class={failed ? "failed" : ""} />
          {story.then !== undefined && <Part name="Then" lines={[story.then]} />}
          {story.traceId !== undefined && <Part name="Trace" lines={[story.traceId]} />}
          {story.replayed !== undefined && <Part name="Replayed" lines={[story.replayed]} />}
        </dl>
      )}
    </li>
  )
}

export interface StoryListProps {
  readonly stories: ReadonlyArray<Story>
  /** Told open: the one that was asked for. */
  readonly picked: string | undefined
  readonly onMore: (() => void) | undefined
}

export const StoryList = ({ onMore, picked, stories }: StoryListProps) => (
  <>
    <ol class="stories">
      {stories.map((story, index) => (
        <StoryView
          key={story.id}
          story={story}
          open={picked === undefined ? index === 0 : story.id === picked}
          sought={story.id === picked}
        />
      ))}
    </ol>
    {onMore !== undefined && (
      <button type="button" class="more" onClick={onMore}>
        Earlier decisions
      </button>
    )}
  </>
)
