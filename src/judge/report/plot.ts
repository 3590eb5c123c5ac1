/** Plots as SVG text: lines, areas and marks over time, and points in a plane. Colours are the page's. */

const WIDTH = 960
const LEFT = 54
const RIGHT = 8
const TOP = 8
const BOTTOM = 18
/** Room for half a label. */
const LABEL = 24

export interface Layer {
  readonly values: ReadonlyArray<number>
  readonly shape: "line" | "area" | "steps"
  /** A class of the page's style. */
  readonly colour: string
}

export interface TimePlot {
  readonly height: number
  readonly seconds: number
  readonly layers: ReadonlyArray<Layer>
  readonly unit: string
  /** A level that is not to be passed. */
  readonly limit?: number
  /** Points in which something was wrong. */
  readonly wrong?: ReadonlyArray<boolean>
  /** Above this the scale ends: what is off the scale is off anyway. */
  readonly most?: number
  /** Where the scale ends in any case, so that plots can be compared. */
  readonly top?: number
  readonly labelled?: boolean
}

const round = (value: number): string => String(Math.round(value * 10) / 10)

/** Four steps at most, of 1, 2 or 5. */
export const ticksOf = (most: number): ReadonlyArray<number> => {
  const rough = Math.max(most, 1e-9) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, index) => index * step)
}

const shownNumber = (value: number): string =>
  value >= 10_000 ? `${round(value / 1000)}k` : String(Number(value.toPrecision(3)))

/** Whole hours, or minutes where there are few. */
export const timeTicks = (seconds: number): ReadonlyArray<readonly [number, string]> => {
  const step =
    [300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 604_800].find((one) => seconds / one <= 12) ??
    604_800
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => {
    const at = index * step
    const label = step >= 86_400 ? `${at / 86_400} d` : step >= 3_600 ? `${at / 3_600} h` : `${at / 60} min`
    return [at, label] as const
  })
}

export const timePlot = (plot: TimePlot): string => {
  const { height, labelled = true, layers, limit, most, seconds, unit, wrong } = plot
  const points = Math.max(1, ...layers.map(({ values }) => values.length))
  const largest = layers.reduce((top, { values }) => values.reduce((a, b) => Math.max(a, b), top), limit ?? 0)
  const top = plot.top ?? Math.max(1e-9, Math.min(most ?? Infinity, largest * 1.05))
  const bottom = height - (labelled ? BOTTOM : 4)
  const x = (point: number) => LEFT + (point / points) * (WIDTH - LEFT - RIGHT)
  const y = (value: number) => bottom - (Math.min(value, top) / top) * (bottom - TOP)
  const grid = ticksOf(top).map(
    (tick) =>
      `<path class="grid" d="M${LEFT} ${round(y(tick))}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${round(y(tick) + 4)}" text-anchor="end">${shownNumber(tick)}</text>`
  )
  const times = labelled
    ? timeTicks(seconds * (1 - LABEL / WIDTH)).map(
        ([at, label]) =>
          `<text x="${round(x((at / seconds) * points))}" y="${height - 4}" text-anchor="middle">${label}</text>`
      )
    : []
  const drawn = layers.map(({ colour, shape, values }) => {
    const path = values
      .map((value, point) => {
        const to = `${round(x(point + (shape === "steps" ? 0 : 0.5)))} ${round(y(value))}`
        return point === 0 ? `M${to}` : shape === "steps" ? `H${to.split(" ")[0]}V${to.split(" ")[1]}` : `L${to}`
      })
      .join("")
    return shape === "area"
      ? `<path class="area ${colour}" d="${path}L${round(x(points - 0.5))} ${bottom}L${round(x(0.5))} ${bottom}Z"/>`
      : `<path class="line ${colour}" d="${path}${shape === "steps" ? `H${round(x(points))}` : ""}"/>`
  })
  const marks = stretches(wrong ?? []).map(
    ([from, to]) =>
      `<rect class="wrong" x="${round(x(from))}" y="${TOP}" width="${round(Math.max(1.5, x(to) - x(from)))}" height="${bottom - TOP}"/>`
  )
  const border = limit === undefined ? "" : `<path class="limit" d="M${LEFT} ${round(y(limit))}H${WIDTH - RIGHT}"/>`
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${unit} over time">${grid.join("")}${times.join("")}${marks.join("")}${drawn.join("")}${border}<text x="${LEFT + 6}" y="${TOP + 10}">${unit}</text></svg>`
}

const stretches = (wrong: ReadonlyArray<boolean>): ReadonlyArray<readonly [number, number]> => {
  const all: Array<readonly [number, number]> = []
  let from: number | undefined
  for (let point = 0; point <= wrong.length; point++) {
    if (wrong[point] === true) from ??= point
    else if (from !== undefined) {
      all.push([from, point])
      from = undefined
    }
  }
  return all
}

export interface Curve {
  readonly title: string
  readonly colour: string
  readonly points: ReadonlyArray<{ readonly violations: number; readonly podHours: number; readonly label: string }>
}

/** Bad answers by their logarithm against pods: down and to the left is better. */
export const planePlot = (curves: ReadonlyArray<Curve>, limit: number): string => {
  const height = 380
  const bottom = height - 34
  const all = curves.flatMap(({ points }) => points)
  const [low, high] = [1e-4, 0.5]
  const most = Math.min(4, Math.max(1.2, ...all.map(({ podHours }) => podHours)) * 1.03)
  const x = (share: number) =>
    LEFT + (Math.log(Math.min(high, Math.max(low, share)) / low) / Math.log(high / low)) * (WIDTH - LEFT - 120)
  const y = (over: number) => bottom - ((Math.min(most, over) - 0.8) / (most - 0.8)) * (bottom - TOP)
  const grid = [1, 1.2, 1.5, 2, 3, 4]
    .filter((over) => over <= most)
    .map(
      (over) =>
        `<path class="grid" d="M${LEFT} ${round(y(over))}H${WIDTH - 120}"/><text x="${LEFT - 6}" y="${round(y(over) + 4)}" text-anchor="end">${over}</text>`
    )
  const shares = [1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.5].map(
    (share) =>
      `<text x="${round(x(share))}" y="${bottom + 16}" text-anchor="middle">${Number((100 * share).toPrecision(2))} %</text>`
  )
  const drawn = curves.map(({ colour, points, title }) => {
    const sorted = points.toSorted((a, b) => a.violations - b.violations)
    const path = sorted.map(
      (one, index) => `${index === 0 ? "M" : "L"}${round(x(one.violations))} ${round(y(one.podHours))}`
    )
    const dots = sorted.map(
      (one) =>
        `<circle class="dot ${colour}" cx="${round(x(one.violations))}" cy="${round(y(one.podHours))}" r="4"><title>${title} ${one.label}: ${(100 * one.violations).toFixed(2)} % bad, ${one.podHours.toFixed(3)} x pods</title></circle>`
    )
    const last = sorted.at(-1)
    const name =
      last === undefined
        ? ""
        : `<text class="${colour}" x="${round(x(last.violations) + 8)}" y="${round(y(last.podHours) + 4)}">${title}</text>`
    return `<path class="line ${colour}" d="${path.join("")}"/>${dots.join("")}${name}`
  })
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Bad answers against pods"><path class="limit" d="M${round(x(limit))} ${TOP}V${bottom}"/>${grid.join("")}${shares.join("")}${drawn.join("")}<text x="${LEFT}" y="${height - 4}">bad answers, mean over the scenarios</text><text x="4" y="${TOP + 4}" class="unit">pod-hours over the reference</text></svg>`
}
