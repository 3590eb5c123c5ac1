/** A time chart: uPlot inside a box that it follows in size and theme. What is drawn is chartOptions.ts's to say. */
import { useEffect, useRef } from "preact/hooks"
import uPlot from "uplot"
import { theme } from "./theme.ts"

export interface ChartProps {
  readonly label: string
  readonly height: number
  readonly data: uPlot.AlignedData
  readonly options: (colors: Colors) => Omit<uPlot.Options, "width" | "height">
  /** Changes when the options mean something else: the chart is then made anew. */
  readonly shape: string
}

export interface Colors {
  readonly text: string
  readonly dim: string
  readonly line: string
  readonly accent: string
  readonly soft: string
  readonly other: string
  readonly warn: string
  readonly bad: string
}

const colorsOf = (element: Element): Colors => {
  const style = getComputedStyle(element)
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    text: color("text"),
    dim: color("dim"),
    line: color("line"),
    accent: color("accent"),
    soft: color("soft"),
    other: color("other"),
    warn: color("warn"),
    bad: color("bad")
  }
}

export const Chart = ({ data, height, label, options, shape }: ChartProps) => {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(undefined)
  const worn = theme.value

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const made = new uPlot({ ...options(colorsOf(element)), width: element.clientWidth, height }, data, element)
    chart.current = made
    made.setLegend({ idx: data[0].length - 1 }, false)
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [worn, shape, height])

  useEffect(() => {
    chart.current?.setData(data)
    chart.current?.setLegend({ idx: data[0].length - 1 }, false)
  }, [data])

  return <div class="chart" role="img" aria-label={label} ref={box} />
}
