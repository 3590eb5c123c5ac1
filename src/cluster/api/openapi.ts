/** OpenAPI v3, as much of it as kubectl's apply, create, edit, diff and explain read. */
import type { JsonObject } from "#cluster/api/json"
import { groupVersionOf, type Resource } from "#cluster/api/Resource"

const gvkOf = ({ group, kind, version }: Resource): JsonObject => ({ group, kind, version })

const nameOf = (resource: Resource): string =>
  [
    ...(resource.group === "" ? ["core"] : resource.group.split(".").toReversed()),
    resource.version,
    resource.kind
  ].join(".")

/** kubectl asks the server to validate only where the path says that it can. */
const PARAMETERS = ["dryRun", "fieldManager", "fieldValidation", "force"].map((name) => ({
  ...{ name, in: "query", schema: { type: "string" } }
}))

const pathOf = (root: string, resource: Resource): string =>
  `/${root}/${resource.namespaced ? "namespaces/{namespace}/" : ""}${resource.plural}/{name}`

export const schemaDocument = (root: string, resources: ReadonlyArray<Resource>): JsonObject => ({
  openapi: "3.0.0",
  info: { title: "The embedded cluster of NimbusGuard", version: "v1.36.0" },
  paths: Object.fromEntries(
    resources.map((resource) => [
      pathOf(root, resource),
      {
        patch: {
          description: `Changes a ${resource.kind}.`,
          operationId: `patch ${groupVersionOf(resource)} ${resource.kind}`,
          parameters: PARAMETERS,
          responses: { "200": { description: "OK" } },
          "x-kubernetes-action": "patch",
          "x-kubernetes-group-version-kind": gvkOf(resource)
        }
      }
    ])
  ),
  components: {
    schemas: Object.fromEntries(
      resources.map((resource) => [
        nameOf(resource),
        { ...(resource.schema as JsonObject), "x-kubernetes-group-version-kind": [gvkOf(resource)] }
      ])
    )
  }
})
