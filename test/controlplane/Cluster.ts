// What a test does with the control plane: requests, kubectl, kubeconfigs, namespaces, APIServices, the audit log, and
// the misfortunes (kill, freeze). It is built from an address that can be handed to another process, because the control
// plane is started once per run and the tests live in workers.
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { Agent, request as httpsRequest } from "node:https"
import { join } from "node:path"
import type { Programs } from "./Binaries.ts"
import { CertificateAuthority } from "./Certificates.ts"
import { eventually } from "./eventually.ts"
import { FaultProxy, type FaultProxyOptions } from "./FaultProxy.ts"

export type Component = "etcd" | "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "kwok"

export type Verb = "kill" | "restart" | "freeze" | "thaw"

/** Everything needed to use a control plane from another process; JSON. */
export interface ClusterAddress {
  readonly url: string
  readonly folder: string
  readonly auditLogPath: string
  readonly adminToken: string
  readonly users: Readonly<Record<string, string>>
  readonly programs: Programs
  /** Where the owner of the processes listens for kill, restart, freeze and thaw. */
  readonly controlUrl: string
}

/** The part of a Kubernetes object that every one has; the rest is the test's business. */
export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly generation?: number
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly [key: string]: unknown
  }
  readonly [key: string]: unknown
}

export interface KubernetesList<A = KubernetesObject> {
  readonly metadata: { readonly resourceVersion: string }
  readonly items: ReadonlyArray<A>
}

export interface ApiAnswer<A> {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: A
}

export interface ApiOptions {
  readonly body?: unknown
  readonly contentType?: string
  readonly token?: string
  readonly timeoutMillis?: number
}

/** The API server's refusal, with its own sentence. */
export class ApiError extends Error {
  readonly status: number
  readonly reason: string
  constructor(method: string, path: string, status: number, body: unknown) {
    const told = body instanceof Object ? (body as { message?: string; reason?: string }) : {}
    super(`${method} ${path} answered ${status}: ${told.message ?? String(body)}`)
    this.status = status
    this.reason = told.reason ?? ""
  }
}

export interface AuditEvent {
  readonly auditID: string
  readonly stage: string
  readonly verb: string
  readonly requestURI: string
  readonly userAgent?: string
  readonly user: { readonly username: string; readonly groups?: ReadonlyArray<string> }
  readonly objectRef?: {
    readonly apiGroup?: string
    readonly resource?: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code?: number }
  /** Of requests to a scale subresource alone, what was sent and what came back. */
  readonly requestObject?: unknown
  readonly responseObject?: unknown
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
}

export interface KubeconfigOptions {
  /** Default: the admin's. */
  readonly token?: string
  /** Default: the API server itself; give a FaultProxy's url to put it in between. */
  readonly server?: string
  /** The context's namespace. */
  readonly namespace?: string
}

export interface KubectlOptions {
  readonly input?: string
  readonly kubeconfig?: string
  /** Default: the pinned 1.36; "path" takes whatever kubectl is on the PATH. */
  readonly version?: "1.36" | "path"
  /** Default: throw when kubectl ends with another code than 0. */
  readonly allowFailure?: boolean
}

export interface KubectlResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface ApiServiceOptions {
  readonly group: string
  readonly version: string
  /** Of an HTTPS server on this machine's loopback. */
  readonly port: number
  /** PEM; default: no verification. `Cluster.issueCertificate` gives names that the cluster's CA can vouch for. */
  readonly caBundle?: string
}

export interface NodeOptions {
  readonly cpu?: string
  readonly memory?: string
  readonly pods?: number
  readonly labels?: Readonly<Record<string, string>>
}

const unique = (): string => randomBytes(4).toString("hex")

export const kubeconfigText = (options: {
  readonly server: string
  readonly caPath: string
  readonly user: Readonly<Record<string, string>>
  readonly namespace?: string
}): string =>
  JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "test", cluster: { server: options.server, "certificate-authority": options.caPath } }],
      users: [{ name: "test", user: options.user }],
      contexts: [
        {
          name: "test",
          context: {
            cluster: "test",
            user: "test",
            ...(options.namespace === undefined ? {} : { namespace: options.namespace })
          }
        }
      ],
      "current-context": "test"
    },
    undefined,
    2
  )

export class Cluster {
  readonly address: ClusterAddress
  readonly authority: CertificateAuthority
  readonly #agent: Agent

  constructor(address: ClusterAddress) {
    this.address = address
    this.authority = new CertificateAuthority(address.folder)
    this.#agent = new Agent({ keepAlive: true, ca: readFileSync(this.authority.certificatePath) })
  }

  get url(): string {
    return this.address.url
  }

  /** PEM of the one CA that signs the API server, the fault proxies and issued certificates. */
  get ca(): string {
    return readFileSync(this.authority.certificatePath, "utf8")
  }

  /** Ends this view's connections; the control plane itself stays. */
  disconnect(): void {
    this.#agent.destroy()
  }

  // --- requests

  /** One request; any status is an answer, only a broken connection throws. */
  send<A = unknown>(method: string, path: string, options: ApiOptions = {}): Promise<ApiAnswer<A>> {
    const { body, token = this.address.adminToken, contentType = "application/json", timeoutMillis = 30_000 } = options
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        `${this.url}${path}`,
        {
          method,
          agent: this.#agent,
          headers: {
            accept: "application/json",
            authorization: `Bearer ${token}`,
            "user-agent": "nimbusguard-test",
            ...(text === undefined
              ? {}
              : { "content-type": contentType, "content-length": String(Buffer.byteLength(text)) })
          }
        },
        (response) => {
          const chunks: Array<Buffer> = []
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.once("error", reject)
          response.once("end", () => {
            const answer = Buffer.concat(chunks).toString()
            const isJson = (response.headers["content-type"] ?? "").includes("json")
            try {
              resolve({
                status: response.statusCode ?? 0,
                headers: response.headers,
                body: (isJson && answer !== "" ? JSON.parse(answer) : answer) as A
              })
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)))
            }
          })
        }
      )
      request.once("error", reject)
      request.setTimeout(timeoutMillis, () => request.destroy(new Error(`${method} ${path}: no answer in time`)))
      request.end(text)
    })
  }

  /** One request that has to succeed. */
  async request<A = KubernetesObject>(method: string, path: string, options: ApiOptions = {}): Promise<A> {
    const answer = await this.send<A>(method, path, options)
    if (answer.status >= 200 && answer.status < 300) return answer.body
    throw new ApiError(method, path, answer.status, answer.body)
  }

  get<A = KubernetesObject>(path: string): Promise<A> {
    return this.request<A>("GET", path)
  }

  list<A = KubernetesObject>(path: string): Promise<KubernetesList<A>> {
    return this.request<KubernetesList<A>>("GET", path)
  }

  /** The object, or undefined when there is none. */
  async find<A = KubernetesObject>(path: string): Promise<A | undefined> {
    const answer = await this.send<A>("GET", path)
    if (answer.status === 404) return undefined
    if (answer.status === 200) return answer.body
    throw new ApiError("GET", path, answer.status, answer.body)
  }

  create<A = KubernetesObject>(path: string, body: unknown): Promise<A> {
    return this.request<A>("POST", path, { body })
  }

  replace<A = KubernetesObject>(path: string, body: unknown): Promise<A> {
    return this.request<A>("PUT", path, { body })
  }

  /** A merge patch. */
  patch<A = KubernetesObject>(path: string, body: unknown): Promise<A> {
    return this.request<A>("PATCH", path, { body, contentType: "application/merge-patch+json" })
  }

  /** Deletes the object; one that is not there is fine. */
  async delete(path: string): Promise<void> {
    const answer = await this.send("DELETE", path, { body: { propagationPolicy: "Background" } })
    if (answer.status >= 300 && answer.status !== 404) throw new ApiError("DELETE", path, answer.status, answer.body)
  }

  // --- kubectl and kubeconfigs

  /** Writes a kubeconfig file and returns its path. */
  async kubeconfig(options: KubeconfigOptions = {}): Promise<string> {
    const { server = this.url, token = this.address.adminToken, namespace } = options
    return this.#writeKubeconfig({ token }, server, namespace)
  }

  /** The same with a client certificate for any user in any groups, which no token file has to know. */
  async certificateKubeconfig(
    user: string,
    groups: ReadonlyArray<string> = [],
    options: Omit<KubeconfigOptions, "token"> = {}
  ): Promise<string> {
    const name = `client-${unique()}`
    const { certificatePath, keyPath } = await this.authority.issue({ name, commonName: user, organizations: groups })
    const { server = this.url, namespace } = options
    return this.#writeKubeconfig({ "client-certificate": certificatePath, "client-key": keyPath }, server, namespace)
  }

  async #writeKubeconfig(user: Readonly<Record<string, string>>, server: string, namespace?: string): Promise<string> {
    const path = join(this.address.folder, `kubeconfig-${unique()}.json`)
    const text = kubeconfigText({
      server,
      caPath: this.authority.certificatePath,
      user,
      ...(namespace === undefined ? {} : { namespace })
    })
    await writeFile(path, text, { mode: 0o600 })
    return path
  }

  /** The token of a user that the control plane was started with. */
  userToken(name: string): string {
    const token = this.address.users[name]
    if (token === undefined) throw new Error(`no user ${name}: it has ${Object.keys(this.address.users).join(", ")}`)
    return token
  }

  /** A real token of a service account, by TokenRequest. */
  async serviceAccountToken(namespace: string, name: string, expirationSeconds = 3600): Promise<string> {
    const answer = await this.create<{ readonly status: { readonly token: string } }>(
      `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds } }
    )
    return answer.status.token
  }

  async kubectl(args: ReadonlyArray<string>, options: KubectlOptions = {}): Promise<KubectlResult> {
    const { version = "1.36", allowFailure = false, input } = options
    const program = version === "path" ? "kubectl" : (this.address.programs["kubectl-1.36"] ?? "kubectl")
    const kubeconfig = options.kubeconfig ?? (await this.kubeconfig())
    const result = await new Promise<KubectlResult>((resolve, reject) => {
      const child = execFile(
        program,
        [...args],
        {
          env: { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: join(this.address.folder, "kubectl-cache") },
          maxBuffer: 64 * 1024 * 1024
        },
        (error, stdout, stderr) => {
          if (error !== null && typeof error.code !== "number") reject(error)
          else resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
        }
      )
      child.stdin?.on("error", () => undefined)
      child.stdin?.end(input ?? "")
    })
    if (result.code !== 0 && !allowFailure) {
      throw new Error(`kubectl ${args.join(" ")} ended with code ${result.code}:\n${result.stderr}${result.stdout}`)
    }
    return result
  }

  /** `kubectl apply` of one or more YAML or JSON documents. */
  async apply(manifest: string, namespace?: string): Promise<void> {
    await this.kubectl(["apply", ...(namespace === undefined ? [] : ["-n", namespace]), "-f", "-"], { input: manifest })
  }

  // --- the world of one test

  /** A namespace of the test's own, ready for pods. */
  async newNamespace(prefix = "test", labels: Readonly<Record<string, string>> = {}): Promise<string> {
    const name = `${prefix}-${unique()}`
    await this.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } })
    // Pods are refused until the controller has made the default service account.
    await eventually(() => this.find(`/api/v1/namespaces/${name}/serviceaccounts/default`), {
      what: `the default service account of namespace ${name}`,
      intervalMillis: 20
    })
    return name
  }

  /** Starts the deletion; the namespace controller finishes it. */
  deleteNamespace(name: string): Promise<void> {
    return this.delete(`/api/v1/namespaces/${name}`)
  }

  /** A Deployment of a pause container; kwok makes its pods Ready. */
  createDeployment(
    namespace: string,
    name: string,
    replicas: number,
    options: {
      readonly labels?: Readonly<Record<string, string>>
      readonly cpu?: string
      readonly memory?: string
    } = {}
  ): Promise<KubernetesObject> {
    const { labels = {}, cpu = "100m", memory = "64Mi" } = options
    return this.create(`/apis/apps/v1/namespaces/${namespace}/deployments`, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, labels },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name, ...labels } },
          spec: { containers: [{ name: "app", image: "pause", resources: { requests: { cpu, memory } } }] }
        }
      }
    })
  }

  /** Waits until the Deployment wants, has and has Ready exactly so many replicas. */
  async deploymentReady(namespace: string, name: string, replicas: number, timeoutMillis = 120_000): Promise<void> {
    await eventually(
      async (seen) => {
        const { metadata, spec, status } = await this.get<{
          readonly metadata: { readonly generation: number }
          readonly spec: { readonly replicas: number }
          readonly status: {
            readonly observedGeneration?: number
            readonly replicas?: number
            readonly readyReplicas?: number
          }
        }>(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}`)
        seen({ replicas: spec.replicas, status })
        return (
          spec.replicas === replicas &&
          status.observedGeneration === metadata.generation &&
          (status.replicas ?? 0) === replicas &&
          (status.readyReplicas ?? 0) === replicas
        )
      },
      { what: `Deployment ${namespace}/${name} to have ${replicas} Ready replicas`, timeoutMillis }
    )
  }

  /** Sets replicas through the scale subresource, as a human with kubectl does. */
  async scaleDeployment(namespace: string, name: string, replicas: number): Promise<void> {
    await this.patch(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}/scale`, { spec: { replicas } })
  }

  /** A node that kwok plays; without options a very large one. */
  async addNode(name: string, options: NodeOptions = {}): Promise<void> {
    const { cpu = "10000", memory = "100Ti", pods = 100_000, labels = {} } = options
    const size = { cpu, memory, pods: String(pods) }
    await this.create("/api/v1/nodes", {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", ...labels } },
      status: { capacity: size, allocatable: size }
    })
  }

  /** Every finished request so far that the filter takes; bodies are kept of /scale alone. */
  async auditEvents(filter: (event: AuditEvent) => boolean = () => true): Promise<ReadonlyArray<AuditEvent>> {
    const text = await readFile(this.address.auditLogPath, "utf8")
    // The last line may be half written.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1)
    return whole
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter(filter)
  }

  // --- neighbours

  /** A fault proxy in front of the API server, with a certificate that the cluster's CA signed. */
  async faultProxy(options: Omit<FaultProxyOptions, "upstream"> = {}): Promise<FaultProxy> {
    const certificate = await this.issueCertificate(`proxy-${unique()}`)
    return FaultProxy.start({ upstream: this.url, upstreamCa: this.ca, tls: certificate, ...options })
  }

  /** A server certificate for loopback and for any Service of kube-system. */
  async issueCertificate(name: string): Promise<{ readonly cert: string; readonly key: string }> {
    const { certificatePath, keyPath } = await this.authority.issue({ name, dnsNames: ["*.kube-system.svc"] })
    return { cert: await readFile(certificatePath, "utf8"), key: await readFile(keyPath, "utf8") }
  }

  /**
   * Points an aggregated API at a server on loopback and waits until the aggregator reaches it. Endpoints may not hold
   * a loopback address, but a Service of type ExternalName may name it. Returns what takes it away again.
   */
  async registerApiService({ group, version, port, caBundle }: ApiServiceOptions): Promise<() => Promise<void>> {
    const name = `${version}.${group}`
    const service = `aggregated-${unique()}`
    const path = `/apis/apiregistration.k8s.io/v1/apiservices`
    await this.create("/api/v1/namespaces/kube-system/services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: service },
      spec: { type: "ExternalName", externalName: "localhost", ports: [{ port }] }
    })
    const unregister = async () => {
      await this.delete(`${path}/${name}`)
      await this.delete(`/api/v1/namespaces/kube-system/services/${service}`)
    }
    try {
      await this.create(path, {
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name },
        spec: {
          group,
          version,
          groupPriorityMinimum: 100,
          versionPriority: 100,
          service: { name: service, namespace: "kube-system", port },
          ...(caBundle === undefined
            ? { insecureSkipTLSVerify: true }
            : { caBundle: Buffer.from(caBundle).toString("base64") })
        }
      })
      await eventually(
        async (seen) => {
          const found = await this.get<{
            readonly status?: {
              readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }>
            }
          }>(`${path}/${name}`)
          seen(found.status)
          return found.status?.conditions?.some((each) => each.type === "Available" && each.status === "True") ?? false
        },
        { what: `APIService ${name} to be Available` }
      )
    } catch (error) {
      await unregister()
      throw error
    }
    return unregister
  }

  // --- misfortunes

  /** Kills, restarts, freezes (SIGSTOP) or thaws one process of the control plane. */
  async control(verb: Verb, component: Component): Promise<void> {
    const answer = await fetch(`${this.address.controlUrl}/${verb}/${component}`, { method: "POST" })
    if (!answer.ok) throw new Error(`${verb} ${component}: ${await answer.text()}`)
  }

  /** kill -9; connections break at once. */
  killApiServer(): Promise<void> {
    return this.control("kill", "kube-apiserver")
  }

  /** The same port, the same etcd; returns when it is ready. */
  restartApiServer(): Promise<void> {
    return this.control("restart", "kube-apiserver")
  }

  /** The process keeps its connections and answers nothing: freeze kwok, and new pods stay unready. */
  freeze(component: Component): Promise<void> {
    return this.control("freeze", component)
  }

  thaw(component: Component): Promise<void> {
    return this.control("thaw", component)
  }
}
