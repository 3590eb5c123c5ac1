/** One policy among thousands: two quiet lines, numbers in columns. */
import { useMemo } from "preact/hooks"
import type { Row } from "../api/shapes.ts"
import { policyHref } from "./route.ts"
import { Spark } from "./Spark.tsx"
import { ago, iso, NONE, quantity } from "./words.ts"

/** A look that is older than this is worth a word. */
const OLD_MILLIS = 5 * 60_000

export const Phase = ({ mode, phase }: Pick<Row, "mode" | "phase">) => (
  <span class={`phase ${phase.toLowerCase()}`}>
    <i aria-hidden="true" />
    {phase}
    {mode !== "Active" && mode !== phase && <b>{mode}</b>}
  </span>
)

const Replicas = ({ row }: { readonly row: Row }) => {
  const moves = row.wanted !== undefined && row.now !== undefined && row.wanted !== row.now
  return (
    <>
      <span class="line">
        <strong>{row.now ?? NONE}</strong>
        {moves && <span class="to">→ {row.wanted}</span>}
      </span>
      <span class="line dim">
        {row.min === undefined ? NONE : `${row.min}–${row.max ?? ""}`}
        {row.recommended !== undefined && row.recommended !== row.wanted && ` · rec ${row.recommended}`}
      </span>
    </>
  )
}

const SignalCell = ({ row }: { readonly row: Row }) => {
  const [first] = row.signals
  if (first === undefined) return <span class="line dim">{NONE}</span>
  return (
    <>
      <span class={first.error === undefined ? "line" : "line bad"} title={first.error ?? ""}>
        {first.value === undefined ? "missing" : quantity(first.value)}
        {first.target !== undefined && !first.perPod && <span class="dim"> / {quantity(first.target)}</span>}
      </span>
      <span class="line dim" title={row.signals.map(({ name }) => name).join(", ")}>
        <bdi>{first.name}</bdi>
        {first.target !== undefined && first.perPod && ` ${quantity(first.target)}/pod`}
        {row.signalCount > 1 && ` +${row.signalCount - 1}`}
      </span>
    </>
  )
}

const ARROWS: Readonly<Record<string, string>> = { scale_up: "▲", scale_down: "▼" }

const Why = ({ row }: { readonly row: Row }) => {
  const [wrong] = row.wrong.filter(({ type }) => row.phase === "Error" || type !== "ScalingLimited")
  const text = wrong?.message ?? row.reason
  return (
    <span class="why" title={text ?? ""}>
      {wrong === undefined ? (
        row.action !== undefined && ARROWS[row.action] !== undefined && <i class="arrow">{ARROWS[row.action]}</i>
      ) : (
        <b class={row.phase === "Error" ? "tag bad" : "tag"}>{wrong.type === "Ready" ? wrong.reason : wrong.type}</b>
      )}
      {text ?? "Not looked at yet"}
    </span>
  )
}

export interface FleetRowProps {
  readonly row: Row
  readonly index: number
  readonly top: number
  readonly chosen: boolean
  readonly now: number
}

const draw = ({ chosen, index, now, row, top }: FleetRowProps) => {
  const scaledAt = row.scaledAt === undefined ? undefined : Date.parse(row.scaledAt)
  const old = now - row.at > OLD_MILLIS
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      class={`row${chosen ? " chosen" : ""}${old ? " old" : ""}`}
      style={{ transform: `translateY(${top}px)` }}
      data-uid={row.uid}
      onClick={(event) => {
        if (!(event.target instanceof HTMLAnchorElement)) location.hash = policyHref(row)
      }}
    >
      <div role="cell" class="c-name">
        <a class="line name" href={policyHref(row)} title={`${row.namespace}/${row.name}`}>
          <bdi>{row.name}</bdi>
        </a>
        <span class="line dim">
          <bdi>{row.namespace}</bdi> · {row.kind}
        </span>
      </div>
      <div role="cell" class="c-phase">
        <Phase phase={row.phase} mode={row.mode} />
      </div>
      <div role="cell" class="c-replicas num">
        <Replicas row={row} />
      </div>
      <div role="cell" class="c-spark">
        <Spark values={row.replicas} steps label={`Replicas lately, now ${row.now ?? "unknown"}`} />
      </div>
      <div role="cell" class="c-signal num">
        <SignalCell row={row} />
      </div>
      <div role="cell" class="c-spark2">
        <Spark values={row.signal} label={`${row.signals[0]?.name ?? "Signal"} lately`} />
      </div>
      <div role="cell" class="c-why">
        <Why row={row} />
      </div>
      <div role="cell" class="c-when num" title={scaledAt === undefined ? "" : iso(scaledAt)}>
        <span class="line">{ago(scaledAt, now)}</span>
        {old && <span class="line warn">seen {ago(row.at, now)}</span>}
      </div>
    </div>
  )
}

/** While scrolling most rows are what they were a frame ago: what is the same element again is not looked at. */
export const FleetRow = (props: FleetRowProps) => {
  const { chosen, index, now, row, top } = props
  return useMemo(() => draw(props), [chosen, index, now, row, top])
}
