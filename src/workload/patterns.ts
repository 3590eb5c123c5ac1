/**
 * Traffic by name, as a function of time: 1 is the usual rate. Each has knobs with defaults, and a seed for what it
 * leaves to chance. One more pattern is one more entry here.
 */
import { type Dice, dice } from "./Dice.ts"
import type { Seed } from "./words.ts"

/** What is to be expected in a second, from 0 on. */
export type Traffic = (second: number) => number

export interface Knob {
  readonly usual: number
  readonly says: string
}

export interface Pattern {
  readonly says: string
  readonly knobs: Readonly<Record<string, Knob>>
  readonly traffic: (knobs: Readonly<Record<string, number>>, seed: Seed) => Traffic
}

const NOISE: Knob = { usual: 0.04, says: "deviation of the rate from one half minute to the next, as a share of it" }
const NOISE_SECONDS = 30

const pattern = <Name extends string>(
  says: string,
  knobs: Readonly<Record<Name, Knob>>,
  level: (knob: Readonly<Record<Name, number>>, dice: Dice) => Traffic
): Pattern => {
  const all = { noise: NOISE, ...knobs }
  const names = Object.keys(knobs).filter((name): name is Name => name in knobs)
  return {
    says,
    knobs: all,
    traffic: (given, seed) => {
      const chosen = Object.fromEntries(names.map((name) => [name, given[name] ?? knobs[name].usual]))
      const thrown = dice(seed)
      const noise = given["noise"] ?? all.noise.usual
      const at = level(chosen as Record<Name, number>, thrown)
      return (second) => Math.max(0, at(second) * (1 + noise * thrown.wave(second, NOISE_SECONDS, 900)))
    }
  }
}

const seconds = (usual: number, says: string): Knob => ({ usual, says: `${says}, in seconds` })
const times = (usual: number, says: string): Knob => ({ usual, says: `${says}, in times the usual rate` })

/** What one event adds at so many seconds after its begin. */
type Event = (since: number, size: number) => number

/** One event per period, at a moment of chance, and of a size that differs by half. */
const events = (dice: Dice, every: number, salt: number, event: Event): Traffic => {
  const begin = (period: number) => (period + 0.1 + 0.6 * dice.at(period, salt)) * every
  return (second) => {
    const period = Math.floor(second / every)
    let sum = 0
    // An event may outlast its period.
    for (let past = Math.max(0, period - 2); past <= period; past++) {
      const since = second - begin(past)
      if (since >= 0) sum += event(since, 0.6 + 0.8 * dice.at(past, salt + 1))
    }
    return sum
  }
}

const DAY = seconds(86_400, "length of a day; shorter ones fit more of them into a run")

const daily = (second: number, day: number, low: number): number => {
  const part = (second % day) / day
  // A second, smaller wave makes the evening differ from the morning.
  const wave = 0.5 - 0.5 * Math.cos(2 * Math.PI * part) + 0.12 * Math.sin(4 * Math.PI * part)
  return low + (1.5 - low) * Math.max(0, wave)
}

export const PATTERNS: Readonly<Record<string, Pattern>> = {
  steady: pattern("the same all the time", {}, () => () => 1),
  noise: pattern(
    "wanders without a pattern",
    { deviation: times(0.35, "how far"), scale: seconds(600, "how slowly") },
    ({ deviation, scale }, { wave }) =>
      (second) =>
        Math.exp(
          deviation * (wave(second, scale, 1) + 0.6 * wave(second, scale / 5, 2) + 0.3 * wave(second, scale / 20, 3))
        )
  ),
  ramp: pattern(
    "rises and falls in straight lines",
    { low: times(0.4, "lowest"), high: times(1.8, "highest"), rise: seconds(2_700, "from low to high") },
    ({ high, low, rise }) =>
      (second) => {
        const part = (second / rise) % 2
        return low + (high - low) * (part < 1 ? part : 2 - part)
      }
  ),
  growth: pattern(
    "doubles again and again, then is over",
    { doubling: seconds(900, "time to double"), high: times(6, "where it ends"), rest: seconds(1_800, "pause") },
    ({ doubling, high, rest }) => {
      const grows = doubling * Math.log2(Math.max(2, high / 0.4))
      return (second) => 0.4 * 2 ** (Math.max(0, (second % (grows + rest)) - rest) / doubling)
    }
  ),
  step: pattern(
    "jumps to another level now and then, and stays",
    { low: times(0.4, "lowest"), high: times(2.2, "highest"), every: seconds(1_500, "time between jumps") },
    ({ every, high, low }, { at }) =>
      (second) => {
        const period = Math.floor(second / every)
        const jumped = second / every - period >= 0.5 * at(period, 1)
        return low + (high - low) * at(jumped ? period : period - 1, 2)
      }
  ),
  spike: pattern(
    "sudden peaks that fade",
    {
      height: times(4, "size"),
      every: seconds(2_700, "time between peaks"),
      rise: seconds(20, "rise"),
      fade: seconds(240, "time to fade to a third")
    },
    ({ every, fade, height, rise }, dice) => {
      const peaks = events(
        dice,
        every,
        11,
        (since, size) => size * height * (1 - Math.exp(-since / rise)) * Math.exp(-since / fade)
      )
      return (second) => 0.8 + peaks(second)
    }
  ),
  flash: pattern(
    "crowds that come within minutes and stay for a while",
    {
      height: times(2.5, "size"),
      every: seconds(5_400, "time between crowds"),
      rise: seconds(120, "rise"),
      stay: seconds(900, "stay")
    },
    ({ every, height, rise, stay }, dice) => {
      const crowds = events(
        dice,
        every,
        21,
        (since, size) =>
          size *
          height *
          (since < rise ? since / rise : since < rise + stay ? 1 : Math.exp(-(since - rise - stay) / (stay / 2)))
      )
      return (second) => 0.7 + crowds(second)
    }
  ),
  burst: pattern(
    "short bursts, shorter than a pod takes to start",
    { height: times(2, "size"), every: seconds(300, "time between bursts"), last: seconds(20, "length") },
    ({ every, height, last }, dice) => {
      const bursts = events(dice, every, 31, (since, size) => (since < last * (0.5 + size) ? size * height : 0))
      return (second) => 0.8 + bursts(second)
    }
  ),
  hourly: pattern(
    "jobs that begin at the full hour",
    { height: times(2.5, "size"), every: seconds(3_600, "time between jobs"), last: seconds(400, "length") },
    ({ every, height, last }, { at }) =>
      (second) => {
        const since = second % every
        const size = height * (0.8 + 0.4 * at(Math.floor(second / every), 1))
        return 0.8 + (second >= every && since < last ? size * Math.min(1, since / 15) : 0)
      }
  ),
  diurnal: pattern(
    "day and night",
    { day: DAY, low: times(0.25, "at night"), wander: times(0.08, "how much days differ") },
    ({ day, low, wander }, { wave }) =>
      (second) =>
        daily(second, day, low) * (1 + wander * wave(second, day / 24, 1))
  ),
  week: pattern(
    "workdays and weekends",
    { day: DAY, low: times(0.15, "at night"), weekend: times(0.4, "at the weekend") },
    ({ day, low, weekend }, { wave }) =>
      (second) =>
        daily(second, day, low) *
        (Math.floor(second / day) % 7 >= 5 ? weekend : 1) *
        (1 + 0.08 * wave(second, day / 24, 1))
  ),
  onoff: pattern(
    "nothing at all between times of work",
    { height: times(2, "size"), on: seconds(600, "time of work"), off: seconds(1_200, "time of nothing") },
    ({ height, off, on }, { at }) =>
      (second) => {
        const period = Math.floor(second / (on + off))
        const since = second - period * (on + off) - off * (0.4 + 0.6 * at(period, 1))
        return since >= 0 && since < on * (0.5 + 0.5 * at(period, 2)) ? height * (0.4 + 0.6 * at(period, 3)) : 0
      }
  ),
  outage: pattern(
    "callers vanish for a while, and come back all at once with what they could not do",
    {
      every: seconds(5_400, "time between outages"),
      last: seconds(300, "length"),
      surplus: times(1.5, "at the return")
    },
    ({ every, last, surplus }, dice) => {
      const change = events(dice, every, 41, (since) =>
        since < last ? -1 : surplus * Math.exp(-(since - last) / Math.max(1, last / 2))
      )
      return (second) => 1 + change(second)
    }
  )
}
