import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { modelStatus } from "#services/modelStatus"
import { layerWeb } from "#test/cli/doctor/world"

const BASE = "http://model:8000/v1"
const listOf = (...ids: ReadonlyArray<string>) =>
  JSON.stringify({ object: "list", data: ids.map((id) => ({ id, object: "model", created: 1, owned_by: "me" })) })

const asked = modelStatus({ baseUrl: BASE, model: "tiny/llm", headers: { authorization: "Bearer key" } })

describe("whether a server has a model", () => {
  it.effect.each([
    ["when it says so of the one", { status: 200 }, { status: 500 }, 200],
    ["by its list where it tells of none singly", { status: 404 }, { status: 200, body: listOf("a", "tiny/llm") }, 200],
    ["by its list where asking for one is no method", { status: 405 }, { status: 200, body: listOf("tiny/llm") }, 200],
    ["not when the list has others", { status: 404 }, { status: 200, body: listOf("tiny") }, 404],
    ["not when there is no list either", { status: 404 }, { status: 404, body: "" }, 404],
    ["not when the list is something else", { status: 404 }, { status: 200, body: "<html>" }, 404],
    ["not when it refuses the key", { status: 401 }, { status: 200, body: listOf("tiny/llm") }, 401]
  ] as const)("is known %s", ([, one, all, want]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* asked, want)
    }).pipe(
      Effect.provide(
        layerWeb(({ headers, url }) => {
          if (headers?.["authorization"] !== "Bearer key") return { status: 418 }
          return url === `${BASE}/models` ? all : url === `${BASE}/models/tiny%2Fllm` ? one : "down"
        })
      )
    )
  )
})
