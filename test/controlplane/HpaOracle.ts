// Asks Kubernetes' own HorizontalPodAutoscaler (hpa/oracle_test.go) what it decides over courses of ticks.
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import type { HpaMetric, HpaPod, HpaSpec } from "#test/domain/hpaReference"

/** Tolerances are quantities, as a user writes them. */
export interface OracleSpec extends Omit<HpaSpec, "toleranceUp" | "toleranceDown"> {
  readonly toleranceUp: string
  readonly toleranceDown: string
}

export interface OracleTick {
  readonly now: number
  readonly spec: number
  readonly status: number
  readonly ready: number
  readonly metrics: ReadonlyArray<HpaMetric>
  /** The target's, where metrics over pods fail. */
  readonly pods?: ReadonlyArray<HpaPod>
  /** How long the API server takes to answer a write. Default: no time. */
  readonly writeMillis?: number
  /** What somebody else sets while the controller is about to write. */
  readonly overtakenBy?: number
  /** The controller is a new process from here on. */
  readonly restarted?: boolean
  /** The object was edited right before this tick. */
  readonly edited?: OracleSpec
}

export interface OracleCourse {
  readonly seed: number
  readonly spec: OracleSpec
  /** Switches on the gate HPAScaleToZero, which is off by default. */
  readonly scaleToZero?: boolean
  /** Another object's selector matches the same pods. */
  readonly ambiguous?: boolean
  readonly ticks: ReadonlyArray<OracleTick>
}

/** The HPA's conditions are those that this tick has set, by their reasons; "" where it has not come so far. */
export interface OracleAnswer {
  readonly desired: number
  readonly able: string
  readonly active: string
  /** Only where the condition is true. */
  readonly limited: string
}

const metricOf = (metric: HpaMetric, pods: ReadonlyArray<HpaPod>): object => {
  if (metric.type !== "Pods") {
    const { milli } = metric
    return { ...metric, milli: milli === "failed" ? 0 : milli, failed: milli === "failed" }
  }
  const failed = metric.pods === "failed"
  return { ...metric, failed, pods: failed ? pods : metric.pods }
}

const lineOf = (course: OracleCourse): string => {
  const ticks = course.ticks.map(({ pods = [], ...tick }) => ({
    ...tick,
    metrics: tick.metrics.map((metric) => metricOf(metric, pods))
  }))
  return `${JSON.stringify({ ...course, ticks })}\n`
}

/** The answers tick by tick, course by course. */
export const askHpa = async (
  program: string,
  courses: ReadonlyArray<OracleCourse>
): Promise<ReadonlyArray<ReadonlyArray<OracleAnswer>>> => {
  const folder = await mkdtemp(join(tmpdir(), "nimbusguard-hpa-"))
  try {
    const [given, answered] = [join(folder, "courses"), join(folder, "answers")]
    await writeFile(given, courses.map(lineOf))
    const args = ["-test.run=^TestCourses$", `-courses=${given}`, `-answers=${answered}`]
    await promisify(execFile)(program, args, { timeout: 120_000, killSignal: "SIGKILL" })
    const lines = (await readFile(answered, "utf8")).split("\n").filter((line) => line !== "")
    return lines.map((line) => (JSON.parse(line) as { readonly ticks: ReadonlyArray<OracleAnswer> }).ticks)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
