import { assert, describe, it } from "vitest"
import { Conversation } from "#cli/decide/Conversation"

const INIT = {
  type: "init",
  protocol: 1,
  kind: "http",
  limits: { min: 1, max: 60 },
  slo: { target: 0.99, latencyMs: 500 },
  startupSecondsHint: 30,
  scrapeSeconds: 5,
  replicas: 10
}

const PER_POD = 40

interface Answer {
  readonly seq?: number
  readonly desired?: number | null
  readonly limitedBy?: ReadonlyArray<string>
}

const say = (conversation: Conversation, ...messages: ReadonlyArray<unknown>): ReadonlyArray<Answer> => {
  const { out, problem } = conversation.feed(messages.map((message) => `${JSON.stringify(message)}\n`).join(""))
  assert.isUndefined(problem)
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Answer)
}

const metricsOf = (rps: number, ready: number) => {
  const load = Math.min(1, rps / (PER_POD * ready))
  const badFraction = rps > PER_POD * ready ? 1 : Math.exp(-18 * (1 - load))
  const queueLength = Math.max(0, rps - PER_POD * ready) * 5
  const servedRps = Math.min(rps, PER_POD * ready)
  return { rps, rps1m: rps, servedRps, cpuUtilisation: load, queueLength, readyAvg: ready, badFraction, ageSeconds: 0 }
}

/** Ticks every 5 s of a workload whose pods start in 30 s, and the replicas after each. */
const drive = (conversation: Conversation, ticks: number, rpsAt: (tick: number) => number | null) => {
  let [desired, ready] = [10, 10]
  const starting: Array<number> = []
  const replicas: Array<number> = []
  for (let tick = 1; tick <= ticks; tick++) {
    while (starting[0] !== undefined && starting[0] <= tick) {
      starting.shift()
      ready += 1
    }
    const rps = rpsAt(tick)
    const metrics = rps === null ? null : metricsOf(rps, Math.max(1, ready))
    const [answer] = say(conversation, {
      type: "tick",
      seq: tick,
      t: tick * 5,
      desired,
      ready,
      starting: starting.length,
      metrics
    })
    assert.strictEqual(answer?.seq, tick)
    desired = Math.min(60, Math.max(1, answer?.desired ?? desired))
    while (ready + starting.length < desired) starting.push(tick + 6)
    while (starting.length > 0 && ready + starting.length > desired) starting.pop()
    ready = Math.min(ready, desired)
    replicas.push(desired)
  }
  return replicas
}

const begun = () => {
  const conversation = new Conversation()
  assert.deepStrictEqual(say(conversation, INIT) as unknown, [{ type: "ready", intervalSeconds: 5 }])
  return conversation
}

describe("a conversation", () => {
  it("finds the pods that a steady load is worth, and stays with them", () => {
    const replicas = drive(begun(), 400, () => 280)
    const last = replicas.slice(-200)
    assert.isAtLeast(Math.min(...last), 8)
    assert.isAtMost(Math.max(...last), 13)
    assert.isAtMost(new Set(last).size, 2)
  })

  it("orders enough for a jump within two ticks, and lets them go when it is over", () => {
    const replicas = drive(begun(), 500, (tick) => (tick > 300 && tick <= 360 ? 1120 : 280))
    assert.isAtLeast(replicas[301] ?? 0, 28)
    assert.isAtMost(replicas[420] ?? 60, 13)
  })

  it("never lowers while the metrics are lost", () => {
    const replicas = drive(begun(), 200, (tick) => (tick > 100 ? null : tick > 90 ? 20 : 600))
    const before = replicas[99] ?? 0
    assert.isTrue(replicas.slice(100).every((each) => each >= before))
  })

  it("says the same to the same, however the text is cut", () => {
    const messages = [
      INIT,
      { type: "tick", seq: 1, t: 5, desired: 10, ready: 10, starting: 0, metrics: metricsOf(280, 10) }
    ]
    const text = messages.map((message) => `${JSON.stringify(message)}\n`).join("")
    const whole = new Conversation().feed(text).out
    const conversation = new Conversation()
    assert.strictEqual(
      text
        .split("")
        .map((character) => conversation.feed(character).out)
        .join(""),
      whole
    )
  })

  it("tells the policy that it has made, once", () => {
    const told: Array<string> = []
    const conversation = new Conversation(undefined, (policy) => told.push(policy))
    say(conversation, INIT)
    assert.strictEqual(told.length, 1)
    assert.include(told[0], "kind: ScalingPolicy")
  })

  it("takes a number that is too large for a lost one, a time that no calendar has for none, and goes on", () => {
    const conversation = begun()
    const huge = Object.fromEntries(Object.keys(metricsOf(1, 1)).map((name) => [name, 1e308]))
    const tick = { type: "tick", seq: 1, t: 5, desired: 10, ready: 10, metrics: huge }
    const [first, second] = say(conversation, tick, { ...tick, seq: 2, t: 10 })
    assert.deepStrictEqual([first?.desired, first?.limitedBy], [null, ["SignalMissing"]])
    assert.deepStrictEqual([second?.desired, second?.limitedBy], [null, ["SignalMissing"]])
    assert.deepStrictEqual(say(conversation, { ...tick, seq: 3, t: 1e308 }) as unknown, [{ seq: 3, desired: null }])
    const metrics = { ...metricsOf(280, 10), ageSeconds: 1e308 }
    assert.strictEqual(say(conversation, { ...tick, seq: 4, t: 15, metrics })[0]?.seq, 4)
  })

  it("keeps what is there where a tick is odd, hears nothing after the end, and refuses another protocol", () => {
    const conversation = begun()
    assert.deepStrictEqual(say(conversation, { type: "tick", seq: 7, t: "late", desired: 3 }) as unknown, [
      { seq: 7, desired: null }
    ])
    assert.deepStrictEqual(say(conversation, { type: "weather" }), [])
    assert.deepStrictEqual(say(conversation, { type: "end" }, { type: "tick", seq: 8, t: 9, desired: 3 }), [])
    assert.strictEqual(conversation.end().out, "")
    const { problem } = new Conversation().feed(`${JSON.stringify({ ...INIT, protocol: 2 })}\n`)
    assert.strictEqual(problem, "protocol 2 is not known; use protocol 1")
  })
})
