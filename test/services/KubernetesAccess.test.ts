import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { afterAll, assert, describe, it } from "vitest"
import { type AccessOptions, findAccess } from "#services/KubernetesAccess"

const folder = mkdtempSync(join(tmpdir(), "nimbusguard-access-"))
afterAll(() => rmSync(folder, { recursive: true }))

const write = (name: string, content: string | object) => {
  const path = join(folder, name)
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
  return path
}

const base64 = (text: string) => Buffer.from(text).toString("base64")
const config = (name: string, cluster: object, user: object, current = name) => ({
  apiVersion: "v1",
  kind: "Config",
  "current-context": current,
  clusters: [{ name, cluster }],
  users: [{ name, user }],
  contexts: [{ name, context: { cluster: name, user: name, namespace: `ns-${name}` } }]
})

const access = (options: AccessOptions) => Effect.runPromise(findAccess({ env: { HOME: folder }, ...options }))
const refusal = (options: AccessOptions) =>
  Effect.runPromise(Effect.flip(findAccess({ env: { HOME: folder }, ...options })))
const credentials = async (options: AccessOptions) => Effect.runPromise((await access(options)).load(false))

describe("access to a cluster", () => {
  it("says what to do when there is none", async () => {
    assert.match((await refusal({ serviceAccountFolder: folder })).message, /set KUBECONFIG or --kubeconfig/u)
    assert.match((await refusal({ kubeconfig: "/nowhere/config" })).message, /no kubeconfig at \/nowhere\/config/u)
    assert.match((await refusal({ context: "prod" })).message, /no kubeconfig at .*\.kube\/config/u)
  })

  it("uses the pod's service account, whose token is read again each time", async () => {
    write("token", "first\n")
    write("ca.crt", "PEM")
    write("namespace", "nimbusguard")
    const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" }
    const { cluster, load } = await access({ env, serviceAccountFolder: folder })
    assert.deepStrictEqual(cluster, {
      server: "https://[fd00::1]:6443",
      context: "in-cluster",
      namespace: "nimbusguard",
      proxyUrl: undefined,
      insecure: false
    })
    const first = await Effect.runPromise(load(false))
    assert.deepStrictEqual(first, { headers: { authorization: "Bearer first" }, tls: { ca: "PEM" } })
    write("token", "second")
    assert.strictEqual((await Effect.runPromise(load(false))).headers["authorization"], "Bearer second")
    rmSync(join(folder, "token"))
    assert.match((await Effect.runPromise(Effect.flip(load(false)))).message, /service account's token/u)
  })

  it("takes a kubeconfig that is named before the service account", async () => {
    write("token", "pod")
    const KUBECONFIG = write("named", config("named", { server: "https://named/" }, { token: "t" }))
    const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBECONFIG }
    assert.strictEqual((await access({ env, serviceAccountFolder: folder })).cluster.server, "https://named")
  })

  it("reads token, certificates, server name, proxy and trust from a kubeconfig", async () => {
    write("authority.pem", "CA")
    const cluster = {
      server: "https://k.example:6443/clusters/a",
      "certificate-authority": "authority.pem",
      "tls-server-name": "kubernetes",
      "proxy-url": "http://proxy:3128"
    }
    const user = {
      token: "t0ken",
      "client-certificate-data": base64("CERT"),
      "client-key-data": base64("KEY"),
      as: "ops"
    }
    const kubeconfig = write("full", config("full", cluster, user))
    const found = await access({ kubeconfig })
    assert.deepStrictEqual(found.cluster, {
      server: "https://k.example:6443/clusters/a",
      context: "full",
      namespace: "ns-full",
      proxyUrl: "http://proxy:3128",
      insecure: false
    })
    assert.deepStrictEqual(await Effect.runPromise(found.load(false)), {
      headers: { authorization: "Bearer t0ken", "impersonate-user": "ops" },
      tls: { ca: "CA", cert: "CERT", key: "KEY", servername: "kubernetes", rejectUnauthorized: undefined }
    })
  })

  it("knows user and password, and a server that nobody checks", async () => {
    const cluster = { server: "https://k", "insecure-skip-tls-verify": true }
    const kubeconfig = write("basic", config("basic", cluster, { username: "u", password: "p" }))
    const { headers, tls } = await credentials({ kubeconfig })
    assert.strictEqual(headers["authorization"], `Basic ${base64("u:p")}`)
    assert.isFalse(tls.rejectUnauthorized)
    assert.isTrue((await access({ kubeconfig })).cluster.insecure)
  })

  it("speaks to a server without TLS, as kubectl proxy is", async () => {
    const kubeconfig = write("plain", config("plain", { server: "http://127.0.0.1:8001" }, {}))
    assert.strictEqual((await access({ kubeconfig })).cluster.server, "http://127.0.0.1:8001")
    assert.deepStrictEqual((await credentials({ kubeconfig })).headers, {})
  })

  it("merges several kubeconfigs as kubectl does: what comes first holds, and missing files do not matter", async () => {
    const first = write("first", config("shared", { server: "https://first" }, { token: "1" }))
    const second = write("second", config("shared", { server: "https://second" }, { token: "2" }, "other"))
    const other = write("third", config("other", { server: "https://other" }, { token: "3" }))
    const KUBECONFIG = ["/nowhere", first, second, other].join(":")
    assert.strictEqual((await access({ env: { KUBECONFIG } })).cluster.server, "https://first")
    const chosen = await access({ env: { KUBECONFIG }, context: "other" })
    assert.strictEqual(chosen.cluster.server, "https://other")
    assert.match((await refusal({ env: { KUBECONFIG }, context: "prod" })).message, /no context named prod/u)
  })

  it("says which kubeconfig is broken, and that none of the contexts is current", async () => {
    const broken = write("broken", "clusters: [")
    assert.match((await refusal({ kubeconfig: broken })).message, /broken cannot be read/u)
    const none = write("none", config("none", { server: "https://k" }, {}, ""))
    assert.match((await refusal({ kubeconfig: none })).message, /no current context.*--kube-context.*It has: none/u)
    assert.match((await refusal({ kubeconfig: none, context: "prod" })).message, /no context named prod.*It has: none/u)
  })

  it("never quotes a kubeconfig that it cannot read, nor what a plugin said that is no credential", async () => {
    const broken = write("indented", "users:\n- name: u\n  user:\n    token: hunter2\n   as: x\n")
    const { message } = await refusal({ kubeconfig: broken })
    assert.match(message, /indented cannot be read: bad indentation of a mapping entry \(5:4\)$/u)
    const saying = async (name: string, args: ReadonlyArray<string>) => {
      const exec = { apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, args: ["-e", ...args] }
      const { load } = await access({ kubeconfig: write(name, config(name, { server: "https://k" }, { exec })) })
      return (await Effect.runPromise(Effect.flip(load(false)))).message
    }
    const garbled = await saying("garbled", ["console.log('hunter2')"])
    assert.match(garbled, /user garbled cannot be had: what its plugin answered is not JSON$/u)
    assert.match(
      await saying("mute", ["process.exit(3)"]),
      /user mute cannot be had: its plugin failed without a word$/u
    )
  })

  for (const { title, cluster, wanted } of [
    { title: "is no URL", cluster: { server: "not a url" }, wanted: /cluster odd has a server that is not an http/u },
    { title: "is of another kind", cluster: { server: "ftp://k" }, wanted: /cluster odd has a server that is not/u },
    {
      title: "carries a password",
      cluster: { server: "https://me:hunter2@k" },
      wanted: /cluster odd has a user and a password in its server's URL: move them/u
    },
    {
      title: "is behind a proxy that is no URL",
      cluster: { server: "https://k", "proxy-url": "hunter2@proxy" },
      wanted: /cluster odd has a proxy-url that is not/u
    }
  ]) {
    it(`refuses a server that ${title}, without repeating it`, async () => {
      const { message } = await refusal({ kubeconfig: write("odd", config("odd", cluster, {})) })
      assert.match(message, wanted)
      assert.notInclude(message, "hunter2")
    })
  }

  it("runs an exec plugin once, and again when its credentials were refused", async () => {
    const log = join(folder, "runs")
    writeFileSync(log, "")
    const status = { token: "from-plugin" }
    const answer = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status }
    const script = `require("fs").appendFileSync(${JSON.stringify(log)}, "x"); console.log(${JSON.stringify(JSON.stringify(answer))})`
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, args: ["-e", script] }
    const kubeconfig = write("exec", config("exec", { server: "https://k" }, { exec }))
    const { load } = await access({ kubeconfig })
    const runs = async (anew: boolean) => {
      assert.strictEqual((await Effect.runPromise(load(anew))).headers["authorization"], "Bearer from-plugin")
      return readFileSync(log, "utf8").length
    }
    assert.strictEqual(await runs(false), 1)
    assert.strictEqual(await runs(false), 1)
    assert.strictEqual(await runs(true), 2)
  })

  it("says which user's credentials cannot be had", async () => {
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "/nowhere/plugin" }
    const kubeconfig = write("noplugin", config("noplugin", { server: "https://k" }, { exec }))
    const { load } = await access({ kubeconfig })
    assert.match((await Effect.runPromise(Effect.flip(load(false)))).message, /user noplugin cannot be had: .*ENOENT/u)
  })
})
