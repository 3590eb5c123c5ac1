/** What is served: version, groups, resources and schemas, in the forms that clients ask for. */
import type { ApiAnswer, ApiRequest } from "#cluster/api/requests"
import type { Json, JsonObject } from "#cluster/api/json"
import type { Kinds } from "#cluster/api/Kinds"
import { schemaDocument } from "#cluster/api/openapi"
import { unknownPath } from "#cluster/api/Refusal"
import { groupVersionOf, type Resource, verbsOf } from "#cluster/api/Resource"
import * as Hash from "effect/Hash"

const VERSION = { major: "1", minor: "34", gitVersion: "v1.34.0+embedded", platform: "nimbusguard" }

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

const namesOf = (kinds: Kinds): ReadonlyArray<string> => [...new Set(kinds.all.map(groupVersionOf))]

const served = (kinds: Kinds, groupVersion: string): ReadonlyArray<Resource> =>
  kinds.all.filter((one) => groupVersionOf(one) === groupVersion)

const groupOf = (kinds: Kinds, name: string): JsonObject => {
  const versions = namesOf(kinds)
    .filter((groupVersion) => groupVersion.startsWith(`${name}/`))
    .map((groupVersion) => ({ groupVersion, version: groupVersion.slice(name.length + 1) }))
  return { name, versions, preferredVersion: versions[0] ?? null }
}

const groupsOf = (kinds: Kinds): ReadonlyArray<string> =>
  [...new Set(kinds.all.map(({ group }) => group))].filter((group) => group !== "")

const subresourcesOf = (
  one: Resource
): ReadonlyArray<readonly [name: string, group: string, version: string, kind: string]> => [
  ...(one.status ? [["status", one.group, one.version, one.kind] as const] : []),
  ...(one.scale === undefined ? [] : [["scale", "autoscaling", "v1", "Scale"] as const])
]

const SUBRESOURCE_VERBS = ["get", "patch", "update"]

const resourceList = (kinds: Kinds, groupVersion: string): JsonObject => ({
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion,
  resources: served(kinds, groupVersion).flatMap((one): ReadonlyArray<JsonObject> => [
    {
      name: one.plural,
      singularName: one.singular,
      namespaced: one.namespaced,
      kind: one.kind,
      verbs: verbsOf(one),
      shortNames: one.shortNames,
      categories: one.categories
    },
    ...subresourcesOf(one).map(([name, group, version, kind]) => ({
      name: `${one.plural}/${name}`,
      singularName: "",
      namespaced: one.namespaced,
      ...(kind === "Scale" ? { group, version } : {}),
      kind,
      verbs: SUBRESOURCE_VERBS
    }))
  ])
})

const aggregated = (kinds: Kinds, groups: ReadonlyArray<string>): JsonObject => ({
  kind: "APIGroupDiscoveryList",
  apiVersion: "apidiscovery.k8s.io/v2",
  metadata: {},
  items: groups.map((group) => ({
    metadata: { name: group },
    versions: namesOf(kinds)
      .filter((groupVersion) => (group === "" ? !groupVersion.includes("/") : groupVersion.startsWith(`${group}/`)))
      .map((groupVersion) => ({
        version: groupVersion.split("/").at(-1) ?? "",
        freshness: "Current",
        resources: served(kinds, groupVersion).map((one): Json => ({
          resource: one.plural,
          responseKind: { group: one.group, version: one.version, kind: one.kind },
          scope: one.namespaced ? "Namespaced" : "Cluster",
          singularResource: one.singular,
          verbs: verbsOf(one),
          shortNames: one.shortNames,
          categories: one.categories,
          subresources: subresourcesOf(one).map(([subresource, of, version, kind]) => ({
            subresource,
            responseKind: { group: of, version, kind },
            verbs: SUBRESOURCE_VERBS
          }))
        }))
      }))
  }))
})

const rootOf = (groupVersion: string): string =>
  groupVersion.includes("/") ? `apis/${groupVersion}` : `api/${groupVersion}`

const schemaIndex = (kinds: Kinds): JsonObject => ({
  paths: Object.fromEntries(
    // The hash lets a client keep a document until it changes: a CRD may.
    namesOf(kinds).map((name) => {
      const hash = Hash.string(JSON.stringify(schemaDocument(rootOf(name), served(kinds, name))))
      return [rootOf(name), { serverRelativeURL: `/openapi/v3/${rootOf(name)}?hash=${hash}` }]
    })
  )
})

/** Undefined: not a question about what is served. */
export const discovered = (kinds: Kinds, { accept = "", path }: ApiRequest): ApiAnswer | undefined => {
  const plain = (body: JsonObject): ApiAnswer => ({ status: 200, body })
  const parts = path.split("/").filter((part) => part !== "")
  const [root = "", ...rest] = parts
  const grouped = accept.includes("as=APIGroupDiscoveryList") && accept.includes("v=v2;")
  if (["healthz", "livez", "readyz"].includes(root)) return plain({ status: "ok" })
  if (path === "/version") return plain(VERSION)
  if (root === "openapi") {
    if (rest[0] !== "v3") throw unknownPath()
    if (rest.length === 1) return plain(schemaIndex(kinds))
    const name = rest.slice(2).join("/")
    if (served(kinds, name).length === 0) throw unknownPath()
    return plain(schemaDocument(rest.slice(1).join("/"), served(kinds, name)))
  }
  if (parts.length === 1 && (root === "api" || root === "apis")) {
    if (grouped)
      return { status: 200, body: aggregated(kinds, root === "api" ? [""] : groupsOf(kinds)), contentType: AGGREGATED }
    if (root === "api") return plain({ kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] })
    return plain({
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: groupsOf(kinds).map((name) => groupOf(kinds, name))
    })
  }
  if (root === "apis" && parts.length === 2) {
    const [name = ""] = rest
    if (!groupsOf(kinds).includes(name)) throw unknownPath()
    return plain({ kind: "APIGroup", apiVersion: "v1", ...groupOf(kinds, name) })
  }
  if (parts.length !== (root === "api" ? 2 : 3) || !["api", "apis"].includes(root)) return undefined
  const groupVersion = rest.join("/")
  if (!namesOf(kinds).includes(groupVersion)) throw unknownPath()
  return plain(resourceList(kinds, groupVersion))
}
