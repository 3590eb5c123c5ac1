import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { markup, toText } from "#dashboard/html"

describe("markup", () => {
  it("keeps what the program wrote and escapes what it was given", () => {
    assert.strictEqual(toText(markup`<b title="${'"x"'}">${"<i>"}</b>`), `<b title="&quot;x&quot;">&lt;i&gt;</b>`)
  })

  it("takes markup, lists of it, numbers and nothing", () => {
    const rows = [markup`<li>${1}</li>`, markup`<li>${undefined}</li>`]
    assert.strictEqual(toText(markup`<ul>${rows}</ul>`), "<ul><li>1</li><li></li></ul>")
  })

  it.effect.prop("never lets a text end its element or its attribute", [Schema.String], ([text]) =>
    Effect.sync(() => {
      const inside = toText(markup`${text}`)
      assert.notMatch(inside, /[<>"']/)
      const back = inside
        .replaceAll("&lt;", "<")
        .replaceAll("&gt;", ">")
        .replaceAll("&quot;", '"')
        .replaceAll("&#39;", "'")
        .replaceAll("&amp;", "&")
      assert.strictEqual(back, text)
    })
  )
})
