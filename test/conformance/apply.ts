/** Server-side apply, as far as the operator and our manifests use it. */
import { assert } from "vitest"
import {
  type Answer,
  type Api,
  APPLY,
  at,
  type Case,
  deployment,
  deployments,
  MERGE,
  refusal,
  version,
  widget,
  widgets
} from "#test/conformance/Api"

const apply = (api: Api, manager: string, spec: Record<string, unknown>, force = false) =>
  api.send("PATCH", `${widgets(api, "w")}?fieldManager=${manager}&force=${force}`, {
    body: widget("w", spec),
    contentType: APPLY
  })

const owners = (answer: Answer, path: string): ReadonlyArray<unknown> =>
  ((at(answer.body, "metadata.managedFields") ?? []) as ReadonlyArray<Record<string, unknown>>)
    .filter(
      ({ fieldsV1 }) =>
        path
          .split(" ")
          .reduce<unknown>((inside, step) => (inside as Record<string, unknown> | undefined)?.[step], fieldsV1) !==
        undefined
    )
    .map(({ manager, operation }) => `${String(manager)} ${String(operation)}`)
    .toSorted()

export const applies: ReadonlyArray<Case> = [
  {
    title: "creates what is not there, owns what was applied, and changes nothing the second time",
    run: async (api) => {
      const made = await apply(api, "a", { size: 1, options: { x: "1" } })
      assert.strictEqual(made.status, 201)
      assert.deepStrictEqual(made.body["spec"], { size: 1, options: { x: "1" }, mode: "Fast" })
      assert.deepStrictEqual(owners(made, "f:spec f:size"), ["a Apply"])
      assert.deepStrictEqual(owners(made, "f:spec f:mode"), [])
      const again = await apply(api, "a", { size: 1, options: { x: "1" } })
      assert.deepStrictEqual([again.status, version(again)], [200, version(made)])
    }
  },
  {
    title: "takes away what it applied before and no longer names, unless others hold it",
    run: async (api) => {
      await apply(api, "a", {
        size: 1,
        options: { x: "1", y: "2" },
        tags: ["a", "b"],
        parts: [{ name: "p", value: "1" }, { name: "q" }]
      })
      await apply(api, "b", { options: { y: "2" }, tags: ["b"] })
      const left = await apply(api, "a", { size: 1, parts: [{ name: "p" }] })
      assert.deepStrictEqual(left.body["spec"], {
        size: 1,
        mode: "Fast",
        options: { y: "2" },
        tags: ["b"],
        parts: [{ name: "p" }]
      })
    }
  },
  {
    title: "refuses to change what another manager applied, unless it is forced",
    run: async (api) => {
      await apply(api, "a", { size: 1, parts: [{ name: "p", value: "1" }] })
      const shared = await apply(api, "b", { size: 1 })
      assert.deepStrictEqual(owners(shared, "f:spec f:size"), ["a Apply", "b Apply"])
      const refused = await apply(api, "c", { size: 2, parts: [{ name: "p", value: "2" }] })
      assert.deepInclude(refusal(refused), { status: 409, reason: "Conflict" })
      assert.sameMembers(
        [...refusal(refused).fields],
        [
          ".spec.size FieldManagerConflict",
          ".spec.size FieldManagerConflict",
          '.spec.parts[name="p"].value FieldManagerConflict'
        ]
      )
      const taken = await apply(api, "c", { size: 2 }, true)
      assert.deepStrictEqual([at(taken.body, "spec.size"), owners(taken, "f:spec f:size")], [2, ["c Apply"]])
    }
  },
  {
    title: "keeps what was written by a patch with its writer, until it is forced away",
    run: async (api) => {
      await apply(api, "a", { size: 1 })
      const patched = await api.send("PATCH", `${widgets(api, "w")}?fieldManager=hand`, {
        body: { spec: { size: 3, most: 9 } },
        contentType: MERGE
      })
      assert.deepStrictEqual(
        [owners(patched, "f:spec f:size"), owners(patched, "f:spec f:most")],
        [["hand Update"], ["hand Update"]]
      )
      const refused = await apply(api, "a", { size: 1 })
      assert.strictEqual(refused.status, 409)
      assert.match(String(refused.body["message"]), /conflict with "hand".*\.spec\.size/su)
      const forced = await apply(api, "a", { size: 1 }, true)
      assert.deepStrictEqual(forced.body["spec"], { size: 1, most: 9, mode: "Fast" })
    }
  },
  {
    title: "merges lists by their keys and keeps the order of both",
    run: async (api) => {
      await apply(api, "a", { parts: [{ name: "a" }, { name: "b" }] })
      const merged = await apply(api, "b", {
        parts: [
          { name: "c", note: "n" },
          { name: "b", note: "m" }
        ]
      })
      assert.deepStrictEqual(at(merged.body, "spec.parts"), [
        { name: "a" },
        { name: "c", note: "n" },
        { name: "b", note: "m" }
      ])
    }
  },
  {
    title: "applies a status as a manager of its own, and leaves other managers' conditions there",
    run: async (api) => {
      const made = await api.send("POST", widgets(api), { body: widget("w") })
      const status = (manager: string, body: Record<string, unknown>, metadata = {}) =>
        api.send("PATCH", `${widgets(api, "w/status")}?fieldManager=${manager}&force=true`, {
          body: { ...widget("w", {}, metadata), status: body },
          contentType: APPLY
        })
      await status(
        "a",
        { size: 1, conditions: [{ type: "Ready", status: "True" }] },
        { uid: at(made.body, "metadata.uid") }
      )
      await status("b", { conditions: [{ type: "Other", status: "False" }] })
      const left = await status("a", { conditions: [{ type: "Ready", status: "False" }] })
      assert.deepStrictEqual(left.body["status"], {
        conditions: [
          { type: "Ready", status: "False" },
          { type: "Other", status: "False" }
        ]
      })
      assert.deepStrictEqual(left.body["spec"], made.body["spec"])
      const entry = (at(left.body, "metadata.managedFields") as ReadonlyArray<Record<string, unknown>>).find(
        ({ manager }) => manager === "a"
      )
      assert.deepInclude(entry, { operation: "Apply", subresource: "status" })
      // A uid that is not the object's is no precondition of an apply: the server takes it for said and done.
      const anew = await status("a", { size: 2 }, { uid: "11111111-1111-4111-8111-111111111111" })
      assert.strictEqual(anew.status, 200)
      assert.strictEqual(at(anew.body, "metadata.uid"), at(made.body, "metadata.uid"))
      const same = await status("a", { size: 2 })
      assert.strictEqual(version(same), version(anew))
    }
  },
  {
    title: "refuses an apply that is none",
    run: async (api) => {
      const path = widgets(api, "w")
      const send = (terms: string, body: unknown) => api.send("PATCH", `${path}${terms}`, { body, contentType: APPLY })
      assert.deepInclude(refusal(await send("", widget("w"))), { status: 422, reason: "Invalid" })
      assert.strictEqual((await send("?fieldManager=a", widget("v"))).status, 400)
      const managed = widget("w", { size: 1 }, { managedFields: [{ manager: "x" }] })
      assert.strictEqual((await send("?fieldManager=a", managed)).status, 400)
      assert.strictEqual((await send("?fieldManager=a", widget("w", { size: -1 }))).status, 422)
      const born = await send(
        "?fieldManager=a",
        widget("w", { size: 1 }, { uid: "11111111-1111-4111-8111-111111111111" })
      )
      assert.strictEqual(born.status, 409)
    }
  },
  {
    title: "applies a Deployment, whose containers and variables merge by their names",
    run: async (api) => {
      const path = `${deployments(api, "d")}?fieldManager=a`
      const made = await api.send("PATCH", path, { body: deployment("d"), contentType: APPLY })
      assert.strictEqual(made.status, 201)
      const spec = { template: { spec: { containers: [{ name: "main", env: [{ name: "C", value: "3" }] }] } } }
      const body = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec }
      const other = await api.send("PATCH", `${deployments(api, "d")}?fieldManager=b`, { body, contentType: APPLY })
      assert.strictEqual(other.status, 200, JSON.stringify(other.body))
      const env = at(other.body, "spec.template.spec.containers.0.env") as ReadonlyArray<Record<string, unknown>>
      assert.deepStrictEqual(
        env.map(({ name }) => name),
        ["A", "B", "C"]
      )
    }
  }
]
