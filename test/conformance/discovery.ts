/** What a client learns of an API before it asks anything of it. */
import { assert } from "vitest"
import { at, type Case } from "#test/conformance/Api"

const PREFIX = "/apis/conformance.nimbusguard.io/v1"

export const discovery: ReadonlyArray<Case> = [
  {
    title: "says its version in a form that clients can parse",
    run: async (api) => {
      const { body } = await api.send("GET", "/version")
      assert.match(String(body["gitVersion"]), /^v\d+\.\d+\.\d+/u)
    }
  },
  {
    title: "lists groups, and the resources of each with their subresources",
    run: async (api) => {
      const groups = (await api.send("GET", "/apis")).body["groups"] as ReadonlyArray<Record<string, unknown>>
      const apps = groups.find(({ name }) => name === "apps")
      assert.deepStrictEqual(apps?.["preferredVersion"], { groupVersion: "apps/v1", version: "v1" })
      const list = (await api.send("GET", PREFIX)).body
      assert.deepInclude(list, { kind: "APIResourceList", groupVersion: "conformance.nimbusguard.io/v1" })
      const resources = list["resources"] as ReadonlyArray<Record<string, unknown>>
      assert.sameMembers(
        resources.map(({ name }) => name),
        ["widgets", "widgets/status", "widgets/scale"]
      )
      const main = resources.find(({ name }) => name === "widgets")
      assert.deepInclude(main, { kind: "Widget", namespaced: true, shortNames: ["wdg"], categories: ["conformance"] })
      assert.includeMembers(main?.["verbs"] as Array<string>, [
        "create",
        "delete",
        "get",
        "list",
        "patch",
        "update",
        "watch"
      ])
      const core = (await api.send("GET", "/api/v1")).body["resources"] as ReadonlyArray<Record<string, unknown>>
      assert.deepInclude(
        core.find(({ name }) => name === "pods"),
        { kind: "Pod", shortNames: ["po"], singularName: "pod" }
      )
      assert.strictEqual((await api.send("GET", "/apis/nowhere.io/v1")).status, 404)
    }
  },
  {
    title: "lists everything at once to who can read that",
    run: async (api) => {
      const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
      const { body } = await api.send("GET", "/apis", { accept })
      assert.strictEqual(body["kind"], "APIGroupDiscoveryList")
      const group = (body["items"] as ReadonlyArray<Record<string, unknown>>).find(
        (one) => at(one, "metadata.name") === "conformance.nimbusguard.io"
      )
      const resource = at(group, "versions.0.resources.0") as Record<string, unknown>
      assert.deepInclude(resource, { resource: "widgets", scope: "Namespaced", shortNames: ["wdg"] })
      const subresources = resource["subresources"] as ReadonlyArray<Record<string, unknown>>
      assert.sameMembers(
        subresources.map(({ subresource }) => subresource),
        ["status", "scale"]
      )
    }
  },
  {
    title: "describes the fields of every kind, and that it can validate a patch",
    run: async (api) => {
      const index = (await api.send("GET", "/openapi/v3")).body["paths"] as Record<
        string,
        { serverRelativeURL?: string }
      >
      const url = index["apis/apps/v1"]?.serverRelativeURL ?? ""
      assert.isString(index["api/v1"]?.serverRelativeURL)
      const { body } = await api.send("GET", url)
      const schemas = Object.values(at(body, "components.schemas") as Record<string, Record<string, unknown>>)
      const gvk = { group: "apps", kind: "Deployment", version: "v1" }
      const isDeployment = (one: Record<string, unknown>) =>
        JSON.stringify(one["x-kubernetes-group-version-kind"]) === JSON.stringify([gvk])
      assert.isTrue(schemas.some(isDeployment))
      const paths = body["paths"] as Record<string, unknown>
      const path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
      const patch = at(paths[path], "patch") as Record<string, unknown>
      const parameters = patch["parameters"] as ReadonlyArray<Record<string, unknown>>
      assert.isTrue(parameters.some(({ in: where, name }) => where === "query" && name === "fieldValidation"))
    }
  }
]
