/** A CRD after its first day: changed, broken by a change, taken away. A real server needs a moment to follow. */
import { Effect } from "effect"
import { assert } from "vitest"
import { at, type Json, MERGE, refusal } from "#test/conformance/Api"
import type { Running, WorkloadCase } from "#test/conformance/workloads"

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
const text = { type: "string" }

/** A group of each case's own, as definitions belong to no namespace. */
const groupOf = ({ namespace }: Running) => `${namespace}.nimbusguard.io`
const nameOf = (running: Running) => `gadgets.${groupOf(running)}`
const gadgets = (running: Running, name = "") =>
  `/apis/${groupOf(running)}/v1/namespaces/${running.namespace}/gadgets${name === "" ? "" : `/${name}`}`

const version = (spec: Json, more: Json = {}): Json => ({
  name: "v1",
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", ...spec } } } },
  ...more
})

const definition = (running: Running): Json => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: nameOf(running) },
  spec: {
    group: groupOf(running),
    scope: "Namespaced",
    names: { plural: "gadgets", singular: "gadget", kind: "Gadget", listKind: "GadgetList" },
    versions: [version({ properties: { hue: text, old: text } })]
  }
})

const gadget = (running: Running, name: string, spec: Json): Json => ({
  apiVersion: `${groupOf(running)}/v1`,
  kind: "Gadget",
  metadata: { name },
  spec
})

const defined = (running: Running) =>
  Effect.gen(function* () {
    const made = yield* running.send("POST", DEFINITIONS, { body: definition(running) })
    assert.strictEqual(made.status, 201, JSON.stringify(made.body))
    yield* running.until("gadgets to be served", gadgets(running), () => true)
  })

const patched = (running: Running, versions: ReadonlyArray<Json>) =>
  running.send("PATCH", `${DEFINITIONS}/${nameOf(running)}`, { contentType: MERGE, body: { spec: { versions } } })

/** A real server may keep the older schema for a moment longer. */
const until = (running: Running, what: string, isSo: Effect.Effect<boolean>) =>
  Effect.gen(function* () {
    for (let tries = 0; tries < 100; tries++) {
      if (yield* isSo) return
      yield* running.until("the next moment", "/version", () => true)
      yield* Effect.sleep(100)
    }
    throw new Error(`waited for ${what}`)
  })

export const DEFINED: ReadonlyArray<WorkloadCase> = [
  {
    title: "a changed definition judges, prunes and defaults by its new schema, and keeps what is stored",
    run: (running) =>
      Effect.gen(function* () {
        yield* defined(running)
        const first = yield* running.send("POST", gadgets(running), {
          body: gadget(running, "a", { hue: "red", old: "x" })
        })
        assert.deepStrictEqual(first.body["spec"], { hue: "red", old: "x" })
        const changed = yield* patched(running, [
          version({ properties: { hue: { ...text, enum: ["red", "blue"] }, shade: { ...text, default: "dark" } } })
        ])
        assert.deepStrictEqual([changed.status, at(changed.body, "metadata.generation")], [200, 2])
        const green = running.send("POST", `${gadgets(running)}?dryRun=All`, {
          body: gadget(running, "b", { hue: "green" })
        })
        yield* until(
          running,
          "green to be refused",
          Effect.map(green, ({ status }) => status === 422)
        )
        assert.deepStrictEqual(refusal(yield* green).fields[0], "spec.hue FieldValueNotSupported")
        const read = yield* running.send("GET", gadgets(running, "a"))
        assert.deepStrictEqual(read.body["spec"], { hue: "red", shade: "dark" })
        const list = yield* running.send("GET", gadgets(running))
        assert.deepStrictEqual(at(list.body, "items.0.spec"), { hue: "red", shade: "dark" })
        yield* running.send("DELETE", `${DEFINITIONS}/${nameOf(running)}`)
      })
  },
  {
    title: "a definition that is broken by a change stays as it was",
    run: (running) =>
      Effect.gen(function* () {
        yield* defined(running)
        const path = `${DEFINITIONS}/${nameOf(running)}`
        const before = yield* running.until("the definition", path, (body) =>
          JSON.stringify(body).includes("InitialNamesAccepted")
        )
        const broken = [version({ properties: { hue: text }, "x-kubernetes-validations": [{ rule: "self.hue ==" }] })]
        const merged = yield* patched(running, broken)
        assert.deepInclude(refusal(merged), { status: 422, reason: "Invalid" })
        const spec = { ...(before.body["spec"] as Json), versions: broken }
        const put = yield* running.send("PUT", path, { body: { ...before.body, spec } })
        assert.deepInclude(refusal(put), { status: 422, reason: "Invalid" })
        const none = yield* patched(running, [])
        assert.strictEqual(none.status, 422)
        const other = yield* running.send("PATCH", path, {
          contentType: MERGE,
          body: { spec: { group: `other.${groupOf(running)}` } }
        })
        assert.strictEqual(other.status, 422)
        assert.deepStrictEqual((yield* running.send("GET", path)).body["spec"], before.body["spec"])
        const created = yield* running.send("POST", gadgets(running), { body: gadget(running, "a", { hue: "red" }) })
        assert.strictEqual(created.status, 201)
        yield* running.send("DELETE", path)
      })
  },
  {
    title: "a deleted definition takes its objects along, and comes back empty",
    run: (running) =>
      Effect.gen(function* () {
        yield* defined(running)
        yield* running.send("POST", gadgets(running), { body: gadget(running, "a", { hue: "red" }) })
        const gone = yield* running.send("DELETE", `${DEFINITIONS}/${nameOf(running)}`)
        assert.strictEqual(gone.status, 200)
        const isGone = Effect.map(running.send("GET", gadgets(running)), ({ status }) => status === 404)
        yield* until(running, "gadgets to be unknown", isGone)
        const isUndefined = running.send("GET", `${DEFINITIONS}/${nameOf(running)}`)
        yield* until(
          running,
          "the definition to be gone",
          Effect.map(isUndefined, ({ status }) => status === 404)
        )
        yield* defined(running)
        const list = yield* running.send("GET", gadgets(running))
        assert.deepStrictEqual(list.body["items"], [])
        yield* running.send("DELETE", `${DEFINITIONS}/${nameOf(running)}`)
      })
  },
  {
    title: "a definition is refused for rules that do not parse, before anything of it is stored",
    run: (running) =>
      Effect.gen(function* () {
        const body = definition(running)
        const versions = [version({ "x-kubernetes-validations": [{ rule: "self.hue ==" }] })]
        const refused = yield* running.send("POST", DEFINITIONS, {
          body: { ...body, spec: { ...(body["spec"] as Json), versions } }
        })
        assert.deepInclude(refusal(refused), { status: 422, reason: "Invalid" })
        const read = yield* running.send("GET", `${DEFINITIONS}/${nameOf(running)}`)
        assert.strictEqual(read.status, 404)
      })
  }
]
