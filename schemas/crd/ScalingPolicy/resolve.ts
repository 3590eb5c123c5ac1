/** What a ScalingPolicy means: the conditional defaults, which no schema can say, are all here. */
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { EngineSpec, Limits, Policy, QLearning, Rates, ScalingRules, Signal } from "#schemas/Policy"
import { ALL_SAFE, checkBounds, DIRECTION, durationMillis, milli, noteBudget, resolvePause } from "../Crd/decoder.ts"
import type { Reader, Resolved } from "../Crd/decoder.ts"
import { HPA_DOWN, HPA_UP } from "../Crd/hpaRules.ts"
import { plugsOf } from "../Crd/plugs.ts"
import { defaultSignals, objectiveSignal, resolveObjectives, resolveSignal } from "./signals.ts"
import type { Spec } from "./spec.ts"
import type { behavior } from "./scaling.ts"

type Behavior = typeof behavior.Type

const isNamed = (objectives: Spec["objectives"]): boolean =>
  objectives !== undefined &&
  [objectives.latency, objectives.errorRate, objectives.queue, objectives.cost].some((each) => each !== undefined)

const learningOptions = ({ learned, minimumTransitions }: NonNullable<NonNullable<Spec["aiConfig"]>["qLearning"]>) => ({
  ...(minimumTransitions === undefined ? {} : { minimumTransitions }),
  ...(learned === undefined ? {} : { learned })
})

const resolveEngines = (spec: Spec, reader: Reader): ReadonlyArray<EngineSpec> => {
  const named = spec.engines?.map((item, index) => {
    const [plugged, ...others] = plugsOf(item, {})
    if (plugged === undefined || others.length > 0) {
      reader.refuse(`spec.engines[${index}]`, "Name exactly one engine in each item, such as target: {}.")
    }
    return { engine: plugged?.plug ?? "", options: plugged?.options }
  })
  const engines = named ?? [{ engine: isNamed(spec.objectives) ? "auto" : "target", options: {} }]
  const { advisor, forecast, qLearning } = spec.aiConfig ?? {}
  const learning = [
    ...(qLearning === undefined ? [] : [{ engine: "qlearning", options: learningOptions(qLearning) }]),
    ...(forecast === undefined ? [] : [{ engine: "predictive", options: forecast }]),
    ...(advisor === undefined ? [] : [{ engine: "advisor", options: advisor }])
  ]
  return [...engines, ...learning.filter(({ engine }) => !engines.some((each) => each.engine === engine))]
}

const resolveRules = (wire: Behavior["scaleUp"], absent: ScalingRules): ScalingRules => ({
  stabilizationSeconds: wire?.stabilizationWindowSeconds ?? absent.stabilizationSeconds,
  selectPolicy: wire?.selectPolicy ?? absent.selectPolicy,
  policies: wire?.policies ?? absent.policies
})

const resolveLimits = (spec: Spec, isAuto: boolean, reader: Reader): Limits => {
  const { behavior, cooldownPeriod } = spec.scaling ?? {}
  const { cooldownSeconds } = reader.settings.defaults
  const absentCooldown =
    behavior !== undefined || isAuto ? 0 : (cooldownSeconds ?? (spec.aiConfig === undefined ? 0 : 300))
  const rates = (): Rates => {
    if (behavior !== undefined) {
      return {
        _tag: "Behavior",
        scaleUp: resolveRules(behavior.scaleUp, HPA_UP),
        scaleDown: resolveRules(behavior.scaleDown, HPA_DOWN)
      }
    }
    // auto holds by what a restart costs; a window on top of that would only be slower.
    if (isAuto) return { _tag: "Windows", upSeconds: 0, downSeconds: 0 }
    // A cooldown that is shorter than the HPA's window asks for something faster than it.
    return { _tag: "Absent", downSeconds: Math.min(300, cooldownPeriod ?? 300) }
  }
  const tolerance = (side: "scaleUp" | "scaleDown"): number | undefined => {
    const told = behavior?.[side]?.tolerance
    if (told === undefined) return undefined
    const path = `spec.scaling.behavior.${side}.tolerance`
    const parsed = milli(told, path, reader)
    if (parsed < 0) reader.refuse(path, `${told} is below 0: name how far from its target a metric may be.`)
    return parsed
  }
  const direction = DIRECTION[spec.objectives?.cost?.preferredScaleDirection ?? "balanced"]
  return {
    rates: rates(),
    cooldown: { upSeconds: 0, downSeconds: cooldownPeriod ?? absentCooldown },
    step: {},
    toleranceMilli: {
      up: tolerance("scaleUp") ?? direction.toleranceMilli.up,
      down: tolerance("scaleDown") ?? direction.toleranceMilli.down
    }
  }
}

const resolveQLearning = (spec: Spec, reader: Reader): { readonly qLearning?: QLearning } => {
  const wire = spec.aiConfig?.qLearning
  if (wire === undefined) return {}
  const { defaults } = reader.settings
  return {
    qLearning: {
      learningRate: wire.learningRate ?? defaults.learningRate,
      discountFactor: wire.discountFactor ?? defaults.discountFactor,
      epsilonStart: wire.epsilonStart ?? defaults.epsilonStart,
      epsilonEnd: wire.epsilonEnd ?? defaults.epsilonEnd,
      epsilonDecay: wire.epsilonDecay ?? defaults.epsilonDecay,
      exploration: wire.exploration
    }
  }
}

/** The rules of the CRD say this too; a file that is decided on by itself has met no API server. */
const resolveInterval = (spec: Spec, isAuto: boolean, reader: Reader): number => {
  if (spec.interval === undefined) return isAuto ? 5000 : 15_000
  const millis = durationMillis(spec.interval)
  if (millis < 1000 || millis > 3_600_000) reader.refuse("spec.interval", `${spec.interval} must be between 1s and 1h.`)
  return millis
}

const resolveActuation = ({ actuation }: Spec, reader: Reader): Policy["actuation"] => {
  if (actuation?.type !== "HPAFloor") return { _tag: "Scale" }
  if (actuation.name === undefined) reader.refuse("spec.actuation.name", "Name the HPA whose minReplicas to write.")
  return { _tag: "HPAFloor", name: actuation.name ?? "" }
}

const resolveSchedules = (spec: Spec, reader: Reader): Policy["schedules"] =>
  (spec.schedules ?? []).map(({ timeZone = "UTC", ...schedule }, index) => {
    const path = `spec.schedules[${index}]`
    for (const edge of ["start", "end"] as const) {
      const fields = schedule[edge].trim().split(/\s+/u).length
      if (fields !== 5 || Result.isFailure(Cron.parse(schedule[edge]))) {
        reader.refuse(
          `${path}.${edge}`,
          `"${schedule[edge]}" is not a cron expression of five fields, such as "0 8 * * 1-5".`
        )
      }
    }
    if (Option.isNone(DateTime.zoneMakeNamed(timeZone))) {
      reader.refuse(`${path}.timeZone`, `There is no time zone "${timeZone}": write a name such as "Europe/Berlin".`)
    }
    const { ceiling = Infinity, floor = 0 } = schedule
    if (floor > ceiling) reader.refuse(`${path}.floor`, `${floor} is above the window's ceiling of ${ceiling}.`)
    return { ...schedule, timeZone }
  })

const checkNames = (signals: ReadonlyArray<Signal>, reader: Reader): void => {
  signals.forEach(({ name }, index) => {
    if (signals.findIndex((each) => each.name === name) !== index) {
      reader.refuse("spec.signals", `Two signals are called ${name}: rename one.`)
    }
  })
}

export const resolve = (spec: Spec, reader: Reader): Resolved => {
  const { defaults } = reader.settings
  const engines = resolveEngines(spec, reader)
  const isAuto = engines.some(({ engine }) => engine === "auto")
  const told = (spec.signals ?? []).map(resolveSignal(reader))
  const proposing = told.some((signal) => signal.target !== undefined)
  const isOwnQuestion = isNamed(spec.objectives) || spec.engines !== undefined
  const absent =
    spec.signals === undefined || !(proposing || isOwnQuestion)
      ? defaultSignals(spec, reader).filter(({ name }) => !told.some((signal) => signal.name === name))
      : []
  const signals = [
    ...told,
    ...absent,
    ...objectiveSignal("latency", spec.objectives?.latency),
    ...objectiveSignal("errorRate", spec.objectives?.errorRate)
  ]
  checkNames(signals, reader)
  const bounds = checkBounds(
    { path: "spec.scaling.minReplicas", value: spec.scaling?.minReplicas ?? defaults.minReplicas },
    { path: "spec.scaling.maxReplicas", value: spec.scaling?.maxReplicas ?? defaults.maxReplicas },
    reader
  )
  if (bounds.min === 0 && !signals.some((signal) => signal.worksAtZero)) {
    reader.refuse(
      "spec.scaling.minReplicas",
      "0 needs a signal that is true with no pod running: nats, redis, pubsub, kafka, or prometheus or http with worksAtZero: true."
    )
  }
  noteBudget(spec.objectives?.cost, bounds.min, "spec.objectives.cost.maxMonthlyCost", reader)
  if (spec.fallback === undefined && told.some((signal) => signal.onMissing === "Fallback")) {
    reader.refuse("spec.fallback", "A signal says onMissing: Fallback: name afterSeconds and replicas here.")
  }
  if (spec.fallback !== undefined && !signals.some((signal) => signal.onMissing === "Fallback")) {
    reader.note("Unused", "spec.fallback", "No signal falls back: set onMissing: Fallback on those that should.")
  }
  if (spec.scaling?.targetCpuUtilization !== undefined && absent.every(({ name }) => name !== "cpu")) {
    reader.note(
      "Unused",
      "spec.scaling.targetCpuUtilization",
      "The policy has signals of its own, so the default CPU signal is not there: add one with the source resource."
    )
  }
  const isHpa = spec.scaling?.behavior !== undefined
  return {
    targets: { _tag: "Ref", target: { ...spec.target, namespace: reader.ref.namespace } },
    bounds,
    intervalMillis: resolveInterval(spec, isAuto, reader),
    mode: spec.mode,
    ...resolvePause(spec.pause, reader),
    signals,
    engines,
    limits: resolveLimits(spec, isAuto, reader),
    objectives: resolveObjectives(spec, signals, reader),
    schedules: resolveSchedules(spec, reader),
    ...(spec.fallback === undefined ? {} : { fallback: spec.fallback }),
    actuation: resolveActuation(spec, reader),
    safety: { ...ALL_SAFE, ...(isHpa ? { disruptionFloor: false, rollback: false } : {}), ...spec.safety },
    ...resolveQLearning(spec, reader)
  }
}
