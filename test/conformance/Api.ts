/**
 * What a conformance case sees of an API, whichever stands behind it, and the kind that the cases use. A case is
 * written once: test/cluster/conformance.test.ts runs it against the embedded API, test/integration/conformance.test.ts
 * against a real kube-apiserver, so that the embedded one cannot drift into an API of its own.
 */

export interface Json {
  readonly [key: string]: unknown
}

export interface Sent {
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
}

export interface Answer {
  readonly status: number
  readonly body: Json
  readonly warnings: ReadonlyArray<string>
}

export interface Seen {
  readonly type: string
  readonly object: Json
}

export interface Watching {
  /** The first so many events; fails where they do not come. */
  readonly first: (count: number) => Promise<ReadonlyArray<Seen>>
  readonly close: () => void
}

export interface Api {
  /** A namespace that only this case uses. */
  readonly namespace: string
  readonly send: (method: string, path: string, sent?: Sent) => Promise<Answer>
  readonly watch: (path: string, accept?: string) => Promise<Watching>
}

export interface Case {
  readonly title: string
  readonly run: (api: Api) => Promise<void>
}

export const MERGE = "application/merge-patch+json"
export const STRATEGIC = "application/strategic-merge-patch+json"
export const JSON_PATCH = "application/json-patch+json"
export const APPLY = "application/apply-patch+yaml"
export const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

const GROUP = "conformance.nimbusguard.io"

export const configMaps = ({ namespace }: Api, name = "") =>
  `/api/v1/namespaces/${namespace}/configmaps${name === "" ? "" : `/${name}`}`
export const widgets = ({ namespace }: Api, name = "") =>
  `/apis/${GROUP}/v1/namespaces/${namespace}/widgets${name === "" ? "" : `/${name}`}`
export const deployments = ({ namespace }: Api, name = "") =>
  `/apis/apps/v1/namespaces/${namespace}/deployments${name === "" ? "" : `/${name}`}`

export const configMap = (name: string, data: Readonly<Record<string, string>> = {}, labels = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
  data
})

export const widget = (name: string, spec: Json = { size: 1 }, metadata: Json = {}) => ({
  apiVersion: `${GROUP}/v1`,
  kind: "Widget",
  metadata: { name, ...metadata },
  spec
})

/** Nobody runs its pods: the selector matches, the scheduler has nothing to do at 0 replicas. */
export const deployment = (name: string, replicas = 0) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [
          {
            name: "main",
            image: "none",
            env: [
              { name: "A", value: "1" },
              { name: "B", value: "2" }
            ]
          }
        ]
      }
    }
  }
})

const text = { type: "string" }

/** A kind with everything that our kinds and their neighbours use: defaults, rules, lists of each sort, /status, /scale. */
export const WIDGETS = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `widgets.${GROUP}` },
  spec: {
    group: GROUP,
    scope: "Namespaced",
    names: {
      plural: "widgets",
      singular: "widget",
      kind: "Widget",
      listKind: "WidgetList",
      shortNames: ["wdg"],
      categories: ["conformance"]
    },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        additionalPrinterColumns: [
          { name: "Size", type: "integer", jsonPath: ".spec.size" },
          { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: "Mode", type: "string", jsonPath: ".spec.mode", priority: 1 }
        ],
        subresources: {
          status: {},
          scale: {
            specReplicasPath: ".spec.size",
            statusReplicasPath: ".status.size",
            labelSelectorPath: ".status.selector"
          }
        },
        selectableFields: [{ jsonPath: ".spec.mode" }],
        schema: {
          openAPIV3Schema: {
            type: "object",
            required: ["spec"],
            properties: {
              spec: {
                type: "object",
                properties: {
                  size: { type: "integer", minimum: 0, maximum: 100 },
                  most: { type: "integer" },
                  mode: { type: "string", enum: ["Fast", "Slow"], default: "Fast" },
                  tags: { type: "array", items: text, "x-kubernetes-list-type": "set", maxItems: 5 },
                  atoms: { type: "array", items: text },
                  parts: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    items: { type: "object", required: ["name"], properties: { name: text, value: text, note: text } }
                  },
                  options: { type: "object", additionalProperties: text }
                },
                "x-kubernetes-validations": [
                  {
                    rule: "!has(self.most) || !has(self.size) || self.size <= self.most",
                    message: "size must not be greater than most"
                  }
                ]
              },
              status: {
                type: "object",
                properties: {
                  size: { type: "integer" },
                  selector: text,
                  conditions: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                    items: { type: "object", required: ["type"], properties: { type: text, status: text } }
                  }
                }
              }
            }
          }
        }
      }
    ]
  }
}

// ---- what is asked of answers

export const at = (value: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>(
      (inside, key) => (typeof inside === "object" && inside !== null ? (inside as Json)[key] : undefined),
      value
    )

export const items = (list: Answer): ReadonlyArray<Json> => (list.body["items"] ?? []) as ReadonlyArray<Json>
export const names = (list: Answer): ReadonlyArray<unknown> => items(list).map((item) => at(item, "metadata.name"))
export const version = (answer: Answer): string => String(at(answer.body, "metadata.resourceVersion"))

/** Of a refusal: everything that a client can act on. */
export const refusal = ({ body, status }: Answer) => ({
  status,
  reason: body["reason"],
  fields: ((at(body, "details.causes") ?? []) as ReadonlyArray<Json>).map(
    ({ field, reason }) => `${String(field)} ${String(reason)}`
  )
})
