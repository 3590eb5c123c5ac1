// What the operator's tests apply and what they look at: a ScalingPolicy that follows a gauge of the test, and the
// cluster's own view of policies, replicas, Events and writes.
import type { AuditEvent, Cluster, KubernetesObject } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import type { Condition, Status } from "#schemas/Status"
import type { Home } from "./OperatorProcess.ts"

export interface PolicyObject extends KubernetesObject {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly generation: number
    readonly creationTimestamp: string
  }
  readonly spec: Readonly<Record<string, unknown>>
  readonly status?: Status
}

const folders = {
  ScalingPolicy: ["nimbusguard.io/v1", "scalingpolicies"],
  IntelligentScaling: ["nimbusguard.io/v1alpha1", "intelligentscaling"],
  ScalingRule: ["scaling.example.com/v1", "scalingrules"],
  GeneralScaler: ["autoscaling.generalscaler.io/v1alpha1", "generalscalers"]
} as const

export type PolicyKind = keyof typeof folders

export const policyPath = (kind: PolicyKind, namespace: string, name = ""): string => {
  const [apiVersion, plural] = folders[kind]
  return `/apis/${apiVersion}/namespaces/${namespace}/${plural}${name === "" ? "" : `/${name}`}`
}

/** A policy of one test: where it is, and what can be asked of it. */
export class Followed {
  readonly kind: PolicyKind
  readonly namespace: string
  readonly name: string
  readonly path: string
  readonly #cluster: Cluster

  constructor(cluster: Cluster, kind: PolicyKind, namespace: string, name: string) {
    this.#cluster = cluster
    this.kind = kind
    this.namespace = namespace
    this.name = name
    this.path = policyPath(kind, namespace, name)
  }

  get(): Promise<PolicyObject> {
    return this.#cluster.get<PolicyObject>(this.path)
  }

  async status(): Promise<Status> {
    return (await this.get()).status ?? {}
  }

  async condition(type: string): Promise<Condition | undefined> {
    return (await this.status()).conditions?.find((each) => each.type === type)
  }

  /** Waits until its status, made of its newest spec, fits. */
  async until(what: string, fits: (status: Status) => boolean, timeoutMillis = 60_000): Promise<Status> {
    return eventually(
      async (seen) => {
        const { metadata, status = {} } = await this.get()
        seen({ generation: metadata.generation, ...status })
        return status.observedGeneration === metadata.generation && fits(status) ? status : undefined
      },
      { what: `${this.kind} ${this.namespace}/${this.name} ${what}`, timeoutMillis }
    )
  }

  untilCondition(type: string, status: string, reason: string, timeoutMillis = 60_000): Promise<Status> {
    return this.until(
      `to say ${type}=${status}/${reason}`,
      (now) =>
        now.conditions?.some((each) => each.type === type && each.status === status && each.reason === reason) ?? false,
      timeoutMillis
    )
  }

  untilPhase(phase: string, timeoutMillis = 60_000): Promise<Status> {
    return this.until(`to be in phase ${phase}`, (now) => now.phase === phase, timeoutMillis)
  }

  /** Waits until whatever is created next is younger: the API server counts age in whole seconds. */
  async untilOlder(): Promise<void> {
    const { creationTimestamp } = (await this.get()).metadata
    await eventually(() => Date.now() >= Date.parse(creationTimestamp) + 1000, {
      what: `the second after ${creationTimestamp}`
    })
  }

  /** A merge patch of the spec. */
  edit(spec: object): Promise<PolicyObject> {
    return this.#cluster.patch<PolicyObject>(this.path, { spec })
  }

  delete(): Promise<void> {
    return this.#cluster.delete(this.path)
  }

  /** Waits for the Event: it is written after the status that it is about. */
  async untilEvent(text: RegExp): Promise<void> {
    await eventually(
      async (seen) => {
        const events = await this.events()
        seen(events)
        return events.some((event) => text.test(event))
      },
      { what: `an Event of ${this.kind} ${this.namespace}/${this.name} like ${String(text)}` }
    )
  }

  /** Its Events as "reason: note", oldest first. */
  async events(): Promise<ReadonlyArray<string>> {
    interface EventObject {
      readonly reason: string
      readonly note: string
      readonly eventTime?: string | null
      readonly regarding: { readonly kind: string; readonly name: string }
    }
    const { items } = await this.#cluster.list<EventObject>(
      `/apis/events.k8s.io/v1/namespaces/${this.namespace}/events`
    )
    return items
      .filter(({ regarding }) => regarding.kind === this.kind && regarding.name === this.name)
      .toSorted((a, b) => ((a.eventTime ?? "") < (b.eventTime ?? "") ? -1 : 1))
      .map(({ note, reason }) => `${reason}: ${note}`)
  }
}

export const conditionOf = (status: Status, type: string): Condition => {
  const found = status.conditions?.find((each) => each.type === type)
  if (found === undefined) throw new Error(`no condition ${type} among ${JSON.stringify(status.conditions)}`)
  return found
}

export interface GaugePolicy {
  readonly name: string
  readonly serverUrl: string
  readonly query: string
  readonly deployment?: string
  readonly min?: number
  readonly max?: number
  /** Merged over the spec. */
  readonly spec?: Readonly<Record<string, unknown>>
}

/**
 * A ScalingPolicy that looks every second, wants a replica for every 10 of its gauge, and waits for nothing: what it
 * does not do, it does not do because of what the test is about.
 */
export const gaugePolicy = ({ name, serverUrl, query, deployment = name, min = 1, max = 10, spec }: GaugePolicy) => ({
  apiVersion: "nimbusguard.io/v1",
  kind: "ScalingPolicy",
  metadata: { name },
  spec: {
    target: { apiVersion: "apps/v1", kind: "Deployment", name: deployment },
    interval: "1s",
    scaling: {
      minReplicas: min,
      maxReplicas: max,
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } }
    },
    signals: [{ name: "load", prometheus: { serverUrl, query }, target: { type: "AverageValue", value: "10" } }],
    ...spec
  }
})

export const follow = async (
  cluster: Cluster,
  namespace: string,
  object: { readonly kind: string; readonly metadata: { readonly name: string } }
): Promise<Followed> => {
  const kind = object.kind as PolicyKind
  await cluster.create(policyPath(kind, namespace), object)
  return new Followed(cluster, kind, namespace, object.metadata.name)
}

export const replicasOf = async (cluster: Cluster, namespace: string, deployment: string): Promise<number> => {
  const { spec } = await cluster.get<{ readonly spec: { readonly replicas?: number } }>(
    `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}/scale`
  )
  return spec.replicas ?? 0
}

export const userOf = ({ namespace, serviceAccount }: Home): string =>
  `system:serviceaccount:${namespace}:${serviceAccount}`

/** Everything that ever changed the replicas of a Deployment through /scale, as who did it. */
export const scaleWrites = (
  cluster: Cluster,
  namespace: string,
  deployment: string
): Promise<ReadonlyArray<AuditEvent>> =>
  cluster.auditEvents(
    ({ objectRef, responseStatus, verb }) =>
      (verb === "patch" || verb === "update") &&
      objectRef?.resource === "deployments" &&
      objectRef.subresource === "scale" &&
      objectRef.namespace === namespace &&
      objectRef.name === deployment &&
      responseStatus?.code === 200
  )
