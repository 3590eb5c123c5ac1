/**
 * The HorizontalPodAutoscaler of Kubernetes 1.36 as one plain imperative object, written from its published rules and
 * from measurements of the real controller, with nothing of the product in it. docs/HPA.md lists where the product
 * means to differ; only the first of those differences (surge pods) is built in here, behind a switch.
 */

export interface HpaRules {
  window: number
  select: "Max" | "Min" | "Disabled"
  policies: Array<{ type: "Pods" | "Percent"; value: number; period: number }>
}

export interface HpaSpec {
  min: number
  max: number
  toleranceUp: number
  toleranceDown: number
  /** Undefined: an object without behavior. */
  behavior: { up: HpaRules; down: HpaRules } | undefined
  legacyWindow: number
}

export interface HpaPod {
  name: string
  phase: string
  deleting: boolean
  ready: "True" | "False" | undefined
  transition: number
  start: number | undefined
  request: number | undefined
  usage: number | undefined
  stamp: number
  window: number
}

export type HpaMetric =
  | { type: "Value" | "AverageValue"; target: number; milli: number | "failed" }
  | { type: "Pods"; kind: "Utilization" | "Average"; cpu: boolean; target: number; pods: Array<HpaPod> | "failed" }

export interface HpaTick {
  now: number
  spec: number
  status: number
  ready: number
  metrics: Array<HpaMetric>
}

const INT32 = 2147483647

export class Hpa {
  spec: HpaSpec
  history: Array<{ value: number; time: number }> | undefined
  added: Array<{ count: number; time: number; stale: boolean }> = []
  removed: Array<{ count: number; time: number; stale: boolean }> = []

  constructor(spec: HpaSpec) {
    this.spec = spec
  }

  tick(tick: HpaTick): number {
    const desired = this.compute(tick)
    if (desired !== tick.spec) this.store(tick.spec, desired, tick.now)
    return desired
  }

  compute(tick: HpaTick): number {
    const { min, max } = this.spec
    if (this.history === undefined) this.history = [{ value: tick.spec, time: tick.now }]
    if (tick.spec === 0) return 0
    if (tick.spec > max) return max
    if (tick.spec < min) return min

    let replicas = 0
    let failures = 0
    for (const metric of tick.metrics) {
      const proposal = this.propose(metric, tick)
      if (proposal === undefined) failures++
      else if (replicas === 0 || proposal > replicas) replicas = proposal
    }
    if (failures === tick.metrics.length) return tick.spec
    if (failures > 0 && replicas < tick.spec) return tick.spec
    const raw = replicas > 0 ? replicas : 0
    return this.spec.behavior === undefined ? this.legacy(raw, tick) : this.behave(raw, tick)
  }

  near(ratio: number): boolean {
    return ratio >= 1 - this.spec.toleranceDown && ratio <= 1 + this.spec.toleranceUp
  }

  propose(metric: HpaMetric, tick: HpaTick): number | undefined {
    if (metric.type === "Pods")
      return metric.pods === "failed" ? undefined : this.proposePods(metric, metric.pods, tick)
    if (metric.milli === "failed") return undefined
    if (metric.type === "Value") {
      const ratio = metric.milli / metric.target
      if (this.near(ratio)) return tick.spec
      if (tick.status === 0) return undefined
      const count = ratio * tick.ready
      return count > INT32 ? INT32 : Math.ceil(count)
    }
    const ratio = metric.milli / (metric.target * tick.status)
    if (this.near(ratio)) return tick.spec // the controller itself answers tick.status: the surge bug
    const count = Math.ceil(metric.milli / metric.target)
    return count > INT32 ? INT32 : count
  }

  proposePods(metric: HpaMetric & { type: "Pods" }, pods: Array<HpaPod>, tick: HpaTick): number | undefined {
    if (pods.length === 0) return undefined
    const samples = new Map<string, number>()
    for (const pod of pods) if (pod.usage !== undefined) samples.set(pod.name, pod.usage)
    const unready = new Set<string>()
    const missing = new Set<string>()
    const ignored = new Set<string>()
    let readyCount = 0
    for (const pod of pods) {
      if (pod.deleting || pod.phase === "Failed") {
        ignored.add(pod.name)
        continue
      }
      if (pod.phase === "Pending") {
        unready.add(pod.name)
        continue
      }
      if (!samples.has(pod.name)) {
        missing.add(pod.name)
        continue
      }
      if (metric.cpu) {
        let out: boolean
        if (pod.ready === undefined || pod.start === undefined) out = true
        else if (pod.start + 300_000 > tick.now) out = pod.ready === "False" || pod.stamp < pod.transition + pod.window
        else out = pod.ready === "False" && pod.start + 30_000 > pod.transition
        if (out) {
          unready.add(pod.name)
          continue
        }
      }
      readyCount++
    }
    for (const name of ignored) samples.delete(name)
    for (const name of unready) samples.delete(name)
    if (samples.size === 0) return undefined
    const requests = new Map<string, number>()
    if (metric.kind === "Utilization") {
      for (const pod of pods) {
        if (pod.request === undefined) return undefined
        requests.set(pod.name, pod.request)
      }
    }
    const measure = (): number | undefined => {
      let used = 0
      let asked = 0
      for (const [name, value] of samples) {
        used += value
        asked += requests.get(name) ?? 0
      }
      if (metric.kind === "Average") return Math.floor(used / samples.size) / metric.target
      if (asked === 0) return undefined
      return Math.floor((used * 100) / asked) / metric.target
    }
    const ratio = measure()
    if (ratio === undefined) return undefined
    const dilute = unready.size > 0 && ratio > 1
    if (!dilute && missing.size === 0) return this.near(ratio) ? tick.spec : Math.ceil(ratio * readyCount)
    if (ratio < 1) {
      for (const name of missing) {
        const full = Math.floor(((requests.get(name) ?? 0) * Math.max(100, metric.target)) / 100)
        samples.set(name, metric.kind === "Average" ? metric.target : full)
      }
    } else if (ratio > 1) {
      for (const name of missing) samples.set(name, 0)
    }
    if (dilute) for (const name of unready) samples.set(name, 0)
    const again = measure()
    if (again === undefined) return undefined
    if (this.near(again)) return tick.spec
    if (ratio < 1 && again > 1) return tick.spec
    if (ratio > 1 && again < 1) return tick.spec
    const count = Math.ceil(again * samples.size)
    if (again < 1 && count > tick.spec) return tick.spec
    if (again > 1 && count < tick.spec) return tick.spec
    return count
  }

  legacy(raw: number, tick: HpaTick): number {
    const cutoff = tick.now - this.spec.legacyWindow
    let most = raw
    let slot = -1
    const history = this.history ?? []
    history.forEach((entry, index) => {
      if (entry.time < cutoff) slot = index
      else if (entry.value > most) most = entry.value
    })
    if (slot >= 0) history[slot] = { value: raw, time: tick.now }
    else history.push({ value: raw, time: tick.now })
    const ceiling = Math.min(this.spec.max, Math.max(2 * tick.spec, 4))
    if (most < this.spec.min) return this.spec.min
    return most > ceiling ? ceiling : most
  }

  behave(raw: number, tick: HpaTick): number {
    const { behavior, max, min } = this.spec
    if (behavior === undefined) throw new Error("no behavior")
    const upCutoff = tick.now - behavior.up.window
    const downCutoff = tick.now - behavior.down.window
    let low = raw
    let high = raw
    let slot = -1
    const history = this.history ?? []
    history.forEach((entry, index) => {
      if (entry.time > upCutoff && entry.value < low) low = entry.value
      if (entry.time > downCutoff && entry.value > high) high = entry.value
      if (entry.time < upCutoff && entry.time < downCutoff) slot = index
    })
    if (slot >= 0) history[slot] = { value: raw, time: tick.now }
    else history.push({ value: raw, time: tick.now })
    let wanted = tick.spec
    if (wanted < low) wanted = low
    if (wanted > high) wanted = high

    if (wanted > tick.spec) {
      let limit = this.limit(behavior.up, "up", tick)
      if (limit < tick.spec) limit = tick.spec
      const most = Math.min(max, limit)
      return wanted > most ? most : wanted
    }
    if (wanted < tick.spec) {
      let limit = this.limit(behavior.down, "down", tick)
      if (limit > tick.spec) limit = tick.spec
      const least = Math.max(min, limit)
      return wanted < least ? least : wanted
    }
    return wanted
  }

  limit(rules: HpaRules, way: "up" | "down", tick: HpaTick): number {
    if (rules.select === "Disabled") return tick.spec
    const limits = rules.policies.map(({ period, type, value }) => {
      const cutoff = tick.now - period
      let start = tick.spec
      for (const event of this.added) if (event.time > cutoff) start -= event.count
      for (const event of this.removed) if (event.time > cutoff) start += event.count
      if (way === "up") return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100))
      return type === "Pods" ? start - value : Math.trunc(start * (1 - value / 100))
    })
    const largestChange = rules.select === "Max"
    return largestChange === (way === "up") ? Math.max(...limits) : Math.min(...limits)
  }

  store(from: number, to: number, now: number): void {
    const { behavior } = this.spec
    if (behavior === undefined) return
    const events = to > from ? this.added : this.removed
    const rules = to > from ? behavior.up : behavior.down
    const longest = Math.max(...rules.policies.map(({ period }) => period))
    let slot = -1
    events.forEach((event, index) => {
      if (event.time < now - longest) event.stale = true
      if (event.stale) slot = index
    })
    const event = { count: Math.abs(to - from), time: now, stale: false }
    if (slot >= 0) events[slot] = event
    else events.push(event)
  }
}
