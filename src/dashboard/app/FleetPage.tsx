/** Every policy, live: only the rows that are on the screen exist, however many there are. */
import { useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import { FleetRow } from "./FleetRow.tsx"
import * as state from "./fleetState.ts"
import { policyHref } from "./route.ts"
import { plural } from "./words.ts"

const OVERSCAN = 8
const ROW_PIXELS = 53
const ROW_PIXELS_NARROW = 85
const narrow = matchMedia("(max-width: 760px)")

const SHOWS: ReadonlyArray<readonly [state.Show, string]> = [
  ["all", "All"],
  ["attention", "Needs attention"],
  ["Error", "Error"],
  ["Paused", "Paused"],
  ["Learning", "Learning"],
  ["Initializing", "Initializing"],
  ["Active", "Active"]
]

const KINDS = ["ScalingPolicy", "IntelligentScaling", "ScalingRule", "GeneralScaler"]

const Toolbar = () => (
  <div class="toolbar">
    <label class="search">
      <span class="hidden">Search policies</span>
      <input
        id="search"
        type="search"
        placeholder="Search name, namespace, workload, reason   /"
        autocomplete="off"
        spellcheck={false}
        value={state.search.value}
        onInput={(event) => (state.search.value = event.currentTarget.value)}
      />
    </label>
    <div class="chips" role="group" aria-label="Show">
      {SHOWS.map(([which, name]) => {
        const count = state.counts.value.get(which) ?? 0
        const pressed = state.show.value === which
        if (count === 0 && !pressed && which !== "all") return undefined
        return (
          <button
            type="button"
            class={`chip ${which.toLowerCase()}`}
            aria-pressed={pressed}
            onClick={() => (state.show.value = pressed ? "all" : which)}
          >
            {name} <span class="num">{count}</span>
          </button>
        )
      })}
    </div>
    <label class="pick">
      <span class="hidden">Kind</span>
      <select value={state.kind.value} onChange={(event) => (state.kind.value = event.currentTarget.value)}>
        <option value="">All kinds</option>
        {KINDS.map((kind) => (
          <option value={kind}>{kind}</option>
        ))}
      </select>
    </label>
  </div>
)

const Head = ({
  by,
  class: name,
  children
}: {
  readonly by: state.Order
  readonly class: string
  readonly children: string
}) => {
  const on = state.order.value === by
  return (
    <div
      role="columnheader"
      class={name}
      aria-sort={on ? (state.descending.value ? "descending" : "ascending") : "none"}
    >
      <button
        type="button"
        onClick={() => {
          state.descending.value = on ? !state.descending.value : by === "now" || by === "wanted" || by === "scaled"
          state.order.value = by
        }}
      >
        {children}
        <i aria-hidden="true">{on ? (state.descending.value ? "↓" : "↑") : ""}</i>
      </button>
    </div>
  )
}

const Empty = () => {
  if (state.rows.value.size > 0) {
    return (
      <div class="empty">
        <h2>Nothing matches</h2>
        <p>{plural(state.rows.value.size, "policy", "policies")} are hidden by the search and the filters.</p>
        <button
          type="button"
          onClick={() => {
            state.search.value = ""
            state.show.value = "all"
            state.kind.value = ""
          }}
        >
          Show all
        </button>
      </div>
    )
  }
  const fleet = state.fleet.value
  if (fleet === undefined) {
    return (
      <div class="empty">
        {state.link.value._tag === "Lost" ? <h2>No operator answers</h2> : <h2>Reading the fleet…</h2>}
      </div>
    )
  }
  const { holder, leading } = fleet.leadership
  if (!leading) {
    return (
      <div class="empty">
        <h2>This operator is a standby</h2>
        <p>
          {holder === undefined ? "Nobody leads at the moment." : <>{holder} leads, and its page shows the policies.</>}
        </p>
        {holder !== undefined && (
          <code>kubectl -n nimbusguard port-forward pod/{holder.replace(/_.*$/u, "")} 8082</code>
        )}
      </div>
    )
  }
  return (
    <div class="empty">
      <h2>{fleet.waitingFor.length > 0 ? "Starting" : "No policies yet"}</h2>
      {fleet.waitingFor.length > 0 ? (
        <p>Waiting for: {fleet.waitingFor.join(", ")}.</p>
      ) : (
        <>
          <p>Apply one, and it appears here with its first look.</p>
          <code>kubectl apply -k manifests/examples/http-service</code>
        </>
      )}
    </div>
  )
}

export const FleetPage = () => {
  const box = useRef<HTMLDivElement>(null)
  const top = useSignal(0)
  const height = useSignal(800)
  const chosen = useSignal(-1)
  const isNarrow = useSignal(narrow.matches)
  const pixels = isNarrow.value ? ROW_PIXELS_NARROW : ROW_PIXELS
  const list = state.shown.value

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const measure = () => {
      height.value = element.clientHeight
      isNarrow.value = narrow.matches
    }
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    measure()
    return () => observer.disconnect()
  }, [])

  const move = (to: number) => {
    const last = state.shown.value.length - 1
    chosen.value = Math.max(0, Math.min(last, to))
    const element = box.current
    if (element === null) return
    const at = chosen.value * pixels
    const view = element.clientHeight - pixels
    if (at < element.scrollTop) element.scrollTop = at
    else if (at > element.scrollTop + view - pixels) element.scrollTop = at - view + pixels
  }

  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return
      if (event.ctrlKey || event.metaKey || event.altKey) return
      const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / pixels) - 2)
      const steps: Readonly<Record<string, number>> = {
        j: 1,
        ArrowDown: 1,
        k: -1,
        ArrowUp: -1,
        PageDown: page,
        PageUp: -page
      }
      const step = steps[event.key]
      const to =
        event.key === "Home"
          ? 0
          : event.key === "End"
            ? Number.MAX_SAFE_INTEGER
            : step === undefined
              ? undefined
              : chosen.value + step
      if (to !== undefined) {
        event.preventDefault()
        move(to)
      } else if (
        event.key === "Enter" &&
        !(event.target instanceof HTMLAnchorElement || event.target instanceof HTMLButtonElement)
      ) {
        const row = state.shown.value[chosen.value]
        if (row !== undefined) location.hash = policyHref(row)
      }
    }
    addEventListener("keydown", key)
    return () => removeEventListener("keydown", key)
  }, [pixels])

  const first = Math.max(0, Math.floor(top.value / pixels) - OVERSCAN)
  const count = Math.ceil(height.value / pixels) + 2 * OVERSCAN
  return (
    <main class="fleet">
      <h1 class="hidden">Fleet</h1>
      <Toolbar />
      <div
        class="table"
        role="table"
        aria-label="Policies"
        aria-rowcount={list.length + 1}
        tabIndex={0}
        ref={box}
        onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
      >
        <div role="rowgroup" class="head-group">
          <div role="row" class="head" aria-rowindex={1}>
            <Head by="name" class="c-name">
              Policy
            </Head>
            <Head by="urgency" class="c-phase">
              Phase
            </Head>
            <Head by="now" class="c-replicas num">
              Replicas
            </Head>
            <div role="columnheader" class="c-spark">
              <span class="hidden">Replicas lately</span>
            </div>
            <div role="columnheader" class="c-signal num">
              Signal
            </div>
            <div role="columnheader" class="c-spark2">
              <span class="hidden">Signal lately</span>
            </div>
            <div role="columnheader" class="c-why">
              Last decision
            </div>
            <Head by="scaled" class="c-when num">
              Scaled
            </Head>
          </div>
        </div>
        {list.length > 0 && (
          <div role="rowgroup" class="rows" style={{ height: `${list.length * pixels}px` }}>
            {list.slice(first, first + count).map((row, index) => (
              <FleetRow
                key={row.uid}
                row={row}
                index={first + index}
                top={(first + index) * pixels}
                chosen={first + index === chosen.value}
                now={state.now.value}
              />
            ))}
          </div>
        )}
      </div>
      {list.length === 0 && <Empty />}
    </main>
  )
}
