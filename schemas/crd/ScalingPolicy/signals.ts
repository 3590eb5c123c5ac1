/** The signals of a ScalingPolicy: those it names, those it is given when it names none, and its objectives' own. */
import type { Objectives, Signal } from "#schemas/Policy"
import { durationMillis, milli, noteInlineSecrets } from "../Crd/decoder.ts"
import type { Reader } from "../Crd/decoder.ts"
import { plugsOf, usualRole, worksAtZero } from "../Crd/plugs.ts"
import { signalFields } from "./spec.ts"
import type { Spec } from "./spec.ts"

type WireSignal = NonNullable<Spec["signals"]>[number]

const resolveTarget = (wire: WireSignal, path: string, reader: Reader): Pick<Signal, "target"> => {
  if (wire.target === undefined) return {}
  const { type, value } = wire.target
  const parsed = milli(value, `${path}.target.value`, reader)
  if (parsed <= 0) reader.refuse(`${path}.target.value`, `${value} is not above 0: name what to hold the signal at.`)
  if (type !== "Utilization") return { target: { type, milli: parsed } }
  if (parsed % 1000 !== 0) {
    reader.refuse(`${path}.target.value`, `${value} is not a whole percentage: write 70 for 70 %.`)
  }
  return { target: { type, milli: Math.trunc(parsed / 1000) } }
}

export const resolveSignal =
  (reader: Reader) =>
  (wire: WireSignal, index: number): Signal => {
    const path = `spec.signals[${index}]`
    const [plugged, ...others] = plugsOf(wire, signalFields)
    if (plugged === undefined || others.length > 0) {
      reader.refuse(path, `The signal ${wire.name} needs exactly one source, such as prometheus or resource.`)
    }
    const source = plugged?.plug ?? ""
    noteInlineSecrets(plugged?.options, `${path}.${source}`, reader)
    const role = wire.role ?? usualRole(source, plugged?.options)
    return {
      name: wire.name,
      source,
      options: plugged?.options,
      ...resolveTarget(wire, path, reader),
      ...(role === undefined ? {} : { role }),
      onEmpty: wire.onEmpty,
      onMissing: wire.onMissing,
      ...(wire.maxSampleAge === undefined ? {} : { maxSampleAgeMillis: durationMillis(wire.maxSampleAge) }),
      worksAtZero: worksAtZero(source, plugged?.options)
    }
  }

/** What is watched when nobody says: CPU decides; memory, and network where there is a Prometheus, are shown. */
export const defaultSignals = (spec: Spec, reader: Reader): ReadonlyArray<Signal> => {
  const { defaults, prometheusUrl } = reader.settings
  const onMissing = spec.fallback === undefined ? "Hold" : "Fallback"
  const observed = { onEmpty: "Missing", onMissing: "Hold", worksAtZero: false } as const
  const pods = `namespace="${reader.ref.namespace}",pod=~"${spec.target.name.replaceAll(".", "\\\\.")}-.*"`
  return [
    {
      ...observed,
      name: "cpu",
      source: "resource",
      options: { resource: "cpu" },
      target: { type: "Utilization", milli: spec.scaling?.targetCpuUtilization ?? defaults.targetCpuUtilization },
      role: "utilization",
      onMissing,
      isDefault: true
    },
    { ...observed, name: "memory", source: "resource", options: { resource: "memory" } },
    ...(prometheusUrl === undefined
      ? []
      : [
          {
            ...observed,
            name: "network",
            source: "prometheus",
            options: { query: `sum(rate(container_network_receive_bytes_total{${pods}}[1m]))` }
          }
        ])
  ]
}

export const objectiveSignal = (
  name: "latency" | "errorRate",
  asked: { readonly query?: string; readonly preset?: string; readonly serverUrl?: string } | undefined
): ReadonlyArray<Signal> => {
  if (asked === undefined || (asked.query === undefined && asked.preset === undefined)) return []
  const { preset, query, serverUrl } = asked
  return [
    {
      name,
      source: "prometheus",
      options: {
        ...(serverUrl === undefined ? {} : { serverUrl }),
        ...(query === undefined ? {} : { query }),
        ...(preset === undefined ? {} : { preset })
      },
      role: name,
      onEmpty: "Missing",
      onMissing: "Hold",
      worksAtZero: false
    }
  ]
}

export const resolveObjectives = (spec: Spec, signals: ReadonlyArray<Signal>, reader: Reader): Objectives => {
  const { cost, errorRate, latency, queue, startupSeconds } = spec.objectives ?? {}
  const answering = (
    role: "latency" | "errorRate",
    asked: Parameters<typeof objectiveSignal>[1]
  ): { readonly signal?: string } => {
    // Its own question is answered under its own name; another signal may have the role besides.
    const [own] = objectiveSignal(role, asked)
    const found = own ?? signals.find((signal) => signal.role === role)
    if (found !== undefined) return { signal: found.name }
    // The share of slow requests measures the same promise, and better than one latency does.
    if (role === "latency" && signals.some((signal) => signal.role === "badFraction")) return {}
    reader.note(
      "SLONotConfigured",
      `spec.objectives.${role}`,
      `Nothing measures this objective: name query or preset, or give a signal the role ${role}.`
    )
    return {}
  }
  if (queue !== undefined && !signals.some((signal) => signal.role === "backlog")) {
    reader.note(
      "SLONotConfigured",
      "spec.objectives.queue",
      "Nothing measures a backlog: give a signal the role backlog."
    )
  }
  return {
    ...(latency === undefined
      ? {}
      : {
          latency: { ...answering("latency", latency), targetMs: latency.targetMs, goodFraction: latency.goodFraction }
        }),
    ...(errorRate === undefined
      ? {}
      : { errorRate: { ...answering("errorRate", errorRate), target: errorRate.target } }),
    ...(queue === undefined ? {} : { queue }),
    ...(cost === undefined ? {} : { cost }),
    ...(startupSeconds === undefined ? {} : { startupSeconds })
  }
}
