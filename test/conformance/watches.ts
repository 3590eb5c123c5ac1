/** Watches: what they begin with, what each change is to their selection, bookmarks, and versions too old. */
import { assert } from "vitest"
import {
  type Api,
  at,
  type Case,
  MERGE,
  refusal,
  type Seen,
  TABLE,
  version,
  widget,
  widgets
} from "#test/conformance/Api"

const open = async (
  api: Api,
  terms: Readonly<Record<string, string>>,
  body: (first: (n: number) => Promise<ReadonlyArray<Seen>>) => Promise<void>,
  accept?: string
) => {
  const watching = await api.watch(
    `${widgets(api)}?${new URLSearchParams({ watch: "true", ...terms }).toString()}`,
    accept
  )
  try {
    await body(watching.first)
  } finally {
    watching.close()
  }
}

const brief = (events: ReadonlyArray<Seen>) =>
  events.map(({ object, type }) => `${type} ${String(at(object, "metadata.name"))}`)
const label = (api: Api, name: string, labels: unknown) =>
  api.send("PATCH", widgets(api, name), { body: { metadata: { labels } }, contentType: MERGE })

export const watches: ReadonlyArray<Case> = [
  {
    title: "tells each change after the version of a list, and a deletion with a version of its own",
    run: async (api) => {
      const made = await api.send("POST", widgets(api), { body: widget("w") })
      await open(api, { resourceVersion: version(made) }, async (first) => {
        await api.send("POST", widgets(api), { body: widget("v") })
        const changed = await api.send("PATCH", widgets(api, "w"), { body: { spec: { size: 2 } }, contentType: MERGE })
        await api.send("PATCH", widgets(api, "w"), { body: { spec: { size: 2 } }, contentType: MERGE })
        await api.send("DELETE", widgets(api, "w"))
        const events = await first(3)
        assert.deepStrictEqual(brief(events), ["ADDED v", "MODIFIED w", "DELETED w"])
        assert.deepStrictEqual(events[1]?.object, changed.body)
        assert.notStrictEqual(at(events[2]?.object, "metadata.resourceVersion"), version(changed))
        assert.strictEqual(at(events[2]?.object, "spec.size"), 2)
      })
    }
  },
  {
    title: "begins with what is there where no version is named, in the order of names",
    run: async (api) => {
      for (const name of ["b", "a"]) await api.send("POST", widgets(api), { body: widget(name) })
      for (const terms of [{}, { resourceVersion: "0" }]) {
        await open(api, terms, async (first) => {
          assert.sameMembers(brief(await first(2)), ["ADDED a", "ADDED b"])
        })
      }
    }
  },
  {
    title: "is told of an object that enters its selection or leaves it",
    run: async (api) => {
      const made = await api.send("POST", widgets(api), { body: widget("w") })
      await open(api, { resourceVersion: version(made), labelSelector: "on=yes" }, async (first) => {
        await label(api, "w", { on: "yes" })
        await label(api, "w", { on: "yes", more: "1" })
        await label(api, "w", { on: "no" })
        await label(api, "w", { on: "still no".replace(" ", "-") })
        await label(api, "w", { on: "yes" })
        assert.deepStrictEqual(brief(await first(4)), ["ADDED w", "MODIFIED w", "DELETED w", "ADDED w"])
      })
    }
  },
  {
    title: "watches one object by its name",
    run: async (api) => {
      const made = await api.send("POST", widgets(api), { body: widget("w") })
      await open(api, { resourceVersion: version(made), fieldSelector: "metadata.name=v" }, async (first) => {
        await label(api, "w", { a: "1" })
        await api.send("POST", widgets(api), { body: widget("v") })
        assert.deepStrictEqual(brief(await first(1)), ["ADDED v"])
      })
    }
  },
  {
    title: "streams what is there and says where that ends",
    run: async (api) => {
      await api.send("POST", widgets(api), { body: widget("w") })
      const terms = { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: "true" }
      await open(api, terms, async (first) => {
        const events = await first(2)
        assert.deepStrictEqual(
          events.map(({ type }) => type),
          ["ADDED", "BOOKMARK"]
        )
        assert.deepStrictEqual(at(events[1]?.object, "metadata.annotations"), { "k8s.io/initial-events-end": "true" })
        assert.isString(at(events[1]?.object, "metadata.resourceVersion"))
        await api.send("POST", widgets(api), { body: widget("x") })
        assert.deepStrictEqual(brief((await first(3)).slice(2)), ["ADDED x"])
      })
      for (const terms of [{ sendInitialEvents: "true" }, { resourceVersionMatch: "NotOlderThan" }]) {
        const path = `${widgets(api)}?${new URLSearchParams({ watch: "true", ...terms }).toString()}`
        assert.deepInclude(refusal(await api.send("GET", path)), { status: 422, reason: "Invalid" })
      }
    }
  },
  {
    title: "says within the watch that a version is too old",
    run: async (api) => {
      await open(api, { resourceVersion: "1" }, async (first) => {
        const [event] = await first(1)
        assert.strictEqual(event?.type, "ERROR")
        assert.deepInclude(event?.object, { kind: "Status", status: "Failure", reason: "Expired", code: 410 })
      })
    }
  },
  {
    title: "draws rows, with the columns in the first event alone",
    run: async (api) => {
      const made = await api.send("POST", widgets(api), { body: widget("w") })
      await open(
        api,
        { resourceVersion: version(made) },
        async (first) => {
          await label(api, "w", { a: "1" })
          await label(api, "w", { a: "2" })
          const events = await first(2)
          assert.deepStrictEqual(
            events.map(({ object }) => object["kind"]),
            ["Table", "Table"]
          )
          const columns = events.map(
            ({ object }) => ((object["columnDefinitions"] ?? []) as ReadonlyArray<unknown>).length
          )
          assert.deepStrictEqual(columns, [4, 0])
        },
        TABLE
      )
    }
  }
]
