/** What the API serves of one kind: names, scope, subresources, and the schema that merges, defaults and judges it. */
import type { Cause } from "#manifests/causes"
import type { Structural } from "#manifests/structural"
import type { Json, JsonObject } from "#cluster/api/json"

export interface ScalePaths {
  /** "spec.replicas" */
  readonly spec: string
  readonly status: string
  /** A label selector, or its text. */
  readonly selector?: string | undefined
}

export interface Column {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  /** 0: always shown; 1: with -o wide. */
  readonly priority?: number
}

/** How another version of the API shows the objects of a resource. */
export interface Guise {
  readonly of: string
  readonly toStored: (shown: JsonObject) => JsonObject
  readonly toShown: (stored: JsonObject) => JsonObject
}

export interface Resource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: ReadonlyArray<string>
  readonly categories: ReadonlyArray<string>
  readonly namespaced: boolean
  readonly status: boolean
  readonly scale?: ScalePaths | undefined
  /** Whether metadata.generation counts its specs. */
  readonly generation: boolean
  readonly custom: boolean
  readonly schema: Structural
  /** Of what it took over from the one before nothing is said. */
  readonly judge: (object: JsonObject, before?: JsonObject) => ReadonlyArray<Cause>
  /** Field selectors beside metadata.name and metadata.namespace. */
  readonly selectable: ReadonlyArray<string>
  readonly columns: ReadonlyArray<Column>
  readonly row: (object: JsonObject, nowMillis: number) => ReadonlyArray<Json>
  readonly guise?: Guise | undefined
  /** Made up when asked for, as metrics are: read-only and never watched. */
  readonly computed?: (() => ReadonlyArray<JsonObject>) | undefined
  /** Answered and forgotten: only POST. */
  readonly answered?: ((object: JsonObject) => JsonObject) | undefined
}

export const groupVersionOf = ({ group, version }: Pick<Resource, "group" | "version">): string =>
  group === "" ? version : `${group}/${version}`

/** "pods", "deployments.apps": the plural alone where the group is the core's. */
export const keyOf = ({ group, plural }: Pick<Resource, "group" | "plural">): string =>
  group === "" ? plural : `${plural}.${group}`

export const verbsOf = (resource: Resource): ReadonlyArray<string> => {
  if (resource.answered !== undefined) return ["create"]
  if (resource.computed !== undefined) return ["get", "list"]
  return ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
}
