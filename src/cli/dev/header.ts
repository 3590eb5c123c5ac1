/** The first lines: where everything is, and what to type. */
import type { Port } from "#cli/dev/ports"
import { CPU_PATH, GENERATE_PATH } from "#cli/dev/loadRoutes"
import { EVENTS_PATH } from "#dashboard/events"
import { KINDS } from "#schemas/crd/index"

type Name = "api" | "probes" | "load" | "dashboard" | "metrics" | "prometheus"

export interface Introduction {
  readonly scenario: string
  readonly says: string
  /** Of its policies. */
  readonly kinds: number
  /** A workload that a policy scales. */
  readonly wakes: string
  readonly ports: Readonly<Record<Name, Port>>
  /** Undefined: no file could be written. */
  readonly kubeconfig: string | undefined
  readonly server: string
  /** From the start of the process until now. */
  readonly seconds: number
  readonly speed: number
  /** Folder of the operator's log. */
  readonly log: string | undefined
}

const at = ({ port }: Port, path = ""): string => `http://localhost:${port}${path}`

const post = (url: string, body: unknown): string =>
  `curl -X POST ${url} -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`

/** One line each, copied as a whole. */
export const headerLines = (introduction: Introduction) => {
  const { kinds, kubeconfig, log, ports, says, scenario, seconds, server, speed, wakes } = introduction
  const moved = Object.values(ports).flatMap((port) =>
    port.moved === undefined ? [] : [`  port moved    ${port.moved}`]
  )
  const kubectl =
    kubeconfig === undefined
      ? `kubectl --server=${server} get scalers   (no folder can be written to, so there is no kubeconfig)`
      : `export KUBECONFIG=${kubeconfig}`
  const header = [
    `NimbusGuard dev: an embedded cluster, the operator over it${kinds === KINDS.length ? ", policies of all kinds" : " and its policies"}. Ready in ${seconds.toFixed(1)} s.`,
    `  scenario      ${scenario}: ${says}${speed === 1 ? "" : `; time at ${speed}x, kubectl's own ages are of real time`}`,
    `  dashboard     ${at(ports.dashboard)}`,
    `  kubectl       ${kubectl}`,
    "                then: kubectl get scalers; kubectl get deployments -w",
    `  load          ${post(at(ports.probes, CPU_PATH), { intensity: 80, duration: 300 })}`,
    `                ${post(at(ports.load, GENERATE_PATH), { pattern: "spike", duration: 300, target: "http", intensity: 75 })}`,
    `  wake          ${post(at(ports.probes, EVENTS_PATH), { event_type: "high_cpu_usage", service: wakes, value: 90 })}`,
    `  more          probes ${at(ports.probes, "/readyz")}  metrics ${at(ports.metrics, "/metrics")}  Prometheus ${at(ports.prometheus)}  load ${at(ports.load)}`,
    ...(log === undefined ? [] : [`  log           ${log}/operator.log`]),
    ...moved,
    ""
  ]
  const footer = `Dashboard ${at(ports.dashboard)}. Ctrl-C stops and removes everything.`
  return { header, footer }
}
