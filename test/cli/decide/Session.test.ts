import { Result } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { parse, stringify } from "yaml"
import { readPolicyFile } from "#judge/policyFile"
import { Session } from "#cli/decide/Session"

interface Golden {
  readonly policy: unknown
  readonly replicas: number
  readonly ticks: ReadonlyArray<Readonly<Record<string, unknown>>>
}

interface Answer {
  readonly desired: number
  readonly recommended?: number | null
  readonly limitedBy: ReadonlyArray<string>
  readonly engine: string
}

const folder = new URL("../../golden/decide/", import.meta.url).pathname
const read = (path: string): unknown => parse(readFileSync(folder + path, "utf8"))

const FIELDS = new Set(["t", "replicas", "ready", "signals"])
/** What a line can say: numbers and null, and nothing of rollouts and budgets. */
const isSayable = ({ ticks }: Golden) =>
  ticks.every(
    (tick) =>
      Object.keys(tick).every((field) => FIELDS.has(field)) &&
      Object.values(tick["signals"] ?? {}).every((value) => typeof value === "number" || value === null)
  )

const seconds = (t: unknown) => (typeof t === "string" ? Date.parse(t) / 1000 : t)

const sessionOf = (policy: unknown) =>
  new Session(Result.getOrThrow(readPolicyFile("golden", stringify(policy), undefined)))

const answered = (session: Session, lines: ReadonlyArray<unknown>) => {
  const { out, problem } = session.feed(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
  assert.isUndefined(problem)
  return out
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text) as Answer)
}

const names = readdirSync(folder)
  .filter((name) => name.endsWith(".input.yaml"))
  .map((name) => name.replace(".input.yaml", ""))
  .filter((name) => isSayable(read(`${name}.input.yaml`) as Golden))

const POLICY = (read("scale-up-limit.input.yaml") as Golden).policy

describe("the lines of decide", () => {
  it("can say nearly every golden pair", () => {
    assert.isAbove(names.length, 18)
  })

  it.each(names)("decide as the golden pair %s", (name) => {
    const golden = read(`${name}.input.yaml`) as Golden
    const session = sessionOf(golden.policy)
    let { replicas } = golden
    const decided = golden.ticks.map((tick) => {
      const [answer] = answered(session, [{ replicas, ...tick, t: seconds(tick["t"]) }])
      replicas = answer?.desired ?? replicas
      return answer
    })
    const wanted = read(`${name}.output.yaml`) as ReadonlyArray<Answer>
    const part = ({ desired, engine, limitedBy, recommended }: Answer) => ({
      desired,
      recommended: recommended ?? null,
      limitedBy,
      engine
    })
    assert.deepStrictEqual(
      decided.flatMap((each) => (each === undefined ? [] : [part(each)])),
      wanted.map(part)
    )
  })

  it("may come in pieces of any size", () => {
    const text = Array.from({ length: 40 }, (_, index) =>
      JSON.stringify({ t: index * 7.5, replicas: 3 + (index % 5), signals: { rps: 100 * index } })
    ).join("\r\n")
    const whole = sessionOf(POLICY)
    const wanted = whole.feed(text).out + whole.end().out
    for (const size of [1, 3, 64]) {
      const session = sessionOf(POLICY)
      let out = ""
      for (let at = 0; at < text.length; at += size) out += session.feed(text.slice(at, at + size)).out
      assert.strictEqual(out + session.end().out, wanted)
    }
    assert.strictEqual(wanted.split("\n").length, 41)
  })

  it("count a decision as written, and other replicas as somebody else's doing", () => {
    const rps = (t: number, replicas: number) => ({ t, replicas, signals: { rps: 5_000 } })
    // Ten from five is all that 15 s allow; only who made the change says whether it used that up.
    assert.deepStrictEqual(
      answered(sessionOf(POLICY), [rps(0, 5), rps(5, 10)]).map(({ desired }) => desired),
      [10, 10]
    )
    assert.deepStrictEqual(
      answered(sessionOf(POLICY), [rps(0, 5), rps(15, 10), rps(20, 10), rps(25, 12)]).map(({ desired }) => desired),
      // The ten added at 15 s count, whatever somebody else made of them since.
      [10, 20, 10, 12]
    )
  })

  it("take null, an unnamed signal, infinity and what is below zero for missing, and lower nothing", () => {
    const session = sessionOf(POLICY)
    answered(session, [{ t: 0, replicas: 8, signals: { rps: 800 } }])
    for (const signals of ['{"rps":null}', "{}", '{"rps":1e999}', '{"rps":-1}', '{"rps":1e300}']) {
      const { out } = session.feed(`{"t":600,"replicas":8,"signals":${signals}}\n`)
      assert.deepInclude(JSON.parse(out), { desired: 8, recommended: null, limitedBy: ["SignalMissing"] })
    }
  })

  it("say once what is odd about them", () => {
    const session = sessionOf(POLICY)
    answered(session, [
      { t: 10, replicas: 8, signals: { rsp: 1 }, pods: 3 },
      { t: 0, replicas: 8, signals: { rsp: 1, rps: 800 } }
    ])
    assert.deepStrictEqual(session.warnings, [
      "line 1: the field pods is not looked at; use t, replicas, ready and signals",
      "line 1: the policy has no signal rsp, so it is not looked at; it has rps",
      "line 2: time goes back here; sort the lines by t"
    ])
  })

  it.each([
    { bad: "{t: 1}", says: "this is not JSON" },
    { bad: "[1]", says: "an observation is an object" },
    { bad: '{"replicas":1,"signals":{}}', says: "t is nothing; give the time in seconds" },
    { bad: '{"t":1e30,"replicas":1,"signals":{}}', says: "t is 1e+30" },
    { bad: '{"t":1,"replicas":1.5,"signals":{}}', says: "replicas is 1.5; give a whole number" },
    { bad: '{"t":1,"replicas":1,"ready":-1,"signals":{}}', says: "ready is -1; give a whole number" },
    { bad: '{"t":1,"replicas":1}', says: "signals is nothing; give an object" },
    { bad: '{"t":1,"replicas":1,"signals":{"rps":"12"}}', says: 'the signal rps is "12"; give a number, or null' }
  ])("end with $bad", ({ bad, says }) => {
    const session = sessionOf(POLICY)
    const { out, problem } = session.feed(`\n{"t":0,"replicas":5,"signals":{"rps":500}}\n${bad}\n{"t":9}\n`)
    assert.strictEqual(out.trim().split("\n").length, 1)
    assert.include(problem, "line 3: ")
    assert.include(problem, says)
  })

  it("end where one never does", () => {
    const session = sessionOf(POLICY)
    assert.include(session.feed("x".repeat(1_000_001)).problem, "line 1: it does not end")
  })

  it("give a number for a Utilization target as percent of all ready pods", () => {
    const cpu = (read("cpu-utilization.input.yaml") as Golden).policy
    const [answer] = answered(sessionOf(cpu), [{ t: 0, replicas: 10, ready: 10, signals: { cpu: 140 } }])
    assert.strictEqual(answer?.recommended, 20)
  })
})
