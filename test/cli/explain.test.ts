import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Option, Result } from "effect"
import { afterAll, assert, describe, it } from "vitest"
import { parseMoment, parseName } from "#cli/explain"
import { recordedRun } from "#test/cli/explain/recordedRun"
import { called } from "#test/cli/called"
import { nimbusguard } from "#test/cli/nimbusguard"
import { freePort, notFound, run, startApi } from "#test/cli/processes"

const folder = mkdtempSync(join(tmpdir(), "nimbusguard-explain-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const kept = (name: string, value: unknown) => {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(value))
  return path
}

const { policies, records } = recordedRun()
const dump = kept("run.json", { policies, records })

interface Explained {
  readonly source: string
  readonly records: ReadonlyArray<{ readonly id: string; readonly policy: { readonly name: string } }>
  readonly replays: ReadonlyArray<{ readonly _tag: string }>
}

const STATUS = {
  phase: "Active",
  currentReplicas: 4,
  targetReplicas: 4,
  decisions: [
    { at: "2026-01-01T00:00:15Z", from: 2, to: 4, outcome: "Scaled", reason: "rps 390 over 100 per pod wants 4" }
  ]
}

const startCluster = () =>
  startApi((method, path) =>
    method === "GET" && path === "/apis/nimbusguard.io/v1/namespaces/home/scalingpolicies/web"
      ? {
          status: 200,
          body: {
            metadata: { name: "web", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
            status: STATUS
          }
        }
      : notFound
  )

/** An operator that does not lead, as its dashboard answers. */
const startStandby = () =>
  new Promise<{ readonly url: string; readonly close: () => void }>((resolve) => {
    const server = createServer((_, response) => {
      const error = "This operator is a standby; pod-b leads"
      response.writeHead(404, { "x-nimbusguard-leader": "pod-b" }).end(JSON.stringify({ error }))
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      resolve({ url: `http://127.0.0.1:${port}`, close: () => void server.close() })
    })
  })

describe("nimbusguard explain", () => {
  it("tells a person the decisions of a file, made again", async () => {
    const { code, stderr, stdout } = await called([
      ...["explain", "scalep/web", "--file", dump, "--last", "8", "--replay", "--output", "text"]
    ])
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.include(stdout, "ScalingPolicy shop/web, Deployment web: 8 of ")
    for (const label of ["seen", "proposed", "limited", "decided", "written", "then", "replayed"]) {
      assert.match(stdout, new RegExp(`^ {2}${label}: +\\S`, "mu"))
    }
    assert.match(stdout, /\nReplayed 8: 8 the same\.\n$/u)
  })

  it("answers a program with what it can read again", async () => {
    const first = await called(["explain", "ScalingRule/jobs", "-n", "shop", "--file", dump, "--last", "3", "--replay"])
    const explained = JSON.parse(first.stdout) as Explained
    assert.deepStrictEqual(
      [first.code, explained.source, explained.records.length, explained.replays.map(({ _tag }) => _tag)],
      [0, dump, 3, ["Same", "Same", "Same"]]
    )
    const again = await called(["explain", "srule/jobs", "--file", kept("again.json", explained), "--replay"])
    assert.deepStrictEqual((JSON.parse(again.stdout) as Explained).records, explained.records)
  })

  it("ends with 1 when a decision comes out different, and shows where", () => {
    const web = records.filter(({ policy }) => policy.name === "web")
    const tampered = web.map((record, index) =>
      index === web.length - 2 ? { ...record, decision: { ...record.decision, desired: 99 } } : record
    )
    const file = kept("tampered.json", { policies, records: tampered })
    const { code, stdout } = nimbusguard(["explain", "scalep/web", "--file", file, "--replay", "--output", "text"])
    assert.strictEqual(code, 1)
    assert.match(stdout, /replayed: {2}DIFFERENT at desired: recorded 99, now \d+/u)
    assert.match(stdout, /Replayed 10: 9 the same, 1 DIFFERENT\./u)
  })

  it(
    "tells what status holds where no operator answers, and that this cannot be replayed",
    { timeout: 60_000 },
    async () => {
      const cluster = await startCluster()
      const url = `http://127.0.0.1:${await freePort()}`
      const ask = (...more: ReadonlyArray<string>) =>
        run(["explain", "scalep/web", "--url", url, "--kubeconfig", cluster.kubeconfig, ...more])
      const [told, replayed, other] = await Promise.all([
        ask("--output", "text"),
        ask("--replay"),
        ask("--namespace", "elsewhere")
      ])
      cluster.close()
      assert.deepStrictEqual([told.code, told.err], [0, ""])
      assert.include(told.out, `ScalingPolicy home/web, from its status. No operator answers at ${url}.`)
      assert.include(told.out, "2026-01-01T00:00:15Z  2 -> 4, Scaled\n  why:       rps 390 over 100 per pod wants 4")
      assert.strictEqual(replayed.code, 1)
      assert.include(replayed.err, "Only the operator's records, or a file of them, can be replayed")
      assert.strictEqual(other.code, 1)
      assert.include(other.err, "There is no ScalingPolicy elsewhere/web.")
    }
  )

  it("sends from a standby to the leader, and tells what status holds meanwhile", { timeout: 60_000 }, async () => {
    const [cluster, standby] = [await startCluster(), await startStandby()]
    const ask = (...more: ReadonlyArray<string>) =>
      run(["explain", "scalep/web", "--url", standby.url, "--kubeconfig", cluster.kubeconfig, ...more])
    const [told, replayed] = await Promise.all([ask("--output", "text"), ask("--replay")])
    cluster.close()
    standby.close()
    const forward = "kubectl -n nimbusguard port-forward pod/pod-b 8082"
    assert.deepStrictEqual([told.code, replayed.code], [0, 1])
    assert.include(told.out, "This operator is a standby; pod-b leads")
    assert.include(told.out, `For what was seen and proposed: ${forward}\n`)
    assert.include(told.out, "2026-01-01T00:00:15Z  2 -> 4, Scaled")
    assert.include(replayed.err, `can be replayed: ${forward}`)
  })

  it("says what is wrong with a name, and what a file does not hold", async () => {
    const wrong = await called(["explain", "deployment/web"])
    assert.deepStrictEqual([wrong.code, wrong.stdout], [1, ""])
    assert.include(wrong.stderr, "deployment/web names no policy: give KIND/NAME, such as scalep/web")
    const early = await called(["explain", "scalep/web", "--file", dump, "--at", "2020-01-01T00:00:00Z"])
    assert.strictEqual(early.code, 1)
    assert.include(early.stderr, "holds no decision of ScalingPolicy web from before 2026-01-01T00:00:00")
  })

  it("tells it in a model's plain words only where every number is the records', and else as ever", async () => {
    const stories = ["The signal signal-1 asked for less.", "It went to 4,000 replicas."]
    const server = createServer((request, response) => {
      request.resume()
      const content = JSON.stringify({ story: stories.shift() })
      response.end(JSON.stringify({ choices: [{ finish_reason: "stop", message: { content } }] }))
    })
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const env = { OPENAI_API_KEY: "sk-1", OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` }
    const ask = () => run(["explain", "srule/jobs", "--file", dump, "--last", "2", "--llm", "--output", "text"], env)
    const [good, bad] = [await ask(), await ask()]
    server.close()
    assert.include(good.out, "  The signal backlog asked for less.\n  (By a language model;")
    assert.notInclude(good.out, "proposed:")
    assert.include(bad.err, "numbers that the records do not hold (4000), so its story is not shown.")
    assert.include(bad.out, "proposed:")
    assert.deepStrictEqual([good.code, bad.code], [0, 0])
  })
})

describe("the name of a policy", () => {
  it.each(["scalep/web", "ScalingPolicy/web", "scalingpolicies/web", "SCALINGPOLICY/web"])("may be %s", (text) => {
    const { kind, name } = Result.getOrThrow(parseName(text))
    assert.deepStrictEqual([kind.kind, name], ["ScalingPolicy", "web"])
  })

  it.each(["web", "scalep/", "scalep/web/x", "pod/web", ""])("is not %j", (text) => {
    assert.isTrue(Result.isFailure(parseName(text)))
  })
})

describe("the moment", () => {
  const moment = (at: string | undefined, last: number | undefined) =>
    parseMoment(Option.fromUndefinedOr(at), Option.fromUndefinedOr(last))

  it("is the last ten, so many, or a time with its zone", () => {
    assert.deepStrictEqual(Result.getOrThrow(moment(undefined, undefined)), { _tag: "Last", count: 10 })
    assert.deepStrictEqual(Result.getOrThrow(moment(undefined, 3)), { _tag: "Last", count: 3 })
    assert.deepStrictEqual(Result.getOrThrow(moment("2026-01-01T01:00:00+01:00", undefined)), {
      _tag: "At",
      at: Date.parse("2026-01-01T00:00:00Z")
    })
  })

  it.each([
    { at: "2026-01-01T00:00:00Z", last: 3, says: "not both" },
    { at: "yesterday", last: undefined, says: "is no time" },
    // In whose zone?
    { at: "2026-01-01T00:00:00", last: undefined, says: "is no time" },
    { at: undefined, last: 0, says: "give 1 or more" }
  ])("is not at $at with the last $last", ({ at, last, says }) => {
    assert.include(Result.getOrThrow(Result.flip(moment(at, last))), says)
  })
})
