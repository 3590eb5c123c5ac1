// The CRDs and the offline verdicts against a real API server: the server takes the CRDs, refuses every fixture with
// the very words that `validate` has for it, and kubectl explains the fields.
import { afterAll, assert, beforeAll, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { crdName } from "#manifests/crd"
import { fillHole } from "#manifests/plugs"
import { judgeOf } from "#manifests/validation"
import type { Verdict } from "#manifests/validation"
import { KINDS } from "#schemas/crd/index"
import type { CrdKind } from "#schemas/crd/index"
import type { Cluster } from "#test/controlplane/Cluster"
import { describeWith, runningCluster } from "#test/controlplane/suite"
import { installCrds } from "#test/integration/operator/OperatorProcess"
import { INVALID, VALID } from "#test/manifests/fixtures"
import { mutants } from "#test/manifests/mutate"

type Json = Readonly<Record<string, unknown>>

/** Cause by cause, as kubectl prints them; sorted, because the server's order is not fixed. */
const causesOf = (stderr: string): ReadonlyArray<string> => {
  const bad = /^Error from server \(BadRequest\): .*?: (\w+ in version ".*)$/mu.exec(stderr)
  if (bad?.[1] !== undefined) return [bad[1]]
  const [, after = stderr] = stderr.split(/ is invalid: ?\n?/u)
  return after
    .trim()
    .split("\n")
    .map((line) => line.replace(/^\* /u, ""))
    .toSorted()
}

const offline = (verdict: Verdict): ReadonlyArray<string> => {
  if (verdict._tag === "Accepted") return []
  if (verdict._tag === "BadRequest") return [verdict.message]
  return verdict.causes.map(({ field, message }) => `${field}: ${message}`).toSorted()
}

describeWith(["controlPlane"], "the CRDs", () => {
  let cluster: Cluster
  const kubectl = (...args: ReadonlyArray<string>) => cluster.kubectl(args)
  const judges = new Map(KINDS.map((kind) => [kind, judgeOf(kind, fillHole)]))
  const judge = (kind: CrdKind, object: unknown): Verdict => {
    const verdict = judges.get(kind)?.(object)
    if (verdict === undefined) throw new Error(`no judge for ${kind.kind}`)
    return verdict
  }
  const namespaces = [...new Set(VALID.map(({ object }) => namespaceOf(object)))].filter((name) => name !== "default")

  beforeAll(async () => {
    cluster = runningCluster()
    await installCrds(cluster)
    for (const name of namespaces) await cluster.kubectl(["create", "namespace", name], { allowFailure: true })
  })
  afterAll(async () => {
    for (const name of namespaces) await cluster.deleteNamespace(name)
  })

  it.each(KINDS)("are accepted and established: $kind", async (kind) => {
    const { stdout } = await kubectl(
      "get",
      "crd",
      crdName(kind),
      "-o",
      "jsonpath={range .status.conditions[*]}{.type}={.status} {end}"
    )
    assert.include(stdout, "Established=True")
    assert.include(stdout, "NamesAccepted=True")
    assert.notInclude(stdout, "NonStructuralSchema=True")
  })

  it("are found by the seed's own line", async () => {
    assert.include((await kubectl("get", "crd", "intelligentscaling.nimbusguard.io")).stdout, "intelligentscaling")
  })

  it.each(INVALID)("refuse $name with the words of validate", async ({ kind, object, path }) => {
    const { code, stderr } = await cluster.kubectl(["apply", "--dry-run=server", "-f", path], { allowFailure: true })
    assert.notStrictEqual(code, 0)
    assert.deepStrictEqual(causesOf(stderr), offline(judge(kind, object)))
  })

  it.each(VALID)("accept $name, and store the defaults that validate puts in", async ({ kind, object, path }) => {
    const { stdout } = await kubectl("apply", "--dry-run=server", "-o", "json", "-f", path)
    const verdict = judge(kind, object)
    assert.deepStrictEqual(offline(verdict), [])
    const { spec } = JSON.parse(stdout) as Json
    assert.deepStrictEqual(verdict._tag === "Accepted" && (verdict.object as Json)["spec"], spec)
  })

  const server = async (kind: CrdKind, object: unknown): Promise<ReadonlyArray<string>> => {
    const path = `/apis/${kind.group}/${kind.version}/namespaces/default/${kind.plural}`
    const { body, status } = await cluster.send<{
      readonly message?: string
      readonly details?: { readonly causes?: ReadonlyArray<{ readonly field: string; readonly message: string }> }
    }>("POST", `${path}?dryRun=All&fieldValidation=Strict`, { body: object })
    if (status === 201) return []
    return body.details?.causes?.map(({ field, message }) => `${field}: ${message}`).toSorted() ?? [body.message ?? ""]
  }

  it("judge what is almost right as validate does", async () => {
    for (const { kind, name, object } of mutants(VALID, 20_261_121, 500)) {
      assert.deepStrictEqual(
        await server(kind, object),
        offline(judge(kind, object)),
        `${name}: ${JSON.stringify(object)}`
      )
    }
  })

  it.each(KINDS)("judge any $kind as validate does", async (kind) => {
    const arbitrary = Arbitrary.schema(Schema.toEncoded(kind.wire) as Schema.Codec<unknown>)
    const specs = await Effect.runPromise(Arbitrary.sampleEffect(arbitrary, { count: 60, seed: 7 }))
    const head = { apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind, metadata: { name: "any" } }
    for (const spec of specs) {
      // Half a surrogate pair cannot be sent.
      const text = JSON.stringify({ ...head, spec: withoutHoles(spec) }).replaceAll(/\\ud[89a-f][0-9a-f]{2}/gu, "?")
      const object = JSON.parse(text) as unknown
      assert.deepStrictEqual(await server(kind, object), offline(judge(kind, object)), text)
    }
  })

  it.each([
    ["scalingpolicy.spec.signals.target.value", /What the metric is held at/u],
    ["scalep.spec.scaling.behavior.scaleDown", /stabilizationWindowSeconds/u],
    ["iscale.spec.metrics_config.metrics.condition", /vote for more replicas/u],
    ["srule.spec.natsMonitoringURL", /Address of the NATS monitoring port/u],
    ["gscaler.spec.metric.redis.passwordSecret", /Where the password is/u],
    ["gscaler.status.conditions.message", /A sentence for a person/u]
  ])("explain %s like documentation", async (field, words) => {
    assert.match((await kubectl("explain", field)).stdout.replaceAll(/\s+/gu, " "), words)
  })

  it("show all kinds together, in the columns that a person asks for", async () => {
    const namespace = await cluster.newNamespace("columns")
    for (const { object } of VALID.filter(({ name }) => name.includes("seed-"))) {
      const own = { ...(object as Json), metadata: { ...((object as Json)["metadata"] as Json), namespace } }
      await cluster.apply(JSON.stringify(own), namespace)
    }
    const { stdout } = await kubectl("get", "scalers", "-n", namespace)
    const headers = stdout.split("\n").filter((line) => line.startsWith("NAME"))
    assert.strictEqual(headers.length, KINDS.length)
    for (const header of headers) {
      assert.deepStrictEqual(
        header.trim().split(/\s+/u),
        ["NAME", "TARGET", "MODE", "MIN", "MAX", "CURRENT", "DESIRED", "READY", "AGE"],
        header
      )
    }
    const wide = (await kubectl("get", "gscaler", "-n", namespace, "-o", "wide")).stdout
    assert.match(wide, /AGE\s+PHASE\s+REASON\s+LAST SCALE/u)
  })

  it("refuse a word of the status that is not ours, and keep one condition of each type", async () => {
    const namespace = await cluster.newNamespace("status")
    await cluster.apply(readFileSync(VALID.find(({ name }) => name.includes("minimal"))?.path ?? "", "utf8"), namespace)
    const patch = (status: object) =>
      cluster.kubectl(
        [
          "patch",
          "scalep",
          "web",
          "-n",
          namespace,
          "--subresource=status",
          "--type=merge",
          "-p",
          JSON.stringify({ status })
        ],
        { allowFailure: true }
      )
    assert.match((await patch({ phase: "Sleepy" })).stderr, /Unsupported value: "Sleepy"/u)
    const condition = {
      type: "Ready",
      status: "True",
      reason: "PolicyActive",
      message: "All is well.",
      lastTransitionTime: "2026-01-01T00:00:00Z"
    }
    assert.match((await patch({ conditions: [condition, condition] })).stderr, /Duplicate value/u)
    assert.strictEqual((await patch({ phase: "Active", conditions: [condition] })).code, 0)
  })
})

function namespaceOf(object: unknown): string {
  const { metadata } = object as { readonly metadata: { readonly namespace?: string | null } }
  return metadata.namespace ?? "default"
}

/** Random keys would all be unknown fields; the sources and engines are for the fixtures. */
function withoutHoles(spec: unknown): unknown {
  if (typeof spec !== "object" || spec === null) return spec
  const known = ["name", "target", "role", "onEmpty", "onMissing", "maxSampleAge", "type", "targetValue", "targetType"]
  const only = (item: unknown) =>
    Object.fromEntries(Object.entries(item as Json).filter(([name]) => known.includes(name)))
  const { aiConfig: _, engines: __, metric, signals, ...rest } = spec as Json
  return {
    ...rest,
    ...(metric === undefined ? {} : { metric: only(metric) }),
    ...(Array.isArray(signals) ? { signals: signals.map(only) } : {})
  }
}
