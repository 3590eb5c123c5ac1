/**
 * The objects of the benchmark's cluster: N policies, and for each a Deployment, its ReplicaSet and its pods, as long
 * as a real API server would send them (managedFields, the last applied manifest, probes), because what the operator
 * decodes and forgets is part of what is measured. The load of each policy is a square wave of its own phase with a
 * little noise, so that a known share of all ticks has something to do.
 */
export type Source = "prometheus" | "resource"

export interface FleetOptions {
  readonly policies: number
  readonly intervalMillis: number
  readonly source: Source
  /** How often a policy's load goes up and comes down again; twice as often it is scaled. */
  readonly waveMillis: number
}

export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject
export interface JsonObject {
  [field: string]: Json
}

export interface Member {
  readonly index: number
  readonly name: string
  readonly namespace: string
  readonly phase: number
  replicas: number
}

const NAMESPACES = 50
const LOW = 3
const HIGH = 4
/** What one pod is meant to carry: requests per second, and percent of a requested core. */
const LOAD_PER_POD = 100
export const CPU_PERCENT = 70
const REQUEST_MILLI = 200
const CREATED = "2026-01-02T03:04:05Z"

export const uidOf = (kind: number, index: number, ordinal = 0): string => {
  const tail = (index * 1000 + ordinal).toString(16).padStart(12, "0")
  return `${kind.toString(16).padStart(8, "0")}-0000-4000-8000-${tail}`
}

export class StubFleet {
  readonly options: FleetOptions
  readonly members: ReadonlyArray<Member>
  readonly #byName = new Map<string, Member>()

  constructor(options: FleetOptions, now: number) {
    this.options = options
    this.members = Array.from({ length: options.policies }, (_, index) => {
      const name = `app-${String(index).padStart(5, "0")}`
      const namespace = `team-${String(index % NAMESPACES).padStart(2, "0")}`
      // A golden-ratio walk spreads the phases evenly, whatever the number of policies.
      const phase = (index * 0.618_033_988_749_895) % 1
      return { index, name, namespace, phase, replicas: 0 }
    })
    for (const member of this.members) {
      member.replicas = this.level(member, now)
      this.#byName.set(`${member.namespace}/${member.name}`, member)
    }
  }

  member(namespace: string, name: string): Member | undefined {
    return this.#byName.get(`${namespace}/${name}`)
  }

  /** The pods that the load is good for. */
  level(member: Member, now: number): number {
    return (now / this.options.waveMillis + member.phase) % 1 < 0.5 ? LOW : HIGH
  }

  /** Requests per second of all pods together; moves by a few percent, always within the tolerance. */
  load(member: Member, now: number): number {
    const noise = Math.sin(now / 7000 + member.index) * 4
    return Math.round((this.level(member, now) * LOAD_PER_POD - 5 + noise) * 100) / 100
  }

  /** Millicores of each pod. */
  cpuMilli(member: Member, now: number): number {
    const full = this.load(member, now) / LOAD_PER_POD
    return Math.round((full * REQUEST_MILLI * (CPU_PERCENT / 100)) / Math.max(member.replicas, 1))
  }

  policy(member: Member): JsonObject {
    const signal: JsonObject =
      this.options.source === "prometheus"
        ? {
            name: "load",
            prometheus: {
              query: `sum(rate(http_requests_total{namespace="${member.namespace}",app="${member.name}"}[1m]))`
            },
            target: { type: "AverageValue", value: String(LOAD_PER_POD) }
          }
        : { name: "cpu", resource: { resource: "cpu" }, target: { type: "Utilization", value: String(CPU_PERCENT) } }
    const spec: JsonObject = {
      target: { apiVersion: "apps/v1", kind: "Deployment", name: member.name },
      interval: `${this.options.intervalMillis}ms`,
      scaling: {
        minReplicas: 1,
        maxReplicas: 20,
        behavior: { scaleDown: { stabilizationWindowSeconds: 60 } }
      },
      signals: [signal]
    }
    const apiVersion = "nimbusguard.io/v1"
    const kind = "ScalingPolicy"
    const metadata = { name: member.name, namespace: member.namespace }
    const applied = JSON.stringify({ apiVersion, kind, metadata: { ...metadata, annotations: {} }, spec })
    return {
      apiVersion,
      kind,
      metadata: {
        ...metadata,
        uid: uidOf(1, member.index),
        generation: 1,
        creationTimestamp: CREATED,
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": `${applied}\n` },
        managedFields: [managed("kubectl-client-side-apply", "Update", apiVersion, { "f:spec": fieldsOf(spec) })]
      },
      spec
    }
  }

  deployment(member: Member): JsonObject {
    const labels = { app: member.name }
    const spec: JsonObject = {
      replicas: member.replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(member.name) },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600
    }
    return {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {
        name: member.name,
        namespace: member.namespace,
        uid: uidOf(2, member.index),
        generation: 1,
        creationTimestamp: CREATED,
        labels,
        annotations: { "deployment.kubernetes.io/revision": "1" },
        managedFields: [
          managed("kubectl-client-side-apply", "Update", "apps/v1", { "f:spec": fieldsOf(spec) }),
          managed(
            "kube-controller-manager",
            "Update",
            "apps/v1",
            { "f:status": fieldsOf(deploymentStatus(1, 1)) },
            "status"
          )
        ]
      },
      spec,
      status: deploymentStatus(1, member.replicas)
    }
  }

  replicaSet(member: Member): JsonObject {
    const labels = { app: member.name, "pod-template-hash": "6d4b75cb6d" }
    const spec: JsonObject = {
      replicas: member.replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(member.name) }
    }
    return {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `${member.name}-6d4b75cb6d`,
        namespace: member.namespace,
        uid: uidOf(3, member.index),
        generation: 1,
        creationTimestamp: CREATED,
        labels,
        ownerReferences: [owner("Deployment", member.name, uidOf(2, member.index))],
        managedFields: [managed("kube-controller-manager", "Update", "apps/v1", { "f:spec": fieldsOf(spec) })]
      },
      spec,
      status: { replicas: member.replicas, readyReplicas: member.replicas, observedGeneration: 1 }
    }
  }

  pod(member: Member, ordinal: number): JsonObject {
    const spec = podSpec(member.name)
    const started = (at: string): JsonObject => ({ running: { startedAt: at } })
    const status: JsonObject = {
      phase: "Running",
      conditions: ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"].map(
        (type) => ({
          type,
          status: "True",
          lastProbeTime: null,
          lastTransitionTime: CREATED
        })
      ),
      hostIP: "10.0.0.7",
      hostIPs: [{ ip: "10.0.0.7" }],
      podIP: `10.${ordinal}.${(member.index >> 8) & 255}.${member.index & 255}`,
      startTime: CREATED,
      containerStatuses: [
        {
          name: "app",
          state: started(CREATED),
          lastState: {},
          ready: true,
          restartCount: 0,
          image: "registry.example/app:1.0.0",
          imageID: `registry.example/app@sha256:${"0".repeat(64)}`,
          containerID: `containerd://${"1".repeat(64)}`,
          started: true
        }
      ],
      qosClass: "Burstable"
    }
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: podName(member, ordinal),
        generateName: `${member.name}-6d4b75cb6d-`,
        namespace: member.namespace,
        uid: uidOf(4, member.index, ordinal),
        creationTimestamp: CREATED,
        labels: { app: member.name, "pod-template-hash": "6d4b75cb6d" },
        ownerReferences: [owner("ReplicaSet", `${member.name}-6d4b75cb6d`, uidOf(3, member.index))],
        managedFields: [
          managed("kube-controller-manager", "Update", "v1", { "f:spec": fieldsOf(spec) }),
          managed("kubelet", "Update", "v1", { "f:status": fieldsOf(status) }, "status")
        ]
      },
      spec: { ...spec, nodeName: `node-${member.index % 100}`, serviceAccountName: "default" },
      status
    }
  }

  podMetrics(member: Member, now: number): ReadonlyArray<JsonObject> {
    const timestamp = new Date(now).toISOString().replace(/\.\d+/u, "")
    const usage = { cpu: `${this.cpuMilli(member, now) * 1_000_000}n`, memory: "65536Ki" }
    return Array.from({ length: member.replicas }, (_, ordinal) => ({
      metadata: {
        name: podName(member, ordinal),
        namespace: member.namespace,
        creationTimestamp: timestamp,
        labels: { app: member.name, "pod-template-hash": "6d4b75cb6d" }
      },
      timestamp,
      window: "15.021s",
      containers: [{ name: "app", usage }]
    }))
  }
}

export const podName = (member: Member, ordinal: number): string =>
  `${member.name}-6d4b75cb6d-${String(ordinal).padStart(5, "x")}`

export const deploymentStatus = (generation: number, replicas: number): JsonObject => ({
  observedGeneration: generation,
  replicas,
  updatedReplicas: replicas,
  readyReplicas: replicas,
  availableReplicas: replicas,
  conditions: [
    condition("Available", "MinimumReplicasAvailable", "Deployment has minimum availability."),
    condition("Progressing", "NewReplicaSetAvailable", "ReplicaSet has successfully progressed.")
  ]
})

const condition = (type: string, reason: string, message: string): JsonObject => ({
  type,
  status: "True",
  reason,
  message,
  lastUpdateTime: CREATED,
  lastTransitionTime: CREATED
})

const owner = (kind: string, name: string, uid: string): JsonObject => ({
  apiVersion: "apps/v1",
  kind,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true
})

export const managed = (
  manager: string,
  operation: string,
  apiVersion: string,
  fields: JsonObject,
  subresource?: string
): JsonObject => ({
  manager,
  operation,
  apiVersion,
  time: new Date().toISOString().replace(/\.\d+/u, ""),
  fieldsType: "FieldsV1",
  fieldsV1: fields,
  ...(subresource === undefined ? {} : { subresource })
})

/** As the API server notes who owns what; lists count as one field. */
export const fieldsOf = (object: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      `f:${name}`,
      typeof value === "object" && value !== null && !Array.isArray(value) ? fieldsOf(value as JsonObject) : {}
    ])
  )

const probe = (path: string): JsonObject => ({
  httpGet: { path, port: 8080, scheme: "HTTP" },
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3
})

const podSpec = (name: string): JsonObject => ({
  containers: [
    {
      name: "app",
      image: "registry.example/app:1.0.0",
      args: ["--listen=:8080", `--name=${name}`],
      ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
      env: [
        { name: "LOG_LEVEL", value: "info" },
        { name: "POD_NAME", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } }
      ],
      resources: { requests: { cpu: `${REQUEST_MILLI}m`, memory: "128Mi" }, limits: { memory: "256Mi" } },
      livenessProbe: probe("/livez"),
      readinessProbe: probe("/readyz"),
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      imagePullPolicy: "IfNotPresent",
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] }
      }
    }
  ],
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
  schedulerName: "default-scheduler",
  tolerations: ["not-ready", "unreachable"].map((taint) => ({
    key: `node.kubernetes.io/${taint}`,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 300
  }))
})
