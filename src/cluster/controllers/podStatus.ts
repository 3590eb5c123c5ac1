/** What a pod's status says at each step of its life. */
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, listAt, metadataOf, objectAt, textAt } from "#cluster/api/json"
import type { Hands } from "#cluster/controllers/Hands"

export type Step =
  | { readonly _tag: "Unplaced"; readonly why: string }
  | { readonly _tag: "Creating" }
  | { readonly _tag: "NoImage" }
  | { readonly _tag: "Started" }
  | { readonly _tag: "Ready" }
  | { readonly _tag: "BackingOff"; readonly seconds: number }
  | { readonly _tag: "Ended" }

export interface Exit {
  readonly code: number
  readonly reason: string
  readonly startedMillis: number
  readonly finishedMillis: number
}

export interface Run {
  readonly step: Step
  readonly restarts: number
  /** When its containers last began. */
  readonly startedMillis: number
  readonly lastExit: Exit | undefined
  readonly podAddress: string
  readonly nodeAddress: string
  readonly boundMillis: number
}

type Clocked = Pick<Hands, "now" | "timeText">

const terminated = ({ timeText }: Clocked, { code, finishedMillis, reason, startedMillis }: Exit): JsonObject => ({
  terminated: {
    exitCode: code,
    reason,
    startedAt: timeText(startedMillis),
    finishedAt: timeText(finishedMillis)
  }
})

const waiting = (reason: string, message?: string): JsonObject => ({
  waiting: { reason, ...(message === undefined ? {} : { message }) }
})

const stateOf = (hands: Clocked, pod: JsonObject, container: string, image: string, run: Run): JsonObject => {
  const name = textAt(metadataOf(pod), "name")
  switch (run.step._tag) {
    case "Unplaced":
    case "Creating":
      return waiting("ContainerCreating")
    case "NoImage":
      return waiting("ImagePullBackOff", `Back-off pulling image "${image}"`)
    case "Started":
    case "Ready":
      return { running: { startedAt: hands.timeText(run.startedMillis) } }
    case "BackingOff":
      return waiting(
        "CrashLoopBackOff",
        `back-off ${run.step.seconds}s restarting failed container=${container} pod=${name}`
      )
    case "Ended":
      return run.lastExit === undefined ? {} : terminated(hands, run.lastExit)
  }
}

const containerStatuses = (hands: Clocked, pod: JsonObject, run: Run): ReadonlyArray<Json> => {
  const isRunning = run.step._tag === "Started" || run.step._tag === "Ready"
  return listAt(objectAt(pod, "spec"), "containers")
    .filter(isObject)
    .map((container) => {
      const [name, image] = [textAt(container, "name"), textAt(container, "image")]
      return {
        ...{ name, image, imageID: isRunning ? image : "", restartCount: run.restarts },
        ready: run.step._tag === "Ready",
        started: isRunning,
        state: stateOf(hands, pod, name, image, run),
        lastState: run.step._tag === "Ended" || run.lastExit === undefined ? {} : terminated(hands, run.lastExit)
      }
    })
}

const phaseOf = ({ lastExit, restarts, step }: Run): string => {
  if (step._tag === "Ended") return lastExit?.code === 0 ? "Succeeded" : "Failed"
  const isEarly = step._tag === "Unplaced" || step._tag === "Creating" || step._tag === "NoImage"
  return isEarly && restarts === 0 ? "Pending" : "Running"
}

type Word = readonly [status: "True" | "False", reason?: string, message?: string]

const conditionsOf = (run: Run, names: string): ReadonlyArray<readonly [type: string, word: Word]> => {
  if (run.step._tag === "Unplaced") return [["PodScheduled", ["False", "Unschedulable", run.step.why]]]
  const hasBegun = run.step._tag !== "Creating" && run.step._tag !== "NoImage"
  const ready: Word =
    run.step._tag === "Ready"
      ? ["True"]
      : run.step._tag === "Ended" && run.lastExit?.code === 0
        ? ["False", "PodCompleted"]
        : ["False", "ContainersNotReady", `containers with unready status: [${names}]`]
  return [
    ["PodReadyToStartContainers", [hasBegun ? "True" : "False"]],
    ["Initialized", ["True"]],
    ["Ready", ready],
    ["ContainersReady", ready],
    ["PodScheduled", ["True"]]
  ]
}

/** A condition keeps its time while its status stays. */
const timed = (pod: JsonObject, run: Run, now: string): ReadonlyArray<Json> => {
  const held = listAt(objectAt(pod, "status"), "conditions").filter(isObject)
  const names = listAt(objectAt(pod, "spec"), "containers")
    .filter(isObject)
    .map((container) => textAt(container, "name"))
    .join(" ")
  return conditionsOf(run, names).map(([type, [status, reason, message]]) => {
    const last = held.find((one) => one["type"] === type && one["status"] === status)
    return {
      ...{ type, status, lastProbeTime: null, lastTransitionTime: last?.["lastTransitionTime"] ?? now },
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message })
    }
  })
}

export const statusOf = (hands: Clocked, pod: JsonObject, run: Run): JsonObject => {
  const isPlaced = run.step._tag !== "Unplaced"
  const hasBegun = isPlaced && run.step._tag !== "Creating" && run.step._tag !== "NoImage"
  return {
    phase: phaseOf(run),
    conditions: timed(pod, run, hands.timeText(hands.now())),
    ...(isPlaced ? { hostIP: run.nodeAddress, startTime: hands.timeText(run.boundMillis) } : {}),
    ...(hasBegun ? { podIP: run.podAddress, podIPs: [{ ip: run.podAddress }] } : {}),
    ...(isPlaced ? { containerStatuses: containerStatuses(hands, pod, run) } : {}),
    qosClass: qosOf(pod)
  }
}

const qosOf = (pod: JsonObject): string => {
  const resources = listAt(objectAt(pod, "spec"), "containers")
    .filter(isObject)
    .map((container) => objectAt(container, "resources"))
  const has = (one: JsonObject, part: string) => Object.keys(objectAt(one, part)).length > 0
  if (!resources.some((one) => has(one, "requests") || has(one, "limits"))) return "BestEffort"
  const isWhole = (one: JsonObject) =>
    ["cpu", "memory"].every((name) => {
      const limit = objectAt(one, "limits")[name]
      return limit !== undefined && (objectAt(one, "requests")[name] ?? limit) === limit
    })
  return resources.every(isWhole) ? "Guaranteed" : "Burstable"
}
