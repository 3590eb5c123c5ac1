// `nimbusguard dev` as its user has it: a process, stock kubectl against the line that it prints, the seeds' curl lines
// word for word, a second one beside it, and Ctrl-C.
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually } from "#test/controlplane/eventually"

const root = new URL("../..", import.meta.url).pathname

interface Dev {
  readonly process: ChildProcess
  readonly text: () => string
  readonly ended: Promise<number | null>
}

const start = (...args: ReadonlyArray<string>): Dev => {
  const child = spawn(process.execPath, ["src/main.ts", "dev", ...args], {
    cwd: root,
    // A kubeconfig of somebody's cluster must make no difference.
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", KUBECONFIG: "/nonexistent/config" }
  })
  let text = ""
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()))
  return { process: child, text: () => text, ended: new Promise((resolve) => void child.on("close", resolve)) }
}

const printed = (dev: Dev, pattern: RegExp): Promise<string> =>
  eventually(
    (seen) => {
      seen(dev.text())
      return pattern.exec(dev.text())?.[1]
    },
    { what: `${pattern} in what is printed` }
  )

const kubeconfigOf = (dev: Dev) => printed(dev, /export KUBECONFIG=(\S+)\n/u)

const run = (file: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  // kubectl would keep its cache in this folder, or make a home that is none.
  new Promise<{ readonly code: number; readonly out: string; readonly err: string }>((resolve) => {
    execFile(
      file,
      args,
      { cwd: root, env: { PATH: process.env["PATH"] ?? "", KUBECACHEDIR: join(root, ".cache/kubectl"), ...env } },
      (error, out, err) => {
        resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : 1, out, err })
      }
    )
  })

const says = (ask: () => ReturnType<typeof run>, pattern: RegExp) =>
  eventually(
    async (seen) => {
      const { out } = await ask()
      seen(out)
      return pattern.test(out)
    },
    { what: `${pattern}`, timeoutMillis: 180_000 }
  )

const KUBECTLS = ["kubectl", `${root}.cache/bin/kubectl-1.36`].filter(
  (program) => !program.startsWith("/") || existsSync(program)
)

/** Of seed 3, as they stand there. */
const SEED = {
  cpu: `curl -X POST "http://localhost:8080/api/v1/workload/cpu/start" \\
  -H "Content-Type: application/json" \\
  -d '{"intensity": 80, "duration": 300}'`,
  event: `curl -X POST "http://localhost:8080/api/v1/events/trigger" \\
  -H "Content-Type: application/json" \\
  -d '{
    "event_type": "high_cpu_usage",
    "service": "consumer-workload",
    "value": 90
  }'`,
  load: `curl -X POST "http://localhost:8081/load/generate" \\
  -H "Content-Type: application/json" \\
  -d '{
    "pattern": "spike",
    "duration": 300,
    "target": "http",
    "intensity": 75
  }'`
}

describe("nimbusguard dev", () => {
  let dev: Dev
  let kubeconfig = ""
  const kubectl = (...args: ReadonlyArray<string>) => run("kubectl", args, { KUBECONFIG: kubeconfig })

  beforeAll(async () => {
    dev = start("--duration", "15m")
    kubeconfig = await kubeconfigOf(dev)
    await says(() => kubectl("get", "scalers"), /worker-scaler.*True/u)
  })

  afterAll(async () => {
    dev.process.kill("SIGKILL")
    await dev.ended
  })

  /** Another program may hold a port of the seeds on this machine; dev then says which it took instead. */
  const typed = async (line: string) => {
    const at = (name: string, port: number) =>
      Number(new RegExp(`${name}: (\\d+) instead of ${port}`, "u").exec(dev.text())?.[1] ?? port)
    const moved = line
      .replace(":8080", `:${at("probes and workload", 8080)}`)
      .replace(":8081", `:${at("load generator", 8081)}`)
    const { code, err, out } = await run("bash", ["-c", moved])
    expect(code, err).toBe(0)
    return JSON.parse(out) as Record<string, unknown>
  }

  it.each(KUBECTLS)("is a cluster to %s", async (program) => {
    const say = async (...args: ReadonlyArray<string>) => (await run(program, args, { KUBECONFIG: kubeconfig })).out
    const scalers = await say("get", "scalers", "--all-namespaces")
    for (const kind of ["scalingpolicy", "intelligentscaling", "scalingrule", "generalscaler"]) {
      expect(scalers).toContain(`${kind}.`)
    }
    expect(await say("get", "deployments")).toMatch(/consumer-workload +\d+\/\d+/u)
    expect(await say("rollout", "status", "deployment/my-app", "--timeout=60s")).toContain("successfully rolled out")
    expect(await say("describe", "scalingpolicy", "consumer-workload-ai-scaling")).toMatch(/Reasoning: +cpu/u)
    await says(() => run(program, ["top", "pods"], { KUBECONFIG: kubeconfig }), /consumer-workload-\S+ +\d+m/u)
    expect(await say("get", "leases", "-n", "nimbusguard")).toContain("nimbusguard-operator")
  })

  it("scales the consumer workload by seed 3's CPU line, and wakes its policy by the event line", async () => {
    expect(await typed(SEED.cpu)).toMatchObject({ status: "started", service: "consumer-workload" })
    expect(await typed(SEED.event)).toMatchObject({ matched: 1 })
    const replicas = () => kubectl("get", "deployment", "consumer-workload", "-o", "jsonpath={.spec.replicas}")
    await says(replicas, /^(?:[3-9]|10)$/u)
  })

  it("begins a spike by seed 3's load line", async () => {
    expect(await typed(SEED.load)).toMatchObject({ status: "started", service: "my-app", pattern: "spike" })
    expect(dev.text()).toMatch(/load: my-app gets spike for 300 s/u)
  })

  it("tells each change of replicas in a line with its reason", async () => {
    await printed(dev, /(scalep\/consumer-workload-ai-scaling: consumer-workload \d+ -> \d+: cpu \d+ % over 70 %)/u)
  })

  it("lets a second one run beside it, which says where its ports are and why", async () => {
    const other = start("--duration", "5s")
    const its = await kubeconfigOf(other)
    expect(its).not.toBe(kubeconfig)
    expect(other.text()).toMatch(/dashboard: \d+ instead of 8082: another program listens there/u)
    expect(await other.ended).toBe(0)
    expect(existsSync(dirname(its))).toBe(false)
    expect((await kubectl("get", "scalers")).code).toBe(0)
  })

  it("ends with Ctrl-C as somebody expects, and leaves neither a file nor a port behind", async () => {
    dev.process.kill("SIGINT")
    expect(await dev.ended).toBe(0)
    expect(existsSync(dirname(kubeconfig))).toBe(false)
    expect((await kubectl("get", "scalers", "--request-timeout=5s")).code).not.toBe(0)
  })
})
