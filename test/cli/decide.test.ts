import { assert, describe, it } from "@effect/vitest"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterAll } from "vitest"
import { called } from "#test/cli/called"
import { nimbusguard } from "#test/cli/nimbusguard"

const root = new URL("../..", import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), "nimbusguard-decide-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const policyFile = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const WEB = `apiVersion: nimbusguard.io/v1
kind: ScalingPolicy
metadata: {name: web}
spec:
  target: {apiVersion: apps/v1, kind: Deployment, name: web}
  scaling: {minReplicas: 1, maxReplicas: 100, behavior: {}}
  signals:
    - name: rps
      prometheus: {serverUrl: "http://prometheus:9090", query: "sum(rate(requests_total[1m]))"}
      target: {type: AverageValue, value: "100"}
`
const web = policyFile("web.yaml", WEB)

const line = (t: number, replicas: number, rps: number | null) => JSON.stringify({ t, replicas, signals: { rps } })

interface Answer {
  readonly t: number
  readonly desired: number
  readonly recommended: number | null
  readonly limitedBy: ReadonlyArray<string>
  readonly engine: string
  readonly reason: string
}

const answers = (stdout: string): ReadonlyArray<Answer> =>
  stdout
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text) as Answer)

/** A peer that waits for each answer before it says more. */
const converse = (process_: ChildProcess, rounds: number, loadAt: (round: number) => number) =>
  new Promise<{ readonly heard: ReadonlyArray<Answer>; readonly code: number | null }>((resolve) => {
    const heard: Array<Answer> = []
    const { stdin, stdout } = process_
    if (stdin === null || stdout === null) throw new Error("no pipes")
    const say = (replicas: number) => stdin.write(`${line(heard.length * 15, replicas, loadAt(heard.length))}\n`)
    createInterface({ input: stdout }).on("line", (text) => {
      const answer = JSON.parse(text) as Answer
      heard.push(answer)
      if (heard.length < rounds) say(answer.desired)
      else stdin.end()
    })
    process_.on("close", (code) => resolve({ heard, code }))
    say(5)
  })

describe("nimbusguard decide", () => {
  it("answers a peer that waits for each of a thousand answers", { timeout: 60_000 }, async () => {
    const process_ = spawn(process.execPath, ["src/main.ts", "decide", "--policy", web], {
      cwd: root,
      stdio: ["pipe", "pipe", "inherit"]
    })
    const { code, heard } = await converse(process_, 1_000, (round) => 500 + 3 * round)
    assert.strictEqual(code, 0)
    assert.deepStrictEqual(
      heard.map(({ t }) => t),
      Array.from({ length: 1_000 }, (_, round) => round * 15)
    )
    assert.deepStrictEqual([heard[0]?.desired, heard.at(-1)?.desired], [5, 32]) // 34.97 is within the tolerance of 32
  })

  it("stops at a line that it cannot understand, after the answers before it, and says what to change", () => {
    const input = [line(0, 5, 500), line(15, 5, 1_500), '{"t": 30, "signals": {}}', line(45, 15, 100)].join("\n")
    const { code, stderr, stdout } = nimbusguard(["decide", "--policy", web], input)
    assert.strictEqual(code, 1)
    assert.deepStrictEqual(
      answers(stdout).map(({ desired, t }) => [t, desired]),
      [
        [0, 5],
        [15, 10]
      ]
    )
    assert.strictEqual(stderr, "line 3: replicas is nothing; give a whole number of at least 0\n")
  })

  it("refuses a policy in the words of validate", async () => {
    const path = "test/fixtures/crd/invalid/scalingpolicy-bounds-swapped.yaml"
    const judged = JSON.parse((await called(["validate", path])).stdout) as {
      objects: ReadonlyArray<{ line: number; message: string }>
    }
    const { code, stderr, stdout } = await called(["decide", "--policy", path], line(0, 1, 1))
    assert.deepStrictEqual([code, stdout], [1, ""])
    const [object] = judged.objects
    assert.strictEqual(stderr, `${path}:${object?.line}: ${object?.message}\n`)
  })

  it("takes the policy that is named, of several, and says which there are where none is", async () => {
    const several = policyFile("several.yaml", `${WEB}---\n${WEB.replace("name: web}", "name: api}")}`)
    const unnamed = await called(["decide", "--policy", several], line(0, 5, 500))
    assert.strictEqual(unnamed.code, 1)
    assert.include(unnamed.stderr, "choose one with --name, of ScalingPolicy/web, ScalingPolicy/api")
    const named = await called(["decide", "--policy", several, "--name", "api"], line(0, 5, 500))
    assert.deepStrictEqual([named.code, answers(named.stdout).length], [0, 1])
  })
})
