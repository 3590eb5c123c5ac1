/** A course as a line the height of a word: its shape, for comparing many; the numbers stand beside it. */
interface SparkProps {
  readonly values: ReadonlyArray<number | null>
  readonly label: string
  readonly steps?: boolean
}

const WIDTH = 72
const HEIGHT = 22
const PAD = 2

const pathOf = (values: ReadonlyArray<number | null>, steps: boolean): string => {
  const known = values.filter((value) => value !== null)
  const low = Math.min(...known)
  const high = Math.max(...known)
  const spread = high - low
  const x = (index: number) => ((index / Math.max(1, values.length - 1)) * (WIDTH - 2 * PAD) + PAD).toFixed(1)
  const y = (value: number) =>
    (spread === 0 ? HEIGHT / 2 : HEIGHT - PAD - ((value - low) / spread) * (HEIGHT - 2 * PAD)).toFixed(1)
  let path = ""
  let before: number | null = null
  values.forEach((value, index) => {
    if (value !== null) {
      if (before === null) path += `M${x(index)} ${y(value)}`
      else path += steps ? `H${x(index)}V${y(value)}` : `L${x(index)} ${y(value)}`
    }
    before = value
  })
  return path
}

export const Spark = ({ label, steps = false, values }: SparkProps) => {
  const known = values.filter((value) => value !== null).length
  if (known < 2) return <span class="spark none" />
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <path d={pathOf(values, steps)} />
    </svg>
  )
}
