/** The cases of test/conformance against the embedded API. */
import { describe, it } from "vitest"
import { embeddedApi } from "#test/conformance/EmbeddedApi"
import { CASES } from "#test/conformance/index"

describe.each(Object.entries(CASES))("the embedded API: %s", (_, cases) => {
  it.each(cases)("$title", async ({ run }) => {
    await run(embeddedApi())
  })
})
