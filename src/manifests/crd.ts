/** The CustomResourceDefinition of each kind, made from its schema so that the two cannot disagree. */
import type { CrdKind } from "#schemas/crd/Crd"
import { Status } from "#schemas/Status"
import { toStructural } from "#manifests/structural"
import type { FillHole, Structural } from "#manifests/structural"

/** Read by the installer, which never puts an older CRD over a newer one. */
export const VERSION_ANNOTATION = "nimbusguard.io/version"

export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1"
  readonly kind: "CustomResourceDefinition"
  readonly metadata: {
    readonly name: string
    readonly annotations: Readonly<Record<string, string>>
    readonly labels: Readonly<Record<string, string>>
  }
  readonly spec: {
    readonly group: string
    readonly names: {
      readonly kind: string
      readonly listKind: string
      readonly plural: string
      readonly singular: string
      readonly shortNames: ReadonlyArray<string>
      readonly categories: ReadonlyArray<string>
    }
    readonly scope: "Namespaced"
    readonly versions: readonly [Version]
  }
}

export interface Version {
  readonly name: string
  readonly served: true
  readonly storage: true
  readonly additionalPrinterColumns: CrdKind["columns"]
  readonly subresources: { readonly status: object }
  readonly schema: { readonly openAPIV3Schema: Structural }
}

/** Whole objects of a kind: what an API server prunes, defaults and validates by. */
export const objectSchema = (kind: CrdKind, plugs: FillHole): Structural => {
  const spec = toStructural(kind.wire, plugs)
  return {
    description: kind.description,
    type: "object",
    required: ["spec"],
    properties: {
      apiVersion: {
        description: "Group and version of this kind of object.",
        type: "string"
      },
      kind: { description: "The kind of this object.", type: "string" },
      // The server describes it itself, and refuses another description.
      metadata: { type: "object" },
      spec: {
        ...spec,
        "x-kubernetes-validations": [...(spec["x-kubernetes-validations"] ?? []), ...kind.rules]
      },
      status: statusSchema(plugs)
    }
  }
}

/** One condition of each type: the server merges by type, and refuses two of one. */
const statusSchema = (plugs: FillHole): Structural => {
  const status = toStructural(Status, plugs)
  const conditions = status.properties?.["conditions"] ?? {}
  return {
    ...status,
    properties: {
      ...status.properties,
      conditions: { ...conditions, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] }
    }
  }
}

export const crdName = (kind: Pick<CrdKind, "plural" | "group">): string => `${kind.plural}.${kind.group}`

export const definitionOf = (kind: CrdKind, version: string, plugs: FillHole): CustomResourceDefinition => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: crdName(kind),
    annotations: { [VERSION_ANNOTATION]: version },
    labels: { "app.kubernetes.io/name": "nimbusguard", "app.kubernetes.io/part-of": "nimbusguard" }
  },
  spec: {
    group: kind.group,
    names: {
      kind: kind.kind,
      listKind: `${kind.kind}List`,
      plural: kind.plural,
      singular: kind.singular,
      shortNames: kind.shortNames,
      categories: kind.categories
    },
    scope: "Namespaced",
    versions: [
      {
        name: kind.version,
        served: true,
        storage: true,
        additionalPrinterColumns: kind.columns,
        subresources: { status: {} },
        schema: { openAPIV3Schema: objectSchema(kind, plugs) }
      }
    ]
  }
})
