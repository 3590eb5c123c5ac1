/** A request as it comes in, and how it is read: which resource, which object, on whose behalf. */
import type { JsonObject } from "#cluster/api/json"
import { isObject, metadataOf, nameOf, objectAt, without, wordOf } from "#cluster/api/json"
import type { Kinds } from "#cluster/api/Kinds"
import { badRequest, unknownPath, unprocessable, unsupportedMedia } from "#cluster/api/Refusal"
import type { Resource } from "#cluster/api/Resource"
import type { WatchEvent } from "#cluster/api/watches"
import type { WriteOptions } from "#cluster/api/Writes"
import * as Base64 from "effect/encoding/Base64"

export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly contentType?: string
  readonly accept?: string
  readonly body?: unknown
  /** The manager of a write that names none. */
  readonly userAgent?: string
}

export interface ApiAnswer {
  readonly status: number
  readonly body: JsonObject
  readonly contentType?: string
  readonly warnings?: ReadonlyArray<string>
}

export interface OpenWatch {
  /** What it begins with; everything later goes to the listener. */
  readonly events: ReadonlyArray<WatchEvent>
  readonly listen: (listener: (event: WatchEvent) => void) => () => void
  /** An event that says only how far the watch is; undefined where nobody asked for them. */
  readonly bookmark: () => WatchEvent | undefined
}

export interface Address {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly subresource: string
}

export const JSON_TYPE = "application/json"
/** What others do with pods; the world behind this API has no processes. */
export const NOT_HERE: ReadonlySet<string> = new Set(
  "log exec attach portforward proxy eviction binding token ephemeralcontainers".split(" ")
)

export const addressOf = (kinds: Kinds, path: string): Address => {
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent)
  const root = parts[0] === "api" ? 2 : 3
  const groupVersion = parts.slice(1, root).join("/")
  const rest = parts.slice(root)
  const isWithin = rest[0] === "namespaces" && rest.length > 2 && kinds.find(groupVersion, rest[2] ?? "") !== undefined
  const namespace = isWithin ? (rest[1] ?? "") : ""
  const [plural = "", name = "", subresource = "", ...more] = isWithin ? rest.slice(2) : rest
  const resource = ["api", "apis"].includes(parts[0] ?? "") ? kinds.find(groupVersion, plural) : undefined
  if (resource === undefined || (more.length > 0 && !NOT_HERE.has(subresource))) throw unknownPath()
  if ((name !== "" && resource.namespaced !== isWithin) || (isWithin && !resource.namespaced)) throw unknownPath()
  const known = ["", ...(resource.status ? ["status"] : []), ...(resource.scale === undefined ? [] : ["scale"])]
  if (!known.includes(subresource) && !NOT_HERE.has(subresource)) throw unknownPath()
  return { resource, namespace, name, subresource }
}

export const inside = (manager: string): WriteOptions => ({
  manager,
  subresource: "",
  dryRun: false,
  fieldValidation: "Ignore",
  warn: () => undefined
})

export const optionsOf = (
  { body, query = {}, userAgent = "unknown" }: ApiRequest,
  subresource: string,
  warn: WriteOptions["warn"]
): WriteOptions => {
  const dryRun =
    query["dryRun"] ?? (isObject(body) && Array.isArray(body["dryRun"]) ? String(body["dryRun"][0] ?? "") : "")
  if (!["", "All"].includes(dryRun)) throw unprocessable(`Invalid value: "${dryRun}": supported values: "All"`)
  return {
    manager: query["fieldManager"] ?? userAgent.split("/")[0] ?? "unknown",
    subresource,
    dryRun: dryRun === "All",
    fieldValidation: query["fieldValidation"] ?? "Warn",
    warn
  }
}

/** Deeper than any manifest, and far from where the steps down into an object would end the program. */
const LEVELS_MAX = 500

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)))

export const checkDepth = ({ body }: ApiRequest): void => {
  if (isDeeper(body, LEVELS_MAX)) throw badRequest(`the body of the request is nested deeper than ${LEVELS_MAX} levels`)
}

const PROTOBUF = "application/vnd.kubernetes.protobuf"

export const bodyOf = (
  { body, contentType = JSON_TYPE }: ApiRequest,
  resource: Resource,
  subresource = ""
): JsonObject => {
  if (contentType.startsWith(PROTOBUF)) {
    const instead = `write the ${resource.kind} to a file and use kubectl create -f`
    throw unsupportedMedia([JSON_TYPE], resource.answered === undefined ? instead : "here everybody may do everything")
  }
  if (!contentType.startsWith(JSON_TYPE)) throw unsupportedMedia([JSON_TYPE])
  if (!isObject(body)) throw badRequest("the body of the request is no JSON object")
  const kind = subresource === "scale" ? "Scale" : resource.kind
  if (![undefined, kind].includes(body["kind"] as string | undefined)) {
    throw badRequest(
      `${wordOf(body["kind"])} in version "${wordOf(body["apiVersion"])}" cannot be handled as a ${kind}: no kind "${wordOf(body["kind"])}" is registered here`
    )
  }
  return body
}

/** What the server writes into some new objects by itself. */
export const withDefaults = (resource: Resource, body: JsonObject): JsonObject => {
  if (resource.kind === "Namespace") {
    const labels = { "kubernetes.io/metadata.name": nameOf(body), ...objectAt(metadataOf(body), "labels") }
    return {
      ...body,
      metadata: { ...metadataOf(body), labels },
      spec: { finalizers: ["kubernetes"], ...objectAt(body, "spec") }
    }
  }
  if (resource.kind === "Secret" && isObject(body["stringData"])) {
    const plain = Object.entries(body["stringData"]).map(([key, value]) => [key, Base64.encode(wordOf(value))])
    return { ...without(body, "stringData"), data: { ...objectAt(body, "data"), ...Object.fromEntries(plain) } }
  }
  return body
}
