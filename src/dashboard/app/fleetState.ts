/**
 * The fleet as this page knows it, and how it knows: read once, then kept up by the stream. When the operator goes away
 * the page keeps what it had, says since when, and reads everything anew from whoever answers next.
 */
import { computed, signal } from "@preact/signals"
import type { Change, Fleet, Row } from "../api/shapes.ts"
import { ask, words } from "./ask.ts"

export type Link =
  | { readonly _tag: "Connecting" }
  | { readonly _tag: "Live" }
  /** Nothing has been heard since. */
  | { readonly _tag: "Lost"; readonly since: number; readonly why: string }

/** The stream says something every 10 s, if only that it lives. */
const SILENCE_MILLIS = 25_000
const RETRY_MILLIS = 2_000

export const link = signal<Link>({ _tag: "Connecting" })
/** Absent: nothing has been read yet. */
export const fleet = signal<Omit<Fleet, "rows" | "cursor"> | undefined>(undefined)
export const rows = signal<ReadonlyMap<string, Row>>(new Map())
/** By the operator's clock: a browser's may be off by minutes. */
export const now = signal(Date.now())

let offset = 0
let heardAt = 0
let source: EventSource | undefined
let retrying: ReturnType<typeof setTimeout> | undefined

const heard = (at: number): void => {
  offset = at - Date.now()
  heardAt = Date.now()
  now.value = at
  if (link.value._tag !== "Live") link.value = { _tag: "Live" }
}

const lost = (why: string): void => {
  if (link.value._tag !== "Lost") {
    link.value = { _tag: "Lost", since: heardAt === 0 ? Date.now() + offset : heardAt + offset, why }
  }
}

const took = ({ at, gone, rows: changed, ...standing }: Change): void => {
  if (changed.length + gone.length > 0) {
    const next = new Map(rows.value)
    for (const row of changed) next.set(row.uid, row)
    for (const uid of gone) next.delete(uid)
    rows.value = next
  }
  if (fleet.value !== undefined) fleet.value = { ...fleet.value, ...standing, at }
  heard(at)
}

const listen = (cursor: string): void => {
  source?.close()
  const opened = new EventSource(`/api/v1/stream?after=${encodeURIComponent(cursor)}`)
  source = opened
  opened.addEventListener("change", (event: MessageEvent<string>) => took(JSON.parse(event.data) as Change))
  opened.addEventListener("reset", () => start())
  opened.addEventListener("error", () => {
    lost("The connection to the operator was lost.")
    // A browser that was answered with anything but a stream does not try again by itself.
    if (opened.readyState === EventSource.CLOSED) later()
  })
}

const later = (): void => {
  clearTimeout(retrying)
  retrying = setTimeout(start, RETRY_MILLIS)
}

export const start = (): void => {
  clearTimeout(retrying)
  source?.close()
  ask<Fleet>("/fleet").then(
    ({ cursor, rows: all, ...rest }) => {
      rows.value = new Map(all.map((row) => [row.uid, row]))
      fleet.value = rest
      heard(rest.at)
      listen(cursor)
    },
    (error: unknown) => {
      lost(words(error))
      later()
    }
  )
}

export const keepTime = (): void => {
  setInterval(() => {
    now.value = Date.now() + offset
    if (link.value._tag === "Live" && Date.now() - heardAt > SILENCE_MILLIS) {
      lost("The operator has gone silent.")
      start()
    }
  }, 1_000)
}

const URGENCY: Readonly<Record<string, number>> = { Error: 0, Paused: 1, Initializing: 2, Learning: 3, Active: 4 }

export type Order = "urgency" | "name" | "now" | "wanted" | "scaled"
export type Show = "all" | "attention" | "Error" | "Paused" | "Learning" | "Initializing" | "Active"

export const search = signal("")
export const show = signal<Show>("all")
export const kind = signal("")
export const order = signal<Order>("urgency")
export const descending = signal(false)

/** A limit that comes and goes is no trouble: rows would jump with every cooldown. */
const troubles = ({ wrong }: Row): number => wrong.filter(({ type }) => type !== "ScalingLimited").length

export const needsAttention = (row: Row): boolean => row.phase === "Error" || troubles(row) > 0

const matches = (row: Row, terms: ReadonlyArray<string>): boolean => {
  if (terms.length === 0) return true
  const text = [row.namespace, row.name, row.kind, row.phase, ...row.targets, row.reason ?? "", row.engine ?? ""]
    .join("\n")
    .toLowerCase()
  return terms.every((term) => text.includes(term))
}

const isShown = (row: Row, which: Show): boolean =>
  which === "all" || (which === "attention" ? needsAttention(row) : row.phase === which)

const byName = (left: Row, right: Row): number =>
  left.namespace < right.namespace
    ? -1
    : left.namespace > right.namespace
      ? 1
      : left.name < right.name
        ? -1
        : left.name > right.name
          ? 1
          : 0

/** What is not known comes last, whichever way it goes. */
const byNumber =
  (of: (row: Row) => number | undefined, way: 1 | -1) =>
  (left: Row, right: Row): number => {
    const a = of(left)
    const b = of(right)
    if (a === undefined || b === undefined) return a === b ? byName(left, right) : a === undefined ? 1 : -1
    return (a - b) * way || byName(left, right)
  }

const comparing = (by: Order, way: 1 | -1): ((left: Row, right: Row) => number) => {
  switch (by) {
    case "name":
      return (left, right) => byName(left, right) * way
    case "now":
      return byNumber((row) => row.now, way)
    case "wanted":
      return byNumber((row) => row.wanted, way)
    case "scaled":
      return byNumber((row) => (row.scaledAt === undefined ? undefined : Date.parse(row.scaledAt)), way)
    case "urgency":
      return (left, right) =>
        ((URGENCY[left.phase] ?? 9) - (URGENCY[right.phase] ?? 9) || troubles(right) - troubles(left)) * way ||
        byName(left, right)
  }
}

/** Those that the search and the kind leave, of every phase: what the counts are of. */
const found = computed(() => {
  const terms = search.value.toLowerCase().split(/\s+/u).filter(Boolean)
  return [...rows.value.values()].filter((row) => (kind.value === "" || row.kind === kind.value) && matches(row, terms))
})

export const counts = computed(() => {
  const each = new Map<Show, number>([
    ["all", found.value.length],
    ["attention", found.value.filter(needsAttention).length]
  ])
  for (const { phase } of found.value) each.set(phase, (each.get(phase) ?? 0) + 1)
  return each
})

export const shown = computed(() =>
  found.value.filter((row) => isShown(row, show.value)).sort(comparing(order.value, descending.value ? -1 : 1))
)
