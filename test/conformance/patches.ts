/** The patches: JSON, merge, strategic merge; and the subresources that they go through. */
import { assert } from "vitest"
import {
  type Api,
  at,
  type Case,
  configMap,
  configMaps,
  deployment,
  deployments,
  JSON_PATCH,
  MERGE,
  refusal,
  STRATEGIC,
  version,
  widget,
  widgets
} from "#test/conformance/Api"

const steps = (api: Api, path: string, ...body: ReadonlyArray<unknown>) =>
  api.send("PATCH", path, { body, contentType: JSON_PATCH })

const CONTAINER = "spec.template.spec.containers.0"

export const patches: ReadonlyArray<Case> = [
  {
    title: "merges objects, takes null for absent and lists as a whole",
    run: async (api) => {
      await api.send("POST", widgets(api), { body: widget("w", { atoms: ["a", "b"], options: { x: "1", y: "2" } }) })
      const body = { spec: { atoms: ["c"], options: { x: null, z: "3" }, most: 5 } }
      const merged = await api.send("PATCH", widgets(api, "w"), { body, contentType: MERGE })
      assert.deepStrictEqual(merged.body["spec"], { atoms: ["c"], options: { y: "2", z: "3" }, most: 5, mode: "Fast" })
      const stale = { metadata: { resourceVersion: "1" }, spec: { most: 6 } }
      const late = await api.send("PATCH", widgets(api, "w"), { body: stale, contentType: MERGE })
      assert.deepStrictEqual(refusal(late), { status: 409, reason: "Conflict", fields: [] })
      const now = { metadata: { resourceVersion: version(merged) }, spec: { most: 6 } }
      assert.strictEqual((await api.send("PATCH", widgets(api, "w"), { body: now, contentType: MERGE })).status, 200)
      assert.strictEqual((await api.send("PATCH", widgets(api, "none"), { body, contentType: MERGE })).status, 404)
    }
  },
  {
    title: "walks the steps of a JSON patch, all of them or none",
    run: async (api) => {
      await api.send("POST", configMaps(api), {
        body: { ...configMap("a", { x: "1" }), metadata: { name: "a", annotations: { "a/c": "2" } } }
      })
      const path = configMaps(api, "a")
      const done = await steps(
        api,
        path,
        { op: "test", path: "/data/x", value: "1" },
        { op: "replace", path: "/data/x", value: "3" },
        { op: "add", path: "/data/y", value: "4" },
        { op: "remove", path: "/metadata/annotations/a~1c" },
        { op: "copy", from: "/data/y", path: "/data/z" },
        { op: "move", from: "/data/z", path: "/data/w" },
        { op: "replace", path: "/data/new", value: "5" }
      )
      assert.deepStrictEqual([done.status, done.body["data"]], [200, { x: "3", y: "4", w: "4", new: "5" }])
      const failed = await steps(
        api,
        path,
        { op: "add", path: "/data/q", value: "1" },
        { op: "test", path: "/data/x", value: "9" }
      )
      assert.deepInclude(refusal(failed), { status: 422, reason: "Invalid" })
      assert.deepInclude(refusal(await steps(api, path, { op: "remove", path: "/data/none" })), {
        status: 422,
        reason: "Invalid"
      })
      assert.deepStrictEqual((await api.send("GET", path)).body["data"], done.body["data"])
    }
  },
  {
    title: "counts the places of a list in a JSON patch",
    run: async (api) => {
      await api.send("POST", widgets(api), { body: widget("w", { atoms: ["a", "b"] }) })
      const path = widgets(api, "w")
      const done = await steps(
        api,
        path,
        { op: "add", path: "/spec/atoms/-", value: "c" },
        { op: "add", path: "/spec/atoms/0", value: "z" },
        { op: "remove", path: "/spec/atoms/1" },
        { op: "replace", path: "/spec/atoms/1", value: "B" }
      )
      assert.deepStrictEqual(at(done.body, "spec.atoms"), ["z", "B", "c"])
      assert.strictEqual((await steps(api, path, { op: "add", path: "/spec/atoms/9", value: "c" })).status, 422)
    }
  },
  {
    title: "merges the lists of built-in kinds by their keys, and refuses to for others",
    run: async (api) => {
      await api.send("POST", deployments(api), { body: deployment("d") })
      const path = deployments(api, "d")
      const inside = (container: unknown, more = {}) => ({
        spec: { template: { spec: { containers: [container], ...more } } }
      })
      const smp = (body: unknown) => api.send("PATCH", path, { body, contentType: STRATEGIC })
      const image = await smp(
        inside({
          name: "main",
          image: "other",
          env: [
            { name: "B", value: "3" },
            { name: "C", value: "4" }
          ]
        })
      )
      assert.strictEqual(at(image.body, `${CONTAINER}.image`), "other")
      assert.sameDeepMembers(at(image.body, `${CONTAINER}.env`) as Array<unknown>, [
        { name: "A", value: "1" },
        { name: "B", value: "3" },
        { name: "C", value: "4" }
      ])
      const order = [{ name: "C" }, { name: "B" }]
      const dropped = await smp(
        inside({ name: "main", "$setElementOrder/env": order, env: [{ name: "A", $patch: "delete" }] })
      )
      assert.deepStrictEqual(at(dropped.body, `${CONTAINER}.env`), [
        { name: "C", value: "4" },
        { name: "B", value: "3" }
      ])
      const added = await smp(inside({ name: "side", image: "none" }))
      const containers = at(added.body, "spec.template.spec.containers") as ReadonlyArray<Record<string, unknown>>
      assert.sameMembers(
        containers.map(({ name }) => name),
        ["main", "side"]
      )
      const labelled = await smp({ metadata: { labels: { a: "b" }, annotations: { c: "d" } } })
      const bare = await smp({ metadata: { labels: null } })
      assert.deepStrictEqual(
        [at(labelled.body, "metadata.labels"), at(bare.body, "metadata.labels")],
        [{ a: "b" }, undefined]
      )
      assert.isAtLeast((await smp(inside({ image: "keyless" }))).status, 400)
      await api.send("POST", widgets(api), { body: widget("w") })
      const custom = await api.send("PATCH", widgets(api, "w"), { body: { spec: { size: 2 } }, contentType: STRATEGIC })
      assert.deepInclude(refusal(custom), { status: 415, reason: "UnsupportedMediaType" })
      const unknown = await api.send("PATCH", path, { body: {}, contentType: "application/json" })
      assert.deepInclude(refusal(unknown), { status: 415, reason: "UnsupportedMediaType" })
    }
  },
  {
    title: "keeps the status apart: each write reaches only its own half",
    run: async (api) => {
      const made = await api.send("POST", widgets(api), { body: { ...widget("w"), status: { size: 9 } } })
      assert.isUndefined(made.body["status"])
      const main = await api.send("PATCH", widgets(api, "w"), {
        body: { spec: { size: 2 }, status: { size: 9 } },
        contentType: MERGE
      })
      assert.deepStrictEqual([at(main.body, "spec.size"), main.body["status"]], [2, undefined])
      const told = await api.send("PATCH", widgets(api, "w/status"), {
        body: { spec: { size: 3 }, status: { size: 4 } },
        contentType: MERGE
      })
      assert.deepStrictEqual([at(told.body, "spec.size"), told.body["status"]], [2, { size: 4 }])
      const put = await api.send("PUT", widgets(api, "w/status"), {
        body: { ...told.body, spec: { size: 8 }, status: { size: 5 } }
      })
      assert.deepStrictEqual([at(put.body, "spec.size"), put.body["status"]], [2, { size: 5 }])
      const odd = await api.send("PATCH", widgets(api, "w/status"), {
        body: { status: { size: "many" } },
        contentType: MERGE
      })
      assert.deepStrictEqual(refusal(odd), { status: 422, reason: "Invalid", fields: refusal(odd).fields })
      assert.include(refusal(odd).fields, "status.size FieldValueTypeInvalid")
      assert.strictEqual((await api.send("GET", configMaps(api, "a/status"))).status, 404)
    }
  },
  {
    title: "scales through /scale: replicas, precondition, selector and owner of the field",
    run: async (api) => {
      await api.send("POST", deployments(api), { body: deployment("d") })
      const path = deployments(api, "d/scale")
      const seen = await api.send("GET", path)
      assert.deepInclude(seen.body, { kind: "Scale", apiVersion: "autoscaling/v1" })
      assert.strictEqual(at(seen.body, "status.selector"), "app=d")
      // A real controller reports on the object meanwhile, so the version is the writer's business and not this case's.
      const stale = { metadata: { resourceVersion: "1" }, spec: { replicas: 2 } }
      assert.strictEqual((await api.send("PATCH", path, { body: stale, contentType: MERGE })).status, 409)
      const scaled = await api.send("PATCH", `${path}?fieldManager=conformance`, {
        body: { spec: { replicas: 2 } },
        contentType: MERGE
      })
      assert.deepStrictEqual([scaled.status, at(scaled.body, "spec.replicas")], [200, 2])
      const object = (await api.send("GET", deployments(api, "d"))).body
      assert.strictEqual(at(object, "spec.replicas"), 2)
      const entries = at(object, "metadata.managedFields") as ReadonlyArray<Record<string, unknown>>
      const owner = entries.filter((entry) => at(entry["fieldsV1"], "f:spec.f:replicas") !== undefined)
      assert.deepStrictEqual(
        owner.map(({ manager, operation, subresource }) => [manager, operation, subresource]),
        [["conformance", "Update", "scale"]]
      )
      const negative = await api.send("PATCH", path, { body: { spec: { replicas: -1 } }, contentType: MERGE })
      assert.deepStrictEqual(refusal(negative), {
        status: 422,
        reason: "Invalid",
        fields: ["spec.replicas FieldValueInvalid"]
      })
      assert.strictEqual((await api.send("GET", configMaps(api, "a/scale"))).status, 404)
      await api.send("PATCH", path, { body: { spec: { replicas: 0 } }, contentType: MERGE })
    }
  },
  {
    title: "scales a custom resource by the paths of its definition",
    run: async (api) => {
      await api.send("POST", widgets(api), { body: widget("w", { size: 2 }) })
      await api.send("PATCH", widgets(api, "w/status"), {
        body: { status: { size: 1, selector: "app=w" } },
        contentType: MERGE
      })
      const seen = await api.send("GET", widgets(api, "w/scale"))
      assert.deepStrictEqual(
        [seen.body["spec"], seen.body["status"]],
        [{ replicas: 2 }, { replicas: 1, selector: "app=w" }]
      )
      const put = await api.send("PUT", widgets(api, "w/scale"), { body: { ...seen.body, spec: { replicas: 6 } } })
      assert.deepStrictEqual([put.status, at(put.body, "spec.replicas")], [200, 6])
      assert.strictEqual(at((await api.send("GET", widgets(api, "w"))).body, "spec.size"), 6)
      const late = await api.send("PUT", widgets(api, "w/scale"), { body: { ...seen.body, spec: { replicas: 7 } } })
      assert.strictEqual(late.status, 409)
      const before = await api.send("GET", widgets(api, "w"))
      const same = await api.send("PATCH", widgets(api, "w/scale"), {
        body: { spec: { replicas: 6 } },
        contentType: MERGE
      })
      assert.deepStrictEqual([same.status, version(same)], [200, version(before)])
      assert.deepStrictEqual((await api.send("GET", widgets(api, "w"))).body, before.body)
    }
  }
]
