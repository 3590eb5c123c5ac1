/**
 * What the bundled operator costs: how soon it is ready, how much memory it takes when idle and with a fleet, how much
 * processor time a tick needs at 100, 1,000 and 10,000 policies, and how late ticks are on one core. Times of machines
 * differ, so every figure has one beside it that was taken in the same run: a bare Node server, or the small fleet.
 *
 * BENCH_ROUNDS (3), BENCH_WINDOWS (3) and BENCH_SOURCES (prometheus,resource) make it shorter or longer; BENCH_BUNDLE
 * names the folder of another bundle to measure.
 */
import { loadavg } from "node:os"
import { Bench, placement, sleep, type Start, startBareNode } from "#test/bench/BenchOperator"
import {
  between,
  bucketsOf,
  cpuSecondsOf,
  peakMiB,
  quantileAtMost,
  residentMiB,
  type Sample,
  show,
  spreadOf,
  sumOf,
  waitedSecondsOf
} from "#test/bench/measured"
import type { StubCounts } from "#test/bench/StubApi"
import type { FleetOptions, Source } from "#test/bench/StubFleet"

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3)
const windows = Number(process.env["BENCH_WINDOWS"] ?? 3)
const sources = (process.env["BENCH_SOURCES"] ?? "prometheus,resource").split(",") as ReadonlyArray<Source>
const STARTS = 10
const IDLE_MILLIS = 20_000

/**
 * The goal's fleet ticks 667 times a second. 1,000 policies reach that at 1.5 s; 100 cannot at an interval that a
 * policy may have, so that they tick as often as they may, and what an idle operator costs is taken off everywhere.
 */
const FLEETS = [
  { policies: 100, intervalMillis: 1000, warmMillis: 40_000, windowMillis: 20_000 },
  { policies: 1000, intervalMillis: 1500, warmMillis: 40_000, windowMillis: 15_000 },
  { policies: 10_000, intervalMillis: 15_000, warmMillis: 60_000, windowMillis: 15_000 }
] as const

/** 1.5 of 100 ticks change replicas: two changes per wave. */
const SCALING_SHARE = 0.015
const waveMillis = (intervalMillis: number) => (2 * intervalMillis) / SCALING_SHARE

const LATENESS = "workqueue_queue_duration_seconds"

const line = (title: string, text: string) => console.log(`  ${title.padEnd(34)} ${text}`)
const fleetOf = (policies: number, intervalMillis: number, source: Source): FleetOptions => ({
  policies,
  intervalMillis,
  source,
  waveMillis: waveMillis(intervalMillis)
})

const bench = await Bench.open()
try {
  line("placement", placement)
  line("load average", loadavg()[0]?.toFixed(2) ?? "")
  await startToReady(bench)
  const idle = await idleOperator(bench)
  for (const source of sources) await costPerTick(bench, source, idle)
} finally {
  bench.close()
}

async function startToReady(bench: Bench) {
  const stub = await bench.stub(fleetOf(0, 15_000, "prometheus"))
  try {
    const bare: Array<Start> = []
    const ready: Array<Start> = []
    for (let start = 0; start < STARTS; start++) {
      bare.push(await startBareNode(bench.folder))
      const operator = await bench.operator(stub, { core: "any" })
      ready.push(operator.start)
      await operator.stop()
    }
    const wall = (starts: ReadonlyArray<Start>) => starts.map(({ wallMillis }) => wallMillis)
    const shown = (starts: ReadonlyArray<Start>) =>
      `${show(wall(starts), 0, "ms")}, ${show(
        starts.map(({ cpuMillis }) => cpuMillis),
        0,
        "ms of them computing"
      )}`
    line("start to ready (goal 400 ms)", shown(ready))
    line("a bare Node server", shown(bare))
    line("ratio", (spreadOf(wall(ready)).median / spreadOf(wall(bare)).median).toFixed(1))
  } finally {
    await stub.stop()
  }
}

/** No policies: its memory, and the processor time per second that everything but ticks takes. */
async function idleOperator(bench: Bench): Promise<number> {
  const stub = await bench.stub(fleetOf(0, 15_000, "prometheus"))
  try {
    const operator = await bench.operator(stub)
    await sleep(10_000)
    const memory: Array<number> = []
    const shares: Array<number> = []
    for (let window = 0; window < windows; window++) {
      const before = cpuSecondsOf(operator.pid)
      await sleep(IDLE_MILLIS)
      shares.push((cpuSecondsOf(operator.pid) - before) / (IDLE_MILLIS / 1000))
      memory.push(residentMiB(operator.pid))
    }
    line("idle memory (goal 100 MiB)", `${show(memory, 0, "MiB")}, at its peak ${peakMiB(operator.pid).toFixed(0)} MiB`)
    line(
      "idle processor time",
      show(
        shares.map((share) => share * 1000),
        1,
        "ms per second"
      )
    )
    await operator.stop()
    return spreadOf(shares).median
  } finally {
    await stub.stop()
  }
}

interface Window {
  readonly ticks: number
  readonly ticksPerSecond: number
  readonly microsPerTick: number
  readonly busy: number
  readonly waited: number
  readonly lateAtMost99: number
  readonly lateOverSecond: number
  readonly jitter99: number
  readonly jitterMax: number
  readonly scaledShare: number
  readonly statusWritesPerSecond: number
  readonly requestsPerTick: number
  readonly watchEventsPerTick: number
  readonly requests: Readonly<Record<string, number>>
}

interface Round {
  readonly policies: number
  readonly readyMillis: number
  readonly memory: number
  readonly peak: number
  readonly windows: ReadonlyArray<Window>
}

async function costPerTick(bench: Bench, source: Source, idleShare: number) {
  console.log(`\n  each policy with one ${source} signal; ${rounds} rounds of ${windows} windows`)
  const all: Array<Round> = []
  for (let round = 0; round < rounds; round++) {
    for (const fleet of FLEETS) all.push(await measure(bench, source, fleet, idleShare))
  }
  for (const { intervalMillis, policies } of FLEETS) report(policies, intervalMillis, all)
  const ofRound = (policies: number, index: number) => {
    const round = all.filter((each) => each.policies === policies)[index]
    return spreadOf((round?.windows ?? []).map(({ microsPerTick }) => microsPerTick)).median
  }
  for (const small of [100, 1000]) {
    const ratios = Array.from({ length: rounds }, (_, index) => ofRound(10_000, index) / ofRound(small, index))
    line(
      `10,000 : ${small.toLocaleString("en")}${small === 100 ? " (goal 1.3)" : ""}`,
      show(ratios, 2, "times the cost per tick")
    )
  }
}

async function measure(
  bench: Bench,
  source: Source,
  fleet: (typeof FLEETS)[number],
  idleShare: number
): Promise<Round> {
  const stub = await bench.stub(fleetOf(fleet.policies, fleet.intervalMillis, source))
  try {
    const operator = await bench.operator(stub)
    const { pid, start } = operator
    await sleep(fleet.warmMillis)
    const measured: Array<Window> = []
    const look = async () => {
      const [metrics, counts] = await Promise.all([operator.metrics(), stub.counts()])
      return { at: performance.now(), metrics, counts, cpu: cpuSecondsOf(pid), waited: waitedSecondsOf(pid) }
    }
    let before = await look()
    for (let window = 0; window < windows; window++) {
      await sleep(fleet.windowMillis)
      const after = await look()
      measured.push(windowOf(before, after, idleShare))
      before = after
    }
    const round = {
      policies: fleet.policies,
      readyMillis: start.wallMillis,
      memory: residentMiB(pid),
      peak: peakMiB(pid),
      windows: measured
    }
    await operator.stop()
    return round
  } finally {
    await stub.stop()
  }
}

interface Look {
  readonly at: number
  readonly metrics: ReadonlyArray<Sample>
  readonly counts: StubCounts
  readonly cpu: number
  readonly waited: number
}

function windowOf(before: Look, after: Look, idleShare: number): Window {
  const seconds = (after.at - before.at) / 1000
  const grown = (name: string) => sumOf(after.metrics, name) - sumOf(before.metrics, name)
  const ticks = grown("nimbusguard_workflows_total")
  const cpu = after.cpu - before.cpu
  const late = between(bucketsOf(before.metrics, LATENESS), bucketsOf(after.metrics, LATENESS))
  const total = late.at(-1)?.count ?? 0
  const inTime = late.find(({ upTo }) => upTo === 1)?.count ?? 0
  const requests = Object.fromEntries(
    Object.entries(after.counts.requests)
      .map(([what, count]) => [what, count - (before.counts.requests[what] ?? 0)] as const)
      .filter(([, count]) => count > 0)
  )
  const asked = Object.values(requests).reduce((sum, count) => sum + count, 0)
  return {
    ticks,
    ticksPerSecond: ticks / seconds,
    microsPerTick: ((cpu - idleShare * seconds) / ticks) * 1e6,
    busy: cpu / seconds,
    waited: (after.waited - before.waited) / seconds,
    lateAtMost99: quantileAtMost(late, 0.99),
    lateOverSecond: total === 0 ? Number.NaN : (total - inTime) / total,
    jitter99: after.counts.jitterMillis.p99,
    jitterMax: after.counts.jitterMillis.max,
    scaledShare: grown("nimbusguard_scaling_actions_total") / ticks,
    statusWritesPerSecond: (requests["PATCH scalingpolicies/status"] ?? 0) / seconds,
    requestsPerTick: asked / ticks,
    watchEventsPerTick: (after.counts.watchEvents - before.counts.watchEvents) / ticks,
    requests
  }
}

function report(policies: number, intervalMillis: number, all: ReadonlyArray<Round>) {
  const own = all.filter((round) => round.policies === policies)
  const each = own.flatMap((round) => round.windows)
  const of = (read: (window: Window) => number, digits: number, unit: string) => show(each.map(read), digits, unit)
  const goal = policies === 10_000
  console.log(`\n  ${policies.toLocaleString("en")} policies every ${intervalMillis / 1000} s`)
  line(
    "ready",
    show(
      own.map((round) => round.readyMillis),
      0,
      "ms"
    )
  )
  line(
    `memory${goal ? " (goal 512 MiB)" : ""}`,
    `${show(
      own.map((round) => round.memory),
      0,
      "MiB"
    )}, at its peak ${show(
      own.map((round) => round.peak),
      0,
      "MiB"
    )}`
  )
  line(
    "ticks",
    of(({ ticksPerSecond }) => ticksPerSecond, 1, "per second")
  )
  line(
    "processor time",
    of(({ microsPerTick }) => microsPerTick, 0, "µs per tick, idle taken off")
  )
  line(
    "core in use",
    of(({ busy }) => busy * 100, 0, "%")
  )
  line(
    "core taken by others",
    of(({ waited }) => waited * 100, 0, "% of the time it wanted to run")
  )
  line(
    `p99 lateness at most${goal ? " (goal 1 s)" : ""}`,
    of(({ lateAtMost99 }) => lateAtMost99, 3, "s")
  )
  line(
    "ticks over 1 s late",
    of(({ lateOverSecond }) => lateOverSecond * 100, 2, "%")
  )
  line(
    "samples off their interval",
    `p99 ${of(({ jitter99 }) => jitter99, 0, "ms")}, at most ${of(({ jitterMax }) => jitterMax, 0, "ms")}`
  )
  line(
    "ticks that scaled",
    of(({ scaledShare }) => scaledShare * 100, 2, "%")
  )
  line(
    "status writes",
    of(({ statusWritesPerSecond }) => statusWritesPerSecond, 1, "per second")
  )
  line(
    "requests",
    of(({ requestsPerTick }) => requestsPerTick, 2, "per tick")
  )
  line(
    "watch events",
    of(({ watchEventsPerTick }) => watchEventsPerTick, 2, "per tick")
  )
  const ticks = each.reduce((sum, window) => sum + window.ticks, 0)
  const kinds = new Map<string, number>()
  for (const { requests } of each) {
    for (const [what, count] of Object.entries(requests)) kinds.set(what, (kinds.get(what) ?? 0) + count)
  }
  const most = [...kinds].toSorted(([, a], [, b]) => b - a).slice(0, 6)
  line("most asked, per tick", most.map(([what, count]) => `${what} ${(count / ticks).toFixed(3)}`).join(", "))
}
