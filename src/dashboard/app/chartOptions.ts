/** What the charts draw: replicas as steps between their bounds, signals against what they are held at. */
import uPlot from "uplot"
import type { History, WhatIfAnswer } from "../api/shapes.ts"
import type { Colors } from "./Chart.tsx"
import { number } from "./words.ts"

type Options = Omit<uPlot.Options, "width" | "height">

export const seconds = (millis: ReadonlyArray<number>): Array<number> => millis.map((each) => each / 1000)

const stepped: Pick<uPlot.Series, "paths"> =
  uPlot.paths.stepped === undefined ? {} : { paths: uPlot.paths.stepped({ align: 1 }) }

const SYNC = "policy"
const FONT = "11px ui-sans-serif, system-ui, sans-serif"

const two = (count: number): string => String(count).padStart(2, "0")

const timeText = (at: number, step: number): string => {
  const date = new Date(at * 1000)
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`
  if (step >= 86_400) return day
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`
  return step < 60 ? `${time}:${two(date.getSeconds())}` : time
}

/** While nobody points at a moment the legend tells the latest. */
const restOnLatest = (chart: uPlot): void => {
  const [at] = chart.data
  if (chart.cursor.idx === null || chart.cursor.idx === undefined) chart.setLegend({ idx: at.length - 1 }, false)
}

const axes = ({ dim, line }: Colors, whole: boolean): Array<uPlot.Axis> => [
  {
    stroke: dim,
    font: FONT,
    size: 28,
    space: 64,
    grid: { show: false },
    ticks: { stroke: line, width: 1, size: 4 },
    values: (_, splits, __, ___, step) => splits.map((each) => timeText(each, step))
  },
  {
    stroke: dim,
    font: FONT,
    size: 52,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    ...(whole ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000] } : {}),
    values: (_, splits) => splits.map((each) => (each === null ? "" : number(each)))
  }
]

const time = (): uPlot.Series => ({
  label: "Time",
  value: (_, at) => (at === null ? "–" : timeText(at, 1))
})

const value = (_: uPlot, raw: number | null): string => number(raw)

/** Whole replicas want whole lines, from nothing up. */
const replicaScale = (_: uPlot, __: number | null, high: number | null): uPlot.Range.MinMax => [
  0,
  Math.ceil((high ?? 1) + 1)
]

const common = (colors: Colors, whole: boolean): Pick<Options, "axes" | "cursor" | "legend"> => ({
  axes: axes(colors, whole),
  legend: { live: true },
  cursor: { sync: { key: SYNC }, drag: { x: true, y: false }, points: { size: 6 } }
})

const MARKS: Readonly<Record<string, keyof Colors>> = {
  Scaled: "accent",
  Recovered: "accent",
  Refused: "bad",
  Unknown: "bad"
}

/** A triangle on the count that a decision came to: up, down, or what was not done. */
const drawMarks =
  (marks: History["marks"], colors: Colors) =>
  (chart: uPlot): void => {
    const { ctx } = chart
    const ratio = devicePixelRatio
    ctx.save()
    for (const { at, from, outcome, to } of marks) {
      const x = chart.valToPos(at / 1000, "x", true)
      const y = chart.valToPos(to, "y", true)
      const up = to > from ? 1 : -1
      const size = 4.5 * ratio
      ctx.beginPath()
      ctx.moveTo(x - size, y + size * up * 0.8)
      ctx.lineTo(x + size, y + size * up * 0.8)
      ctx.lineTo(x, y - size * up * 0.8)
      ctx.closePath()
      ctx.fillStyle = colors[MARKS[outcome] ?? "warn"]
      ctx.fill()
    }
    ctx.restore()
  }

export const replicaData = ({ at, current, desired, max, min, recommended }: History): uPlot.AlignedData => [
  seconds(at),
  [...current],
  [...desired],
  [...recommended],
  [...min],
  [...max]
]

export const replicaOptions =
  (history: History, onPick: (at: number) => void) =>
  (colors: Colors): Options => ({
    ...common(colors, true),
    scales: { y: { range: replicaScale } },
    series: [
      time(),
      {
        label: "Current",
        stroke: colors.accent,
        fill: colors.soft,
        width: 2,
        ...stepped,
        points: { show: false },
        value
      },
      { label: "Desired", stroke: colors.text, width: 1.25, dash: [5, 3], ...stepped, points: { show: false }, value },
      {
        label: "Recommended",
        stroke: colors.other,
        width: 1.25,
        dash: [2, 3],
        ...stepped,
        points: { show: false },
        value
      },
      { label: "Min", stroke: colors.dim, width: 1, ...stepped, points: { show: false }, value },
      { label: "Max", stroke: colors.dim, width: 1, ...stepped, points: { show: false }, value }
    ],
    hooks: {
      draw: [drawMarks(history.marks, colors)],
      setLegend: [restOnLatest],
      init: [
        (chart) => {
          chart.over.addEventListener("click", () => {
            const { idx } = chart.cursor
            const at = idx === null || idx === undefined ? undefined : history.at[idx]
            if (at !== undefined) onPick(at)
          })
        }
      ]
    }
  })

type Signal = History["signals"][number]

/** What a total is held at moves with the replicas: so much for each of them. */
const thresholdOf = (
  { target, values }: Signal,
  current: History["current"]
): ReadonlyArray<number | null> | undefined => {
  if (target === undefined) return undefined
  const held = target.type === "Utilization" ? target.milli : target.milli / 1000
  if (target.type !== "AverageValue") return values.map(() => held)
  return current.map((replicas) => (replicas === null || replicas === 0 ? null : held * replicas))
}

export const signalData = (signal: Signal, { at, current }: History): uPlot.AlignedData => {
  const threshold = thresholdOf(signal, current)
  return [seconds(at), [...signal.values], ...(threshold === undefined ? [] : [[...threshold]])]
}

export const signalOptions =
  (signal: Signal) =>
  (colors: Colors): Options => ({
    ...common(colors, false),
    hooks: { setLegend: [restOnLatest] },
    scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), ((high ?? 1) || 1) * 1.1] } },
    series: [
      time(),
      { label: signal.name, stroke: colors.text, width: 1.5, points: { show: false }, value },
      ...(signal.target === undefined
        ? []
        : [
            {
              label: signal.target.type === "AverageValue" ? "Target x replicas" : "Target",
              stroke: colors.warn,
              width: 1.25,
              dash: [5, 3],
              ...stepped,
              points: { show: false },
              value
            }
          ])
    ]
  })

export const whatIfData = ({ at, recorded, replicas }: WhatIfAnswer): uPlot.AlignedData => [
  seconds(at),
  [...recorded],
  [...replicas]
]

export const whatIfOptions = (colors: Colors): Options => ({
  ...common(colors, true),
  cursor: { drag: { x: true, y: false }, points: { size: 6 } },
  hooks: { setLegend: [restOnLatest] },
  scales: { y: { range: replicaScale } },
  series: [
    time(),
    { label: "As it was", stroke: colors.dim, width: 1.5, ...stepped, points: { show: false }, value },
    {
      label: "As it would have been",
      stroke: colors.accent,
      fill: colors.soft,
      width: 2,
      ...stepped,
      points: { show: false },
      value
    }
  ]
})
