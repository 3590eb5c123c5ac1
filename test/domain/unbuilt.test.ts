import { assert, it } from "vitest"
import { proposeNothing } from "#domain/unbuilt"

it("an engine that is not built asks for nothing and remembers nothing", () => {
  assert.deepStrictEqual(proposeNothing(), { proposals: [], memory: null })
})
