/** Lists: selectors, pages, versions, tables, and deletion of many. */
import { assert } from "vitest"
import {
  type Api,
  at,
  type Case,
  configMap,
  configMaps,
  items,
  names,
  refusal,
  TABLE,
  version,
  widget,
  widgets
} from "#test/conformance/Api"

const query = (terms: Readonly<Record<string, string>>) => `?${new URLSearchParams(terms).toString()}`

const fill = async (api: Api) => {
  const labels = { a: { tier: "web", app: "x" }, b: { tier: "db", app: "x" }, c: { tier: "cache" }, d: {} }
  for (const [name, own] of Object.entries(labels)) {
    await api.send("POST", configMaps(api), { body: configMap(name, {}, { case: "lists", ...own }) })
  }
}

/** Every namespace of a real cluster has a ConfigMap of its own. */
const OURS = "case=lists"

const SELECTED: ReadonlyArray<readonly [selector: string, names: ReadonlyArray<string>]> = [
  ["tier=web", ["a"]],
  ["tier==db", ["b"]],
  ["tier!=web", ["b", "c", "d"]],
  ["tier in (web, db)", ["a", "b"]],
  ["tier notin (web,db)", ["c", "d"]],
  ["app", ["a", "b"]],
  ["!tier", ["d"]],
  ["app=x,tier=db", ["b"]],
  ["tier=", []]
]

export const lists: ReadonlyArray<Case> = [
  {
    title: "selects by labels in every form",
    run: async (api) => {
      await fill(api)
      for (const [selector, wanted] of SELECTED) {
        const list = await api.send("GET", configMaps(api) + query({ labelSelector: `${OURS},${selector}` }))
        assert.deepStrictEqual(names(list), wanted, selector)
      }
      const bad = await api.send("GET", configMaps(api) + query({ labelSelector: "tier in web" }))
      assert.deepInclude(refusal(bad), { status: 400, reason: "BadRequest" })
    }
  },
  {
    title: "selects by the fields that it knows, and refuses others",
    run: async (api) => {
      await fill(api)
      const by = (fieldSelector: string) =>
        api.send("GET", configMaps(api) + query({ labelSelector: OURS, fieldSelector }))
      assert.deepStrictEqual(names(await by("metadata.name=b")), ["b"])
      assert.deepStrictEqual(names(await by("metadata.name!=b")), ["a", "c", "d"])
      assert.deepStrictEqual(names(await by(`metadata.namespace=${api.namespace},metadata.name=c`)), ["c"])
      assert.deepInclude(refusal(await by("data.x=1")), { status: 400, reason: "BadRequest" })
      await api.send("POST", widgets(api), { body: widget("slow", { mode: "Slow" }) })
      await api.send("POST", widgets(api), { body: widget("fast", {}) })
      assert.deepStrictEqual(names(await api.send("GET", widgets(api) + query({ fieldSelector: "spec.mode=Slow" }))), [
        "slow"
      ])
      assert.strictEqual((await api.send("GET", widgets(api) + query({ fieldSelector: "spec.size=1" }))).status, 400)
    }
  },
  {
    title: "lists in pages that do not change under the reader",
    run: async (api) => {
      for (const name of ["a", "b", "c"]) await api.send("POST", widgets(api), { body: widget(name) })
      const first = await api.send("GET", widgets(api) + query({ limit: "2" }))
      assert.deepStrictEqual(names(first), ["a", "b"])
      assert.strictEqual(at(first.body, "metadata.remainingItemCount"), 1)
      await api.send("DELETE", widgets(api, "c"))
      const token = String(at(first.body, "metadata.continue"))
      const second = await api.send("GET", widgets(api) + query({ limit: "2", continue: token }))
      assert.deepStrictEqual([names(second), version(second)], [["c"], version(first)])
      assert.isNotOk(at(second.body, "metadata.continue"))
      const whole = await api.send("GET", widgets(api) + query({ limit: "1", resourceVersion: "0" }))
      assert.deepStrictEqual(names(whole), ["a", "b"])
    }
  },
  {
    title: "refuses versions of lists that make no sense",
    run: async (api) => {
      const list = (terms: Readonly<Record<string, string>>) => api.send("GET", widgets(api) + query(terms))
      const ahead = await list({ resourceVersion: "999999999" })
      assert.deepInclude(refusal(ahead), { status: 504, reason: "Timeout" })
      assert.isAtLeast((await list({ resourceVersion: "words" })).status, 400)
      assert.strictEqual((await list({ resourceVersionMatch: "Exact" })).status, 422)
      assert.strictEqual((await list({ resourceVersionMatch: "Exact", resourceVersion: "0" })).status, 422)
      assert.isAtLeast((await list({ continue: "no token of yours" })).status, 400)
    }
  },
  {
    title: "lists all namespaces at once, each object with its own",
    run: async (api) => {
      await api.send("POST", widgets(api), { body: widget("w", {}, { labels: { of: api.namespace } }) })
      const everywhere = widgets(api).replace(`/namespaces/${api.namespace}`, "")
      const list = await api.send("GET", everywhere + query({ labelSelector: `of=${api.namespace}` }))
      assert.deepStrictEqual(
        items(list).map((item) => at(item, "metadata.namespace")),
        [api.namespace]
      )
      assert.deepInclude(list.body, { kind: "WidgetList" })
    }
  },
  {
    title: "deletes what a selector chooses",
    run: async (api) => {
      await fill(api)
      const gone = await api.send("DELETE", configMaps(api) + query({ labelSelector: `${OURS},app=x` }))
      assert.strictEqual(gone.status, 200)
      const left = await api.send("GET", configMaps(api) + query({ labelSelector: OURS }))
      assert.deepStrictEqual(names(left), ["c", "d"])
    }
  },
  {
    title: "draws tables with the columns of the kind, for lists and for one",
    run: async (api) => {
      await api.send("POST", widgets(api), { body: widget("w", { size: 7 }) })
      const conditions = [
        { type: "Other", status: "False" },
        { type: "Ready", status: "True" }
      ]
      await api.send("PATCH", widgets(api, "w/status"), {
        body: { status: { conditions } },
        contentType: "application/merge-patch+json"
      })
      const list = await api.send("GET", widgets(api), { accept: TABLE })
      assert.strictEqual(list.body["kind"], "Table")
      const columns = list.body["columnDefinitions"] as ReadonlyArray<Record<string, unknown>>
      assert.deepStrictEqual(
        columns.map(({ name, priority }) => [name, priority]),
        [
          ["Name", 0],
          ["Size", 0],
          ["Ready", 0],
          ["Mode", 1]
        ]
      )
      const [row = {}] = list.body["rows"] as ReadonlyArray<Record<string, unknown>>
      assert.deepStrictEqual(row["cells"], ["w", 7, "True", "Fast"])
      assert.deepInclude(row["object"], { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" })
      assert.strictEqual(at(row["object"], "metadata.name"), "w")
      const one = await api.send("GET", `${widgets(api, "w")}?includeObject=Object`, { accept: TABLE })
      assert.strictEqual(at((one.body["rows"] as ReadonlyArray<unknown>)[0], "object.kind"), "Widget")
      const none = await api.send("GET", widgets(api, "none"), { accept: TABLE })
      assert.deepStrictEqual([none.status, none.body["kind"]], [404, "Status"])
    }
  }
]
