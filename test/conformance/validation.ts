/** What a CRD's own schema refuses, defaults and prunes. */
import { assert } from "vitest"
import {
  type Api,
  at,
  type Case,
  deployment,
  deployments,
  MERGE,
  refusal,
  widget,
  widgets,
  WIDGETS
} from "#test/conformance/Api"

const REFUSED: ReadonlyArray<readonly [spec: Record<string, unknown>, fields: ReadonlyArray<string>]> = [
  [{ size: 101 }, ["spec.size FieldValueInvalid"]],
  [{ mode: "Odd" }, ["spec.mode FieldValueNotSupported", "<nil> FieldValueInvalid"]],
  [{ parts: [{ value: "x" }] }, ["spec.parts[0].name FieldValueRequired", "<nil> FieldValueInvalid"]],
  [{ parts: [{ name: "a" }, { name: "a" }] }, ["spec.parts[1] FieldValueDuplicate"]],
  [{ tags: ["a", "b", "c", "d", "e", "f"] }, ["spec.tags FieldValueTooMany", "<nil> FieldValueInvalid"]],
  [{ size: 5, most: 4 }, ["spec FieldValueInvalid"]]
]

const post = (api: Api, spec: Record<string, unknown>, terms = "") =>
  api.send("POST", `${widgets(api)}${terms}`, { body: widget("w", spec) })

export const validation: ReadonlyArray<Case> = [
  {
    title: "refuses values and broken rules, with every cause by its field",
    run: async (api) => {
      for (const [spec, fields] of REFUSED) {
        const answer = await post(api, spec)
        assert.deepStrictEqual(
          refusal(answer),
          { status: 422, reason: "Invalid", fields: [...fields] },
          JSON.stringify(spec)
        )
      }
      const rule = await post(api, { size: 5, most: 4 })
      assert.include(String(rule.body["message"]), "size must not be greater than most")
      const { spec: _, ...bare } = widget("w")
      const missing = await api.send("POST", widgets(api), { body: bare })
      assert.include(refusal(missing).fields, "spec FieldValueRequired")
    }
  },
  {
    title: "judges every write, not only the first",
    run: async (api) => {
      await post(api, { size: 1, most: 2 })
      const patched = await api.send("PATCH", widgets(api, "w"), { body: { spec: { size: 3 } }, contentType: MERGE })
      assert.deepStrictEqual(refusal(patched), { status: 422, reason: "Invalid", fields: ["spec FieldValueInvalid"] })
      const scaled = await api.send("PATCH", widgets(api, "w/scale"), {
        body: { spec: { replicas: 3 } },
        contentType: MERGE
      })
      assert.strictEqual(scaled.status, 422)
    }
  },
  {
    title: "puts defaults in, and takes null for absent",
    run: async (api) => {
      assert.deepStrictEqual((await post(api, {})).body["spec"], { mode: "Fast" })
      const patched = await api.send("PATCH", widgets(api, "w"), {
        body: { spec: { mode: null, size: 2 } },
        contentType: MERGE
      })
      assert.deepStrictEqual(patched.body["spec"], { mode: "Fast", size: 2 })
    }
  },
  {
    title: "prunes what it does not know: silently, with a warning, or not at all",
    run: async (api) => {
      const strict = await post(api, { size: 1, hue: "red" }, "?fieldValidation=Strict")
      assert.deepInclude(refusal(strict), { status: 400, reason: "BadRequest" })
      assert.include(String(strict.body["message"]), 'strict decoding error: unknown field "spec.hue"')
      const warned = await post(api, { size: 1, hue: "red" })
      assert.deepStrictEqual(warned.body["spec"], { size: 1, mode: "Fast" })
      assert.match(warned.warnings.join(), /unknown field .*spec\.hue/u)
      await api.send("DELETE", widgets(api, "w"))
      const ignored = await post(api, { size: 1, hue: "red" }, "?fieldValidation=Ignore")
      assert.deepStrictEqual([ignored.status, ignored.warnings], [201, []])
    }
  },
  {
    title: "refuses Deployments without what they cannot be without",
    run: async (api) => {
      const { selector: _, ...spec } = deployment("d").spec
      const blind = await api.send("POST", deployments(api), { body: { ...deployment("d"), spec } })
      assert.deepInclude(refusal(blind), { status: 422, reason: "Invalid" })
      assert.include(refusal(blind).fields, "spec.selector FieldValueRequired")
      const negative = await api.send("POST", deployments(api), { body: deployment("d", -1) })
      assert.include(refusal(negative).fields, "spec.replicas FieldValueInvalid")
      const absent: Record<string, unknown> = { ...deployment("d").spec }
      delete absent["replicas"]
      const dry = await api.send("POST", `${deployments(api)}?dryRun=All`, {
        body: { ...deployment("d"), spec: absent }
      })
      assert.strictEqual(at(dry.body, "spec.replicas"), 1)
    }
  },
  {
    title: "refuses a definition whose name is not its own",
    run: async (api) => {
      const body = { ...WIDGETS, metadata: { name: "gadgets.conformance.nimbusguard.io" } }
      const answer = await api.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { body })
      assert.deepInclude(refusal(answer), { status: 422, reason: "Invalid" })
      assert.include(refusal(answer).fields, "metadata.name FieldValueInvalid")
    }
  }
]
