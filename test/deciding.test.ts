/** Holds docs/DECIDING.md to the golden decisions: each example is one of them, and each pair and limiter is on the page. */
import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { Result } from "effect"
import { parse, stringify } from "yaml"
import { readPolicyFile } from "#judge/policyFile"
import { Session } from "#cli/decide/Session"
import { Limiter } from "#schemas/Decision"

interface Golden {
  readonly t: number | string
  readonly from: number
  readonly desired: number
  readonly reason: string
}

interface Example {
  readonly pair: string
  readonly text: string
}

const root = new URL("..", import.meta.url).pathname
const page = readFileSync(`${root}docs/DECIDING.md`, "utf8")
const folder = `${root}test/golden/decide/`

const pairs = readdirSync(folder)
  .filter((name) => name.endsWith(".output.yaml"))
  .map((name) => name.replace(".output.yaml", ""))

const decisions = (pair: string): ReadonlyArray<string> =>
  (parse(readFileSync(`${folder}${pair}.output.yaml`, "utf8")) as ReadonlyArray<Golden>).map(
    ({ desired, from, reason, t }) => `${pair}, t ${t}: ${from} -> ${desired}\n${reason}`
  )

const examplesIn = (text: string): ReadonlyArray<Example> =>
  [...text.matchAll(/^```text\n([\s\S]*?)\n```$/gmu)].map(([, body = ""]) => ({
    pair: body.split(",", 1)[0] ?? "",
    text: body
  }))

const invented = (text: string): ReadonlyArray<Example> =>
  examplesIn(text).filter(({ pair, text: example }) => !pairs.includes(pair) || !decisions(pair).includes(example))

describe("the page on deciding", () => {
  const examples = examplesIn(page)

  it("has only examples that were decided so", () => {
    assert.isAbove(examples.length, 35)
    assert.deepStrictEqual(invented(page), [])
  })

  it("takes one from every golden pair, and one of every limiter", () => {
    const used = new Set(examples.map(({ pair }) => pair))
    assert.deepStrictEqual(
      pairs.filter((pair) => !used.has(pair)),
      []
    )
    assert.deepStrictEqual(
      Limiter.literals.filter((limiter) => !examples.some(({ text }) => text.includes(` by ${limiter} (`))),
      []
    )
  })

  it("shows a line of decide and the answer to it", () => {
    const [line = "", answer] = [...page.matchAll(/^```json\n(.*\n)```$/gmu)].map(([, body]) => body)
    const { policy } = parse(readFileSync(`${folder}scale-up-limit.input.yaml`, "utf8")) as { readonly policy: unknown }
    const session = new Session(Result.getOrThrow(readPolicyFile("golden", stringify(policy), undefined)))
    assert.strictEqual(session.feed(line).out, answer)
  })

  it("would be caught with an example of its own making", () => {
    for (const [was, is] of [
      ["5 -> 6", "5 -> 7"],
      ["t 15:", "t 16:"],
      ["proportional", "proportionate"]
    ] as const) {
      const changed = page.replace("proportional, t 15: 5 -> 6", "proportional, t 15: 5 -> 6".replace(was, is))
      assert.strictEqual(invented(changed).length, invented(page).length + 1)
    }
  })
})
