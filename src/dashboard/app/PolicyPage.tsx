/** One policy: its course, its decisions as stories, what it is made of, and what else it could have done. */
import { useSignal } from "@preact/signals"
import { useEffect, useMemo } from "preact/hooks"
import type { Detail, History, Stories, Story } from "../api/shapes.ts"
import { ask, type PolicyName, policyPath, Refused, words } from "./ask.ts"
import { Chart } from "./Chart.tsx"
import * as charts from "./chartOptions.ts"
import { Phase } from "./FleetRow.tsx"
import { link, now, rows } from "./fleetState.ts"
import { Mode } from "./Mode.tsx"
import { PolicyAside } from "./PolicyAside.tsx"
import { StoryList } from "./StoryList.tsx"
import { WhatIf } from "./WhatIf.tsx"
import { ago, iso, NONE, plural } from "./words.ts"

const SPANS = [
  ["0", "Recent"],
  ["6", "6 h"],
  ["24", "24 h"],
  ["168", "7 d"]
] as const

const STORIES_AT_ONCE = 25

const Figures = ({ detail }: { readonly detail: Detail }) => {
  const { metrics, row } = detail
  const scaledAt = row.scaledAt === undefined ? undefined : Date.parse(row.scaledAt)
  return (
    <dl class="figures strip">
      <div>
        <dt>Now</dt>
        <dd class="num big">{row.now ?? NONE}</dd>
      </div>
      <div>
        <dt>Wanted</dt>
        <dd class="num big">{row.wanted ?? NONE}</dd>
      </div>
      <div>
        <dt>Recommended</dt>
        <dd class="num big">{row.recommended ?? NONE}</dd>
      </div>
      <div>
        <dt>Bounds</dt>
        <dd class="num big">{row.min === undefined ? NONE : `${row.min}–${row.max ?? ""}`}</dd>
      </div>
      <div>
        <dt>Scaled</dt>
        <dd class="num" title={scaledAt === undefined ? "" : iso(scaledAt)}>
          {ago(scaledAt, now.value)}
        </dd>
      </div>
      <div>
        <dt>Looked</dt>
        <dd class="num" title={iso(row.at)}>
          {ago(row.at, now.value)}
        </dd>
      </div>
      {metrics !== undefined && metrics.totalDecisions > 0 && (
        <div>
          <dt>Decisions, 24 h</dt>
          <dd class="num">
            {metrics.totalDecisions} <span class="dim">{Math.floor(metrics.successRate * 1000) / 10} % well</span>
          </dd>
        </div>
      )}
    </dl>
  )
}

const Course = ({ history, onPick }: { readonly history: History; readonly onPick: (at: number) => void }) => {
  const data = useMemo(() => charts.replicaData(history), [history])
  const shape = `${history.source} ${history.at.length} ${history.at[0] ?? 0} ${history.at.at(-1) ?? 0}`
  return (
    <>
      <h2 class="chart-title">Replicas</h2>
      <Chart
        label={`Replicas over ${plural(history.at.length, "look")}; the decisions are told below`}
        height={220}
        data={data}
        options={charts.replicaOptions(history, onPick)}
        shape={shape}
      />
      {history.signals.map((signal) => (
        <div key={signal.name}>
          <h2 class="chart-title">
            <bdi>{signal.name}</bdi> {signal.role !== undefined && <span class="dim">{signal.role}</span>}
          </h2>
          <Chart
            label={`The signal ${signal.name} and what it is held at`}
            height={140}
            data={charts.signalData(signal, history)}
            options={charts.signalOptions(signal)}
            shape={`${shape} ${signal.name}`}
          />
        </div>
      ))}
    </>
  )
}

interface Known {
  readonly detail: Detail
  readonly history: History
  readonly stories: ReadonlyArray<Story>
}

export const PolicyPage = ({
  decision,
  policy
}: {
  readonly policy: PolicyName
  readonly decision: string | undefined
}) => {
  const known = useSignal<Known | undefined>(undefined)
  const problem = useSignal<{ readonly gone: boolean; readonly words: string } | undefined>(undefined)
  const target = useSignal<string | undefined>(undefined)
  const span = useSignal<string>("0")
  const count = useSignal(STORIES_AT_ONCE)
  const tab = useSignal<"decisions" | "whatif">("decisions")
  const picked = useSignal<string | undefined>(decision)
  const row = [...rows.value.values()].find(
    ({ kind, name, namespace }) => kind === policy.kind && name === policy.name && namespace === policy.namespace
  )
  const live = link.value._tag === "Live"
  const path = policyPath(policy)

  useEffect(() => {
    let current = true
    const asked = new URLSearchParams(target.value === undefined ? {} : { target: target.value })
    const read = async () => {
      const [detail, history, told] = await Promise.all([
        ask<Detail>(path),
        ask<History>(`${path}/history?${new URLSearchParams([...asked, ["hours", span.value]]).toString()}`),
        ask<Stories>(`${path}/stories?${new URLSearchParams([...asked, ["limit", String(count.value)]]).toString()}`)
      ])
      const wanted = picked.value
      const extra =
        wanted === undefined || told.stories.some(({ id }) => id === wanted)
          ? []
          : (await ask<Stories>(`${path}/stories?${new URLSearchParams([...asked, ["around", wanted]]).toString()}`))
              .stories
      return { detail, history, stories: [...told.stories, ...extra].toSorted((a, b) => b.at - a.at) }
    }
    read().then(
      (all) => {
        if (!current) return
        known.value = all
        problem.value = undefined
      },
      (error: unknown) => {
        if (current) problem.value = { gone: error instanceof Refused && error.status === 404, words: words(error) }
      }
    )
    return () => {
      current = false
    }
  }, [path, row?.at, target.value, span.value, count.value, picked.value, live])

  const all = known.value
  if (all === undefined || problem.value?.gone === true) {
    return (
      <main class="page">
        <h1 class="hidden">{policy.name}</h1>
        <div class="empty">
          <h2>
            {problem.value === undefined ? "Reading the policy…" : problem.value.gone ? "No such policy" : "No answer"}
          </h2>
          {problem.value !== undefined && <p>{problem.value.words}.</p>}
          <a href="#/">Back to the fleet</a>
        </div>
      </main>
    )
  }
  const { detail, history, stories } = all
  const pick = (at: number) => {
    const story = stories.find((each) => each.at <= at)
    tab.value = "decisions"
    if (story !== undefined) picked.value = story.id
  }
  return (
    <main class="page policy">
      <div class="title">
        <div>
          <p class="crumbs dim">
            <a href="#/">Fleet</a> / <bdi>{policy.namespace}</bdi> / {policy.kind}
          </p>
          <h1>
            <bdi>{policy.name}</bdi>
          </h1>
          <p class="under">
            <Phase phase={detail.row.phase} mode={detail.row.mode} />
            <span class="dim">
              scales <bdi>{detail.row.targets.join(", ") || "nothing yet"}</bdi>
              {detail.row.targetCount > detail.row.targets.length &&
                ` and ${detail.row.targetCount - detail.row.targets.length} more`}
            </span>
          </p>
        </div>
        {detail.modeCanBeSet ? (
          <Mode row={detail.row} />
        ) : (
          <p class="dim">
            The mode is changed with kubectl: <code>spec.mode</code>
          </p>
        )}
      </div>
      {detail.row.wrong.map(({ message, reason, type }) => (
        <p
          class={`callout ${type === "Ready" || type === "Degraded" ? "bad" : type === "ScalingLimited" ? "calm" : ""}`}
          role="status"
        >
          <strong>{type === "Ready" ? reason : type}</strong> {message}
        </p>
      ))}
      <Figures detail={detail} />
      <div class="columns">
        <div class="course">
          <div class="bar">
            {history.targets.length > 1 && (
              <label class="pick">
                <span class="hidden">Workload</span>
                <select value={history.target ?? ""} onChange={(event) => (target.value = event.currentTarget.value)}>
                  {history.targets.map((each) => (
                    <option value={each}>{each}</option>
                  ))}
                </select>
              </label>
            )}
            <div class="chips" role="group" aria-label="Time shown">
              {SPANS.map(([hours, name]) => (
                <button
                  type="button"
                  class="chip"
                  aria-pressed={span.value === hours}
                  onClick={() => (span.value = hours)}
                >
                  {name}
                </button>
              ))}
            </div>
            {history.note !== undefined && <span class="dim">{history.note}</span>}
          </div>
          {history.at.length < 2 ? (
            <div class="empty small">
              <h2>Nothing to draw yet</h2>
              <p>The course begins with the second look.</p>
            </div>
          ) : (
            <Course history={history} onPick={pick} />
          )}
          <div class="tabs" role="tablist" aria-label="Decisions or what if">
            <button
              type="button"
              role="tab"
              id="tab-decisions"
              aria-controls="panel"
              aria-selected={tab.value === "decisions"}
              onClick={() => (tab.value = "decisions")}
            >
              Decisions
            </button>
            <button
              type="button"
              role="tab"
              id="tab-whatif"
              aria-controls="panel"
              aria-selected={tab.value === "whatif"}
              onClick={() => (tab.value = "whatif")}
            >
              What if
            </button>
          </div>
          <div id="panel" role="tabpanel" aria-labelledby={`tab-${tab.value}`}>
            {tab.value === "whatif" ? (
              <WhatIf detail={detail} target={history.target} />
            ) : stories.length === 0 ? (
              <div class="empty small">
                <h2>Nothing was decided yet</h2>
              </div>
            ) : (
              <StoryList
                stories={stories}
                picked={picked.value}
                onMore={stories.length < count.value ? undefined : () => (count.value += STORIES_AT_ONCE)}
              />
            )}
          </div>
        </div>
        <PolicyAside detail={detail} />
      </div>
    </main>
  )
}
