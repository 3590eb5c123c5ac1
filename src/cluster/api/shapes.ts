/**
 * The built-in kinds as far as the API must know them: which lists merge by which keys, what is defaulted, what is
 * required. Everything else is taken as it comes; an API server of one's own has the whole of it.
 */
import type { Structural } from "#manifests/structural"

const OPEN = { "x-kubernetes-preserve-unknown-fields": true } as const

const text: Structural = { type: "string" }
const whole = (minimum: number): Structural => ({ type: "integer", minimum })
const object = (
  properties: Readonly<Record<string, Structural>>,
  required: ReadonlyArray<string> = []
): Structural => ({
  ...OPEN,
  type: "object",
  properties,
  ...(required.length === 0 ? {} : { required })
})
const mapped = (keys: ReadonlyArray<string>, items: Structural = object({})): Structural => ({
  type: "array",
  items: { ...items, required: [...(items.required ?? []), ...keys.slice(0, 1)] },
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": keys
})
const atomic = (schema: Structural): Structural => ({ ...schema, "x-kubernetes-map-type": "atomic" })
const texts: Structural = { type: "object", additionalProperties: text }
const selector = atomic(object({ matchLabels: texts }))
const conditions = mapped(["type"])

export const METADATA: Structural = object({
  labels: texts,
  annotations: texts,
  finalizers: { type: "array", items: text, "x-kubernetes-list-type": "set" },
  ownerReferences: mapped(["uid"])
})

const container = object(
  {
    name: text,
    image: text,
    env: mapped(["name"]),
    ports: mapped(["containerPort", "protocol"], object({ protocol: { ...text, default: "TCP" } })),
    volumeMounts: mapped(["mountPath"]),
    resources: object({ requests: OPEN, limits: OPEN })
  },
  ["name"]
)

const podSpec = object(
  {
    containers: { ...mapped(["name"], container), minItems: 1 },
    initContainers: mapped(["name"], container),
    volumes: mapped(["name"]),
    imagePullSecrets: mapped(["name"]),
    topologySpreadConstraints: mapped(["topologyKey", "whenUnsatisfiable"]),
    nodeSelector: atomic(texts),
    restartPolicy: { ...text, default: "Always" },
    terminationGracePeriodSeconds: { ...whole(0), default: 30 }
  },
  ["containers"]
)

const template = object({ metadata: object({ labels: texts, annotations: texts }), spec: podSpec }, ["spec"])

const kind = (properties: Readonly<Record<string, Structural>>, required: ReadonlyArray<string> = []): Structural =>
  object({ apiVersion: text, kind: text, metadata: METADATA, ...properties }, required)

const ruled = (schema: Structural, rule: string, message: string, fieldPath?: string): Structural => ({
  ...schema,
  "x-kubernetes-validations": [{ rule, message, ...(fieldPath === undefined ? {} : { fieldPath }) }]
})

/** Of pods: so many, or a share of them. */
const share: Structural = { "x-kubernetes-int-or-string": true, minimum: 0, pattern: "^[0-9]+%$" }
const status = object({ conditions })
const replicas: Structural = { ...whole(0), default: 1 }

const workload = (more: Readonly<Record<string, Structural>>): Structural =>
  kind({ spec: object({ replicas, selector, template, ...more }, ["selector", "template"]), status }, ["spec"])

export const SHAPES = {
  Deployment: workload({
    strategy: {
      ...object({ rollingUpdate: object({ maxSurge: share, maxUnavailable: share }) }),
      default: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } }
    },
    revisionHistoryLimit: { ...whole(0), default: 10 },
    progressDeadlineSeconds: { ...whole(1), default: 600 }
  }),
  StatefulSet: workload({
    serviceName: text,
    revisionHistoryLimit: { ...whole(0), default: 10 },
    podManagementPolicy: { ...text, default: "OrderedReady" },
    updateStrategy: { ...object({}), default: { type: "RollingUpdate", rollingUpdate: { partition: 0 } } }
  }),
  ReplicaSet: kind({ spec: object({ replicas, selector, template }, ["selector"]), status }, ["spec"]),
  Pod: kind({ spec: podSpec, status: object({ phase: text, conditions }) }, ["spec"]),
  HorizontalPodAutoscaler: kind(
    {
      spec: ruled(
        object(
          {
            scaleTargetRef: object({ kind: text, name: text }, ["kind", "name"]),
            minReplicas: { ...whole(1), default: 1 },
            maxReplicas: whole(1)
          },
          ["scaleTargetRef", "maxReplicas"]
        ),
        "self.minReplicas <= self.maxReplicas",
        "must be greater than or equal to `minReplicas`",
        ".maxReplicas"
      ),
      status
    },
    ["spec"]
  ),
  PodDisruptionBudget: kind({
    spec: ruled(
      object({ selector, minAvailable: share, maxUnavailable: share }),
      "!has(self.minAvailable) || !has(self.maxUnavailable)",
      "minAvailable and maxUnavailable cannot be both set"
    ),
    status
  }),
  Lease: kind({ spec: object({ holderIdentity: text, leaseDurationSeconds: whole(1) }) }),
  Event: kind({ involvedObject: object({}), reason: text, message: text, type: text }, ["involvedObject"]),
  ConfigMap: kind({ data: texts, binaryData: texts }),
  Secret: kind({ data: texts, type: { ...text, default: "Opaque" } }),
  Namespace: kind({ spec: object({}), status }),
  Node: kind({
    spec: object({}),
    status: object({ conditions, addresses: mapped(["type"]), capacity: OPEN, allocatable: OPEN })
  }),
  Service: kind({ spec: object({ selector: atomic(texts), ports: mapped(["port", "protocol"]) }), status }),
  ServiceAccount: kind({}),
  SelfSubjectAccessReview: kind({ spec: object({}) }, ["spec"]),
  CustomResourceDefinition: kind(
    {
      spec: object(
        {
          group: text,
          scope: { ...text, enum: ["Namespaced", "Cluster"] },
          names: object({ plural: text, kind: text, shortNames: { type: "array", items: text } }, ["plural", "kind"]),
          versions: { type: "array", items: object({ name: text }, ["name"]), minItems: 1 }
        },
        ["group", "scope", "names", "versions"]
      ),
      status
    },
    ["spec"]
  )
} satisfies Readonly<Record<string, Structural>>
