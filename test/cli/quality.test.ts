import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { called } from "#test/cli/called"

const folder = mkdtempSync(join(tmpdir(), "nimbusguard-quality-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

writeFileSync(join(folder, "scenarios.json"), JSON.stringify({ shop: { kind: "http", c: 4, S: 0.1, T: 0.5, D: 20 } }))
writeFileSync(
  join(folder, "shop.csv"),
  `seconds,rps\n${Array.from({ length: 20 }, (_, minute) => `${minute * 60},${200 + 20 * minute}`).join("\n")}\n`
)

describe("nimbusguard quality", () => {
  it("judges a folder of traces, keeps the references and writes the figures", async () => {
    const [references, json, report] = ["references.json", "figures.json", "report.html"].map((name) =>
      join(folder, name)
    )
    const { code, stdout } = await called([
      "quality",
      ...["--traces", folder, "--sections", "main", "--rivals", "hpa"],
      ...["--references", references ?? "", "--json", json ?? "", "--report", report ?? ""]
    ])
    assert.strictEqual(code, 0)
    assert.match(stdout, /^shop +\d/mu)
    assert.strictEqual(Object.keys(JSON.parse(readFileSync(references ?? "", "utf8")) as object).length, 1)
    const { main } = JSON.parse(readFileSync(json ?? "", "utf8")) as {
      main: ReadonlyArray<{ readonly entrant: string }>
    }
    assert.deepStrictEqual(
      main.map(({ entrant }) => entrant),
      ["auto", "hpa", "clairvoyant"]
    )
    assert.match(readFileSync(report ?? "", "utf8"), /<svg/u)
  })

  it.each([
    [["--traces", join(folder, "none")], /cannot be read/u],
    [["--only", "shop"], /There is no scenario shop: choose of web-steady, /u],
    [["--try", "headroom"], /--try is headroom: write an option of auto and its values/u],
    [["--sections", "choice", "--try", "headrom=1"], /--try:1: .*unknown field .*headrom/u],
    [["--sections", "choice"], /The section choice needs --try/u]
  ])("refuses %s in a sentence", async (args, sentence) => {
    const { code, stderr } = await called(["quality", ...args])
    assert.strictEqual(code, 1)
    assert.match(stderr, sentence)
  })
})
